#include "tools/gateway/script.h"
#include "client/fail.h"
#include "client/util.h"
#include "proto/bounds.h"
#include "proto/mp.h"
#include "tools/gateway/compose.h"
#include "tools/gateway/fetch.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_MIN 4
#define PAGE_MAX 32		     /* changes with their objects, 64 KiB at most each */
#define SCAN_PAGE MAX_CHANGES	     /* changes alone */
#define FULL_BYTES (MAX_MESSAGE / 2) /* from which on the daemon may have cut a page */
#define LARGEST_ID "9223372036854775807"

struct script {
	struct runstore *rs;
	struct compose *compose;
	struct fetch_place at;
	bool content;
	int64_t after; /* the change up to which it has read */
	int page;      /* changes to ask for at once */
	bool unsure;   /* whether the end of the run will be in the feed */
	bool asked;    /* how the run is, since the feed did not begin with its beginning */
	/* An object that was asked for, while one page is read. */
	struct runstore_reply *object;
	enum subject subject;
	struct slice id;
	char ids[];
};

static void drop_object(struct script *s)
{
	runstore_reply_free(s->object);
	s->object = NULL;
}

void script_close(struct script *s)
{
	if (s) {
		compose_close(s->compose);
		drop_object(s);
		free(s);
	}
}

/* For compose. What the page's changes left is not newer than what is asked for after it. */
static int fetch(void *context, enum subject subject, struct slice id, struct slice *object)
{
	struct script *s = context;
	int r;

	if (!s->object || s->subject != subject || !slice_eq(s->id, id)) {
		drop_object(s);
		r = fetch_object(s->rs, &s->at, subject, id, s->content, &s->object, NULL);
		if (r) {
			return r;
		}
		s->subject = subject;
		s->id = id;
	}
	*object = fetch_value(s->object);
	return 0;
}

/* A page of changes, borrowed from its reply. */
struct page {
	struct slice rest;
	uint32_t n;
	int64_t last_seq;
	bool truncated;
	bool last; /* there is no more in the feed */
};

static void read_page(const struct runstore_reply *reply, uint32_t limit, struct page *page)
{
	struct slice value = fetch_value(reply);
	struct mp list = {0};

	*page = (struct page){.rest = mp_lookup(value, "changes")};
	if (mp_read(&page->rest, &list) && list.type == MP_ARRAY) {
		page->n = list.n;
	}
	mp_get_int(mp_lookup(value, "last_seq"), &page->last_seq);
	mp_get_bool(mp_lookup(value, "truncated"), &page->truncated);
	page->last = page->n < limit && value.len < FULL_BYTES;
}

static bool says(struct slice change, const char *name, const char *text)
{
	struct slice value;

	return mp_get_str(mp_lookup(change, name), &value) && slice_is(value, text);
}

/* Where the last requires_action that was answered is in the feed. */
struct submit {
	int64_t action; /* the last requires_action */
	int64_t begin;	/* the last that was answered; 0: none, or it is no longer kept */
};

static void scan_change(struct slice change, struct submit *found)
{
	if (mp_is_nil(mp_lookup(change, "step_id")) && says(change, "to", "requires_action") &&
		!says(change, "from", "requires_action")) {
		mp_get_int(mp_lookup(change, "seq"), &found->action);
	} else if (says(change, "event", "thread.run.queued") &&
		   says(change, "from", "requires_action")) {
		found->begin = found->action;
	}
}

static int find_submit(struct script *s, struct submit *found, struct runstore_error *error)
{
	struct page page = {0};
	int64_t after = 0;
	int r;

	while (!page.last) {
		struct runstore_reply *reply;

		r = fetch_changes(s->rs, s->at.run_id, after, SCAN_PAGE, false, &reply, error);
		if (r) {
			return r;
		}
		read_page(reply, SCAN_PAGE, &page);
		for (uint32_t i = 0; i < page.n; i++) {
			scan_change(mp_value(&page.rest), found);
		}
		after = page.last_seq;
		runstore_reply_free(reply);
	}
	return 0;
}

static int refuse_id(const char *id, struct runstore_error *error)
{
	return fail(error, RUNSTORE_E_INVALID_PARAMS, "Last-Event-ID",
		"No event of the run has the id '%.64s'.", id);
}

/* A number as events have them. */
static int read_id(const char *text, int64_t *out, struct runstore_error *error)
{
	size_t len = strlen(text);
	bool fits = len < strlen(LARGEST_ID) ||
		    (len == strlen(LARGEST_ID) && strcmp(text, LARGEST_ID) <= 0);

	if (!fits || strspn(text, "0123456789") != len || *text < '1') {
		return refuse_id(text, error);
	}
	*out = strtoll(text, NULL, 10);
	return 0;
}

static struct script *script_make(struct runstore *rs, const struct stream_options *o)
{
	size_t thread_size = strlen(o->thread_id) + 1, run_size = strlen(o->run_id) + 1;
	struct script *s = calloc(1, sizeof(*s) + thread_size + run_size);

	if (!s) {
		return NULL;
	}
	memcpy(s->ids, o->thread_id, thread_size);
	memcpy(s->ids + thread_size, o->run_id, run_size);
	s->rs = rs;
	s->page = PAGE_MAX;
	s->at = (struct fetch_place){s->ids, s->ids + thread_size};
	s->content = o->include_content;
	return s;
}

