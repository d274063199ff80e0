/* Leases: who executes a run. Claimed, held, given back; and broken by whoever looks after it. */
#include "daemon/ops/leases.h"
#include "daemon/ops/lifecycle.h"
#include "daemon/store/active.h"
#include "proto/bounds.h"

#include <errno.h>

#define DEFAULT_LEASE_MS 30000

/* Two clocks in whole milliseconds may disagree by one: a lease lasts that longer than is told. */
#define ROUNDING_MS 1

static int64_t until_ms(const struct op *op, int64_t lease_ms)
{
	return op->txn->steady_ms + lease_ms + ROUNDING_MS;
}

/* When a lease ends, as the wall clock will have it. */
static int64_t told_ms(const struct op *op, const struct lease *lease)
{
	return lease->until_ms - ROUNDING_MS - op->txn->steady_ms + op->txn->now_ms;
}

/* The pairs of a lease that anybody may know: worker, expires_ms, attempt. */
static void put_terms(const struct op *op, const struct active *active, struct buf *out)
{
	mp_put_cstr(out, "worker");
	mp_put_str(out, active->lease.worker);
	mp_put_cstr(out, "expires_ms");
	mp_put_int(out, told_ms(op, &active->lease));
	mp_put_cstr(out, "attempt");
	mp_put_uint(out, active->attempts);
}

/* The lease as its holder has it: with its token. */
static void put_lease(const struct op *op, const struct active *active, struct buf *out)
{
	mp_put_map(out, 4);
	mp_put_cstr(out, "token");
	mp_put_str(out, active->lease.token);
	put_terms(op, active, out);
}

static unsigned int read_ids(struct slice list, struct slice out[static MAX_ASSISTANTS])
{
	struct mp t = {0};

	if (list.ptr && mp_read(&list, &t)) {
		for (uint32_t i = 0; i < t.n; i++) {
			mp_get_str(mp_value(&list), &out[i]);
		}
	}
	return t.n;
}

bool leases_find(struct txn *txn, const struct slice *args, struct key *run_key)
{
	struct slice assistants[MAX_ASSISTANTS];
	struct ready_filter filter = {.assistants = assistants};

	filter.n = read_ids(args[P_assistant_ids], assistants);
	if (args[P_thread_id].ptr) {
		mp_get_str(args[P_thread_id], &filter.thread_id);
	}
	return ready_first(txn, &filter, run_key);
}

static int put_claim(struct op *op, struct slice run, struct slice run_id, struct slice lease)
{
	mp_put_map(op->out, 3);
	mp_put_cstr(op->out, "run");
	buf_put(op->out, run);
	mp_put_cstr(op->out, "lease");
	buf_put(op->out, lease);
	mp_put_cstr(op->out, "hints");
	buf_put(op->out, runs_hints(op->txn, run_id));
	return op_result(op, slice_of(NULL, 0));
}

int leases_put_claim(struct op *op, struct slice run_id, struct slice lease)
{
	struct slice bytes;
	struct key key;

	if (!runs_find(op->txn, run_id, &bytes, &key)) {
		return op_not_found(op, "run", run_id, "run_id");
	}
	return put_claim(op, bytes, run_id, lease);
}

/* The row of the run with a new lease, and what the worker is told of that. */
static int make_lease(
	struct op *op, const struct run *run, struct active *active, struct slice *told)
{
	int64_t lease_ms = op_int(op, P_lease_ms, DEFAULT_LEASE_MS);
	struct buf b = {0};

	if (!active_get(op->txn, key_slice(&run->key), active)) {
		return -EBADMSG;
	}
	active->attempts++;
	active->lease = (struct lease){
		.token = txn_issue_token(op->txn, "lease_"),
		.worker = op_text(op, P_worker),
		.until_ms = until_ms(op, lease_ms),
		.lease_ms = lease_ms,
	};
	if (!active->lease.token.ptr) {
		return -ENOMEM;
	}
	put_lease(op, active, &b);
	*told = value_take(op->txn->arena, &b);
	return told->ptr ? 0 : -ENOMEM;
}

static int claim(struct op *op, struct run *run)
{
	struct slice bytes, lease;
	struct active active;
	int r;

	lifecycle_enter(op->txn, run, RUN_IN_PROGRESS);
	r = op_encode(op, &schema_run, run->v, &bytes);
	if (!r) {
		r = make_lease(op, run, &active, &lease);
	}
	if (!r) {
		r = put_claim(op, bytes, run->id, lease);
	}
	if (!r) {
		op->txn->by = active.lease.worker;
		active_put(op->txn, key_slice(&run->key), &active);
		runs_replace(op->txn, run, bytes);
	}
	return r;
}

