#include "tools/gateway/compose.h"
#include "client/util.h"
#include "proto/mp.h"
#include "proto/status.h"
#include "tools/gateway/delta.h"
#include "tools/gateway/order.h"
#include "tools/gateway/strip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NONE (-1)

/* A step or a message that is open. */
struct part {
	struct part *next;
	enum subject subject;
	bool introduced; /* the client has seen its creation */
	char id[ORDER_ID];
	char message_id[ORDER_ID]; /* that a step makes, "" for none */
	struct buf shown;	   /* what the client has of its details or content, encoded */
};

struct compose {
	struct compose_options options;
	struct order order;
	struct part *parts;
	struct buf *out; /* of the call that is under way */
	struct buf late; /* the end of an imported run: its steps come first */
	int64_t late_seq;
	int late_status; /* NONE: there is none */
	bool whole;
	bool begun; /* behind begin_seq */
	bool met;   /* behind resume_seq */
	bool over;
};

struct change {
	int64_t seq;
	enum subject subject;
	struct slice id;
	struct slice event; /* behind its prefix */
	struct slice from;  /* statuses; ptr NULL: none */
	struct slice to;
	struct slice object; /* ptr NULL: there is none */
};

/* Nothing is told before the stream begins, and before what the client has not seen. */
static void tell(void *context, int64_t seq, struct slice text)
{
	struct compose *c = context;

	if (!c->begun) {
		c->begun = seq == c->options.begin_seq;
	} else if (!c->met) {
		c->met = seq == c->options.resume_seq;
	} else {
		buf_put(c->out, text);
	}
}

int compose_open(struct compose **out, const struct compose_options *options)
{
	struct compose *c = calloc(1, sizeof(*c));

	if (!c) {
		return -ENOMEM;
	}
	c->options = *options;
	c->begun = !options->begin_seq;
	c->met = !options->resume_seq;
	c->late_status = NONE;
	order_init(&c->order, tell, c);
	*out = c;
	return 0;
}

static void part_free(struct part *p)
{
	buf_finish(&p->shown);
	free(p);
}

static void forget_parts(struct compose *c)
{
	while (c->parts) {
		struct part *p = c->parts;

		c->parts = p->next;
		part_free(p);
	}
}

void compose_close(struct compose *c)
{
	if (c) {
		forget_parts(c);
		order_finish(&c->order);
		buf_finish(&c->late);
		free(c);
	}
}

bool compose_whole(const struct compose *c)
{
	return c->whole;
}

bool compose_met(const struct compose *c)
{
	return c->met;
}

bool compose_over(const struct compose *c)
{
	return c->over;
}

static void finish(struct compose *c)
{
	if (c->met) {
		event_put_done(c->out);
	}
	c->over = true;
}

/* Does the stream end with that status? */
static bool rests_at(const struct compose *c, int status)
{
	if (status == NONE) {
		return false;
	}
	return run_status_terminal((enum run_status)status) ||
	       (status == RUN_REQUIRES_ACTION && !c->options.through_actions);
}

/*
 * The events of a change of the run. Whoever begins behind it knows nothing of what it holds: all
 * that was held is let go of, as at the end of a stream.
 */
static void tell_run(struct compose *c, int64_t seq, int status, struct slice text)
{
	bool begins = !c->begun && seq == c->options.begin_seq;
	bool ends = rests_at(c, status) && (c->begun || status != RUN_REQUIRES_ACTION);

	if (begins || rests_at(c, status)) {
		order_flush(&c->order);
	}
	tell(c, seq, text);
	if (ends) {
		finish(c);
	}
	for (struct part *p = begins ? c->parts : NULL; p; p = p->next) {
		p->introduced = false;
	}
}

static void tell_late(struct compose *c)
{
	int status = c->late_status;

	if (status != NONE) {
		c->late_status = NONE;
		tell_run(c, c->late_seq, status, buf_slice(&c->late));
	}
}

static int status_named(struct slice name)
{
	for (int i = 0; i < N_RUN_STATUSES; i++) {
		if (slice_is(name, run_status_names[i])) {
			return i;
		}
	}
	return NONE;
}

/* The object of the change, or as it is now. */
static int object_of(struct compose *c, struct change *ch)
{
	if (ch->object.ptr) {
		return 0;
	}
	return c->options.fetch(c->options.context, ch->subject, ch->id, &ch->object);
}

