/* A change of the daemon's feed, taken apart. */
#pragma once

#include "tools/gateway/event.h"

/* All is borrowed from the change. */
struct change {
	int64_t seq;
	enum subject subject;
	struct slice id;    /* of the run, the step, the message */
	struct slice event; /* behind its prefix: "created", "completed" */
	struct slice from;  /* statuses; ptr NULL: none, it is created or deleted */
	struct slice to;
	struct slice object; /* encoded; ptr NULL: there is none */
};

/* Is @value, a scanned value, a change of a run, a step or a message? Only then @out is filled in.
 */
bool change_read(struct slice value, struct change *out);

/* Is what it tells of open before it, and behind it? Of steps and messages. */
bool change_from_open(const struct change *ch);
bool change_ends(const struct change *ch);
