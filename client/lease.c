#include "client/lease.h"
#include "client/fail.h"
#include "client/object.h"
#include "client/request.h"
#include "client/util.h"
#include "proto/status.h"

#include <pthread.h>
#include <stdlib.h>

#define RETRY_MS 200 /* while the daemon is away */

struct runstore_lease {
	struct runstore *rs;	      /* the caller's */
	struct runstore *own;	      /* the thread's, so that it waits for nobody; or NULL */
	struct runstore_reply *reply; /* to the claim: what the following point into */
	struct runstore_run *run;
	char *token;
	char *worker;
	int64_t attempt;
	int64_t lease_ms;
	struct slice hints;
	pthread_t thread;
	bool beating;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t stop;
	bool stopping;
	bool refused;
	int64_t expires_ms; /* Unix milliseconds, as the daemon told */
	int64_t until_ms;   /* of the monotonic clock */
	enum runstore_run_status status;
};

static int64_t unix_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The lease as it was told just now, {expires_ms, ...}: never for longer than was asked for. */
static void take_told(struct runstore_lease *lease, struct slice told)
{
	int64_t left;

	mp_get_int(mp_lookup(told, "expires_ms"), &lease->expires_ms);
	left = lease->expires_ms - unix_ms();
	lease->until_ms = now_ms() + (left < lease->lease_ms ? left : lease->lease_ms);
}

static char *copy_text(struct slice map, const char *name)
{
	struct slice text;

	return mp_get_str(mp_lookup(map, name), &text) ? strndup((const char *)text.ptr, text.len)
						       : NULL;
}

static int beat(struct runstore *rs, struct runstore_lease *lease, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.heartbeat", .error = error};
	struct runstore_reply *reply = NULL;
	int r;

	request_text(&q, "run_id", lease->run->id);
	request_text(&q, "lease", lease->token);
	r = request_call(&q, &reply);
	pthread_mutex_lock(&lease->lock);
	if (!r) {
		int status = run_status_of(mp_lookup(reply->result, "status"));

		lease->status = (enum runstore_run_status)(status + 1);
		take_told(lease, mp_lookup(reply->result, "lease"));
	} else if (r == RUNSTORE_E_LEASE_LOST || r == RUNSTORE_E_NOT_FOUND) {
		lease->refused = true;
	}
	pthread_mutex_unlock(&lease->lock);
	runstore_reply_free(reply);
	return r;
}

static bool is_over(const struct runstore_lease *lease)
{
	return lease->refused || now_ms() >= lease->until_ms;
}

/* With the lock held: sleep, unless it is to stop. */
static void doze(struct runstore_lease *lease, int64_t ms)
{
	int64_t end = now_ms() + ms;
	struct timespec t = {.tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000};

	while (!lease->stopping && now_ms() < end) {
		pthread_cond_timedwait(&lease->stop, &lease->lock, &t);
	}
}

static void *beat_main(void *argument)
{
	struct runstore_lease *lease = argument;
	int64_t third = lease->lease_ms / 3, pause = third;

	pthread_mutex_lock(&lease->lock);
	while (true) {
		doze(lease, pause);
		if (lease->stopping || is_over(lease)) {
			break;
		}
		pthread_mutex_unlock(&lease->lock);
		pause = beat(lease->own, lease, NULL) && third > RETRY_MS ? RETRY_MS : third;
		pthread_mutex_lock(&lease->lock);
	}
	pthread_mutex_unlock(&lease->lock);
	return NULL;
}

static int begin_beating(struct runstore_lease *lease, struct runstore_error *error)
{
	/* One that is not answered within the lease is of no use; a connection of its own. */
	const struct runstore_options options = {
		.timeout_ms = (int)lease->lease_ms, .connections = 1, .attempts = 1};
	int r;

	r = runstore_open(&lease->own, runstore_url(lease->rs), &options, error);
	if (r) {
		return r;
	}
	if (pthread_create(&lease->thread, NULL, beat_main, lease)) {
		return fail(error, RUNSTORE_E_INTERNAL, NULL,
			"There can be no thread for the heartbeats.");
	}
	lease->beating = true;
	return 0;
}

