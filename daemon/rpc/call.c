#include "daemon/rpc/call.h"
#include "daemon/ops/leases.h"
#include "daemon/ops/threads.h"
#include "daemon/store/assistants.h"
#include "daemon/store/idempotency.h"
#include "daemon/store/messages.h"

#include <errno.h>

/* A batch has no handler of its own: batch.c runs its requests one by one. */
#define op_batch NULL

static int (*const handlers[N_METHODS])(struct op *) = {
#define METHOD(symbol, name, access, reply, flags, help) [METHOD_ID_##symbol] = op_##symbol,
#include "proto/methods.def"
#undef METHOD
};

static int call_keep_problem(struct call *call, struct arena *arena, const struct problem *p)
{
	call->problem = arena_alloc(arena, sizeof(*p));
	if (!call->problem) {
		return -ENOMEM;
	}
	*call->problem = *p;
	return 0;
}

int call_refuse(
	struct call *call, struct arena *arena, int code, const char *param, const char *why)
{
	struct problem p;

	problem_set(&p, code, param, "%s", why);
	return call_keep_problem(call, arena, &p);
}

int call_prepare(struct call *call, struct arena *arena, struct slice method, struct slice params)
{
	struct problem p;
	char shown[72];
	int r;

	*call = (struct call){.method = method_find(method)};
	if (!call->method) {
		problem_set(&p, E_UNKNOWN_METHOD, NULL, "There is no method '%s'.",
			printable(method, shown));
		return call_keep_problem(call, arena, &p);
	}
	call->args = arena_zalloc(arena, N_PARAMS * sizeof(*call->args));
	if (!call->args) {
		return -ENOMEM;
	}
	r = schema_parse(&call->method->params, params, arena, call->args, &p);
	if (r > 0) {
		return call_keep_problem(call, arena, &p);
	}
	if (call->args[P_idempotency_key].ptr || call->method->access == ACCESS_WRITE) {
		call->hash = idempotency_hash(method, params);
	}
	return r;
}

static int run_handler(const struct call *call, struct op *op)
{
	struct txn_nest nest;
	int r, ended;

	if (!(call->method->flags & METHOD_UNDOABLE)) {
		return handlers[call->method->id](op);
	}
	r = txn_nest_begin(op->txn, &nest);
	if (r) {
		return r;
	}
	r = handlers[call->method->id](op);
	if (kv_error(op->txn->kv)) {
		r = kv_error(op->txn->kv); /* what it then could not find says nothing */
	}
	ended = txn_nest_end(op->txn, &nest, !r);
	return r ? r : ended;
}

/* What was remembered of a claim is the run's id and the lease as the worker was told it. */
static int replay_claim(struct op *op, struct slice what)
{
	struct slice id = {NULL, 0};

	mp_get_str(mp_value(&what), &id);
	return leases_put_claim(op, id, what);
}

static struct slice claim_of(struct arena *arena, struct slice reply)
{
	struct slice id = record_field(mp_lookup(reply, "run"), RUN_id);
	struct buf b = {0};

	buf_put(&b, id);
	buf_put(&b, mp_lookup(reply, "lease"));
	return value_take(arena, &b);
}

/* Answer a request that was applied before: with the object as it is now, or what was said then. */
static int replay(struct op *op, const struct idempotency *record)
{
	static const struct {
		enum idempotency_kind kind;
		bool (*find)(
			struct txn *txn, struct slice id, struct slice *bytes, struct key *key);
		const char *name;
		const char *param;
	} kinds[] = {
		{IDEMPOTENCY_RUN, runs_find, "run", "run_id"},
		{IDEMPOTENCY_STEP, steps_find, "run step", "step_id"},
		{IDEMPOTENCY_MESSAGE, messages_find, "message", "message_id"},
		{IDEMPOTENCY_ASSISTANT, assistants_find, "assistant", "assistant_id"},
	};
	struct slice id = arena_dup(op->txn->arena, record->what), bytes;
	struct key key;

	if (!id.ptr) {
		return -ENOMEM;
	}
	if (record->kind == IDEMPOTENCY_DATA) {
		return op_result(op, id);
	}
	if (record->kind == IDEMPOTENCY_CLAIM) {
		return replay_claim(op, id);
	}
	if (record->kind == IDEMPOTENCY_THREAD) {
		return threads_put_object(op, id);
	}
	for (size_t i = 0; i < N_OF(kinds); i++) {
		if (record->kind == kinds[i].kind) {
			return kinds[i].find(op->txn, id, &bytes, &key)
				       ? op_result(op, bytes)
				       : op_not_found(op, kinds[i].name, id, kinds[i].param);
		}
	}
	return -EBADMSG;
}

static void remember(const struct call *call, struct txn *txn, struct slice key, struct slice reply)
{
	static const enum idempotency_kind kinds[] = {
		[REPLY_RUN] = IDEMPOTENCY_RUN,
		[REPLY_STEP] = IDEMPOTENCY_STEP,
		[REPLY_THREAD] = IDEMPOTENCY_THREAD,
		[REPLY_MESSAGE] = IDEMPOTENCY_MESSAGE,
		[REPLY_ASSISTANT] = IDEMPOTENCY_ASSISTANT,
		[REPLY_CLAIM] = IDEMPOTENCY_CLAIM,
		[REPLY_DATA] = IDEMPOTENCY_DATA,
	};
	struct idempotency record = {
		.hash = call->hash, .kind = kinds[call->method->reply], .what = reply};

	if (mp_is_nil(reply)) {
		return; /* nothing was done */
	}
	if (record.kind == IDEMPOTENCY_CLAIM) {
		record.what = claim_of(txn->arena, reply);
		if (!record.what.ptr) {
			kv_fail(txn->kv, -ENOMEM);
			return;
		}
	} else if (record.kind != IDEMPOTENCY_DATA) {
		mp_get_str(record_field(reply, RUN_id), &record.what);
	}
	idempotency_put(txn, key, &record);
}

static int run_write(const struct call *call, struct op *op, struct slice key)
{
	size_t start = op->out->len;
	struct idempotency record;
	int r;

	if (key.ptr && idempotency_find(op->txn, key, &record)) {
		if (record.hash == call->hash) {
			return replay(op, &record);
		}
		return problem_set(op->problem, E_IDEMPOTENCY_CONFLICT, "idempotency_key",
			"The idempotency key was used for another request.");
	}
	if (op->txn->full && !(call->method->flags & METHOD_FREES)) {
		return problem_set(op->problem, E_STORE_FULL, NULL,
			"The store is full: nothing was changed. Deletes make room.");
	}
	r = run_handler(call, op);
	if (!r && key.ptr) {
		remember(call, op->txn, key, slice_of(op->out->ptr + start, op->out->len - start));
	}
	return r;
}

int call_run(const struct call *call, struct txn *txn, const struct service *service,
	struct slice key, struct op_wait *wait, struct buf *out, struct problem *p)
{
	struct op op = {
		.txn = txn,
		.args = call->args,
		.out = out,
		.problem = p,
		.service = service,
		.wait = wait,
	};
	size_t start = out->len;
	int r;

	txn->by = SLICE_LIT("client");

	if (call->problem) {
		*p = *call->problem;
		return p->code;
	}
	if (call->method->access == ACCESS_WRITE) {
		r = run_write(call, &op, key);
	} else {
		r = handlers[call->method->id](&op);
	}
	if (kv_error(txn->kv)) {
		r = kv_error(txn->kv);
	}
	if (r) {
		buf_truncate(out, start);
	}
	return r;
}
