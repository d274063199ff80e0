/*
 * A list by time. Nearly all waits are as long as the one set before, so that a new timer is put in
 * near the end, where the search for its place begins.
 */
#include "tools/gateway/timers.h"
#include "client/util.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct timers {
	pthread_t thread;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	struct timer *first, *last;
	bool closing;
};

static void take_out(struct timers *ts, struct timer *t)
{
	if (!t->at_ms) {
		return;
	}
	*(t->prev ? &t->prev->next : &ts->first) = t->next;
	*(t->next ? &t->next->prev : &ts->last) = t->prev;
	t->at_ms = 0;
}

/* @at_ms is not 0. */
static void put_in(struct timers *ts, struct timer *t, int64_t at_ms)
{
	struct timer *before = ts->last;

	while (before && before->at_ms > at_ms) {
		before = before->prev;
	}
	t->at_ms = at_ms;
	t->prev = before;
	t->next = before ? before->next : ts->first;
	*(before ? &before->next : &ts->first) = t;
	*(t->next ? &t->next->prev : &ts->last) = t;
}

static void ring_due(struct timers *ts)
{
	int64_t now = now_ms();

	while (ts->first && ts->first->at_ms <= now) {
		struct timer *t = ts->first;
		int64_t again;

		take_out(ts, t);
		again = t->ring(t);
		if (again) {
			put_in(ts, t, again);
		}
	}
}

static void wait_for_first(struct timers *ts)
{
	if (ts->first) {
		int64_t at = ts->first->at_ms;
		const struct timespec until = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};

		pthread_cond_timedwait(&ts->changed, &ts->lock, &until);
	} else {
		pthread_cond_wait(&ts->changed, &ts->lock);
	}
}

static void *timers_run(void *context)
{
	struct timers *ts = context;

	pthread_mutex_lock(&ts->lock);
	while (!ts->closing) {
		wait_for_first(ts);
		ring_due(ts);
	}
	pthread_mutex_unlock(&ts->lock);
	return NULL;
}

static void timers_free(struct timers *ts)
{
	pthread_cond_destroy(&ts->changed);
	pthread_mutex_destroy(&ts->lock);
	free(ts);
}

int timers_open(struct timers **out)
{
	struct timers *ts = calloc(1, sizeof(*ts));
	pthread_condattr_t attributes;
	int r;

	if (!ts) {
		return -ENOMEM;
	}
	pthread_mutex_init(&ts->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&ts->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	r = pthread_create(&ts->thread, NULL, timers_run, ts);
	if (r) {
		timers_free(ts);
		return -r;
	}
	*out = ts;
	return 0;
}

void timers_close(struct timers *ts)
{
	if (!ts) {
		return;
	}
	pthread_mutex_lock(&ts->lock);
	ts->closing = true;
	pthread_cond_signal(&ts->changed);
	pthread_mutex_unlock(&ts->lock);
	pthread_join(ts->thread, NULL);
	timers_free(ts);
}

void timers_set(struct timers *ts, struct timer *t, int64_t at_ms)
{
	pthread_mutex_lock(&ts->lock);
	take_out(ts, t);
	put_in(ts, t, at_ms);
	if (ts->first == t) {
		pthread_cond_signal(&ts->changed);
	}
	pthread_mutex_unlock(&ts->lock);
}

void timers_cancel(struct timers *ts, struct timer *t)
{
	pthread_mutex_lock(&ts->lock);
	take_out(ts, t);
	pthread_mutex_unlock(&ts->lock);
}
