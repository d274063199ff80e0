/*
 * The order in which a stream tells what happens to the steps and messages of a run. The official
 * SDKs take one step at a time and one message at a time, and throw at a second one. So while one
 * is open the events of others are held back; they follow in their order when it has ended. A
 * message belongs to the step that makes it; one without a step is on its own until it ends.
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
	bool begins;		 /* its creation is among the events */
	bool ends;		 /* it is open no longer */
	struct slice text;	 /* events; len 0 when there is nothing to tell */
};

struct order_held;

struct order {
	/* Tell it; its text is not empty. */
	void (*tell)(void *context, const struct order_entry *e);
	void *context;
	/* The step and the message that are being told of; "" for none. */
	char step[ORDER_ID];
	char its_message[ORDER_ID]; /* that @step makes */
	char message[ORDER_ID];
	struct order_held *first, **end;
	size_t held; /* bytes */
};

void order_init(struct order *o, void (*tell)(void *, const struct order_entry *), void *context);
void order_finish(struct order *o);

/*
 * Tell it, and what has waited for it; or hold it. Not more than some MiB are held: rather than
 * that all is told. Returns 0, -ENOMEM, or -EBADMSG for what is no id.
 */
int order_add(struct order *o, const struct order_entry *e);

/* Before a pause: tell what is held as far as an SDK takes it beside what is open. */
void order_loosen(struct order *o);

/*
 * Tell all that is held, of one step or message after the other, and forget what is open: it may
 * end unheard.
 */
void order_flush(struct order *o);
