/*
 * A step or a message of a run while it is open, and the events that its changes make: what the
 * client has of it is kept, so that what is added can be told.
 */
#pragma once

#include "tools/gateway/change.h"
#include "tools/gateway/order.h"

struct part {
	struct part *next; /* the list's */
	enum subject subject;
	char id[ORDER_ID];
	char message_id[ORDER_ID]; /* that a step makes, "" for none */
	bool introduced;	   /* its creation is among the events that were made of it, */
	bool told;		   /* and was told */
	struct buf shown;	   /* what the client has of its details or content, encoded */
};

/* The part that @ch is of, new at the head of @list. Returns 0, -ENOMEM, or -EBADMSG for no id. */
int part_make(struct part **list, const struct change *ch, struct part **out);

/* NULL when it is not in the list. */
struct part *part_find(struct part *list, enum subject subject, struct slice id);

/* Take it out of the list and free it. */
void part_drop(struct part **list, struct part *p);

/*
 * Append the events of @ch; none when it has no object. @content: with what file searches found.
 * Returns 0 or -errno.
 */
int part_put(struct part *p, const struct change *ch, bool content, struct buf *text);

/* What the order is told of the change, without a text. */
struct order_entry part_entry(const struct part *p, const struct change *ch);
