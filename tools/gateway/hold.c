/*
 * A held request joins the hub, reads its run, and then either is answered or waits. What the hub
 * or the clock tells while it reads is noted and looked at afterwards; while it waits, that makes a
 * thread of the pool read again. So there is one look at a time, and no news is lost in between.
 */
#include "tools/gateway/hold.h"
#include "client/util.h"
#include "proto/mp.h"
#include "tools/gateway/fetch.h"
#include "tools/gateway/hub.h"
#include "tools/gateway/timers.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define STATUS_SIZE 24		   /* the longest is requires_action */
#define POLL_AFTER_MS_UNHELD "500" /* so that who cannot be held does not ask in a circle */

struct hold {
	struct hub_waiter waiter;
	struct timer timer;
	struct pool_job job;
	struct holds *holds;
	struct exchange *x;
	struct fetch_place at;
	/* Under the lock of the holds. */
	struct hold *next, *prev;
	bool reading;
	bool moved;		  /* it has left its status */
	bool unsure;		  /* it may have */
	bool due;		  /* it is answered as it is */
	char status[STATUS_SIZE]; /* on arrival, "" before that was read */
	char told[STATUS_SIZE];	  /* by the hub before that, "" for none */
	char ids[];
};

struct holds {
	const struct gateway *gw;
	struct timers *timers;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t answered;
	struct hold *first;
	unsigned int n;
	bool stopping;
	bool daemon_gone; /* found while stopping: the others need not ask it */
};

static void look(struct pool_job *job);

/* Under the lock: let a thread of the pool look at the run, unless one does. */
static void start(struct hold *h)
{
	if (!h->reading) {
		h->reading = true;
		pool_submit(h->holds->gw->pool, &h->job);
	}
}

static void wake(struct hub_waiter *w, enum hub_news news, const char *status)
{
	struct hold *h = (struct hold *)((char *)w - offsetof(struct hold, waiter));

	pthread_mutex_lock(&h->holds->lock);
	if (news == HUB_STATUS && !*h->status) {
		snprintf(h->told, sizeof(h->told), "%s", status);
	} else if (news == HUB_STATUS && strcmp(status, h->status) != 0) {
		h->moved = true;
	} else if (news == HUB_UNSURE) {
		h->unsure = true;
	}
	if (h->moved || h->unsure) {
		start(h);
	}
	pthread_mutex_unlock(&h->holds->lock);
}

static int64_t ring(struct timer *t)
{
	struct hold *h = (struct hold *)((char *)t - offsetof(struct hold, timer));

	pthread_mutex_lock(&h->holds->lock);
	h->due = true;
	start(h);
	pthread_mutex_unlock(&h->holds->lock);
	return 0;
}

static bool may_change(const char *status)
{
	return !strcmp(status, "queued") || !strcmp(status, "in_progress") ||
	       !strcmp(status, "cancelling");
}

static void status_of(const struct runstore_reply *reply, char out[static STATUS_SIZE])
{
	struct slice status = {(const uint8_t *)"", 0};

	mp_get_str(mp_lookup(fetch_value(reply), "status"), &status);
	snprintf(out, STATUS_SIZE, "%.*s", (int)status.len, (const char *)status.ptr);
}

static void answer_run(
	struct exchange *x, const struct runstore_reply *reply, const char *poll_after_ms)
{
	struct runstore_value value = runstore_reply_value(reply);
	struct runstore_error error;
	char *json;

	if (runstore_msgpack_to_json(value.data, value.size, &json, &error)) {
		exchange_answer_error(x, &error);
		return;
	}
	exchange_add_header(x, "openai-poll-after-ms", poll_after_ms);
	exchange_answer_take(x, 200, json);
}

static void answer_at_once(struct holds *holds, struct exchange *x, const struct fetch_place *at)
{
	struct runstore_reply *reply;
	struct runstore_error error;
	char status[STATUS_SIZE];

	if (fetch_run(holds->gw->rs, at, &reply, &error)) {
		exchange_answer_error(x, &error);
		return;
	}
	status_of(reply, status);
	answer_run(x, reply, may_change(status) ? POLL_AFTER_MS_UNHELD : "0");
	runstore_reply_free(reply);
}

enum verdict { ANSWER, LOOK_AGAIN, WAIT };

/* Under the lock: what a look that found @status leads to. @moved: that was known before it. */
static enum verdict judge(struct hold *h, const char *status, bool moved)
{
	if (!*h->status) {
		snprintf(h->status, sizeof(h->status), "%s", status);
		h->moved = *h->told && strcmp(h->told, status) != 0;
	}
	if (!may_change(status) || strcmp(status, h->status) != 0 || h->due || moved) {
		return ANSWER;
	}
	return h->moved || h->unsure ? LOOK_AGAIN : WAIT;
}

/* Read the run. An error is an answer too. */
static enum verdict look_once(
	struct hold *h, struct runstore_reply **reply, int *code, struct runstore_error *error)
{
	struct holds *holds = h->holds;
	char status[STATUS_SIZE];
	enum verdict v = ANSWER;
	bool moved;

	pthread_mutex_lock(&holds->lock);
	moved = h->moved;
	h->unsure = false;
	pthread_mutex_unlock(&holds->lock);
	*code = fetch_run(holds->gw->rs, &h->at, reply, error);
	if (!*code) {
		status_of(*reply, status);
	}
	pthread_mutex_lock(&holds->lock);
	if (!*code) {
		v = judge(h, status, moved);
	} else if (holds->stopping && may_pass(*code)) {
		holds->daemon_gone = true;
	}
	h->reading = v != WAIT;
	pthread_mutex_unlock(&holds->lock);
	return v;
}

