/* runs.wait, for longer than the daemon waits at a time. */
#include "client/fail.h"
#include "client/request.h"
#include "client/util.h"
#include "proto/status.h"

#define PIECE_MS 30000
#define DEFAULT_MS 30000
#define BREATH_MS 50 /* before asking a daemon again that is stopping, or has no time */

struct wait {
	struct runstore *rs;
	const struct runstore_wait *params;
	const char *run_id;
	int64_t since_seq; /* but with RUNSTORE_UNTIL_TERMINAL */
	struct runstore_error *error;
};

/* The store's last change: what comes after it counts, whichever request sees it. */
static int last_seq(struct wait *w)
{
	_cleanup_(request_finish) struct request q = {
		.rs = w->rs, .method = "server.info", .error = w->error};
	struct runstore_reply *reply = NULL;
	int r;

	r = request_call(&q, &reply);
	if (!r) {
		mp_get_int(mp_lookup(reply->result, "last_seq"), &w->since_seq);
	}
	runstore_reply_free(reply);
	return r;
}

static int ask(struct wait *w, int64_t ms, struct runstore_run **run)
{
	static const char *const names[] = {"terminal", "action", "change"};
	_cleanup_(request_finish) struct request q = {
		.rs = w->rs, .method = "runs.wait", .error = w->error};

	request_text(&q, "run_id", w->run_id);
	request_text(&q, "thread_id", w->params->thread_id);
	request_text(&q, "until", names[w->params->until]);
	if (w->params->until == RUNSTORE_UNTIL_CHANGE) {
		params_integer(&q.params, "since_seq", w->since_seq);
	}
	params_integer(&q.params, "timeout_ms", ms);
	return request_run(&q, run);
}

static bool is_wanted(const struct wait *w, enum runstore_run_status status)
{
	return status >= RUNSTORE_RUN_CANCELLED || (w->params->until == RUNSTORE_UNTIL_ACTION &&
							   status == RUNSTORE_RUN_REQUIRES_ACTION);
}

/* Of the run itself, not of its steps or messages, whose statuses have the same names. */
static bool is_of_run(struct slice change)
{
	return mp_is_nil(mp_lookup(change, "step_id")) && !mp_lookup(change, "message_id").ptr;
}

/* Is one of these changes what is waited for? */
static bool has_wanted(const struct wait *w, struct slice changes)
{
	bool found = false;
	struct mp t = {0};

	mp_read(&changes, &t);
	for (uint32_t i = 0; i < t.n && !found; i++) {
		struct slice change = mp_value(&changes);

		found = w->params->until == RUNSTORE_UNTIL_CHANGE ||
			(is_of_run(change) &&
				is_wanted(w, run_status_of(mp_lookup(change, "to")) + 1));
	}
	return found;
}

/*
 * Has it happened since the wait began? A daemon that is stopped answers a wait early, and a run
 * may have gone on since: the feed knows.
 */
static int look(struct wait *w, bool *happened)
{
	_cleanup_(request_finish) struct request q = {
		.rs = w->rs, .method = "changes.list", .error = w->error};
	struct runstore_reply *reply = NULL;
	int r;

	params_integer(&q.params, "after", w->since_seq);
	params_integer(&q.params, "limit", 1000);
	request_text(&q, "run_id", w->run_id);
	r = request_call(&q, &reply);
	if (!r) {
		*happened = has_wanted(w, mp_lookup(reply->result, "changes"));
	}
	runstore_reply_free(reply);
	return r;
}

/* Is the wait over? Only an early answer can be one that the run as it is does not explain. */
static int check(struct wait *w, const struct runstore_run *run, bool early, bool *over)
{
	*over = w->params->until != RUNSTORE_UNTIL_CHANGE && is_wanted(w, run->status);
	if (*over || !early || w->params->until == RUNSTORE_UNTIL_TERMINAL) {
		return 0;
	}
	return look(w, over);
}

static int wait_run(struct wait *w, int64_t timeout_ms, struct runstore_run **out)
{
	int64_t end_ms = end_after(timeout_ms), began, left;
	struct runstore_run *run = NULL;
	bool over = false, again, early;
	int r;

	do {
		began = now_ms();
		left = end_ms - began;
		left = left < 0 ? 0 : left < PIECE_MS ? left : PIECE_MS;
		runstore_run_free(run);
		run = NULL;
		r = ask(w, left, &run);
		early = now_ms() - began < left;
		if (!r) {
			r = check(w, run, early, &over);
		}
		again = r == RUNSTORE_E_OVERLOADED || (!r && !over);
		if (again && early) {
			pause_ms(BREATH_MS);
		}
	} while (again && now_ms() < end_ms);
	if (!r && out) {
		*out = run;
	} else {
		runstore_run_free(run);
	}
	return r;
}

int runstore_wait(struct runstore *rs, const char *run_id, const struct runstore_wait *params,
	struct runstore_run **run, struct runstore_error *error)
{
	static const struct runstore_wait preset;
	struct wait w = {.rs = rs, .run_id = run_id, .error = error};
	int r = 0;

	w.params = params ? params : &preset;
	if ((unsigned int)w.params->until > RUNSTORE_UNTIL_CHANGE) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "until",
			"%d is no value of the enum for until.", (int)w.params->until);
	}
	if (w.params->since_seq) {
		w.since_seq = *w.params->since_seq;
	} else if (w.params->until != RUNSTORE_UNTIL_TERMINAL) {
		r = last_seq(&w);
	}
	return r ? r : wait_run(&w, w.params->timeout_ms ? *w.params->timeout_ms : DEFAULT_MS, run);
}
