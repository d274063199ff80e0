/*
 * The feed of changes: every transition of runs and steps, every create, delete and change of
 * metadata, numbered in the order in which they were committed.
 */
#pragma once

#include "daemon/store/store.h"

/* Kept: changes, and their age. Older ones are removed as new ones come, and once a minute. */
#define CHANGES_KEPT 1000000
#define CHANGES_KEPT_MS (7LL * 24 * 3600 * 1000)

struct change {
	uint64_t seq;	   /* from changes_next_seq() */
	const char *event; /* after its prefix: "created", "completed", ... */
	struct slice thread_id;
	struct slice run_id;
	struct slice step_id; /* ptr NULL: a change of the run */
	const char *from;     /* status, or NULL */
	const char *to;
};

/* The number of the change to come, which is also the object's where it creates one. */
uint64_t changes_next_seq(struct txn *txn);

/*
 * Store a change and append it to txn->events: a topic "thread/run" and a frame, each with its
 * length before it (8 bytes).
 */
void changes_add(struct txn *txn, const struct change *change);

/* Take the next topic and frame from the events of a committed transaction. */
bool changes_take_event(struct slice *events, struct slice *topic, struct slice *frame);

/* Remove some of what is too old or too much, never the last; called once a transaction. */
void changes_trim(struct txn *txn);
