/*
 * What a stream tells of a run: changes of the daemon's feed in, text of events out. It knows no
 * connection and no clock. The same changes give the same text, so a client that comes back with
 * the id of the last event that it saw is told exactly the rest.
 */
#pragma once

#include "client/runstore.h"
#include "proto/buf.h"
#include "tools/gateway/event.h"

struct compose;

struct compose_options {
	bool through_actions; /* goes on at requires_action; else it ends there */
	bool include_content; /* what file searches found is shown */
	/*
	 * Begin behind the event of this change of the run: what was begun before is not known to
	 * the client. 0: with the first change.
	 */
	int64_t begin_seq;
	/* The client has seen all up to the events of this change; 0: nothing. */
	int64_t resume_seq;
	/*
	 * The object as it is now, for a change without one (it is over 64 KiB): the slice must
	 * live until compose_change() returns. 0, RUNSTORE_E_NOT_FOUND when it is deleted, or
	 * another code, which compose_change() then returns.
	 */
	int (*fetch)(void *context, enum subject subject, struct slice id, struct slice *object);
	void *context;
};

/* Returns 0 or -ENOMEM. */
int compose_open(struct compose **out, const struct compose_options *options);
void compose_close(struct compose *c);

/*
 * Append what follows from @change, an encoded item of changes.list with its object; changes are
 * given in their order. Returns 0; what fetch returned, and then nothing has happened: give it the
 * same change again; or -errno, and the stream cannot go on. Whether memory sufficed for @out, here
 * and below, its owner asks in the end.
 */
int compose_change(struct compose *c, struct slice change, struct buf *out);

/* The feed has no more for now. */
void compose_pause(struct compose *c, struct buf *out);

/* Changes were missed: what waits for an end that may never be told is told now. */
void compose_gap(struct compose *c, struct buf *out);

/*
 * There is nothing left in the feed and @run, encoded, is how the run is. Where a stream ends with
 * it, the end is told.
 */
void compose_run(struct compose *c, struct slice run, struct buf *out);

/* The stream ends with an error. */
void compose_fail(struct compose *c, const struct runstore_error *error, struct buf *out);

/* Is the beginning of the run among the changes? */
bool compose_whole(const struct compose *c);

/* Was the event of resume_seq found, or is none looked for? Before that there is no text. */
bool compose_met(const struct compose *c);

/* The last event has been told. */
bool compose_over(const struct compose *c);