/* The steps of a run come after it in an import; where it ends, its end waits for them. */
static int run_begins(struct compose *c, const struct change *ch)
{
	_cleanup_(buf_finish) struct buf text = {0};
	int status = status_named(ch->to);
	bool late = slice_is(ch->event, "imported") && ch->seq != c->options.begin_seq &&
		    rests_at(c, status);

	event_put(&text, ch->seq, SUBJECT_RUN, SLICE_LIT("created"), ch->object);
	event_put(late ? &c->late : &text, ch->seq, SUBJECT_RUN, ch->to, ch->object);
	c->whole = true;
	tell_run(c, ch->seq, late ? NONE : status, buf_slice(&text));
	if (late) {
		c->late_seq = ch->seq;
		c->late_status = status;
	}
	return buf_error(&text) ? buf_error(&text) : buf_error(&c->late);
}

static int run_moves(struct compose *c, const struct change *ch)
{
	_cleanup_(buf_finish) struct buf text = {0};

	event_put(&text, ch->seq, SUBJECT_RUN, ch->to, ch->object);
	tell_run(c, ch->seq, status_named(ch->to), buf_slice(&text));
	return buf_error(&text);
}

static void run_goes(struct compose *c, const struct change *ch)
{
	struct runstore_error error = {
		.code = RUNSTORE_E_NOT_FOUND,
		.type = "invalid_request_error",
		.name = "not_found",
	};
	_cleanup_(buf_finish) struct buf text = {0};

	snprintf(error.message, sizeof(error.message), "No run found with id '%.*s'.",
		(int)ch->id.len, (const char *)ch->id.ptr);
	order_flush(&c->order);
	event_put_error(&text, ch->seq, &error);
	tell(c, ch->seq, buf_slice(&text));
	finish(c);
}

/* Is it a change that has an event? A lost lease shows as the run being queued again. */
static bool run_shows(const struct change *ch)
{
	if (slice_is(ch->event, "lease_lost")) {
		return slice_is(ch->to, "queued") && !slice_eq(ch->from, ch->to);
	}
	if (!ch->from.ptr) {
		return slice_is(ch->event, "created") || slice_is(ch->event, "imported");
	}
	return status_named(ch->event) != NONE;
}

static int take_run(struct compose *c, struct change *ch)
{
	int r;

	if (ch->to.ptr && !run_shows(ch)) {
		return 0;
	}
	r = ch->to.ptr ? object_of(c, ch) : 0;
	if (r) {
		return r == RUNSTORE_E_NOT_FOUND ? 0 : r;
	}
	tell_late(c);
	if (c->over) {
		return 0;
	}
	if (!ch->to.ptr) {
		run_goes(c, ch);
		return 0;
	}
	return ch->from.ptr ? run_moves(c, ch) : run_begins(c, ch);
}

static struct part *find_part(const struct compose *c, const struct change *ch)
{
	struct part *p = c->parts;

	while (p && (p->subject != ch->subject || !slice_is(ch->id, p->id))) {
		p = p->next;
	}
	return p;
}

static void drop_part(struct compose *c, struct part *part)
{
	struct part **at = &c->parts;

	while (*at != part) {
		at = &(*at)->next;
	}
	*at = part->next;
	part_free(part);
}

/* The id of the message that a step makes. */
static struct slice message_of(struct slice step)
{
	struct slice id = {NULL, 0};

	mp_get_str(mp_lookup(mp_lookup(mp_lookup(step, "step_details"), "message_creation"),
			   "message_id"),
		&id);
	return id;
}

static int add_part(struct compose *c, const struct change *ch, struct part **out)
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
	p->next = c->parts;
	c->parts = p;
	*out = p;
	return 0;
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
	if (!slice_is(ch->to, "in_progress")) {
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
	if (!slice_is(ch->to, "in_progress")) {
		event_put(text, ch->seq, SUBJECT_MESSAGE, ch->to, message);
	}
}

static int put_part(struct compose *c, struct part *p, const struct change *ch, struct buf *text)
{
	_cleanup_(buf_finish) struct buf stripped = {0};
	struct slice object = ch->object;

	if (!object.ptr) {
		return 0;
	}
	if (p->subject == SUBJECT_MESSAGE) {
		put_message(p, ch, object, text);
	} else {
		if (!c->options.include_content) {
			strip_step(object, &stripped);
			object = buf_slice(&stripped);
		}
		put_step(p, ch, object, text);
	}
	text->error = text->error ? text->error : buf_error(&stripped);
	return buf_error(text) ? buf_error(text) : buf_error(&p->shown);
}

