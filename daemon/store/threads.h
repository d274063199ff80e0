/*
 * Threads: what is counted of each, their order, and what they were created with. A thread comes to
 * be when it is created, or with its first run or message.
 */
#pragma once

#include "daemon/store/store.h"

struct thread {
	int64_t created_at; /* when it was created, or of the earliest run that it ever had */
	uint64_t seq;	    /* place among the threads of one second */
	uint64_t runs;
	uint64_t steps;
	bool created;		     /* else it came to be with a run or a message */
	struct slice tool_resources; /* encoded; ptr NULL: it was never created or changed */
	struct slice metadata;	     /* the same */
};

/* What is read is borrowed until the next write. */
bool threads_get(struct txn *txn, struct slice id, struct thread *out);

/* Store a thread; one that was changed may have another time. A new one needs a number. */
void threads_put(struct txn *txn, struct slice id, const struct thread *t);

/* A run that was created at @created_at, and has the number @seq, came to the thread. */
void threads_add_run(struct txn *txn, struct slice id, int64_t created_at, uint64_t seq);

/* A message did: the thread comes to be if it is not there. */
void threads_add_message(struct txn *txn, struct slice id, int64_t created_at, uint64_t seq);

/* Runs and steps that came or went. */
void threads_count(struct txn *txn, struct slice id, int64_t runs, int64_t steps);

void threads_remove(struct txn *txn, struct slice id);

/* Add a change of a thread; @object is the Thread as it leaves it, ptr NULL when it is gone. */
void threads_note(
	struct txn *txn, struct slice id, const char *event, uint64_t seq, struct slice object);
