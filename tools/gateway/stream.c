/*
 * A stream is read from two ends. A job of the pool, one at a time, reads its script and puts text
 * into the buffer; the server takes it out. The job is started by the hub when the run has changed,
 * by the reader when there is room again, and by the clock, which also lets a silent connection say
 * something. What starts it while it runs makes it run once more.
 */
#include "tools/gateway/stream.h"
#include "client/fail.h"
#include "client/util.h"
#include "tools/gateway/event.h"
#include "tools/gateway/hub.h"
#include "tools/gateway/script.h"
#include "tools/gateway/timers.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#define UNREAD_MAX (256u << 10) /* bytes; no more is fetched before some of it is read */
#define KEEP_BYTES (16u << 10)	/* of the buffer, when all is read */
#define BEAT_MS 15000		/* without events until something is said */
#define TICK_MS 1000		/* between looks at the clock */

struct stream {
	struct hub_waiter waiter;
	struct timer timer;
	struct pool_job job;
	struct streams *all;
	struct exchange *x;
	struct script *script; /* the job's */
	char *run_id;
	/* Under the lock of the streams. */
	struct stream *next, *prev;
	/* Under its own. */
	pthread_mutex_t lock;
	struct buf text;
	size_t taken;	 /* bytes of the text that were read */
	int64_t told_ms; /* when something was said last */
	unsigned int refs;
	bool begun;   /* the answer */
	bool busy;    /* the job is under way */
	bool again;   /* it is to run once more */
	bool full;    /* the reader will start it */
	bool away;    /* the daemon did not answer */
	bool over;    /* what is in the buffer is the last */
	bool retired; /* nothing starts the job any more */
};

struct streams {
	const struct gateway *gw;
	struct timers *timers;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t left;
	struct stream *first;
	unsigned int n;
	unsigned int refs; /* its owner's and the streams' */
	bool stopping;
};

static void streams_unref(struct streams *all)
{
	bool last;

	pthread_mutex_lock(&all->lock);
	last = !--all->refs;
	pthread_mutex_unlock(&all->lock);
	if (last) {
		pthread_cond_destroy(&all->left);
		pthread_mutex_destroy(&all->lock);
		free(all);
	}
}

static void stream_ref(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->refs++;
	pthread_mutex_unlock(&s->lock);
}

static void stream_unref(struct stream *s)
{
	bool last;

	pthread_mutex_lock(&s->lock);
	last = !--s->refs;
	pthread_mutex_unlock(&s->lock);
	if (last) {
		script_close(s->script);
		exchange_unref(s->x);
		streams_unref(s->all);
		pthread_mutex_destroy(&s->lock);
		buf_finish(&s->text);
		free(s->run_id);
		free(s);
	}
}

/* Under the lock: let the job run, now or when it is there again. */
static void start(struct stream *s)
{
	if (s->over || s->retired || s->full) {
		return;
	}
	if (s->busy) {
		s->again = true;
	} else {
		s->busy = true;
		s->refs++;
		pool_submit(s->all->gw->pool, &s->job);
	}
}

static void wake(struct hub_waiter *w, enum hub_news news, const char *status)
{
	struct stream *s = (struct stream *)((char *)w - offsetof(struct stream, waiter));

	pthread_mutex_lock(&s->lock);
	start(s);
	pthread_mutex_unlock(&s->lock);
}

/* Under the lock: the client notices that we are here, and we whether he is. True when it is. */
static bool beat(struct stream *s, int64_t now)
{
	bool silent = s->begun && s->taken == s->text.len;

	s->told_ms = now;
	if (silent) {
		event_put_comment(&s->text, "keep-alive");
	}
	return silent;
}

/* Beyond what the hub tells, the feed is looked at now and then, which moves its place on. */
static int64_t ring(struct timer *t)
{
	struct stream *s = (struct stream *)((char *)t - offsetof(struct stream, timer));
	int64_t now = now_ms();
	bool said = false, due;

	pthread_mutex_lock(&s->lock);
	due = now >= s->told_ms + BEAT_MS;
	if (due && !s->over) {
		said = beat(s, now);
	}
	if ((due || s->away) && hub_well(s->all->gw->hub)) {
		start(s);
	}
	pthread_mutex_unlock(&s->lock);
	if (said) {
		exchange_more(s->x);
	}
	return now + TICK_MS;
}

