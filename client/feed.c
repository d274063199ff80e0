#include "client/feed.h"
#include "client/fail.h"
#include "client/object.h"
#include "client/util.h"
#include "proto/bounds.h"

#include <stdlib.h>

#define PAGE 1000
#define PAGE_FULL (MAX_MESSAGE / 2) /* bytes from which on the daemon may have cut a page */
#define PATIENCE_MS 1000	    /* that a fetch has even when the caller has none */

void feed_finish(struct feed *f)
{
	runstore_reply_free(f->page);
	free(f->change);
	free(f->thread_id);
	free(f->run_id);
}

/* As long as the caller has, and not less than a reply takes to come. */
static struct call_terms fetch_terms(const struct feed *f, int64_t deadline_ms)
{
	struct call_terms terms = handle_terms(f->rs);
	int64_t left = deadline_ms - now_ms();

	if (left < terms.connect_timeout_ms) {
		terms.connect_timeout_ms = left < 0 ? 0 : (int)left;
	}
	left = left < PATIENCE_MS ? PATIENCE_MS : left;
	if (left < terms.timeout_ms) {
		terms.timeout_ms = (int)left;
	}
	return terms;
}

static int ask(struct feed *f, int64_t deadline_ms, struct runstore_reply **reply,
	struct runstore_error *error)
{
	struct call_terms terms = fetch_terms(f, deadline_ms);
	_cleanup_(params_finish) struct params p = {0};

	params_integer(&p, "after", f->seq);
	params_integer(&p, "limit", PAGE);
	params_text(&p, "thread_id", f->thread_id);
	params_text(&p, "run_id", f->run_id);
	if (f->objects) {
		params_begin(&p, "objects");
		mp_put_bool(&p.pairs, true);
	}
	return handle_call_on(f->rs, &terms, "changes.list", &p, reply, error);
}

/* Make @reply the page at hand. */
static int turn_page(struct feed *f, struct runstore_reply *reply, struct runstore_error *error)
{
	struct slice changes = mp_lookup(reply->result, "changes");
	bool truncated = false;
	struct mp list = {0};

	if (!mp_read(&changes, &list) || list.type != MP_ARRAY) {
		runstore_reply_free(reply);
		return fail(error, RUNSTORE_E_INVALID_FRAME, NULL,
			"The reply to changes.list is not a page of changes.");
	}
	mp_get_bool(mp_lookup(reply->result, "truncated"), &truncated);
	runstore_reply_free(f->page);
	f->page = reply;
	f->rest = changes;
	f->n_rest = list.n;
	f->truncated |= truncated;
	return 0;
}

int feed_fetch(
	struct feed *f, int64_t deadline_ms, struct feed_found *found, struct runstore_error *error)
{
	struct runstore_reply *reply;
	int r;

	r = ask(f, deadline_ms, &reply, error);
	if (!r) {
		r = turn_page(f, reply, error);
	}
	if (r) {
		return r;
	}
	*found = (struct feed_found){
		.n = f->n_rest,
		.last_seq = f->seq,
		.whole = f->n_rest < PAGE && f->page->result.len < PAGE_FULL,
	};
	mp_get_int(mp_lookup(f->page->result, "last_seq"), &found->last_seq);
	if (!found->n && found->last_seq > f->seq) {
		f->seq = found->last_seq;
	}
	return 0;
}

int64_t feed_seq_of(struct slice change)
{
	int64_t seq = 0;

	mp_get_int(mp_lookup(change, "seq"), &seq);
	return seq;
}

int feed_give(struct feed *f, struct slice value, struct runstore_error *error)
{
	struct runstore_change *change;
	struct slice event;
	int r;

	if (!mp_get_str(mp_lookup(value, "event"), &event)) {
		return fail(
			error, RUNSTORE_E_INVALID_FRAME, NULL, "The feed holds what is no change.");
	}
	r = object_change(value, &change, error);
	if (r) {
		return r;
	}
	change->truncated = f->truncated;
	free(f->change);
	f->change = change;
	f->truncated = false;
	f->seq = change->seq;
	return 0;
}

int feed_take(struct feed *f, const struct runstore_change **out, struct runstore_error *error)
{
	bool given = false;
	int r = 0;

	while (!given && f->n_rest) {
		struct slice rest = f->rest, value = mp_value(&rest);

		given = feed_seq_of(value) > f->seq;
		if (given) {
			r = feed_give(f, value, error);
		}
		if (r) {
			return r;
		}
		f->rest = rest;
		f->n_rest--;
	}
	if (given) {
		*out = f->change;
	}
	return 0;
}

static bool is_of(struct slice change, const char *name, const char *id)
{
	struct slice text;

	return !id || (mp_get_str(mp_lookup(change, name), &text) && slice_is(text, id));
}

bool feed_wants(const struct feed *f, struct slice change)
{
	return feed_seq_of(change) > f->seq && is_of(change, "thread_id", f->thread_id) &&
	       is_of(change, "run_id", f->run_id);
}

bool feed_is_next(const struct feed *f, struct slice change)
{
	return !f->thread_id && !f->run_id && !f->objects && !f->n_rest &&
	       feed_seq_of(change) == f->seq + 1;
}
