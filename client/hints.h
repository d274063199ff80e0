/*
 * The SUB socket of a watch: it tells that there is something new, and no more. What is published
 * while it is not connected, or is slow, it misses; and it may fall silent without a sign.
 */
#pragma once

#include "proto/buf.h"

struct hints {
	char *url;
	struct buf topic; /* what the topics of interest begin with */
	int fd;		  /* -1 while it is closed */
	int receive_ms;	  /* the receive timeout that is set */
	int64_t opened_ms;
	uint64_t connections; /* how many it had */
};

/* Subscribe; the connection comes to be later. Returns 0 or -errno. */
int hints_open(struct hints *h);
void hints_close(struct hints *h);

/* Once more, from the start. */
void hints_renew(struct hints *h);

/* For good. */
void hints_finish(struct hints *h);

/*
 * Look after the connection, and make the socket anew when it has lost its own. True when it was
 * connected since the last time: what was published before that has been missed.
 */
bool hints_tend(struct hints *h);

/*
 * The next message, for nn_freemsg(), waited for at most @ms; ptr NULL when there was none. Without
 * a socket it only waits.
 */
struct slice hints_receive(struct hints *h, int ms);

/* The change in a message, an encoded map; ptr NULL when it cannot be read. */
struct slice hints_change(struct slice message);
