/*
 * Streams of server-sent events: what happens to a run, in the names and the order of the API, out
 * of the daemon's feed of changes.
 */
#pragma once

#include "tools/gateway/exchange.h"
#include "tools/gateway/gateway.h"

struct streams;

/* Returns 0 or -errno. */
int streams_open(struct streams **out, const struct gateway *gw);

/*
 * All streams end, as they are; those that come are refused as unavailable. From its return on they
 * use neither hub nor pool, but the server may still have to read what is left of them. Their
 * memory goes with their exchanges, also after streams_close(), which does this itself if it was
 * not done. stream_open() may then be called no more.
 */
void streams_stop(struct streams *streams);
void streams_close(struct streams *streams);

enum stream_from {
	STREAM_FROM_CREATION, /* of the run */
	STREAM_FROM_SUBMIT,   /* behind the last requires_action that was answered */
};

struct stream_options {
	const char *thread_id;
	const char *run_id;
	enum stream_from from;
	bool through_actions;	   /* goes on at requires_action; else it ends there */
	const char *last_event_id; /* begin behind the event of this id; NULL: with the first */
	const char *thread;	   /* a Thread as JSON, told by thread.created first; or NULL */
	bool include_content;	   /* what file searches found */
};

/*
 * Answer @x with a stream. Called by a thread of the pool. All in @options is copied. What can be
 * refused is refused before the stream begins: not_found of the run, a last_event_id that no event
 * of it has (invalid_params, param Last-Event-ID).
 */
void stream_open(struct streams *streams, struct exchange *x, const struct stream_options *options);

/* How many there are now. */
unsigned int streams_count(struct streams *streams);
