/* Claiming: as many short requests as the wait takes. */
#include "client/fail.h"
#include "client/lease.h"
#include "client/util.h"

#define DEFAULT_LEASE_MS 30000
#define SLICE_MS 5000 /* a claim that is parked for somebody who died may cost a run its lease */
#define BREATH_MS 50  /* before asking a daemon again that is stopping, or has no time */

#define CLAIM(member, kind) PARAM_ROW(runstore_claim, member, kind)

static const struct param_row claim_rows[] = {
	CLAIM(worker, PARAM_TEXT),
	CLAIM(thread_id, PARAM_TEXT),
};

struct claim {
	struct runstore *rs;
	struct params params; /* without wait_ms */
	int64_t lease_ms;
	int64_t end_ms;
	int64_t asked_ms; /* lease_clock_ms() of the last request */
};

static void claim_finish(struct claim *c)
{
	params_finish(&c->params);
}

static void put_assistants(struct params *p, const char *const *ids, size_t n)
{
	if (n) {
		params_begin(p, "assistant_ids");
		mp_put_array(&p->pairs, (uint32_t)n);
	}
	for (size_t i = 0; i < n; i++) {
		mp_put_cstr(&p->pairs, ids[i]);
	}
}

static int claim_init(
	struct claim *c, const struct runstore_claim *params, struct runstore_error *error)
{
	c->lease_ms = params->lease_ms ? *params->lease_ms : DEFAULT_LEASE_MS;
	c->end_ms = end_after(params->wait_ms);
	params_integer(&c->params, "lease_ms", c->lease_ms);
	put_assistants(&c->params, params->assistant_ids, params->n_assistant_ids);
	return params_rows(
		&c->params, claim_rows, sizeof(claim_rows) / sizeof(*claim_rows), params, error);
}

/* Each request has a key of its own. */
static int claim_once(struct claim *c, int64_t wait_ms, struct runstore_reply **reply,
	struct runstore_error *error)
{
	struct call_terms terms = handle_terms(c->rs);
	_cleanup_(params_finish) struct params p = {.n = c->params.n};

	buf_put(&p.pairs, buf_slice(&c->params.pairs));
	if (buf_error(&c->params.pairs)) {
		return fail_buf(error, &c->params.pairs);
	}
	if (wait_ms) {
		params_integer(&p, "wait_ms", wait_ms);
	}
	c->asked_ms = lease_clock_ms();
	return handle_call_on(c->rs, &terms, "runs.claim", &p, reply, error);
}

/* A daemon that has nothing keeps a claim for its time, unless it stops. */
static int claim_slice(struct claim *c, struct runstore_reply **out, struct runstore_error *error)
{
	int64_t start_ms = now_ms(), left = c->end_ms - start_ms;
	struct runstore_reply *reply = NULL;
	int r;

	left = left < 0 ? 0 : left < SLICE_MS ? left : SLICE_MS;
	r = claim_once(c, left, &reply, error);
	if (r && (r != RUNSTORE_E_OVERLOADED || now_ms() >= c->end_ms)) {
		return r;
	}
	if (!r && !mp_is_nil(reply->result)) {
		*out = reply;
		return 0;
	}
	runstore_reply_free(reply);
	if (now_ms() - start_ms < left / 2) {
		pause_ms(BREATH_MS);
	}
	return 0;
}

/* A lease that nobody would hold is given back. */
static int lease_keep_or_release(struct runstore_lease *lease, struct runstore_error *error)
{
	int r = lease_keep(lease, error);

	if (r) {
		runstore_lease_release(lease, NULL);
		runstore_lease_free(lease);
	}
	return r;
}

int runstore_claim(struct runstore *rs, const struct runstore_claim *params,
	struct runstore_lease **out, struct runstore_error *error)
{
	_cleanup_(claim_finish) struct claim c = {.rs = rs};
	struct runstore_lease *lease = NULL;
	struct runstore_reply *reply = NULL;
	int r;

	r = claim_init(&c, params, error);
	do {
		r = r ? r : claim_slice(&c, &reply, error);
	} while (!r && !reply && now_ms() < c.end_ms);
	if (!r && reply) {
		r = lease_make(rs, reply, c.lease_ms, c.asked_ms, &lease, error);
	}
	if (!r && lease && params->heartbeat) {
		r = lease_keep_or_release(lease, error);
	}
	if (!r) {
		*out = lease;
	}
	return r;
}