static void init_lock(struct runstore_lease *lease)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&lease->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&lease->stop, &attributes);
	pthread_condattr_destroy(&attributes);
}

static int read_claim(struct runstore_lease *lease, struct runstore_error *error)
{
	struct slice claim = lease->reply->result, told = mp_lookup(claim, "lease");

	lease->token = copy_text(told, "token");
	lease->worker = copy_text(told, "worker");
	lease->hints = mp_lookup(claim, "hints");
	lease->status = RUNSTORE_RUN_IN_PROGRESS;
	mp_get_int(mp_lookup(told, "attempt"), &lease->attempt);
	take_told(lease, told);
	if (!lease->token || !lease->worker) {
		return fail(error, RUNSTORE_E_INVALID_FRAME, NULL,
			"The reply to runs.claim is not a claim.");
	}
	return object_run(mp_lookup(claim, "run"), &lease->run, error);
}

int lease_open(struct runstore *rs, struct runstore_reply *reply, int64_t lease_ms, bool heartbeat,
	struct runstore_lease **out, struct runstore_error *error)
{
	struct runstore_lease *lease = calloc(1, sizeof(*lease));
	int r;

	if (!lease) {
		runstore_reply_free(reply);
		return fail_memory(error);
	}
	lease->rs = rs;
	lease->reply = reply;
	lease->lease_ms = lease_ms;
	init_lock(lease);
	r = read_claim(lease, error);
	if (!r && heartbeat) {
		r = begin_beating(lease, error);
		if (r) {
			runstore_lease_release(lease, NULL);
		}
	}
	if (r) {
		runstore_lease_free(lease);
		return r;
	}
	*out = lease;
	return 0;
}

static void end_beating(struct runstore_lease *lease)
{
	if (!lease->beating) {
		return;
	}
	pthread_mutex_lock(&lease->lock);
	lease->stopping = true;
	pthread_cond_signal(&lease->stop);
	pthread_mutex_unlock(&lease->lock);
	pthread_join(lease->thread, NULL);
	lease->beating = false;
}

void runstore_lease_free(struct runstore_lease *lease)
{
	if (!lease) {
		return;
	}
	end_beating(lease);
	runstore_close(lease->own);
	runstore_run_free(lease->run);
	runstore_reply_free(lease->reply);
	pthread_cond_destroy(&lease->stop);
	pthread_mutex_destroy(&lease->lock);
	free(lease->token);
	free(lease->worker);
	free(lease);
}

const struct runstore_run *runstore_lease_run(const struct runstore_lease *lease)
{
	return lease->run;
}

const char *runstore_lease_token(const struct runstore_lease *lease)
{
	return lease->token;
}

const char *runstore_lease_worker(const struct runstore_lease *lease)
{
	return lease->worker;
}

int64_t runstore_lease_attempt(const struct runstore_lease *lease)
{
	return lease->attempt;
}

struct runstore_value runstore_lease_hints(const struct runstore_lease *lease)
{
	return (struct runstore_value){lease->hints.ptr, lease->hints.len};
}

int64_t runstore_lease_expires_ms(struct runstore_lease *lease)
{
	int64_t ms;

	pthread_mutex_lock(&lease->lock);
	ms = lease->expires_ms;
	pthread_mutex_unlock(&lease->lock);
	return ms;
}

enum runstore_run_status runstore_lease_status(struct runstore_lease *lease)
{
	enum runstore_run_status status;

	pthread_mutex_lock(&lease->lock);
	status = lease->status;
	pthread_mutex_unlock(&lease->lock);
	return status;
}

bool runstore_lease_lost(struct runstore_lease *lease)
{
	bool lost;

	pthread_mutex_lock(&lease->lock);
	lost = is_over(lease);
	pthread_mutex_unlock(&lease->lock);
	return lost;
}

int runstore_lease_heartbeat(struct runstore_lease *lease, struct runstore_error *error)
{
	return beat(lease->rs, lease, error);
}

int runstore_lease_release(struct runstore_lease *lease, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = lease->rs, .method = "runs.release", .error = error};

	request_text(&q, "run_id", lease->run->id);
	request_text(&q, "lease", lease->token);
	return request_plain(&q);
}
