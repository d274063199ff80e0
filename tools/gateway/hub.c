#include "tools/gateway/hub.h"
#include "client/fail.h"
#include "client/util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS 1024	 /* a power of two */
#define TURN_MS 250	 /* how long the watch is waited for at a time */
#define PAUSE_MIN_MS 20	 /* before trying again what failed, */
#define PAUSE_MAX_MS 500 /* doubled up to this */
#define IDLE_MS 30000	 /* how long the watch is kept for nobody */

/* Calls of its own handle: it must not hold up hub_close() for long. */
static const struct runstore_options patience = {
	.timeout_ms = 1000,
	.connect_timeout_ms = 250,
	.attempts = 2,
	.connections = 1,
};

struct hub {
	struct runstore *rs;
	struct runstore_watch *watch; /* the thread's, as what follows */
	int64_t needed_ms;	      /* when somebody last waited */
	int pause_ms;
	pthread_t thread;
	atomic_bool well;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t roused;
	struct hub_waiter *buckets[BUCKETS];
	size_t n_waiters;
	bool closing;
};

static struct hub_waiter **bucket_of(struct hub *hub, const char *run_id)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (const char *c = run_id; *c; c++) {
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	}
	return &hub->buckets[(hash ^ hash >> 16) & (BUCKETS - 1)];
}

static void wake_all(struct hub *hub)
{
	pthread_mutex_lock(&hub->lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct hub_waiter *w = hub->buckets[i]; w; w = w->next) {
			w->wake(w, HUB_UNSURE, NULL);
		}
	}
	pthread_mutex_unlock(&hub->lock);
}

static enum hub_news news_of(const struct runstore_change *change)
{
	static const char run[] = "thread.run.", step[] = "thread.run.step.";

	if (strncmp(change->event, run, sizeof(run) - 1) != 0 ||
		strncmp(change->event, step, sizeof(step) - 1) == 0) {
		return HUB_PART;
	}
	return change->to ? HUB_STATUS : HUB_UNSURE;
}

static void tell(struct hub *hub, const struct runstore_change *change)
{
	enum hub_news news = news_of(change);

	if (!change->run_id) {
		return;
	}
	pthread_mutex_lock(&hub->lock);
	for (struct hub_waiter *w = *bucket_of(hub, change->run_id); w; w = w->next) {
		if (strcmp(w->run_id, change->run_id) == 0) {
			w->wake(w, news, news == HUB_STATUS ? change->to : NULL);
		}
	}
	pthread_mutex_unlock(&hub->lock);
}

static void drop_watch(struct hub *hub)
{
	runstore_watch_close(hub->watch);
	hub->watch = NULL;
	atomic_store(&hub->well, false);
}

