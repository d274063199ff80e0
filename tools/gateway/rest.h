/*
 * Handlers that are one method of the daemon each. Every handler returns 0 when it has answered, or
 * will be; else the code in call->error.
 */
#pragma once

#include "tools/gateway/call.h"

int rest_plain(struct call *call);

/*
 * The same for a read of one object, by the server's own thread: false when that is no time for it,
 * or a poll helper asks.
 */
bool rest_at_once(struct call *call);

/* A poll helper's GET is held until the run's status changes. */
int rest_get_run(struct call *call);
int rest_submit(struct call *call);
int rest_events(struct call *call);

/* Does the query ask for what file searches found? RUNSTORE_E_INVALID_PARAMS for anything else. */
int rest_includes(struct call *call, bool *out);
