/* Threads: what is counted of each, and their order. */
#pragma once

#include "daemon/store/store.h"

struct thread {
	int64_t created_at; /* of the earliest run that it ever had */
	uint64_t seq;	    /* place among the threads of one second */
	uint64_t runs;
	uint64_t steps;
};

bool threads_get(struct txn *txn, struct slice id, struct thread *out);

/* A run that was created at @created_at, and has the number @seq, came to the thread. */
void threads_add_run(struct txn *txn, struct slice id, int64_t created_at, uint64_t seq);

/* Runs and steps that came or went. */
void threads_count(struct txn *txn, struct slice id, int64_t runs, int64_t steps);

void threads_remove(struct txn *txn, struct slice id);
