/*
 * What a stream is to say, read from the daemon piece by piece: pages of the run's feed through
 * compose. It waits for nothing but the daemon's replies; its calls are for threads of the pool,
 * one at a time.
 */
#pragma once

#include "client/runstore.h"
#include "proto/buf.h"
#include "tools/gateway/stream.h"

struct script;

/* A script for the stream that is asked for in @o; what is in there is copied. */
int script_open(struct script **out, struct runstore *rs, const struct stream_options *o,
	struct runstore_error *error);
void script_close(struct script *s);

enum script_state {
	SCRIPT_GOES_ON,
	SCRIPT_WAITS, /* for changes to come */
	SCRIPT_OVER,
};

/*
 * Append what comes next to @out, until that has grown by about @room bytes or a page is done.
 * Returns 0; RUNSTORE_E_UNAVAILABLE or _OVERLOADED, and then it may be called again; or -errno, and
 * it is of no use any more. Before script_met() there is no text.
 */
int script_read(struct script *s, size_t room, struct buf *out, enum script_state *state,
	struct runstore_error *error);

/* Was the event found behind which it is to begin? */
bool script_met(const struct script *s);
