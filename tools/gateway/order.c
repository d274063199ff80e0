#include "tools/gateway/order.h"

#include <errno.h>
#include <stdlib.h>

#define HELD_MAX (4u << 20) /* bytes */

struct order_held {
	struct order_held *next;
	size_t size; /* bytes, all of it */
	struct order_entry entry;
	uint8_t bytes[]; /* of its slices */
};

void order_init(struct order *o, void (*tell)(void *, const struct order_entry *), void *context)
{
	*o = (struct order){.tell = tell, .context = context, .end = &o->first};
}

void order_finish(struct order *o)
{
	while (o->first) {
		struct order_held *h = o->first;

		o->first = h->next;
		free(h);
	}
}

static void set_id(char id[static ORDER_ID], struct slice value)
{
	memcpy(id, value.ptr, value.len);
	id[value.len] = '\0';
}

static bool is_open(const struct order *o)
{
	return *o->step || *o->message;
}

/*
 * May it be told while what is open is open? An SDK takes a step beside any message, so @loosely
 * that will do; else a step and a message go together only when it makes that one.
 */
static bool fits(const struct order *o, const struct order_entry *e, bool loosely)
{
	if (e->subject == SUBJECT_MESSAGE) {
		return *o->message ? slice_is(e->id, o->message)
		       : *o->step  ? loosely || slice_is(e->id, o->its_message)
				   : true;
	}
	return *o->step	     ? slice_is(e->id, o->step)
	       : *o->message ? loosely || slice_is(e->message_id, o->message)
			     : true;
}

static void end_step(struct order *o)
{
	*o->step = '\0';
	*o->its_message = '\0';
}

/* Tell it; what it opens is told of from here on, unless another one is. */
static void tell(struct order *o, const struct order_entry *e)
{
	bool is_step = e->subject == SUBJECT_STEP;
	char *open = is_step ? o->step : o->message;

	if (e->ends && slice_is(e->id, open)) {
		if (is_step) {
			end_step(o);
		} else {
			*open = '\0';
		}
	} else if (!e->ends && !*open) {
		set_id(open, e->id);
		if (is_step && e->message_id.len) {
			set_id(o->its_message, e->message_id);
		}
	}
	if (e->text.len) {
		o->tell(o->context, e);
	}
}

/* Take the held entry at @at out of the queue and tell it. */
static void release(struct order *o, struct order_held **at)
{
	struct order_held *h = *at;

	*at = h->next;
	if (!h->next) {
		o->end = at;
	}
	o->held -= h->size;
	tell(o, &h->entry);
	free(h);
}

/* Tell what fits, in its order; from the front again whenever something has ended. */
static void drain(struct order *o, bool loosely)
{
	struct order_held **at = &o->first;

	while (*at) {
		bool ends = (*at)->entry.ends;

		if (fits(o, &(*at)->entry, loosely)) {
			release(o, at);
			at = ends ? &o->first : at;
		} else {
			at = &(*at)->next;
		}
	}
}

static struct slice keep(uint8_t **to, struct slice s)
{
	struct slice kept = slice_of(*to, s.len);

	if (s.len) {
		memcpy(*to, s.ptr, s.len);
	}
	*to += s.len;
	return kept;
}

static int hold(struct order *o, const struct order_entry *e)
{
	size_t size = sizeof(struct order_held) + e->id.len + e->message_id.len + e->text.len;
	struct order_held *h = malloc(size);
	uint8_t *to;

	if (!h) {
		return -ENOMEM;
	}
	to = h->bytes;
	h->next = NULL;
	h->size = size;
	h->entry = *e;
	h->entry.id = keep(&to, e->id);
	h->entry.message_id = keep(&to, e->message_id);
	h->entry.text = keep(&to, e->text);
	*o->end = h;
	o->end = &h->next;
	o->held += size;
	if (o->held > HELD_MAX) {
		order_loosen(o);
	}
	if (o->held > HELD_MAX) {
		order_flush(o);
	}
	return 0;
}

int order_add(struct order *o, const struct order_entry *e)
{
	if (!e->id.len || e->id.len >= ORDER_ID || e->message_id.len >= ORDER_ID) {
		return -EBADMSG;
	}
	if (!fits(o, e, false)) {
		return hold(o, e);
	}
	tell(o, e);
	drain(o, false);
	return 0;
}

void order_loosen(struct order *o)
{
	drain(o, true);
}

void order_flush(struct order *o)
{
	do {
		end_step(o);
		*o->message = '\0';
		drain(o, false);
	} while (is_open(o));
}
