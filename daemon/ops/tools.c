#include "daemon/ops/tools.h"
#include "daemon/ops/lifecycle.h"
#include "proto/bounds.h"

#include <errno.h>
#include <stdio.h>

struct calls {
	struct slice id[MAX_TOOL_CALLS];
	struct slice call[MAX_TOOL_CALLS];   /* the whole tool call, encoded */
	struct slice output[MAX_TOOL_CALLS]; /* text; ptr NULL while there is none */
	unsigned int n;
};

static struct slice text_under(struct slice map, const char *name)
{
	struct slice text = {NULL, 0};

	mp_get_str(mp_lookup(map, name), &text);
	return text;
}

static int find_call(const struct calls *calls, struct slice id)
{
	for (unsigned int i = 0; i < calls->n; i++) {
		if (slice_eq(calls->id[i], id)) {
			return (int)i;
		}
	}
	return -1;
}

/* Take apart a required_action. False when a call's id stands there twice. */
static bool read_calls(struct slice required_action, struct calls *out)
{
	struct slice list = mp_lookup(required_action, "submit_tool_outputs");
	struct mp t;

	out->n = 0;
	list = mp_lookup(list, "tool_calls");
	if (!mp_read(&list, &t) || t.type != MP_ARRAY || t.n > MAX_TOOL_CALLS) {
		return true;
	}
	for (uint32_t i = 0; i < t.n; i++) {
		struct slice call = mp_value(&list), id = text_under(call, "id");

		if (find_call(out, id) >= 0) {
			return false;
		}
		out->id[out->n] = id;
		out->output[out->n] = slice_of(NULL, 0);
		out->call[out->n++] = call;
	}
	return true;
}

/* Does a tool_calls step hold all these calls? */
static bool holds_calls(const struct step *step, const struct calls *calls)
{
	struct slice list = mp_lookup(step->v[STEP_step_details], "tool_calls");
	unsigned int found = 0;
	struct mp t;

	if (!mp_read(&list, &t) || t.type != MP_ARRAY) {
		return false;
	}
	for (uint32_t i = 0; i < t.n; i++) {
		struct slice call = mp_value(&list);

		found += slice_is(text_under(call, "type"), "function") &&
			 find_call(calls, text_under(call, "id")) >= 0;
	}
	return found == calls->n;
}

static bool find_holder(
	struct op *op, const struct run *run, const struct calls *calls, struct step *out)
{
	struct key after = {0};

	while (steps_next_open(op->txn, run, key_slice(&after), out)) {
		after = out->key;
		if (holds_calls(out, calls)) {
			return true;
		}
	}
	return false;
}

/* {id, type, function: {name, arguments, output}}; the output is null while there is none. */
static void put_call(struct buf *b, struct slice call, struct slice output)
{
	struct slice function = mp_lookup(call, "function");

	mp_put_map(b, 3);
	mp_put_cstr(b, "id");
	buf_put(b, mp_lookup(call, "id"));
	mp_put_cstr(b, "type");
	mp_put_cstr(b, "function");
	mp_put_cstr(b, "function");
	mp_put_map(b, 3);
	mp_put_cstr(b, "name");
	buf_put(b, mp_lookup(function, "name"));
	mp_put_cstr(b, "arguments");
	buf_put(b, mp_lookup(function, "arguments"));
	mp_put_cstr(b, "output");
	if (output.ptr) {
		mp_put_str(b, output);
	} else {
		mp_put_nil(b);
	}
}

static void begin_details(struct buf *b, uint32_t n_calls)
{
	mp_put_map(b, 2);
	mp_put_cstr(b, "type");
	mp_put_cstr(b, "tool_calls");
	mp_put_cstr(b, "tool_calls");
	mp_put_array(b, n_calls);
}

static int take_details(struct op *op, struct buf *b, struct slice *out)
{
	struct slice copy = arena_dup(op->txn->arena, buf_slice(b));
	int r = buf_error(b) || !copy.ptr ? -ENOMEM : 0;

	buf_finish(b);
	*out = copy;
	return r;
}

int step_make(struct op *op, const struct run *run, struct slice id, struct slice type,
	struct slice details, struct slice metadata, struct step *out)
{
	struct arena *arena = op->txn->arena;

	*out = (struct step){.id = id, .run_id = run->id, .thread_id = run->thread_id};
	if (!id.ptr) {
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < N_STEP_FIELDS; i++) {
		out->v[i] = schema_step.fields[i].preset;
	}
	out->v[STEP_id] = value_text(arena, id);
	out->v[STEP_object] = SLICE_LIT("\xafthread.run.step");
	out->v[STEP_created_at] = value_int(arena, op_now(op));
	out->v[STEP_assistant_id] = run->v[RUN_assistant_id];
	out->v[STEP_thread_id] = run->v[RUN_thread_id];
	out->v[STEP_run_id] = run->v[RUN_id];
	out->v[STEP_type] = type;
	out->v[STEP_status] = value_step_status(STEP_IN_PROGRESS);
	out->v[STEP_step_details] = details;
	if (metadata.ptr) {
		out->v[STEP_metadata] = metadata;
	}
	return 0;
}

/* A step made from the calls, as far as they are answered. */
static int make_holder(
	struct op *op, const struct run *run, const struct calls *calls, struct step *out)
{
	struct buf b = {0};
	struct slice details;
	int r;

