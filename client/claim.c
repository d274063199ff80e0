/* runs.claim, in pieces, and a lease for what it brings. */
#include "client/fail.h"
#include "client/lease.h"
#include "client/request.h"
#include "client/util.h"

#define PIECE_MS 5000 /* a worker that died is waited for no longer */
#define DEFAULT_LEASE_MS 30000

static void put_assistants(struct request *q, const struct runstore_claim *claim)
{
	if (!claim->n_assistant_ids) {
		return;
	}
	params_begin(&q->params, "assistant_ids");
	mp_put_array(&q->params.pairs, (uint32_t)claim->n_assistant_ids);
	for (size_t i = 0; i < claim->n_assistant_ids; i++) {
		mp_put_cstr(&q->params.pairs, claim->assistant_ids[i]);
	}
}

/* One request; *@reply is NULL when there was no run. */
static int ask(struct runstore *rs, const struct runstore_claim *claim, int64_t wait_ms,
	struct runstore_reply **reply, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.claim", .error = error};
	int r;

	request_text(&q, "worker", claim->worker);
	request_text(&q, "thread_id", claim->thread_id);
	put_assistants(&q, claim);
	if (claim->lease_ms) {
		params_integer(&q.params, "lease_ms", *claim->lease_ms);
	}
	params_integer(&q.params, "wait_ms", wait_ms);
	r = request_call(&q, reply);
	if (!r && mp_is_nil((*reply)->result)) {
		runstore_reply_free(*reply);
		*reply = NULL;
	}
	return r;
}

int runstore_claim(struct runstore *rs, const struct runstore_claim *claim,
	struct runstore_lease **out, struct runstore_error *error)
{
	int64_t end_ms = now_ms() + claim->wait_ms, left;
	struct runstore_reply *reply = NULL;
	int r;

	do {
		left = claim->wait_ms < 0 ? PIECE_MS : end_ms - now_ms();
		left = left < 0 ? 0 : left;
		r = ask(rs, claim, left < PIECE_MS ? left : PIECE_MS, &reply, error);
	} while (!r && !reply && left > 0);
	if (!r && reply) {
		return lease_open(rs, reply, claim->lease_ms ? *claim->lease_ms : DEFAULT_LEASE_MS,
			claim->heartbeat, out, error);
	}
	if (!r) {
		*out = NULL;
	}
	return r;
}
