/* The feed of changes from a position on: page by page, and one by one. */
#pragma once

#include "client/handle.h"

struct feed {
	struct runstore *rs;
	char *thread_id; /* NULL: any */
	char *run_id;	 /* NULL: any */
	bool objects;
	int64_t seq;	/* the position: the change given last, or past what does not match */
	bool truncated; /* the change to come is behind a gap */
	struct runstore_reply *page;
	struct slice rest; /* its changes that were not given yet */
	uint32_t n_rest;
	struct runstore_change *change; /* given last */
};

/* What a fetch found. */
struct feed_found {
	uint32_t n;
	int64_t last_seq;
	bool whole; /* there was no more */
};

void feed_finish(struct feed *f);

/*
 * Fetch the page behind the position, which moves forward when nothing matches. Any error of a
 * call; it may take until @deadline_ms and a bit.
 */
int feed_fetch(struct feed *f, int64_t deadline_ms, struct feed_found *found,
	struct runstore_error *error);

/* The next change of the page at hand; @out stays as it is behind the last. */
int feed_take(struct feed *f, const struct runstore_change **out, struct runstore_error *error);

/* Is this change, encoded, behind the position and one that was asked for? */
bool feed_wants(const struct feed *f, struct slice change);

/* Is it the next one for sure, and as the feed would give it? Then feed_give() may give it. */
bool feed_is_next(const struct feed *f, struct slice change);
int feed_give(struct feed *f, struct slice change, struct runstore_error *error);

/* The number of a change, 0 for what is none. */
int64_t feed_seq_of(struct slice change);
