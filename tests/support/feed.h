/* A subscriber made of a bare nanomsg SUB socket: what is published on events.sock. */
#ifndef TEST_FEED_H
#define TEST_FEED_H

#include <stdbool.h>

#include "wire.h"

struct feed {
	int socket;
	char topic[160]; /* of the event that was received last */
	json_t *kept;
};

/*
 * Subscribe to the events whose topic begins with the @len bytes at @topic. A subscription takes
 * hold later than this returns; feed_sync() waits for that.
 */
void feed_open(struct feed *feed, const char *url, const char *topic, size_t len);
void feed_close(struct feed *feed);

/*
 * The next event's change, borrowed from the feed, or NULL when none comes within @timeout_ms.
 * Fails the test if it is not a topic, a NUL byte and a frame [2, event, [change]] whose topic and
 * event are those of the change.
 */
json_t *feed_next(struct feed *feed, int timeout_ms);

/*
 * Change @run_id, whose topic @feed must be subscribed to, until the feed hears of it, and take
 * from the feed what was published up to here.
 */
void feed_sync(struct feed *feed, struct wire *wire, const char *run_id);

#endif
