/*
 * Runs that are not terminal, and what is known of each besides its record: how many of its steps
 * are in progress and where the first of those may be, when it expires, and who executes it. So a
 * step costs one small row that is written anyway often, which also holds the lease that fences it.
 */
#pragma once

#include "daemon/store/store.h"

struct lease {
	struct slice token; /* ptr NULL: nobody holds the run */
	struct slice worker;
	int64_t until_ms; /* steady time */
	int64_t lease_ms; /* for which the claim asked */
};

struct active {
	bool enqueued; /* waits for the earlier runs of its thread to end */
	bool parallel; /* minds no others in its thread */
	uint64_t open_steps;
	uint8_t first_open[POSITION_BYTES]; /* no step before this is in progress */
	int64_t expiry_ms;		    /* steady time; 0: never */
	int64_t cancel_ms;		    /* when an unconfirmed cancel is confirmed; 0: none */
	uint64_t attempts;		    /* leases so far */
	uint64_t losses;		    /* of those, the ones that ran out */
	struct lease lease;
	struct slice run_id;
};

/*
 * Every function takes the key of the run in T_RUNS. A run that is terminal has no row. What is
 * read is borrowed until the next write; what is put may be what was read.
 */
bool active_get(struct txn *txn, struct slice run_key, struct active *out);

/* Put a row, in place of the one that there may be, and its deadlines. */
void active_put(struct txn *txn, struct slice run_key, const struct active *a);

/* Remove a row, if there is one, and its deadlines. */
void active_leave(struct txn *txn, struct slice run_key);

/* A step of the run came to be in progress, or is no longer. */
void active_step_opened(struct txn *txn, struct slice run_key, struct slice step_position);
void active_step_closed(struct txn *txn, struct slice run_key);

/* The oldest such run of a thread and its key, or the newest; false when there is none. */
bool active_first(struct txn *txn, struct slice thread_id, struct key *run_key, struct active *out);
bool active_last(struct txn *txn, struct slice thread_id, struct key *run_key);

/* The same for the oldest that wants its thread to itself: neither enqueued nor parallel. */
bool active_first_alone(struct txn *txn, struct slice thread_id, struct active *out);

/* What a row says, for who walks the table. */
bool active_read(struct slice row, struct active *out);

/* The row as it is stored, without its deadlines. */
struct active_row {
	uint8_t bytes[96 + 4 * 256 + 2 * 64];
	size_t len;
};
void active_write(const struct active *a, struct active_row *out);
