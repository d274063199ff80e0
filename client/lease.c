#include "client/lease.h"
#include "client/fail.h"
#include "client/object.h"
#include "client/util.h"
#include "proto/status.h"

#include <signal.h>
#include <stdlib.h>

#define BEATS 3	   /* in the time of a lease */
#define ATTEMPTS 2 /* of a heartbeat, in the time that is left */
#define BREATHS 30 /* in the time of a lease: before the next one when one failed; */
#define MIN_BREATH_MS 20
#define MAX_BREATH_MS 1000

static int64_t clock_of_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t lease_clock_ms(void)
{
	return clock_of_ms(CLOCK_BOOTTIME);
}

/*
 * When a lease ends that was given some time after @asked_ms, by our clock. The daemon says when
 * by the wall clock, which may be set at any moment: it is believed within what can be.
 */
static int64_t end_of(int64_t expires_ms, int64_t lease_ms, int64_t asked_ms)
{
	int64_t now = lease_clock_ms();
	int64_t age = clock_of_ms(CLOCK_REALTIME) - (expires_ms - lease_ms);

	if (age > now - asked_ms) {
		age = now - asked_ms;
	}
	return now - (age < 0 ? 0 : age) + lease_ms;
}

/* A lease as the daemon describes it. Answers may overtake one another: the later one counts. */
static void lease_hear(
	struct runstore_lease *l, struct slice lease, struct slice status, int64_t asked_ms)
{
	int64_t expires = 0, until;

	mp_get_int(mp_lookup(lease, "expires_ms"), &expires);
	until = end_of(expires, l->lease_ms, asked_ms);
	pthread_mutex_lock(&l->lock);
	if (until >= atomic_load(&l->until_ms)) {
		atomic_store(&l->until_ms, until);
		atomic_store(&l->expires_ms, expires);
		atomic_store(&l->status, run_status_of(status) + 1);
	}
	pthread_mutex_unlock(&l->lock);
}

static void lease_end(struct runstore_lease *l)
{
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->over, true);
	pthread_cond_broadcast(&l->stir);
	pthread_mutex_unlock(&l->lock);
}

static struct runstore_lease *lease_create(struct runstore *rs, struct runstore_reply *claim)
{
	struct runstore_lease *l = calloc(1, sizeof(*l));
	pthread_condattr_t attributes;

	if (!l) {
		runstore_reply_free(claim);
		return NULL;
	}
	l->rs = rs;
	l->claim = claim;
	l->socket = (struct socket){.fd = -1, .stop = &l->stop};
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&l->stir, &attributes);
	pthread_condattr_destroy(&attributes);
	return l;
}

static char *text_of(struct slice map, const char *name)
{
	struct slice text;

	return mp_get_str(mp_lookup(map, name), &text) ? strndup((const char *)text.ptr, text.len)
						       : strdup("");
}

static int lease_read(struct runstore_lease *l, int64_t asked_ms, struct runstore_error *error)
{
	struct slice run = mp_lookup(l->claim->result, "run");
	struct slice lease = mp_lookup(l->claim->result, "lease");
	int r;

	r = object_run(run, &l->run, error);
	if (r == RUNSTORE_E_INVALID_PARAMS || !lease.ptr) {
		return fail(error, RUNSTORE_E_INVALID_FRAME, NULL,
			"The reply to runs.claim is not a run and its lease.");
	}
	if (r) {
		return r;
	}
	l->token = text_of(lease, "token");
	l->worker = text_of(lease, "worker");
	mp_get_int(mp_lookup(lease, "attempt"), &l->attempt);
	lease_hear(l, lease, mp_lookup(run, "status"), asked_ms);
	return l->token && l->worker ? 0 : fail_memory(error);
}

int lease_make(struct runstore *rs, struct runstore_reply *claim, int64_t lease_ms,
	int64_t asked_ms, struct runstore_lease **out, struct runstore_error *error)
{
	struct runstore_lease *l = lease_create(rs, claim);
	int r;

	if (!l) {
		return fail_memory(error);
	}
	l->lease_ms = lease_ms;
	r = lease_read(l, asked_ms, error);
	if (r) {
		runstore_lease_free(l);
		return r;
	}
	*out = l;
	return 0;
}

static void put_lease(struct params *p, const struct runstore_lease *l)
{
	params_text(p, "run_id", l->run->id);
	params_text(p, "lease", l->token);
}

static int lease_beat(
	struct runstore_lease *l, const struct call_terms *terms, struct runstore_error *error)
{
	_cleanup_(params_finish) struct params p = {0};
	struct runstore_reply *reply = NULL;
	int64_t asked_ms = lease_clock_ms();
	int r;

