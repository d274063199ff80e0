#include "daemon/rpc/batch.h"
#include "daemon/store/idempotency.h"
#include "proto/bounds.h"

#include <errno.h>
#include <stdio.h>

/* Room for a refusal, which struct problem bounds, of each request still to come. */
#define ERROR_ROOM 800

static int wrong_form(struct problem *p, uint32_t i)
{
	char param[32];

	snprintf(param, sizeof(param), "requests[%u]", i);
	return problem_set(p, E_INVALID_PARAMS, param, "A request of a batch is [method, params].");
}

static bool asks_to_wait(const struct call *call)
{
	int64_t wait_ms = 0;

	if (call->args[P_wait_ms].ptr) {
		mp_get_int(call->args[P_wait_ms], &wait_ms);
	}
	return wait_ms;
}

static int check_member(struct call *call, struct arena *arena)
{
	if (call->problem) {
		return 0;
	}
	if (call->method->flags & METHOD_ALONE || asks_to_wait(call)) {
		return call_refuse(call, arena, E_INVALID_PARAMS, NULL,
			"This method cannot be part of a batch.");
	}
	if (call->args[P_idempotency_key].ptr) {
		return call_refuse(call, arena, E_INVALID_PARAMS, "idempotency_key",
			"The requests of a batch have no keys of their own: the batch has one.");
	}
	return 0;
}

int batch_prepare(
	struct batch *batch, const struct call *call, struct arena *arena, struct problem *p)
{
	struct slice in = call->args[P_requests];
	struct mp t;
	int r = 0;

	*batch = (struct batch){0};
	if (call->args[P_atomic].ptr) {
		mp_get_bool(call->args[P_atomic], &batch->atomic);
	}
	mp_read(&in, &t);
	batch->n = t.n;
	batch->hash = call->hash;
	batch->calls = arena_zalloc(arena, (batch->n + 1) * sizeof(*batch->calls));
	for (uint32_t i = 0; i < batch->n && !r && batch->calls; i++) {
		struct slice request = mp_value(&in), method, params;

		if (!mp_read(&request, &t) || t.type != MP_ARRAY || t.n != 2 ||
			!mp_get_str(mp_value(&request), &method)) {
			return wrong_form(p, i);
		}
		params = mp_value(&request);
		r = call_prepare(&batch->calls[i], arena, method, params);
		if (!r) {
			r = check_member(&batch->calls[i], arena);
		}
		batch->writes =
			batch->writes ||
			(batch->calls[i].method && batch->calls[i].method->access == ACCESS_WRITE);
	}
	return batch->calls ? r : -ENOMEM;
}

static void put_refusal(struct buf *out, const struct problem *p)
{
	mp_put_array(out, 2);
	problem_encode(p, out);
	mp_put_nil(out);
}

/* Append [nil, result], or refuse. */
static int run_member(const struct batch *batch, uint32_t i, struct txn *txn,
	const struct service *service, struct slice key, struct buf *out, struct problem *p)
{
	struct key member = idempotency_member_key(key, i);
	size_t start = out->len;
	int r;

	mp_put_array(out, 2);
	mp_put_nil(out);
	r = call_run(
		&batch->calls[i], txn, service, key.ptr ? key_slice(&member) : key, NULL, out, p);
	if (r) {
		buf_truncate(out, start);
	}
	return r;
}

static int run_plain(const struct batch *batch, struct txn *txn, const struct service *service,
	struct slice key, struct buf *out, struct problem *p)
{
	const size_t limit = out->limit;
	bool full = false;
	int r;

	for (uint32_t i = 0; i < batch->n; i++) {
		if (!full) {
			out->limit = limit - (batch->n - i) * ERROR_ROOM;
			r = run_member(batch, i, txn, service, key, out, p);
			out->limit = limit;
			if (r < 0) {
				return r;
			}
			full = r > 0 && p->reply_full;
		} else {
			r = problem_set(p, E_TOO_LARGE, NULL,
				"The replies before this one fill the message: send it again.");
		}
		if (r) {
			put_refusal(out, p);
		}
	}
	return 0;
}

static int run_atomic(const struct batch *batch, struct txn *txn, const struct service *service,
	struct slice key, struct buf *out, struct problem *p)
{
	char prefix[32];
	int r;

	for (uint32_t i = 0; i < batch->n; i++) {
		r = run_member(batch, i, txn, service, key, out, p);
		if (r > 0) {
			snprintf(prefix, sizeof(prefix), "requests[%u]", i);
			problem_prefix(p, prefix);
		}
		if (r) {
			return r;
		}
	}
	return 0;
}

/* The key is the batch's as a whole, too: it may not have been another request's. */
static int check_key(
	const struct batch *batch, struct txn *txn, struct slice key, struct problem *p)
{
	struct key k = idempotency_key(key);
	struct idempotency record;

	if (!key.ptr || !idempotency_find(txn, key_slice(&k), &record) ||
		record.hash == batch->hash) {
		return 0;
	}
	return problem_set(p, E_IDEMPOTENCY_CONFLICT, "idempotency_key",
		"The idempotency key was used for another request.");
}

/* A batch of which nothing was applied leaves no key behind. */
static void remember(const struct batch *batch, struct txn *txn, struct slice key)
{
	const struct idempotency record = {
		.hash = batch->hash, .kind = IDEMPOTENCY_BATCH, .what = SLICE_LIT("")};
	struct key k = idempotency_key(key);

	idempotency_put(txn, key_slice(&k), &record);
}

static int run_all(const struct batch *batch, struct txn *txn, const struct service *service,
	struct slice key, struct buf *out, struct problem *p)
{
	unsigned int n_keys = txn->n_keys;
	int r;

	mp_put_map(out, 1);
	mp_put_cstr(out, "results");
	mp_put_array(out, batch->n);
	r = (batch->atomic ? run_atomic : run_plain)(batch, txn, service, key, out, p);
	if (!r && txn->n_keys > n_keys) {
		remember(batch, txn, key);
	}
	return r;
}

int batch_run(const struct batch *batch, struct txn *txn, const struct service *service,
	struct slice key, struct buf *out, struct problem *p)
{
	size_t start = out->len;
	struct txn_nest nest;
	int r, ended;

	r = check_key(batch, txn, key, p);
	if (r) {
		return r;
	}
	if (!batch->atomic || !batch->writes) {
		r = run_all(batch, txn, service, key, out, p);
	} else {
		r = txn_nest_begin(txn, &nest);
		if (r) {
			return r;
		}
		r = run_all(batch, txn, service, key, out, p);
		ended = txn_nest_end(txn, &nest, !r);
		r = r ? r : ended;
	}
	if (r) {
		buf_truncate(out, start);
	}
	return r;
}