/* Nothing is to start it any more. Once, whoever comes first. */
static void retire(struct stream *s)
{
	struct streams *all = s->all;
	bool first;

	pthread_mutex_lock(&s->lock);
	first = !s->retired;
	s->retired = true;
	s->over = true;
	pthread_mutex_unlock(&s->lock);
	if (!first) {
		return;
	}
	hub_leave(all->gw->hub, &s->waiter);
	timers_cancel(all->timers, &s->timer);
	pthread_mutex_lock(&all->lock);
	*(s->prev ? &s->prev->next : &all->first) = s->next;
	if (s->next) {
		s->next->prev = s->prev;
	}
	all->n--;
	pthread_cond_broadcast(&all->left);
	pthread_mutex_unlock(&all->lock);
	stream_unref(s);
}

static ssize_t source_read(void *context, char *out, size_t size)
{
	struct stream *s = context;
	ssize_t result;
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->text.len - s->taken < size ? s->text.len - s->taken : size;
	if (n) {
		memcpy(out, s->text.ptr + s->taken, n);
		s->taken += n;
	}
	if (s->taken == s->text.len) {
		buf_reset(&s->text, KEEP_BYTES);
		s->taken = 0;
	}
	if (s->full && s->text.len - s->taken <= UNREAD_MAX / 2) {
		s->full = false;
		start(s);
	}
	result = n ? (ssize_t)n : s->over ? EXCHANGE_END : 0;
	pthread_mutex_unlock(&s->lock);
	return result;
}

static void source_close(void *context)
{
	struct stream *s = context;

	retire(s);
	stream_unref(s);
}

static void begin(struct stream *s)
{
	const struct exchange_source source = {source_read, source_close, s};

	stream_ref(s);
	exchange_answer_stream(s->x, &source);
	pthread_mutex_lock(&s->lock);
	s->begun = true;
	s->told_ms = now_ms();
	pthread_mutex_unlock(&s->lock);
}

static void refuse(struct stream *s, const struct runstore_error *error)
{
	exchange_answer_error(s->x, error);
	retire(s);
}

/* What was read goes behind what waits. */
static void put(struct stream *s, const struct buf *text)
{
	if (s->taken) {
		memmove(s->text.ptr, s->text.ptr + s->taken, s->text.len - s->taken);
		buf_truncate(&s->text, s->text.len - s->taken);
		s->taken = 0;
	}
	buf_put(&s->text, buf_slice(text));
	if (text->len) {
		s->told_ms = now_ms();
	}
}

/* Take in what a look brought, and say whether the job is to run again. */
static bool settle(struct stream *s, int r, enum script_state state, const struct buf *text)
{
	bool more;

	pthread_mutex_lock(&s->lock);
	put(s, text);
	s->away = r > 0;
	s->over = s->over || state == SCRIPT_OVER || r < 0 || buf_error(&s->text);
	s->full = !s->over && s->text.len - s->taken >= UNREAD_MAX;
	more = !s->over && !s->full && (s->again || (!r && state == SCRIPT_GOES_ON));
	more = more || !s->begun; /* there must be an answer */
	s->again = false;
	s->busy = more;
	pthread_mutex_unlock(&s->lock);
	return more;
}

static size_t room_of(struct stream *s)
{
	size_t unread;

	pthread_mutex_lock(&s->lock);
	unread = s->text.len - s->taken;
	pthread_mutex_unlock(&s->lock);
	return unread < UNREAD_MAX ? UNREAD_MAX - unread : 0;
}

static bool is_retired(struct stream *s)
{
	bool retired;

	pthread_mutex_lock(&s->lock);
	retired = s->retired;
	pthread_mutex_unlock(&s->lock);
	return retired;
}

static void fail_stopping(struct runstore_error *error)
{
	fail(error, RUNSTORE_E_UNAVAILABLE, NULL, "The gateway is being stopped.");
}

/* Before the answer: is it to begin, or is there a reason to refuse it? False when it ends so. */
static bool may_begin(
	struct stream *s, int r, enum script_state state, struct runstore_error *error)
{
	if (is_retired(s)) {
		fail_stopping(error);
	} else if (r < 0) {
		fail_memory(error);
	} else if (!r && script_met(s->script)) {
		begin(s);
		return true;
	} else if (!r && state == SCRIPT_GOES_ON) {
		return true;
	} else if (!r) {
		fail(error, RUNSTORE_E_INVALID_PARAMS, "Last-Event-ID",
			"No event of the run has this id.");
	}
	refuse(s, error);
	return false;
}

