#include "daemon/ops/lifecycle.h"
#include "daemon/ops/tools.h"
#include "daemon/store/active.h"
#include "daemon/store/threads.h"
#include "proto/bounds.h"

#include <errno.h>
#include <stdio.h>

/* The parameter that sets a field on create; N_PARAMS where none does. */
static const enum param created_from[N_RUN_FIELDS] = {
#define SET_CREATE(name) P_##name
#define SET_BOTH(name) P_##name
#define SET_UPDATE(name) N_PARAMS
#define SET_DAEMON(name) N_PARAMS
#define FIELD(name, type, who, preset, help) [RUN_##name] = SET_##who(name),
#include "proto/run.def"
#undef FIELD
};

static int create_id(struct op *op, struct run *run)
{
	struct slice bytes;
	struct key key;

	if (!op_given(op, P_id)) {
		run->id = txn_issue_id(op->txn, T_RUN_IDS, "run_");
		run->v[RUN_id] = value_text(op->txn->arena, run->id);
		return run->id.ptr ? 0 : -ENOMEM;
	}
	run->id = op_text(op, P_id);
	if (runs_find(op->txn, run->id, &bytes, &key)) {
		return problem_set(op->problem, E_ID_CONFLICT, "id",
			"A run with id '%.*s' already exists.", (int)run->id.len,
			(const char *)run->id.ptr);
	}
	return 0;
}

static int check_thread_free(struct op *op, struct slice thread_id)
{
	struct slice on_active = op_text(op, P_on_active);

	if (on_active.ptr && !slice_is(on_active, "reject")) {
		return 0;
	}
	return op_thread_busy(op, thread_id, "thread_id");
}

static struct slice joined_instructions(struct op *op, struct slice instructions)
{
	struct slice more = op_text(op, P_additional_instructions), text = {NULL, 0}, value;
	struct buf b = {0};

	if (!more.len) {
		return instructions;
	}
	mp_get_str(instructions, &text);
	buf_put(&b, text);
	if (text.len) {
		buf_append(&b, "\n", 1);
	}
	buf_put(&b, more);
	value = buf_error(&b) ? slice_of(NULL, 0) : value_text(op->txn->arena, buf_slice(&b));
	buf_finish(&b);
	return value;
}

/*
 * Now; for a run that waits for the others of its thread no earlier than these, so that it stands
 * behind them also when the clock was set back.
 */
static int64_t created_at(struct op *op, const struct run *run)
{
	int64_t now = op_now(op), last;
	struct key key;

	if (!run->enqueued || !active_last(op->txn, run->thread_id, &key)) {
		return now;
	}
	last = (int64_t)read_u64(key_position(key_slice(&key)).ptr);
	return last > now ? last : now;
}

static void create_fields(struct op *op, struct run *run)
{
	struct arena *arena = op->txn->arena;
	int64_t at = created_at(op, run);
	int64_t ttl = op_int(op, P_expires_in, op->service->run_ttl);

	for (unsigned int i = 0; i < N_RUN_FIELDS; i++) {
		if (created_from[i] != N_PARAMS && op_given(op, created_from[i])) {
			run->v[i] = op->args[created_from[i]];
		} else if (i != RUN_id) {
			run->v[i] = schema_run.fields[i].preset;
		}
	}
	run->v[RUN_object] = SLICE_LIT("\xaathread.run");
	run->v[RUN_created_at] = value_int(arena, at);
	run->v[RUN_thread_id] = op->args[P_thread_id];
	run->v[RUN_assistant_id] = op->args[P_assistant_id];
	run->v[RUN_status] = value_name(arena, run_status_names[RUN_QUEUED]);
	run->v[RUN_instructions] = joined_instructions(op, run->v[RUN_instructions]);
	if (ttl) {
		run->v[RUN_expires_at] =
			value_int(arena, at + ttl < MAX_TIME ? at + ttl : MAX_TIME);
	}
	run->status = RUN_QUEUED;
}

/* Whoever executes the run is to be told of these, and they have no place in it. */
static void store_hints(struct op *op, const struct run *run)
{
	static const struct {
		enum param param;
		const char *name;
	} hints[] = {
		{P_reasoning_effort, "reasoning_effort"},
		{P_tool_resources, "tool_resources"},
	};
	struct buf b = {0};
	uint32_t n = 0;

	for (size_t i = 0; i < N_OF(hints); i++) {
		n += op_given(op, hints[i].param);
	}
	if (!n) {
		return;
	}
	mp_put_map(&b, n);
	for (size_t i = 0; i < N_OF(hints); i++) {
		if (op_given(op, hints[i].param)) {
			mp_put_cstr(&b, hints[i].name);
			buf_put(&b, op->args[hints[i].param]);
		}
	}
	if (buf_error(&b)) {
		kv_fail(op->txn->kv, buf_error(&b));
	}
	runs_put_hints(op->txn, run->id, buf_slice(&b));
	buf_finish(&b);
}

int op_runs_create(struct op *op)
{
	struct run run = {.thread_id = op_text(op, P_thread_id)};
	struct slice bytes;
	int r;

	r = create_id(op, &run);
	if (!r) {
		r = check_thread_free(op, run.thread_id);
	}
	if (r) {
		return r;
	}
	run.enqueued = slice_is(op_text(op, P_on_active), "enqueue");
	create_fields(op, &run);
	r = op_encode(op, &schema_run, run.v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (!r) {
		runs_insert(op->txn, &run, bytes, "created");
		store_hints(op, &run);
	}
	return r;
}

int op_runs_get(struct op *op)
{
	struct slice bytes;
	struct key key;
	int r;

	r = op_find_run(op, &bytes, &key);
	return r ? r : op_result(op, bytes);
}

int op_runs_cancel(struct op *op)
{
	enum run_status to;
	struct slice bytes;
	struct run run;
	int r;

	r = op_load_run(op, &run);
	if (r) {
		return r;
	}
	to = run.status == RUN_IN_PROGRESS ? RUN_CANCELLING : RUN_CANCELLED;
	if (run.status == RUN_CANCELLING || !lifecycle_allows(run.status, to)) {
		return problem_set(op->problem, E_INVALID_TRANSITION, NULL,
			"Cannot cancel run with status '%s'.", run_status_names[run.status]);
	}
	lifecycle_enter(op->txn, &run, to);
	r = op_encode(op, &schema_run, run.v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (!r) {
		if (run_status_terminal(to)) {
			lifecycle_end_steps(op->txn, &run, to);
		}
		runs_replace(op->txn, &run, bytes);
	}
	return r;
}

int op_runs_delete(struct op *op)
{
	struct run run;
	int r;

	r = op_load_run(op, &run);
	if (!r) {
		r = op_result_deleted(op, run.id, "thread.run.deleted");
	}
	if (!r) {
		runs_remove(op->txn, &run);
	}
	return r;
}
