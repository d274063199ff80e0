/*
 * Runs that may be claimed: those that are queued, except an enqueued one that is not the oldest
 * of the runs of its thread that have not ended. They stand in the order of claims twice, among
 * all and among those of their assistant, so that a claim is a seek for each assistant it names.
 */
#pragma once

#include "daemon/store/store.h"

/* Put the rows of the run at @run_key right, after it or its place among its thread's changed. */
void ready_update(struct txn *txn, struct slice run_key);

/* The same for the oldest run of a thread that has not ended, if that is an enqueued one. */
void ready_update_first(struct txn *txn, struct slice thread_id);

/* Did a run of this assistant, in this thread, come to be claimed? ptr NULL: of any, in any. */
bool readied_has(const struct readied *readied, struct slice assistant, struct slice thread_id);

/* Is the run at this key to be claimed? */
bool ready_has(struct txn *txn, struct slice run_key);

/*
 * The oldest of all, of one of @n assistants when @n is not 0, and of one thread when @thread_id
 * is not ptr NULL. False when there is none.
 */
struct ready_filter {
	const struct slice *assistants;
	unsigned int n;
	struct slice thread_id;
};

bool ready_first(struct txn *txn, const struct ready_filter *filter, struct key *run_key);
