#include "tools/gateway/compose.h"
#include "client/util.h"
#include "proto/mp.h"
#include "proto/status.h"
#include "tools/gateway/order.h"
#include "tools/gateway/part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NONE (-1)

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

/* Nothing is told before the stream begins, and before what the client has not seen. */
static void tell(struct compose *c, int64_t seq, struct slice text)
{
	if (!c->begun) {
		c->begun = seq == c->options.begin_seq;
	} else if (!c->met) {
		c->met = seq == c->options.resume_seq;
	} else {
		buf_put(c->out, text);
	}
}

/* For the order. */
static void tell_entry(void *context, const struct order_entry *e)
{
	struct compose *c = context;
	struct part *p = e->begins ? part_find(c->parts, e->subject, e->id) : NULL;

	if (p) {
		p->told = true;
	}
	tell(c, e->seq, e->text);
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
	order_init(&c->order, tell_entry, c);
	*out = c;
	return 0;
}

static void forget_parts(struct compose *c)
{
	while (c->parts) {
		part_drop(&c->parts, c->parts);
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

/* Who begins here has seen nothing of what was told before. */
static void forget_introductions(struct compose *c)
{
	for (struct part *p = c->parts; p; p = p->next) {
		p->introduced = p->introduced && !p->told;
		p->told = false;
	}
}

/*
 * Where a stream ends, what is held is told. At requires_action only as far as the SDKs take it:
 * the rest is for the stream of the outputs to tell.
 */
static void let_go(struct compose *c, int status)
{
	order_loosen(&c->order);
	if (status != RUN_REQUIRES_ACTION) {
		order_flush(&c->order);
	}
}

/* The events of a change of the run. */
static void tell_run(struct compose *c, int64_t seq, int status, struct slice text)
{
	bool begins = !c->begun && seq == c->options.begin_seq;
	bool ends = rests_at(c, status) && (c->begun || status != RUN_REQUIRES_ACTION);

	if (rests_at(c, status)) {
		let_go(c, status);
	}
	tell(c, seq, text);
	if (begins) {
		forget_introductions(c);
	}
	if (ends) {
		finish(c);
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
	order_loosen(&c->order);
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

/* It ends without a word. */
static int part_goes(struct compose *c, const struct change *ch)
{
	struct part *p = part_find(c->parts, ch->subject, ch->id);
	struct order_entry e;
	int r;

	if (!p) {
		return 0;
	}
	e = part_entry(p, ch);
	r = order_add(&c->order, &e);
	part_drop(&c->parts, p);
	return r;
}

/* Objects that are not there are not asked for when nothing may have been added. */
static int part_object(struct compose *c, struct change *ch)
{
	bool matters = change_ends(ch) || !ch->from.ptr || !slice_is(ch->event, "updated");
	int r = matters ? object_of(c, ch) : 0;

	return r == RUNSTORE_E_NOT_FOUND ? 0 : r;
}

static int tell_part(struct compose *c, struct part *p, const struct change *ch)
{
	_cleanup_(buf_finish) struct buf text = {0};
	struct order_entry e = part_entry(p, ch);
	bool known = p->introduced;
	int r;

	r = part_put(p, ch, c->options.include_content, &text);
	if (r) {
		return r;
	}
	e.begins = p->introduced && !known;
	e.text = buf_slice(&text);
	return order_add(&c->order, &e);
}

static int part_moves(struct compose *c, struct change *ch)
{
	struct part *p = part_find(c->parts, ch->subject, ch->id);
	int r;

	r = part_object(c, ch);
	if (!r && !p) {
		r = part_make(&c->parts, ch, &p);
	}
	if (!r) {
		r = tell_part(c, p, ch);
	}
	if (!r && change_ends(ch)) {
		part_drop(&c->parts, p);
	}
	return r;
}

/* Once it has ended, what changes is not shown. */
static int take_part(struct compose *c, struct change *ch)
{
	if (!ch->to.ptr) {
		return part_goes(c, ch);
	}
	return change_from_open(ch) ? part_moves(c, ch) : 0;
}

int compose_change(struct compose *c, struct slice change, struct buf *out)
{
	struct change ch;

	if (c->over || !change_read(change, &ch)) {
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
	struct slice name;
	int status;

	if (c->over || !mp_get_str(mp_lookup(run, "status"), &name)) {
		return;
	}
	status = status_named(name);
	if (!rests_at(c, status)) {
		return;
	}
	c->out = out;
	let_go(c, status);
	event_put(out, 0, SUBJECT_RUN, name, run);
	finish(c);
}

void compose_fail(struct compose *c, const struct runstore_error *error, struct buf *out)
{
	if (!c->over) {
		c->out = out;
		order_loosen(&c->order);
		event_put_error(out, 0, error);
		finish(c);
	}
}