static void hold_free(struct hold *h)
{
	struct holds *holds = h->holds;

	hub_leave(holds->gw->hub, &h->waiter);
	timers_cancel(holds->timers, &h->timer);
	exchange_unref(h->x);
	pthread_mutex_lock(&holds->lock);
	*(h->prev ? &h->prev->next : &holds->first) = h->next;
	if (h->next) {
		h->next->prev = h->prev;
	}
	holds->n--;
	pthread_cond_broadcast(&holds->answered);
	pthread_mutex_unlock(&holds->lock);
	free(h);
}

/* Is there nobody to ask any more? */
static bool is_vain(struct holds *holds, struct runstore_error *error)
{
	bool vain;

	pthread_mutex_lock(&holds->lock);
	vain = holds->daemon_gone;
	pthread_mutex_unlock(&holds->lock);
	if (vain) {
		*error = (struct runstore_error){
			.code = RUNSTORE_E_UNAVAILABLE,
			.type = "server_error",
			.name = "unavailable",
			.message = "No daemon answers.",
		};
	}
	return vain;
}

static void look(struct pool_job *job)
{
	struct hold *h = (struct hold *)((char *)job - offsetof(struct hold, job));
	struct runstore_reply *reply;
	struct runstore_error error;
	enum verdict v = LOOK_AGAIN;
	int code;

	if (is_vain(h->holds, &error)) {
		exchange_answer_error(h->x, &error);
		hold_free(h);
		return;
	}
	while (v == LOOK_AGAIN) {
		reply = NULL;
		v = look_once(h, &reply, &code, &error);
		if (v == ANSWER && code) {
			exchange_answer_error(h->x, &error);
		} else if (v == ANSWER) {
			answer_run(h->x, reply, "0");
		}
		runstore_reply_free(reply);
	}
	if (v == ANSWER) {
		hold_free(h);
	}
}

static struct hold *hold_make(
	struct holds *holds, struct exchange *x, const char *thread_id, const char *run_id)
{
	size_t thread_size = strlen(thread_id) + 1, run_size = strlen(run_id) + 1;
	struct hold *h = calloc(1, sizeof(*h) + thread_size + run_size);

	if (!h) {
		return NULL;
	}
	memcpy(h->ids, thread_id, thread_size);
	memcpy(h->ids + thread_size, run_id, run_size);
	h->at = (struct fetch_place){h->ids, h->ids + thread_size};
	h->waiter = (struct hub_waiter){.run_id = h->at.run_id, .wake = wake};
	h->timer.ring = ring;
	h->job.run = look;
	h->holds = holds;
	h->x = exchange_ref(x);
	h->reading = true;
	return h;
}

/* False when all are to be answered at once. */
static bool hold_enter(struct holds *holds, struct hold *h)
{
	bool stopping;

	pthread_mutex_lock(&holds->lock);
	stopping = holds->stopping;
	if (!stopping) {
		h->next = holds->first;
		if (h->next) {
			h->next->prev = h;
		}
		holds->first = h;
		holds->n++;
	}
	pthread_mutex_unlock(&holds->lock);
	return !stopping;
}

void hold_run(struct holds *holds, struct exchange *x, const char *thread_id, const char *run_id,
	int64_t max_ms)
{
	const struct fetch_place at = {thread_id, run_id};
	struct hold *h = max_ms > 0 ? hold_make(holds, x, thread_id, run_id) : NULL;

	if (!h || !hold_enter(holds, h)) {
		answer_at_once(holds, x, &at);
		if (h) {
			exchange_unref(h->x);
			free(h);
		}
		return;
	}
	hub_join(holds->gw->hub, &h->waiter);
	timers_set(holds->timers, &h->timer, end_after(max_ms));
	look(&h->job);
}

int holds_open(struct holds **out, const struct gateway *gw)
{
	struct holds *holds = calloc(1, sizeof(*holds));
	int r;

	if (!holds) {
		return -ENOMEM;
	}
	r = timers_open(&holds->timers);
	if (r) {
		free(holds);
		return r;
	}
	holds->gw = gw;
	pthread_mutex_init(&holds->lock, NULL);
	pthread_cond_init(&holds->answered, NULL);
	*out = holds;
	return 0;
}

void holds_stop(struct holds *holds)
{
	pthread_mutex_lock(&holds->lock);
	holds->stopping = true;
	for (struct hold *h = holds->first; h; h = h->next) {
		h->due = true;
		start(h);
	}
	while (holds->n) {
		pthread_cond_wait(&holds->answered, &holds->lock);
	}
	pthread_mutex_unlock(&holds->lock);
}

void holds_close(struct holds *holds)
{
	if (!holds) {
		return;
	}
	holds_stop(holds);
	timers_close(holds->timers);
	pthread_cond_destroy(&holds->answered);
	pthread_mutex_destroy(&holds->lock);
	free(holds);
}

unsigned int holds_count(struct holds *holds)
{
	unsigned int n;

	pthread_mutex_lock(&holds->lock);
	n = holds->n;
	pthread_mutex_unlock(&holds->lock);
	return n;
}
