/*
 * One watch of the daemon's feed, for all who wait for a run. A thread of its own reads it; it goes
 * on over restarts of the daemon.
 */
#pragma once

#include "client/runstore.h"

#include <stdbool.h>
#include <stdint.h>

struct hub;

/* What a waiter is woken for. */
enum hub_news {
	HUB_STATUS, /* a change of the run itself */
	HUB_PART,   /* of one of its steps or messages */
	HUB_UNSURE, /* changes may have been missed, or the run was deleted: look for yourself */
};

/* Who waits for changes of a run. In the waiter's memory; it must be left before that is freed. */
struct hub_waiter {
	const char *run_id; /* lives as long as the waiter is joined */
	/*
	 * Something about the run may have changed; @status is its status after HUB_STATUS, else
	 * NULL. Called by the hub's thread, under its lock: it must not block, nor join or leave.
	 */
	void (*wake)(struct hub_waiter *w, enum hub_news news, const char *status);
	struct hub_waiter *next, *prev; /* the hub's */
};

/* @rs must outlive it. Connects to nothing yet. Returns 0 or RUNSTORE_E_*. */
int hub_open(struct hub **out, struct runstore *rs, struct runstore_error *error);

/* Wakes nobody any more. All waiters must have left. Takes a second or two at most. */
void hub_close(struct hub *hub);

/*
 * From the return of hub_join() on every change wakes the waiter; so who joins, then reads, then
 * waits misses none. After the return of hub_leave() wake is not called again.
 */
void hub_join(struct hub *hub, struct hub_waiter *w);
void hub_leave(struct hub *hub, struct hub_waiter *w);

/*
 * Does the feed come in? When it does again, all are woken: who could not reach the daemon need not
 * ask before. Any thread, at any time.
 */
bool hub_well(const struct hub *hub);
