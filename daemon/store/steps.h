/* Steps: the table, its indexes, and those that are in progress. */
#pragma once

#include "daemon/store/runs.h"

struct step {
	struct slice v[N_STEP_FIELDS]; /* encoded values, in the arena */
	struct key key;		       /* in T_STEPS */
	struct key run_key;	       /* of its run, in T_RUNS */
	struct slice id;
	struct slice run_id;
	struct slice thread_id;
	enum step_status status; /* as stored, until steps_replace() */
};

/* The part that the keys of all steps of a run begin with. */
struct key steps_prefix(struct slice thread_id, struct slice run_id);

/* A step's stored bytes, borrowed, and its key; false when there is none of that id. */
bool steps_find(struct txn *txn, struct slice id, struct slice *bytes, struct key *key);

/* Take apart a record, all but the keys: @out points into @bytes. False when it is damaged. */
bool steps_read(struct slice bytes, struct step *out);

/* Find a step of @run, copied and taken apart; false also when it is of another run. */
bool steps_load(struct txn *txn, const struct run *run, struct slice id, struct step *out);

/*
 * As runs_insert() and runs_replace(); a change that leaves the status is called @same: "updated",
 * or "delta" where the step grew.
 */
void steps_insert(struct txn *txn, struct step *step, struct slice bytes, const char *event);
void steps_replace(struct txn *txn, struct step *step, struct slice bytes, const char *same);

/* Remove the steps of a run without a change for each; returns how many there were. */
uint64_t steps_remove_all(struct txn *txn, const struct run *run);

/* A walk over the steps in progress of a run that is not terminal, oldest first. */
struct open_steps {
	const struct run *run;
	struct key from; /* what follows is looked at next */
	uint64_t left;
};

void steps_open_begin(struct txn *txn, const struct run *run, struct open_steps *walk);

/* Load the next one; false when there is none. Steps may be stored between two calls. */
bool steps_open_next(struct txn *txn, struct open_steps *walk, struct step *out);