	put_lease(&p, l);
	r = handle_call_on(l->rs, terms, "runs.heartbeat", &p, &reply, error);
	if (!r) {
		lease_hear(l, mp_lookup(reply->result, "lease"), mp_lookup(reply->result, "status"),
			asked_ms);
	} else if (r == RUNSTORE_E_LEASE_LOST || r == RUNSTORE_E_NOT_FOUND) {
		lease_end(l);
	}
	runstore_reply_free(reply);
	return r;
}

/* Until @until_ms of the monotonic clock. False when there is nothing to hold any more. */
static bool lease_rest(struct runstore_lease *l, int64_t until_ms)
{
	struct timespec t = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	bool over;

	pthread_mutex_lock(&l->lock);
	while (!atomic_load(&l->stop) && !atomic_load(&l->over) && now_ms() < until_ms) {
		pthread_cond_timedwait(&l->stir, &l->lock, &t);
	}
	if (lease_clock_ms() >= atomic_load(&l->until_ms)) {
		atomic_store(&l->over, true);
	}
	over = atomic_load(&l->stop) || atomic_load(&l->over);
	pthread_mutex_unlock(&l->lock);
	return !over;
}

/* A heartbeat may take what is left of the lease, but gets a second try in that. */
static struct call_terms lease_terms(struct runstore_lease *l)
{
	struct call_terms terms = handle_terms(l->rs);
	int64_t left = atomic_load(&l->until_ms) - lease_clock_ms();

	if (left < terms.timeout_ms) {
		terms.timeout_ms = left < 1 ? 1 : (int)left;
	}
	terms.connect_timeout_ms = terms.timeout_ms;
	terms.attempts = ATTEMPTS;
	terms.socket = &l->socket;
	return terms;
}

static int64_t breath_of(const struct runstore_lease *l)
{
	int64_t ms = l->lease_ms / BREATHS;

	return ms < MIN_BREATH_MS ? MIN_BREATH_MS : ms < MAX_BREATH_MS ? ms : MAX_BREATH_MS;
}

static void *lease_hold(void *argument)
{
	struct runstore_lease *l = argument;
	int64_t next_ms = now_ms() + l->lease_ms / BEATS;

	while (lease_rest(l, next_ms)) {
		struct call_terms terms = lease_terms(l);

		next_ms = now_ms() + l->lease_ms / BEATS;
		if (lease_beat(l, &terms, NULL)) {
			next_ms = now_ms() + breath_of(l);
		}
	}
	return NULL;
}

int lease_keep(struct runstore_lease *l, struct runstore_error *error)
{
	sigset_t all, before;
	int reason;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	reason = pthread_create(&l->thread, NULL, lease_hold, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (reason) {
		return fail(error, RUNSTORE_E_INTERNAL, NULL,
			"There is no thread for the heartbeats: %s.", strerror(reason));
	}
	l->has_thread = true;
	return 0;
}

int runstore_lease_heartbeat(struct runstore_lease *lease, struct runstore_error *error)
{
	struct call_terms terms = handle_terms(lease->rs);

	return lease_beat(lease, &terms, error);
}

int runstore_lease_release(struct runstore_lease *lease, struct runstore_error *error)
{
	struct call_terms terms = handle_terms(lease->rs);
	_cleanup_(params_finish) struct params p = {0};
	struct runstore_reply *reply = NULL;
	int r;

	put_lease(&p, lease);
	r = handle_call_on(lease->rs, &terms, "runs.release", &p, &reply, error);
	if (!r || r == RUNSTORE_E_LEASE_LOST || r == RUNSTORE_E_NOT_FOUND) {
		lease_end(lease);
	}
	runstore_reply_free(reply);
	return r;
}

static void lease_stop(struct runstore_lease *l)
{
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->stop, true);
	pthread_cond_broadcast(&l->stir);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
}

void runstore_lease_free(struct runstore_lease *lease)
{
	if (!lease) {
		return;
	}
	if (lease->has_thread) {
		lease_stop(lease);
	}
	socket_close(&lease->socket);
	pthread_cond_destroy(&lease->stir);
	pthread_mutex_destroy(&lease->lock);
	runstore_reply_free(lease->claim);
	runstore_run_free(lease->run);
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
	struct slice hints = mp_lookup(lease->claim->result, "hints");

	return (struct runstore_value){hints.ptr, hints.len};
}

int64_t runstore_lease_expires_ms(struct runstore_lease *lease)
{
	return atomic_load(&lease->expires_ms);
}

enum runstore_run_status runstore_lease_status(struct runstore_lease *lease)
{
	return (enum runstore_run_status)atomic_load(&lease->status);
}

bool runstore_lease_lost(struct runstore_lease *lease)
{
	return atomic_load(&lease->over) || lease_clock_ms() >= atomic_load(&lease->until_ms);
}
