/*
 * The order in which a stream tells what happens to the steps and messages of a run. A client of
 * the API knows of one step at a time, so while one is open the events of others are held back;
 * they follow in their order when it has ended. A message belongs to the step that makes it; one
 * without a step is on its own until it ends.
 */
#pragma once

#include "proto/slice.h"
#include "tools/gateway/event.h"

#define ORDER_ID 65 /* an id of at most 64 bytes, and a NUL */

/* What a change says about a step or a message. */
struct order_entry {
	int64_t seq;
	enum subject subject; /* SUBJECT_STEP or SUBJECT_MESSAGE */
	struct slice id;
	struct slice message_id; /* that a step makes, the same in all its entries; len 0: none */
	bool ends;		 /* it is open no longer */
	struct slice text;	 /* events; len 0 when there is nothing to tell */
};

struct order_held;

struct order {
	/* Tell @text, the events of the change @seq. */
	void (*tell)(void *context, int64_t seq, struct slice text);
	void *context;
	/* The steps and messages that are being told of; "" for none. */
	char step[ORDER_ID];
	char its_message[ORDER_ID]; /* that @step makes */
	char message[ORDER_ID];
	struct order_held *first, **end;
	size_t held; /* bytes */
};

void order_init(struct order *o, void (*tell)(void *, int64_t, struct slice), void *context);
void order_finish(struct order *o);

/*
 * Tell it, and what has waited for it; or hold it. More than a few MiB are not held: then that
 * is told although something is open. Returns 0, -ENOMEM, or -EBADMSG for what is no id.
 */
int order_add(struct order *o, const struct order_entry *e);

/*
 * Tell all that is held, of one step or message after the other, and forget what is open: it may
 * end unheard.
 */
void order_flush(struct order *o);
