/*
 * Watching. The truth is the feed: a hint, a new connection for hints, or a silence that has
 * lasted for some time make the watch look at it.
 */
#include "client/fail.h"
#include "client/feed.h"
#include "client/hints.h"
#include "client/url.h"
#include "client/util.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <stdlib.h>

#define SLICE_MS 250	  /* how often the connection for hints is looked at */
#define DRAIN 1000	  /* messages to take in between */
#define QUIET_MIN_MS 50	  /* how long to trust the silence of a new connection, */
#define QUIET_MAX_MS 1000 /* and of one that has proved itself */
#define OWED_MS 250	  /* how late a hint may be for what the feed has */
#define AGAIN_MS 50	  /* before asking a daemon again that did not answer */

struct runstore_watch {
	struct feed feed;
	struct hints hints;
	int64_t next_look_ms; /* 0: there is something to see */
	int64_t quiet_ms;
	int64_t owed_seq;	       /* a hint must come for this change, 0 for none, */
	int64_t owed_until_ms;	       /* until then */
	bool away;		       /* the last look found nobody who had time */
	struct runstore_error trouble; /* of that */
};

void runstore_watch_close(struct runstore_watch *watch)
{
	if (watch) {
		hints_finish(&watch->hints);
		feed_finish(&watch->feed);
		free(watch);
	}
}

int64_t runstore_watch_seq(const struct runstore_watch *watch)
{
	return watch->feed.seq;
}

/* Nobody hinted at what a @silent look found: a hint must follow, or the connection is none. */
static void plan(struct runstore_watch *w, bool silent, const struct feed_found *found)
{
	int64_t now = now_ms();

	if (silent && found->n && !w->owed_seq) {
		w->owed_seq = found->last_seq;
		w->owed_until_ms = now + OWED_MS;
	}
	if (silent && !found->n) {
		w->quiet_ms = 2 * w->quiet_ms < QUIET_MAX_MS ? 2 * w->quiet_ms : QUIET_MAX_MS;
	}
	w->next_look_ms = found->whole ? now + w->quiet_ms : 0;
}

/* What may pass is kept for when the caller's time is over. */
static int look(struct runstore_watch *w, int64_t deadline_ms, struct runstore_error *error)
{
	bool silent = w->next_look_ms != 0;
	struct feed_found found;
	int r;

	r = feed_fetch(&w->feed, deadline_ms, &found, &w->trouble);
	w->away = may_pass(r);
	if (w->away) {
		w->next_look_ms = now_ms() + AGAIN_MS;
		return 0;
	}
	if (r && error) {
		*error = w->trouble;
	}
	if (!r) {
		plan(w, silent, &found);
	}
	return r;
}

/* What is published makes the watch look, or is the next change itself. */
static void consider(
	struct runstore_watch *w, struct slice change, const struct runstore_change **out)
{
	if (feed_seq_of(change) >= w->owed_seq) {
		w->owed_seq = 0;
	}
	if (!feed_wants(&w->feed, change)) {
		return;
	}
	w->next_look_ms = 0;
	if (feed_is_next(&w->feed, change) && !feed_give(&w->feed, change, NULL)) {
		w->next_look_ms = now_ms() + w->quiet_ms;
		*out = w->feed.change;
	}
}

static void demand_owed(struct runstore_watch *w)
{
	if (w->owed_seq && now_ms() >= w->owed_until_ms) {
		w->owed_seq = 0;
		hints_renew(&w->hints);
	}
}

/* Until there is something to see, and no longer than a slice. */
static void hear(struct runstore_watch *w, int64_t until_ms, const struct runstore_change **out)
{
	for (int i = 0; i < DRAIN && !*out && w->next_look_ms; i++) {
		int64_t left = until_ms - now_ms();
		struct slice message = hints_receive(&w->hints, left < 0	  ? 0
								: left < SLICE_MS ? (int)left
										  : SLICE_MS);

		if (!message.ptr) {
			demand_owed(w);
			return;
		}
		consider(w, hints_change(message), out);
		nn_freemsg((void *)message.ptr);
	}
}

static int look_if_due(struct runstore_watch *w, int64_t deadline_ms, struct runstore_error *error)
{
	if (w->feed.n_rest) {
		return 0;
	}
	if (hints_tend(&w->hints)) {
		w->quiet_ms = QUIET_MIN_MS;
		w->next_look_ms = 0;
	}
	return now_ms() < w->next_look_ms ? 0 : look(w, deadline_ms, error);
}

/* One round: look if there is cause to, give what is there, or else listen. */
static int watch_round(struct runstore_watch *w, int64_t deadline_ms,
	const struct runstore_change **out, struct runstore_error *error)
{
	int r;

	r = look_if_due(w, deadline_ms, error);
	if (!r) {
		r = feed_take(&w->feed, out, error);
	}
	if (!r && !*out) {
		hear(w, w->next_look_ms < deadline_ms ? w->next_look_ms : deadline_ms, out);
	}
	return r;
}

