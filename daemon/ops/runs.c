#include "daemon/ops/lifecycle.h"
#include "daemon/ops/tools.h"
#include "daemon/store/active.h"
#include "daemon/store/assistants.h"
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

/* What a run takes over from its assistant where its creator says nothing. */
static const struct {
	enum run_field to;
	enum assistant_field from;
} taken_over[] = {
	{RUN_model, ASSISTANT_model},
	{RUN_instructions, ASSISTANT_instructions},
	{RUN_tools, ASSISTANT_tools},
	{RUN_temperature, ASSISTANT_temperature},
	{RUN_top_p, ASSISTANT_top_p},
	{RUN_response_format, ASSISTANT_response_format},
};

/* One that is not there leaves @out cleared: who executes the run may know it. */
static int load_assistant(struct op *op, struct assistant *out)
{
	struct slice id = op_text(op, P_assistant_id);

	if (assistants_load(op->txn, id, out) || !op->service->strict_assistants) {
		return 0;
	}
	return op_not_found(op, "assistant", id, "assistant_id");
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

static void create_fields(struct op *op, struct run *run, const struct assistant *assistant)
{
	struct arena *arena = op->txn->arena;
	int64_t at = created_at(op, run);
	int64_t ttl = op_int(op, P_expires_in, op->service->run_ttl);

	for (unsigned int i = 0; i < N_RUN_FIELDS; i++) {
		run->v[i] = schema_run.fields[i].preset;
	}
	for (size_t i = 0; i < N_OF(taken_over) && assistant->id.ptr; i++) {
		if (!mp_is_nil(assistant->v[taken_over[i].from])) {
			run->v[taken_over[i].to] = assistant->v[taken_over[i].from];
		}
	}
	for (unsigned int i = 0; i < N_RUN_FIELDS; i++) {
		if (created_from[i] != N_PARAMS && op_given(op, created_from[i])) {
			run->v[i] = op->args[created_from[i]];
		}
	}
	run->v[RUN_id] = value_text(arena, run->id);
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
static void store_hints(struct op *op, const struct run *run, const struct assistant *assistant)
{
	struct slice resources = assistant->v[ASSISTANT_tool_resources];
	struct {
		const char *name;
		struct slice value;
	} hints[] = {
		{"reasoning_effort", op->args[P_reasoning_effort]},
		{"tool_resources", op->args[P_tool_resources]},
	};
	struct buf b = {0};
	uint32_t n = 0;

	if (!hints[0].value.ptr) {
		hints[0].value = assistant->effort;
	}
	if (!hints[1].value.ptr && !slice_eq(resources, SLICE_LIT("\x80"))) {
		hints[1].value = resources;
	}
	for (size_t i = 0; i < N_OF(hints); i++) {
		n += hints[i].value.ptr != NULL;
	}
	if (!n) {
		return;
	}
	mp_put_map(&b, n);
	for (size_t i = 0; i < N_OF(hints); i++) {
		if (hints[i].value.ptr) {
			mp_put_cstr(&b, hints[i].name);
			buf_put(&b, hints[i].value);
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
	struct assistant assistant = {0};
	struct slice bytes;
	int r;

	r = op_new_id(op, T_RUN_IDS, "run_", "run", &run.id);
	if (!r) {
		r = load_assistant(op, &assistant);
	}
	if (!r) {
		r = check_thread_free(op, run.thread_id);
	}
	if (r) {
		return r;
	}
	run.enqueued = slice_is(op_text(op, P_on_active), "enqueue");
	run.parallel = slice_is(op_text(op, P_on_active), "parallel");
	create_fields(op, &run, &assistant);
	r = op_encode(op, &schema_run, run.v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (!r) {
		runs_insert(op->txn, &run, bytes, "created");
		store_hints(op, &run, &assistant);
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
	return lifecycle_store(op, &run);
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
		lifecycle_end_messages(op->txn, &run, RUN_CANCELLED);
		runs_remove(op->txn, &run);
	}
	return r;
}
