/*
 * Watching: what is published says that there is something, the feed says what. A published change
 * is handed out itself only where it is certain that it is the next one.
 */
#include "client/fail.h"
#include "client/object.h"
#include "client/request.h"
#include "client/subscription.h"
#include "client/util.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE 1000
#define LARGE (8u << 20) /* bytes of a page that may have been cut */
#define SILENT_MS 1000	 /* then the feed is looked at, hint or none */
#define SLICE_MS 200	 /* how often a wait looks whether the connection is still there */
#define AWAY_MS 100	 /* between two looks while there is no daemon */
#define CONNECT_MS 250
#define PATIENCE_MS 2000 /* with a daemon that is away, when there is no other limit */

struct runstore_watch {
	struct runstore *rs; /* its own */
	char *thread_id;     /* or NULL */
	char *run_id;	     /* or NULL */
	bool objects;
	char *events_url;
	char topic[140];
	struct subscription hints;
	int64_t seq;	  /* of the last change that was looked at */
	bool look;	  /* there may be changes in the feed */
	int64_t heard_ms; /* when something was last heard or looked at */
	bool unhinted;	  /* this look is due to silence alone */
	bool truncated;	  /* changes between the last one and the next are gone */
	struct runstore_reply *page;
	struct slice left; /* of the page's changes */
	uint32_t n_left;
	struct runstore_change *change;
};

void runstore_watch_close(struct runstore_watch *w)
{
	if (!w) {
		return;
	}
	subscription_close(&w->hints);
	runstore_reply_free(w->page);
	runstore_close(w->rs);
	free(w->change);
	free(w->events_url);
	free(w->thread_id);
	free(w->run_id);
	free(w);
}

int64_t runstore_watch_seq(const struct runstore_watch *watch)
{
	return watch->seq;
}

/* The topic of a change is "thread/run"; with the thread unknown all are listened to. */
static void set_topic(struct runstore_watch *w)
{
	int n = 0;

	if (w->thread_id) {
		n = snprintf(w->topic, sizeof(w->topic), "%s/%s", w->thread_id,
			w->run_id ? w->run_id : "");
		n += w->run_id != NULL; /* with its NUL: not the runs that begin like it */
	}
	w->hints.topic = slice_of(w->topic, (size_t)n);
}

/* Where changes are published, and which one was the last. */
static int ask_server(struct runstore_watch *w, int64_t *last_seq, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = w->rs, .method = "server.info", .error = error};
	struct runstore_reply *reply = NULL;
	struct slice url;
	int r;

	r = request_call(&q, &reply);
	if (r) {
		return r;
	}
	mp_get_int(mp_lookup(reply->result, "last_seq"), last_seq);
	if (!w->events_url && mp_get_str(mp_lookup(reply->result, "events"), &url)) {
		w->events_url = strndup((const char *)url.ptr, url.len);
	}
	runstore_reply_free(reply);
	return w->events_url ? 0 : fail_memory(error);
}

static int copy_options(struct runstore_watch *w, const struct runstore_watch_options *o,
	struct runstore_error *error)
{
	w->thread_id = o->thread_id ? strdup(o->thread_id) : NULL;
	w->run_id = o->run_id ? strdup(o->run_id) : NULL;
	w->events_url = o->events_url ? strdup(o->events_url) : NULL;
	w->objects = o->objects;
	if (!w->thread_id != !o->thread_id || !w->run_id != !o->run_id ||
		!w->events_url != !o->events_url) {
		return fail_memory(error);
	}
	if ((w->thread_id && strlen(w->thread_id) > 64) || (w->run_id && strlen(w->run_id) > 64)) {
		return fail(error, RUNSTORE_E_INVALID_ID, w->thread_id ? "thread_id" : "run_id",
			"An id is 1 to 64 of A-Z a-z 0-9 _ -.");
	}
	set_topic(w);
	return 0;
}

static int fetch(struct runstore_watch *w, struct runstore_error *error);

/* Subscribed before the feed is first looked at, so that nothing falls between the two. */
static int begin(struct runstore_watch *w, const struct runstore_watch_options *o,
	struct runstore_error *error)
{
	int64_t last_seq = 0;
	int r;

	r = copy_options(w, o, error);
	if (!r) {
		r = ask_server(w, &last_seq, error);
	}
	if (r) {
		return r;
	}
	w->seq = o->since ? *o->since : last_seq;
	w->hints.url = w->events_url;
	if (!subscription_open(&w->hints)) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "events_url",
			"The URL '%s' cannot be used.", w->events_url);
	}
	return fetch(w, error);
}

int runstore_watch_open(struct runstore *rs, const struct runstore_watch_options *options,
	struct runstore_watch **out, struct runstore_error *error)
{
	static const struct runstore_watch_options all;
	const struct runstore_options own = {
		.connections = 1, .connect_timeout_ms = CONNECT_MS, .attempts = 1};
	struct runstore_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w) {
		return fail_memory(error);
	}
	w->hints.fd = -1;
	r = runstore_open(&w->rs, runstore_url(rs), &own, error);
	if (!r) {
		r = begin(w, options ? options : &all, error);
	}
	if (r) {
		runstore_watch_close(w);
		return r;
	}
	*out = w;
	return 0;
}