	begin_details(&b, calls->n);
	for (unsigned int i = 0; i < calls->n; i++) {
		put_call(&b, calls->call[i], calls->output[i]);
	}
	r = take_details(op, &b, &details);
	if (r) {
		return r;
	}
	return step_make(op, run, txn_issue_id(op->txn, "step_"), SLICE_LIT("\xaatool_calls"),
		details, slice_of(NULL, 0), out);
}

int tools_prepare_step(struct op *op, const struct run *run, struct tool_step *out)
{
	struct calls *calls = arena_alloc(op->txn->arena, sizeof(*calls));
	int r;

	if (!calls) {
		return -ENOMEM;
	}
	if (!read_calls(op->args[P_required_action], calls) || !calls->n) {
		return problem_set(op->problem, E_INVALID_PARAMS,
			"required_action.submit_tool_outputs.tool_calls",
			"Expected one or more tool calls, each with an id of its own.");
	}
	if (find_holder(op, run, calls, &out->step)) {
		return 0;
	}
	r = make_holder(op, run, calls, &out->step);
	return r ? r : op_encode(op, &schema_step, out->step.v, &out->bytes);
}

/* ['a', 'b'], cut where there is no more room. */
static void list_ids(const struct calls *calls, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "[");
	char shown[72];

	for (unsigned int i = 0; i < calls->n && n < size - 2; i++) {
		n += (size_t)snprintf(
			out + n, size - n, "%s'%s'", i ? ", " : "", printable(calls->id[i], shown));
	}
	if (n < size - 1) {
		snprintf(out + n, size - n, "]");
	}
}

static int wrong_outputs(struct op *op, const struct calls *want, const struct calls *got)
{
	char wanted[200], given[200];

	list_ids(want, wanted, sizeof(wanted));
	list_ids(got, given, sizeof(given));
	return problem_set(op->problem, E_INVALID_PARAMS, "tool_outputs",
		"Expected tool outputs for call_ids %s, got %s", wanted, given);
}

/* Match each output to its call: one for every call, none for another. */
static int match_outputs(struct op *op, struct calls *calls)
{
	struct calls *got = arena_alloc(op->txn->arena, sizeof(*got));
	struct slice list = op->args[P_tool_outputs];
	bool wrong;
	struct mp t;

	if (!got) {
		return -ENOMEM;
	}
	got->n = 0;
	mp_read(&list, &t);
	wrong = t.n != calls->n;
	for (uint32_t i = 0; i < t.n; i++) {
		struct slice output = mp_value(&list);
		struct slice id = text_under(output, "tool_call_id");
		int at = find_call(calls, id);

		got->id[got->n++] = id;
		if (at < 0 || calls->output[at].ptr) {
			wrong = true;
		} else {
			calls->output[at] = text_under(output, "output");
		}
	}
	return wrong ? wrong_outputs(op, calls, got) : 0;
}

/* The holder's details with the outputs in their places. */
static int fill_holder(struct op *op, const struct calls *calls, struct step *step)
{
	struct slice list = mp_lookup(step->v[STEP_step_details], "tool_calls");
	struct buf b = {0};
	struct mp t;

	mp_read(&list, &t);
	begin_details(&b, t.n);
	for (uint32_t i = 0; i < t.n; i++) {
		struct slice call = mp_value(&list);
		int at = slice_is(text_under(call, "type"), "function")
				 ? find_call(calls, text_under(call, "id"))
				 : -1;

		if (at < 0) {
			buf_put(&b, call);
		} else {
			put_call(&b, call, calls->output[at]);
		}
	}
	return take_details(op, &b, &step->v[STEP_step_details]);
}

/* Find or make the step that takes the outputs; @made tells which. */
static int answered_step(struct op *op, const struct run *run, const struct calls *calls,
	struct tool_step *out, bool *made)
{
	int r;

	*made = !find_holder(op, run, calls, &out->step);
	r = *made ? make_holder(op, run, calls, &out->step) : fill_holder(op, calls, &out->step);
	if (r) {
		return r;
	}
	lifecycle_enter_step(op->txn, &out->step, STEP_COMPLETED);
	return op_encode(op, &schema_step, out->step.v, &out->bytes);
}

static int store_answer(struct op *op, struct run *run, struct tool_step *step, bool made)
{
	struct slice bytes;
	int r;

	lifecycle_enter(op->txn, run, RUN_QUEUED);
	r = op_encode(op, &schema_run, run->v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (r) {
		return r;
	}
	if (made) {
		step->step.status = STEP_COMPLETED;
		steps_insert(op->txn, &step->step, step->bytes, "created");
	} else {
		steps_replace(op->txn, &step->step, step->bytes);
	}
	runs_replace(op->txn, run, bytes);
	return 0;
}

int op_runs_submit_tool_outputs(struct op *op)
{
	struct calls *calls = arena_alloc(op->txn->arena, sizeof(*calls));
	struct tool_step step = {0};
	struct run run;
	bool made;
	int r;

	if (!calls) {
		return -ENOMEM;
	}
	r = op_load_run(op, &run);
	if (r) {
		return r;
	}
	if (run.status != RUN_REQUIRES_ACTION) {
		return problem_set(op->problem, E_INVALID_TRANSITION, NULL,
			"Runs in status \"%s\" do not accept tool outputs.",
			run_status_names[run.status]);
	}
	read_calls(run.v[RUN_required_action], calls);
	r = match_outputs(op, calls);
	if (!r) {
		r = answered_step(op, &run, calls, &step, &made);
	}
	return r ? r : store_answer(op, &run, &step, made);
}
