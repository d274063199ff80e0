#include "tools/gateway/part.h"
#include "client/util.h"
#include "proto/mp.h"
#include "proto/strip.h"
#include "tools/gateway/delta.h"

#include <errno.h>
#include <stdlib.h>

/* The id of the message that a step makes. */
static struct slice message_of(struct slice step)
{
	struct slice details = mp_lookup(step, "step_details"), id = {NULL, 0};

	mp_get_str(mp_lookup(mp_lookup(details, "message_creation"), "message_id"), &id);
	return id;
}

int part_make(struct part **list, const struct change *ch, struct part **out)
{
	struct slice message_id = message_of(ch->object);
	struct part *p;

	if (!ch->id.len || ch->id.len >= ORDER_ID || message_id.len >= ORDER_ID) {
		return -EBADMSG;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		return -ENOMEM;
	}
	p->subject = ch->subject;
	memcpy(p->id, ch->id.ptr, ch->id.len);
	if (ch->subject == SUBJECT_STEP && message_id.len) {
		memcpy(p->message_id, message_id.ptr, message_id.len);
	}
	p->next = *list;
	*list = p;
	*out = p;
	return 0;
}

struct part *part_find(struct part *list, enum subject subject, struct slice id)
{
	while (list && (list->subject != subject || !slice_is(id, list->id))) {
		list = list->next;
	}
	return list;
}

void part_drop(struct part **list, struct part *p)
{
	while (*list != p) {
		list = &(*list)->next;
	}
	*list = p->next;
	buf_finish(&p->shown);
	free(p);
}

static void set_shown(struct part *p, struct slice value)
{
	buf_reset(&p->shown, SIZE_MAX);
	buf_put(&p->shown, value);
}

/*
 * Append what was added to the part since the client saw it. Where it does not continue that, the
 * client keeps what it has until the end, which shows all.
 */
static void put_gain(struct part *p, const struct change *ch, struct slice value, struct buf *text)
{
	const char *member = p->subject == SUBJECT_STEP ? "step_details" : "content";
	_cleanup_(buf_finish) struct buf delta = {0};

	if (delta_write(buf_slice(&p->shown), value, &delta) == DELTA_MADE) {
		event_put_delta(text, ch->seq, p->subject, ch->id, member, buf_slice(&delta));
		set_shown(p, value);
	}
	text->error = text->error ? text->error : buf_error(&delta);
}

static void put_step(struct part *p, const struct change *ch, struct slice step, struct buf *text)
{
	struct slice details = mp_lookup(step, "step_details");

	if (!ch->from.ptr) {
		event_put(text, ch->seq, SUBJECT_STEP, SLICE_LIT("created"), step);
		event_put(text, ch->seq, SUBJECT_STEP, ch->to, step);
		set_shown(p, details);
		p->introduced = true;
		return;
	}
	if (p->introduced) {
		put_gain(p, ch, details, text);
	}
	if (change_ends(ch)) {
		event_put(text, ch->seq, SUBJECT_STEP, ch->to, step);
	}
}

/* A message that the client knows nothing of is created for it: the SDKs take no other. */
static void put_message(
	struct part *p, const struct change *ch, struct slice message, struct buf *text)
{
	_cleanup_(buf_finish) struct buf blank = {0};

	if (!p->introduced) {
		event_blank_message(message, &blank);
		event_put(text, ch->seq, SUBJECT_MESSAGE, SLICE_LIT("created"), buf_slice(&blank));
		event_put(text, ch->seq, SUBJECT_MESSAGE, SLICE_LIT("in_progress"),
			buf_slice(&blank));
		set_shown(p, SLICE_LIT("\x90"));
		p->introduced = true;
		text->error = text->error ? text->error : buf_error(&blank);
	}
	put_gain(p, ch, mp_lookup(message, "content"), text);
	if (change_ends(ch)) {
		event_put(text, ch->seq, SUBJECT_MESSAGE, ch->to, message);
	}
}

int part_put(struct part *p, const struct change *ch, bool content, struct buf *text)
{
	_cleanup_(buf_finish) struct buf stripped = {0};
	struct slice object = ch->object;

	if (object.ptr && p->subject == SUBJECT_STEP && !content) {
		strip_step(object, &stripped);
		object = buf_slice(&stripped);
	}
	if (object.ptr) {
		(p->subject == SUBJECT_STEP ? put_step : put_message)(p, ch, object, text);
	}
	text->error = text->error ? text->error : buf_error(&stripped);
	return buf_error(text) ? buf_error(text) : buf_error(&p->shown);
}

struct order_entry part_entry(const struct part *p, const struct change *ch)
{
	return (struct order_entry){
		.seq = ch->seq,
		.subject = p->subject,
		.id = slice_str(p->id),
		.message_id = slice_str(p->message_id),
		.ends = !ch->to.ptr || change_ends(ch),
	};
}