/* The number of changes in the page just fetched, which becomes the one to hand out. */
static uint32_t take_page(struct runstore_watch *w, struct runstore_reply *reply)
{
	struct slice changes = mp_lookup(reply->result, "changes");
	int64_t last_seq = w->seq;
	bool truncated = false;
	struct mp t = {0};

	runstore_reply_free(w->page);
	w->page = reply;
	mp_read(&changes, &t);
	w->left = changes;
	w->n_left = t.n;
	mp_get_bool(mp_lookup(reply->result, "truncated"), &truncated);
	w->truncated = w->truncated || truncated;
	mp_get_int(mp_lookup(reply->result, "last_seq"), &last_seq);
	if (!t.n && last_seq > w->seq) {
		w->seq = last_seq; /* up to here nothing was for us */
	}
	return t.n;
}

/* Read the next page of the feed. Hints that it shows to have been missed end the subscription. */
static int fetch(struct runstore_watch *w, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = w->rs, .method = "changes.list", .error = error};
	struct runstore_reply *reply = NULL;
	uint32_t n;
	int r;

	params_integer(&q.params, "after", w->seq);
	params_integer(&q.params, "limit", PAGE);
	request_text(&q, "thread_id", w->thread_id);
	request_text(&q, "run_id", w->run_id);
	params_begin(&q.params, "objects");
	mp_put_bool(&q.params.pairs, w->objects);
	r = request_call(&q, &reply);
	if (r) {
		return r;
	}
	n = take_page(w, reply);
	w->heard_ms = now_ms();
	w->look = n == PAGE || reply->result.len > LARGE;
	if (n && w->unhinted) {
		subscription_close(&w->hints);
	}
	w->unhinted = false;
	return 0;
}

static int hand_out(struct runstore_watch *w, struct slice value,
	const struct runstore_change **out, struct runstore_error *error)
{
	struct runstore_change *change;
	int r;

	r = object_change(value, &change, error);
	if (r) {
		return r;
	}
	free(w->change);
	w->change = change;
	change->truncated = w->truncated;
	w->truncated = false;
	w->seq = change->seq;
	w->heard_ms = now_ms();
	*out = change;
	return 0;
}

/* Does a hint say that there is something to look for? @next: it is itself the next change. */
static bool is_news(const struct runstore_watch *w, struct slice change, bool *next)
{
	struct slice run_id;
	int64_t seq = 0;

	*next = false;
	mp_get_int(mp_lookup(change, "seq"), &seq);
	if (seq <= w->seq) {
		return false;
	}
	if (w->run_id && !(mp_get_str(mp_lookup(change, "run_id"), &run_id) &&
				 slice_is(run_id, w->run_id))) {
		return false;
	}
	*next = !w->thread_id && !w->run_id && !w->objects && seq == w->seq + 1;
	return true;
}

/* Wait for a hint; what follows from it is in @w, or @next is the next change. */
static void listen(struct runstore_watch *w, int64_t ms, struct slice *next)
{
	struct slice change = {NULL, 0};
	bool is_next;

	if (!subscription_open(&w->hints)) {
		ms = ms < AWAY_MS ? ms : AWAY_MS;
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
		w->look = true;
		return;
	}
	switch (subscription_next(&w->hints, (int)(ms < SLICE_MS ? ms : SLICE_MS), &change)) {
	case HINT_CHANGE:
		if (is_news(w, change, &is_next)) {
			w->look = !is_next;
			*next = is_next ? change : *next;
		}
		break;
	case HINT_NONE:
		w->look = w->unhinted = now_ms() - w->heard_ms >= SILENT_MS;
		break;
	case HINT_BROKEN:
		subscription_close(&w->hints);
		w->look = true;
		break;
	}
}

static bool is_away(int r)
{
	return r == RUNSTORE_E_UNAVAILABLE || r == RUNSTORE_E_OVERLOADED;
}

/* One look at the feed, or one wait for a hint. */
static int step(
	struct runstore_watch *w, int64_t left_ms, struct slice *next, struct runstore_error *error)
{
	int r = 0;

	if (w->look) {
		r = fetch(w, error);
		if (is_away(r)) {
			nanosleep(&(struct timespec){.tv_nsec = AWAY_MS * 1000000}, NULL);
		}
	} else {
		listen(w, left_ms, next);
	}
	return r;
}

int runstore_watch_next(struct runstore_watch *w, int timeout_ms,
	const struct runstore_change **out, struct runstore_error *error)
{
	int64_t end = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
	int64_t patience = now_ms() + PATIENCE_MS;
	struct slice next = {NULL, 0};
	bool looked = false;
	int r = 0;

	while (true) {
		if (w->n_left) {
			w->n_left--;
			return hand_out(w, mp_value(&w->left), out, error);
		}
		if (next.ptr) {
			return hand_out(w, next, out, error);
		}
		if (r && (!is_away(r) || now_ms() >= (timeout_ms < 0 ? patience : end))) {
			return r;
		}
		if (!r && looked && now_ms() >= end) {
			*out = NULL;
			return 0;
		}
		patience = r ? patience : now_ms() + PATIENCE_MS;
		looked = looked || !w->look;
		r = step(w, end > now_ms() ? end - now_ms() : 0, &next, error);
	}
}
