/*
 * Held requests: a GET of a run by a poll helper of the official SDKs is answered when the run's
 * status changes, so that polling needs no polling.
 */
#pragma once

#include "tools/gateway/exchange.h"
#include "tools/gateway/gateway.h"

struct holds;

/* The table of held requests, with a thread for their times. Returns 0 or -errno. */
int holds_open(struct holds **out, const struct gateway *gw);

/*
 * All that are held are answered now, as their runs are, before it returns; those that come are
 * answered at once. The pool must still work. holds_close() does this itself, if it was not done,
 * and then frees: hold_run() may be called no more.
 */
void holds_stop(struct holds *holds);
void holds_close(struct holds *holds);

/*
 * Answer @x with the run: at once when its status is none of queued, in_progress and cancelling,
 * else when it leaves the status that it has now, or after @max_ms. The answer carries
 * openai-poll-after-ms: 0, or some more where the run goes on and was not waited for at all.
 * Called by a thread of the pool; the exchange is referenced as needed.
 */
void hold_run(struct holds *holds, struct exchange *x, const char *thread_id, const char *run_id,
	int64_t max_ms);

/* How many are held now. */
unsigned int holds_count(struct holds *holds);
