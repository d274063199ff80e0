/* A SUB socket: hints that something changed. It may miss some, and be closed and made anew. */
#pragma once

#include "proto/slice.h"

struct subscription {
	const char *url;
	struct slice topic; /* what the topics of all hints begin with */
	int fd;		    /* -1 while there is none */
	void *message;	    /* of the last hint; nanomsg's memory */
};

enum hint {
	HINT_CHANGE,
	HINT_NONE,   /* nothing came in time */
	HINT_BROKEN, /* there is no socket, or nobody at its other end */
};

/* Make the socket if there is none. False when nanomsg refuses. */
bool subscription_open(struct subscription *s);
void subscription_close(struct subscription *s);

/*
 * Wait for a hint, at most @ms. @change is an encoded map that is well formed, and lives until the
 * next call.
 */
enum hint subscription_next(struct subscription *s, int ms, struct slice *change);

/* Is there a connection? */
bool subscription_connected(const struct subscription *s);