/* It ends without a word. */
static int part_goes(struct compose *c, const struct change *ch)
{
	struct part *p = find_part(c, ch);
	int r;

	if (!p) {
		return 0;
	}
	r = order_add(&c->order, &(struct order_entry){
					 .seq = ch->seq,
					 .subject = p->subject,
					 .id = slice_str(p->id),
					 .message_id = slice_str(p->message_id),
					 .ends = true,
				 });
	drop_part(c, p);
	return r;
}

/* Objects that are not there are not asked for when nothing may have been added. */
static int part_object(struct compose *c, struct change *ch, bool ends)
{
	bool matters = ends || !ch->from.ptr || !slice_is(ch->event, "updated");
	int r = matters ? object_of(c, ch) : 0;

	return r == RUNSTORE_E_NOT_FOUND ? 0 : r;
}

static int part_moves(struct compose *c, struct change *ch)
{
	_cleanup_(buf_finish) struct buf text = {0};
	bool ends = !slice_is(ch->to, "in_progress");
	struct part *p = find_part(c, ch);
	int r;

	r = part_object(c, ch, ends);
	if (!r && !p) {
		r = add_part(c, ch, &p);
	}
	if (!r) {
		r = put_part(c, p, ch, &text);
	}
	if (!r) {
		r = order_add(&c->order, &(struct order_entry){
						 .seq = ch->seq,
						 .subject = p->subject,
						 .id = slice_str(p->id),
						 .message_id = slice_str(p->message_id),
						 .ends = ends,
						 .text = buf_slice(&text),
					 });
	}
	if (!r && ends) {
		drop_part(c, p);
	}
	return r;
}

static int take_part(struct compose *c, struct change *ch)
{
	if (!ch->to.ptr) {
		return part_goes(c, ch);
	}
	if (ch->from.ptr && !slice_is(ch->from, "in_progress")) {
		return 0; /* it had ended; what changed is not shown */
	}
	return part_moves(c, ch);
}

static struct slice text_of(struct slice change, const char *name)
{
	struct slice text = {NULL, 0};

	mp_get_str(mp_lookup(change, name), &text);
	return text;
}

/* False for what is no change of a run, a step or a message. */
static bool read_change(struct slice value, struct change *ch)
{
	static const char *const ids[] = {"run_id", "step_id", "message_id"};
	struct slice prefix;

	*ch = (struct change){
		.event = text_of(value, "event"),
		.from = text_of(value, "from"),
		.to = text_of(value, "to"),
		.object = mp_lookup(value, "object"),
	};
	ch->subject = text_of(value, "message_id").ptr ? SUBJECT_MESSAGE
		      : text_of(value, "step_id").ptr  ? SUBJECT_STEP
						       : SUBJECT_RUN;
	ch->id = text_of(value, ids[ch->subject]);
	if (mp_is_nil(ch->object)) {
		ch->object = slice_of(NULL, 0);
	}
	prefix = slice_str(subject_prefix(ch->subject));
	if (ch->event.len < prefix.len || memcmp(ch->event.ptr, prefix.ptr, prefix.len) != 0) {
		return false;
	}
	ch->event = slice_of(ch->event.ptr + prefix.len, ch->event.len - prefix.len);
	return ch->id.ptr && mp_get_int(mp_lookup(value, "seq"), &ch->seq);
}

int compose_change(struct compose *c, struct slice change, struct buf *out)
{
	struct change ch;

	if (c->over || !read_change(change, &ch)) {
		return 0;
	}
	c->out = out;
	return ch.subject == SUBJECT_RUN ? take_run(c, &ch) : take_part(c, &ch);
}

void compose_pause(struct compose *c, struct buf *out)
{
	if (!c->over) {
		c->out = out;
		tell_late(c);
	}
}

void compose_gap(struct compose *c, struct buf *out)
{
	if (!c->over) {
		c->out = out;
		order_flush(&c->order);
		forget_parts(c);
	}
}

void compose_run(struct compose *c, struct slice run, struct buf *out)
{
	struct slice name = text_of(run, "status");

	if (c->over || !rests_at(c, status_named(name))) {
		return;
	}
	c->out = out;
	order_flush(&c->order);
	event_put(out, 0, SUBJECT_RUN, name, run);
	finish(c);
}

void compose_fail(struct compose *c, const struct runstore_error *error, struct buf *out)
{
	if (!c->over) {
		c->out = out;
		order_flush(&c->order);
		event_put_error(out, 0, error);
		finish(c);
	}
}