/* The job. It has a reference, which it leaves to the next one. */
static void work(struct pool_job *job)
{
	struct stream *s = (struct stream *)((char *)job - offsetof(struct stream, job));
	_cleanup_(buf_finish) struct buf text = {0};
	enum script_state state = SCRIPT_OVER;
	struct runstore_error error;
	bool more;
	int r;

	r = script_read(s->script, room_of(s), &text, &state, &error);
	if (!s->begun && !may_begin(s, r, state, &error)) {
		stream_unref(s);
		return;
	}
	more = settle(s, r, state, &text);
	if (s->begun && (text.len || state == SCRIPT_OVER || r < 0)) {
		exchange_more(s->x);
	}
	if (more) {
		pool_submit(s->all->gw->pool, &s->job);
	} else {
		stream_unref(s);
	}
}

/* A stream with two references: the list's and its first job's. */
static struct stream *stream_make(struct streams *all, struct exchange *x, const char *run_id)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		return NULL;
	}
	s->run_id = strdup(run_id);
	if (!s->run_id) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_lock(&all->lock);
	all->refs++;
	pthread_mutex_unlock(&all->lock);
	s->waiter = (struct hub_waiter){.run_id = s->run_id, .wake = wake};
	s->timer.ring = ring;
	s->job.run = work;
	s->all = all;
	s->x = exchange_ref(x);
	s->told_ms = now_ms();
	s->busy = true;
	s->refs = 2;
	return s;
}

/* From here on it may be retired. False when it is too late to begin. */
static bool enter(struct stream *s)
{
	struct streams *all = s->all;
	bool stopping;

	hub_join(all->gw->hub, &s->waiter);
	timers_set(all->timers, &s->timer, now_ms() + TICK_MS);
	pthread_mutex_lock(&all->lock);
	stopping = all->stopping;
	s->next = all->first;
	if (s->next) {
		s->next->prev = s;
	}
	all->first = s;
	all->n++;
	pthread_mutex_unlock(&all->lock);
	return !stopping;
}

void stream_open(struct streams *streams, struct exchange *x, const struct stream_options *options)
{
	struct stream *s = stream_make(streams, x, options->run_id);
	struct runstore_error error;
	int r = 0;

	if (!s) {
		fail_memory(&error);
		exchange_answer_error(x, &error);
		return;
	}
	if (!enter(s)) {
		fail_stopping(&error);
		r = error.code;
	}
	if (!r) {
		r = script_open(&s->script, streams->gw->rs, options, &error);
	}
	if (r) {
		refuse(s, &error);
		stream_unref(s);
		return;
	}
	if (options->thread && !options->last_event_id) {
		event_put_json(&s->text, "thread.created", options->thread);
	}
	work(&s->job);
}

int streams_open(struct streams **out, const struct gateway *gw)
{
	struct streams *all = calloc(1, sizeof(*all));
	int r;

	if (!all) {
		return -ENOMEM;
	}
	r = timers_open(&all->timers);
	if (r) {
		free(all);
		return r;
	}
	all->gw = gw;
	all->refs = 1;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->left, NULL);
	*out = all;
	return 0;
}

/* The first one of the list, with a reference; NULL when there is none. */
static struct stream *first_of(struct streams *all)
{
	struct stream *s;

	pthread_mutex_lock(&all->lock);
	s = all->first;
	if (s) {
		stream_ref(s);
	}
	pthread_mutex_unlock(&all->lock);
	return s;
}

/* Another thread may be about to take it out of the list. */
static void await_leave(struct streams *all, const struct stream *s)
{
	pthread_mutex_lock(&all->lock);
	while (all->first == s) {
		pthread_cond_wait(&all->left, &all->lock);
	}
	pthread_mutex_unlock(&all->lock);
}

static bool has_begun(struct stream *s)
{
	bool begun;

	pthread_mutex_lock(&s->lock);
	begun = s->begun;
	pthread_mutex_unlock(&s->lock);
	return begun;
}

void streams_stop(struct streams *all)
{
	struct stream *s;

	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	pthread_mutex_unlock(&all->lock);
	while ((s = first_of(all))) {
		retire(s);
		if (has_begun(s)) {
			exchange_more(s->x);
		}
		await_leave(all, s);
		stream_unref(s);
	}
}

void streams_close(struct streams *all)
{
	if (all) {
		streams_stop(all);
		timers_close(all->timers);
		streams_unref(all);
	}
}

unsigned int streams_count(struct streams *all)
{
	unsigned int n;

	pthread_mutex_lock(&all->lock);
	n = all->n;
	pthread_mutex_unlock(&all->lock);
	return n;
}