/* Until @until_ms, or the hub is closed. */
static void rest(struct hub *hub, int64_t until_ms)
{
	const struct timespec until = {
		.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	int r = 0;

	pthread_mutex_lock(&hub->lock);
	while (!hub->closing && !r) {
		r = pthread_cond_timedwait(&hub->roused, &hub->lock, &until);
	}
	pthread_mutex_unlock(&hub->lock);
}

/* Until somebody joins, or the hub is closed. */
static void idle(struct hub *hub)
{
	drop_watch(hub);
	pthread_mutex_lock(&hub->lock);
	while (!hub->closing && !hub->n_waiters) {
		pthread_cond_wait(&hub->roused, &hub->lock);
	}
	pthread_mutex_unlock(&hub->lock);
}

/* What failed is tried again later, and later still. */
static void back_off(struct hub *hub)
{
	drop_watch(hub);
	rest(hub, now_ms() + hub->pause_ms);
	hub->pause_ms = 2 * hub->pause_ms < PAUSE_MAX_MS ? 2 * hub->pause_ms : PAUSE_MAX_MS;
}

/* Changes before this may have been missed by those who have joined. */
static void be_well(struct hub *hub)
{
	if (!atomic_exchange(&hub->well, true)) {
		hub->pause_ms = PAUSE_MIN_MS;
		wake_all(hub);
	}
}

static void follow(struct hub *hub)
{
	const struct runstore_change *change = NULL;
	int r = runstore_watch_next(hub->watch, TURN_MS, &change, NULL);

	if (may_pass(r)) {
		atomic_store(&hub->well, false); /* it goes on where it was */
	} else if (r) {
		back_off(hub);
	} else {
		be_well(hub);
		if (change && change->truncated) {
			wake_all(hub);
		} else if (change) {
			tell(hub, change);
		}
	}
}

static void begin(struct hub *hub)
{
	if (runstore_watch_open(hub->rs, NULL, &hub->watch, NULL)) {
		hub->watch = NULL;
		back_off(hub);
	} else {
		be_well(hub);
	}
}

/* Does anybody wait, or did so lately? False also when the hub is closed. */
static bool is_needed(struct hub *hub, bool *closing)
{
	size_t n;

	pthread_mutex_lock(&hub->lock);
	n = hub->n_waiters;
	*closing = hub->closing;
	pthread_mutex_unlock(&hub->lock);
	if (n) {
		hub->needed_ms = now_ms();
	}
	return !*closing && now_ms() - hub->needed_ms < IDLE_MS;
}

static void *hub_run(void *context)
{
	struct hub *hub = context;
	bool closing = false;

	while (!closing) {
		if (!is_needed(hub, &closing)) {
			idle(hub);
		} else if (hub->watch) {
			follow(hub);
		} else {
			begin(hub);
		}
	}
	drop_watch(hub);
	return NULL;
}

static void hub_free(struct hub *hub)
{
	runstore_close(hub->rs);
	pthread_cond_destroy(&hub->roused);
	pthread_mutex_destroy(&hub->lock);
	free(hub);
}

int hub_open(struct hub **out, struct runstore *rs, struct runstore_error *error)
{
	struct hub *hub = calloc(1, sizeof(*hub));
	pthread_condattr_t attributes;
	int r;

	if (!hub) {
		return fail_memory(error);
	}
	hub->pause_ms = PAUSE_MIN_MS;
	hub->needed_ms = now_ms() - IDLE_MS;
	pthread_mutex_init(&hub->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&hub->roused, &attributes);
	pthread_condattr_destroy(&attributes);
	r = runstore_open(&hub->rs, runstore_url(rs), &patience, error);
	if (!r && pthread_create(&hub->thread, NULL, hub_run, hub)) {
		r = fail(error, RUNSTORE_E_INTERNAL, NULL, "There is no thread for the feed.");
	}
	if (r) {
		hub_free(hub);
		return r;
	}
	*out = hub;
	return 0;
}

void hub_close(struct hub *hub)
{
	if (!hub) {
		return;
	}
	pthread_mutex_lock(&hub->lock);
	hub->closing = true;
	pthread_cond_signal(&hub->roused);
	pthread_mutex_unlock(&hub->lock);
	pthread_join(hub->thread, NULL);
	hub_free(hub);
}

void hub_join(struct hub *hub, struct hub_waiter *w)
{
	struct hub_waiter **bucket = bucket_of(hub, w->run_id);

	pthread_mutex_lock(&hub->lock);
	w->prev = NULL;
	w->next = *bucket;
	if (*bucket) {
		(*bucket)->prev = w;
	}
	*bucket = w;
	if (!hub->n_waiters++) {
		pthread_cond_signal(&hub->roused);
	}
	pthread_mutex_unlock(&hub->lock);
}

void hub_leave(struct hub *hub, struct hub_waiter *w)
{
	pthread_mutex_lock(&hub->lock);
	if (w->prev) {
		w->prev->next = w->next;
	} else {
		*bucket_of(hub, w->run_id) = w->next;
	}
	if (w->next) {
		w->next->prev = w->prev;
	}
	hub->n_waiters--;
	pthread_mutex_unlock(&hub->lock);
}

bool hub_well(const struct hub *hub)
{
	return atomic_load(&hub->well);
}
