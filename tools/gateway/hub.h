/*
 * One watch of the daemon's feed, for all who wait for a run. A thread of its own reads it; it goes
 * on over restarts of the daemon.
 */
#pragma once

#include "client/runstore.h"

#include <stdint.h>

struct hub;

/* Who waits for changes of a run. In the waiter's memory; it must be left before that is freed. */
struct hub_waiter {
	const char *run_id; /* lives as long as the waiter is joined */
	/*
	 * Something about the run may have changed: @to is its status after a change of the run
	 * itself, NULL for any other reason (a step, a message, changes that were missed). Called by
	 * the hub's thread, under its lock: it must not block, nor join or leave.
	 */
	void (*wake)(struct hub_waiter *w, const char *to);
	struct hub_waiter *next, *prev; /* the hub's */
};

/* @rs must outlive it. Connects to nothing yet. Returns 0 or RUNSTORE_E_*. */
int hub_open(struct hub **out, struct runstore *rs, struct runstore_error *error);

/* Wakes nobody any more. All waiters must have left. */
void hub_close(struct hub *hub);

/*
 * From the return of hub_join() on every change wakes the waiter; so who joins, then reads, then
 * waits misses none. After the return of hub_leave() wake is not called again.
 */
void hub_join(struct hub *hub, struct hub_waiter *w);
void hub_leave(struct hub *hub, struct hub_waiter *w);