/* Is there such a run? And where is the stream to begin? */
static int prepare(struct script *s, const struct stream_options *o,
	struct compose_options *options, struct runstore_error *error)
{
	struct runstore_reply *run = NULL;
	struct submit found = {0};
	int r;

	r = o->last_event_id ? read_id(o->last_event_id, &options->resume_seq, error) : 0;
	if (!r) {
		r = fetch_run(s->rs, &s->at, &run, error);
	}
	runstore_reply_free(run);
	if (!r && o->from == STREAM_FROM_SUBMIT) {
		r = find_submit(s, &found, error);
	}
	options->begin_seq = found.begin;
	return r;
}

int script_open(struct script **out, struct runstore *rs, const struct stream_options *o,
	struct runstore_error *error)
{
	struct script *s = script_make(rs, o);
	struct compose_options options = {
		.through_actions = o->through_actions,
		.include_content = o->include_content,
		.fetch = fetch,
		.context = s,
	};
	int r;

	if (!s) {
		return fail_memory(error);
	}
	r = prepare(s, o, &options, error);
	if (!r && compose_open(&s->compose, &options)) {
		r = fail_memory(error);
	}
	if (r) {
		script_close(s);
		return r;
	}
	*out = s;
	return 0;
}

bool script_met(const struct script *s)
{
	return compose_met(s->compose);
}

/* A refusal that asking again would not change ends the stream. */
static int give_up(struct script *s, int r, const struct runstore_error *error, struct buf *out)
{
	struct runstore_error replaced;

	if (may_pass(r)) {
		return r;
	}
	if (r == RUNSTORE_E_INVALID_PARAMS) {
		fail(&replaced, RUNSTORE_E_INTERNAL, NULL,
			"The store is not the one that it was when the stream began.");
		error = &replaced;
	}
	compose_fail(s->compose, error, out);
	return 0;
}

/* As many changes of the page as there is room for; *@whole: all of them. */
static int take_changes(
	struct script *s, struct page *page, size_t end, struct buf *out, bool *whole)
{
	for (uint32_t i = 0; i < page->n; i++) {
		struct slice change = mp_value(&page->rest);
		int r;

		if (compose_over(s->compose) || out->len >= end) {
			*whole = false;
			return 0;
		}
		r = compose_change(s->compose, change, out);
		if (r) {
			return r;
		}
		mp_get_int(mp_lookup(change, "seq"), &s->after);
	}
	*whole = true;
	if (!page->n && page->last_seq > s->after) {
		s->after = page->last_seq;
	}
	return 0;
}

/* Where the feed may lack the end of the run, the run tells it. */
static int ask_run(struct script *s, struct buf *out, struct runstore_error *error)
{
	struct runstore_reply *reply;
	int r;

	if (!s->unsure && (compose_whole(s->compose) || s->asked)) {
		return 0;
	}
	r = fetch_run(s->rs, &s->at, &reply, error);
	if (r) {
		return give_up(s, r, error, out);
	}
	compose_run(s->compose, fetch_value(reply), out);
	runstore_reply_free(reply);
	s->unsure = false;
	s->asked = true;
	return 0;
}

/* Where objects are large, most of a page would be read in vain. */
static void fit_page(struct script *s, bool whole)
{
	if (whole) {
		s->page = 2 * s->page < PAGE_MAX ? 2 * s->page : PAGE_MAX;
	} else {
		s->page = s->page / 2 > PAGE_MIN ? s->page / 2 : PAGE_MIN;
	}
}

static int read_changes(struct script *s, const struct runstore_reply *reply, size_t end,
	struct buf *out, bool *whole, struct runstore_error *error)
{
	struct page page;
	int r;

	read_page(reply, (uint32_t)s->page, &page);
	if (page.truncated && s->after) {
		compose_gap(s->compose, out);
		s->unsure = true;
	}
	r = take_changes(s, &page, end, out, whole);
	drop_object(s);
	fit_page(s, *whole);
	*whole = *whole && page.last;
	if (r > 0) {
		fail(error, r, NULL, "An object of the run cannot be read.");
	} else if (r < 0) {
		r = fail(error, RUNSTORE_E_INTERNAL, NULL, "The stream cannot go on: %s.",
			strerror(-r));
	}
	return r ? give_up(s, r, error, out) : 0;
}

int script_read(struct script *s, size_t room, struct buf *out, enum script_state *state,
	struct runstore_error *error)
{
	struct runstore_reply *reply;
	size_t end = out->len + room;
	bool last = false;
	int r;

	r = fetch_changes(s->rs, s->at.run_id, s->after, s->page, true, &reply, error);
	if (r) {
		r = give_up(s, r, error, out);
	} else {
		r = read_changes(s, reply, end, out, &last, error);
		runstore_reply_free(reply);
	}
	if (!r && last) {
		compose_pause(s->compose, out);
	}
	if (!r && last && compose_met(s->compose) && !compose_over(s->compose)) {
		r = ask_run(s, out, error);
	}
	*state = compose_over(s->compose) ? SCRIPT_OVER : last ? SCRIPT_WAITS : SCRIPT_GOES_ON;
	return r ? r : buf_error(out);
}
