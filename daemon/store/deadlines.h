/*
 * What falls due at a time, which is a steady one (clock.h): the expiry of runs, the end of leases
 * and of the time to confirm a cancel.
 */
#pragma once

#include "daemon/store/store.h"

/* Stored in keys: never renumber. */
enum deadline_kind {
	DEADLINE_EXPIRY = 1,
	DEADLINE_CANCEL = 2,
	DEADLINE_LEASE = 3,
};

struct deadline {
	int64_t at_ms;
	enum deadline_kind kind;
	struct slice run_id;
	struct slice position; /* of the run: another one may come to have its id */
};

void deadlines_set(struct txn *txn, const struct deadline *d);
void deadlines_clear(struct txn *txn, const struct deadline *d);

/*
 * Take the earliest deadline out of the table if it is due by @by_ms; its run is copied to the
 * arena. False when none is.
 */
bool deadlines_take(struct txn *txn, int64_t by_ms, struct deadline *out);

/* When the earliest falls due; INT64_MAX when there is none. */
int64_t deadlines_next(struct txn *txn);