static int give_up(const struct runstore_watch *w, const struct runstore_change **out,
	struct runstore_error *error)
{
	if (!w->away) {
		*out = NULL;
		return 0;
	}
	if (error) {
		*error = w->trouble;
	}
	return w->trouble.code;
}

int runstore_watch_next(struct runstore_watch *w, int timeout_ms,
	const struct runstore_change **out, struct runstore_error *error)
{
	int patience = w->feed.rs->connect_timeout_ms; /* when there is no other limit */
	int64_t deadline_ms = end_after(timeout_ms), patience_ms = end_after(patience);
	const struct runstore_change *change = NULL;
	bool over = false;
	int r;

	/* What was heard at the last moment is still looked at. */
	while (!change && (!over || (!w->away && !w->next_look_ms))) {
		r = watch_round(w, deadline_ms, &change, error);
		if (r) {
			return r;
		}
		patience_ms = w->away ? patience_ms : end_after(patience);
		over = now_ms() >= (timeout_ms < 0 ? patience_ms : deadline_ms);
	}
	if (!change) {
		return give_up(w, out, error);
	}
	*out = change;
	return 0;
}

static bool copy_text(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

/* Topics are THREAD/RUN and a NUL. */
static void put_topic(struct buf *topic, const char *thread_id, const char *run_id)
{
	if (thread_id) {
		buf_append(topic, thread_id, strlen(thread_id));
		buf_append(topic, "/", 1);
	}
	if (thread_id && run_id) {
		buf_append(topic, run_id, strlen(run_id) + 1);
	}
}

static int use_events_url(struct runstore_watch *w, const char *url, struct runstore_error *error)
{
	int r = url_resolve(url, &w->hints.url, error);

	if (r == RUNSTORE_E_INVALID_PARAMS && error) {
		strcpy(error->param, "events_url");
	}
	return r;
}

/* Where the daemon publishes and where its feed ends, as far as that was not said. */
static int ask_server(struct runstore_watch *w, const struct runstore_watch_options *options,
	struct runstore_error *error)
{
	struct runstore_reply *reply = NULL;
	char *url;
	int r;

	r = runstore_call(w->feed.rs, "server.info", NULL, 0, &reply, error);
	if (r) {
		return r;
	}
	if (!options->since) {
		mp_get_int(mp_lookup(reply->result, "last_seq"), &w->feed.seq);
	}
	if (!options->events_url) {
		url = runstore_value_string(
			runstore_value_member(runstore_reply_value(reply), "events"));
		r = use_events_url(w, url ? url : "", error);
		free(url);
	}
	runstore_reply_free(reply);
	return r;
}

static int watch_find(struct runstore_watch *w, const struct runstore_watch_options *options,
	struct runstore_error *error)
{
	struct feed *f = &w->feed;
	int r = 0;

	put_topic(&w->hints.topic, options->thread_id, options->run_id);
	if (buf_error(&w->hints.topic) || !copy_text(&f->thread_id, options->thread_id) ||
		!copy_text(&f->run_id, options->run_id)) {
		return fail_memory(error);
	}
	f->objects = options->objects;
	f->seq = options->since ? *options->since : 0;
	if (options->events_url) {
		r = use_events_url(w, options->events_url, error);
	}
	if (!r && (!options->events_url || !options->since)) {
		r = ask_server(w, options, error);
	}
	return r;
}

static int watch_begin(struct runstore_watch *w, struct runstore_error *error)
{
	int r = hints_open(&w->hints);

	if (r == -EMFILE || r == -ENOMEM) {
		return fail(error, RUNSTORE_E_INTERNAL, NULL, "There is no socket for a watch: %s.",
			nn_strerror(-r));
	}
	if (r) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "events_url",
			"The URL '%s' cannot be used: %s.", w->hints.url, nn_strerror(-r));
	}
	r = look(w, end_after(w->feed.rs->timeout_ms), error);
	return r ? r : w->away ? give_up(w, NULL, error) : 0;
}

int runstore_watch_open(struct runstore *rs, const struct runstore_watch_options *options,
	struct runstore_watch **out, struct runstore_error *error)
{
	static const struct runstore_watch_options all;
	struct runstore_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w) {
		return fail_memory(error);
	}
	w->feed.rs = rs;
	w->quiet_ms = QUIET_MIN_MS;
	w->hints.fd = -1;
	r = watch_find(w, options ? options : &all, error);
	if (!r) {
		r = watch_begin(w, error);
	}
	if (r) {
		runstore_watch_close(w);
		return r;
	}
	*out = w;
	return 0;
}