int op_runs_claim(struct op *op)
{
	struct kv_txn *kv = op->txn->kv;
	struct slice bytes;
	struct run run;
	struct key key;
	int r;

	if (leases_find(op->txn, op->args, &key)) {
		if (!kv_get(kv, T_RUNS, key_slice(&key), &bytes) ||
			!runs_load_at(op->txn, &key, bytes, &run)) {
			return kv_error(kv) ? kv_error(kv) : -EBADMSG;
		}
		return claim(op, &run);
	}
	r = op_park(op, P_wait_ms, 0, &(struct op_wake){0});
	if (!r) {
		mp_put_nil(op->out);
		r = op_result(op, slice_of(NULL, 0));
	}
	return r;
}

int op_runs_heartbeat(struct op *op)
{
	struct txn *txn = op->txn;
	struct active active;
	struct run run;
	int r;

	r = op_load_run(op, &run);
	if (!r) {
		r = op_check_lease(op, &run);
	}
	if (r || !active_get(txn, key_slice(&run.key), &active)) {
		return r ? r : -EBADMSG;
	}
	active.lease.until_ms = until_ms(op, op_int(op, P_lease_ms, active.lease.lease_ms));
	mp_put_map(op->out, 2);
	mp_put_cstr(op->out, "lease");
	put_lease(op, &active, op->out);
	mp_put_cstr(op->out, "status");
	mp_put_cstr(op->out, run_status_names[run.status]);
	r = op_result(op, slice_of(NULL, 0));
	if (!r) {
		active_put(txn, key_slice(&run.key), &active);
	}
	return r;
}

/* A run in progress goes back to the queue, whoever held it. */
static int queue_again(struct op *op, struct run *run)
{
	if (run->status != RUN_IN_PROGRESS) {
		return problem_set(op->problem, E_INVALID_TRANSITION, NULL,
			"Cannot queue run with status '%s' again: it must be in_progress.",
			run_status_names[run->status]);
	}
	lifecycle_enter(op->txn, run, RUN_QUEUED);
	return lifecycle_store(op, run);
}

int op_runs_release(struct op *op)
{
	struct run run;
	int r;

	r = op_load_run(op, &run);
	if (!r) {
		r = op_check_lease(op, &run);
	}
	return r ? r : queue_again(op, &run);
}

int op_runs_requeue(struct op *op)
{
	struct run run;
	int r;

	r = op_load_run(op, &run);
	return r ? r : queue_again(op, &run);
}

int op_runs_fail(struct op *op)
{
	struct slice message = op_text(op, P_message);
	struct run run;
	int r;

	r = op_load_run(op, &run);
	if (r) {
		return r;
	}
	if (!lifecycle_allows(run.status, RUN_FAILED)) {
		return problem_set(op->problem, E_INVALID_TRANSITION, NULL,
			"Cannot fail run with status '%s': it has ended.",
			run_status_names[run.status]);
	}
	lifecycle_enter(op->txn, &run, RUN_FAILED);
	lifecycle_set_error(op->txn, &run, "server_error",
		message.ptr ? message : SLICE_LIT("The run was failed by its operator."));
	return lifecycle_store(op, &run);
}

/* Not the token, which is the worker's alone. */
static void put_holder(const struct op *op, const struct active *active)
{
	struct buf *out = op->out;

	mp_put_cstr(out, "lease");
	if (!active->lease.token.ptr) {
		mp_put_nil(out);
		return;
	}
	mp_put_map(out, 3);
	put_terms(op, active, out);
}

int op_runs_lease(struct op *op)
{
	struct active active = {0};
	struct slice bytes, value;
	struct key key;
	int r;

	r = op_find_run(op, &bytes, &key);
	if (r) {
		return r;
	}
	active_get(op->txn, key_slice(&key), &active);
	mp_put_map(op->out, 6);
	mp_put_cstr(op->out, "run_id");
	buf_put(op->out, record_field(bytes, RUN_id));
	value = record_field(bytes, RUN_status);
	mp_put_cstr(op->out, "status");
	buf_put(op->out, value);
	put_holder(op, &active);
	mp_put_cstr(op->out, "attempts");
	mp_put_uint(op->out, active.attempts);
	mp_put_cstr(op->out, "losses");
	mp_put_uint(op->out, active.losses);
	mp_put_cstr(op->out, "claimable");
	mp_put_bool(op->out, ready_has(op->txn, key_slice(&key)));
	return op_result(op, slice_of(NULL, 0));
}
