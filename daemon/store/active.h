/*
 * Runs that are not terminal, and what is known of each besides its record: how many of its steps
 * are in progress, and where the first of those may be. So a step costs one small row that is
 * written anyway often, and is found again by a walk from that place, usually of one step.
 */
#pragma once

#include "daemon/store/store.h"

struct active {
	uint64_t open_steps;
	uint8_t first_open[POSITION_BYTES]; /* no step before this is in progress */
	struct slice run_id;		    /* borrowed */
};

/* Every function takes the key of the run in T_RUNS. A run that is terminal has no row. */
bool active_get(struct txn *txn, struct slice run_key, struct active *out);
void active_enter(struct txn *txn, struct slice run_key, struct slice run_id);
void active_leave(struct txn *txn, struct slice run_key);

/* A step of the run came to be in progress, or is no longer. */
void active_step_opened(struct txn *txn, struct slice run_key, struct slice step_position);
void active_step_closed(struct txn *txn, struct slice run_key);

/* The oldest such run of a thread; ptr NULL when there is none. Borrowed. */
struct slice active_first(struct txn *txn, struct slice thread_id);
