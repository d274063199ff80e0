/* A lease out of the reply to a claim. */
#pragma once

#include "client/handle.h"

/*
 * Takes the @reply over in any case. @lease_ms is what was asked for. With @heartbeat a thread is
 * started; when that fails the run is released. 0, RUNSTORE_E_INVALID_FRAME for a reply that is no
 * claim, RUNSTORE_E_INTERNAL.
 */
int lease_open(struct runstore *rs, struct runstore_reply *reply, int64_t lease_ms, bool heartbeat,
	struct runstore_lease **out, struct runstore_error *error);
