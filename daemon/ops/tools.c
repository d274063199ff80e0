#include "daemon/ops/tools.h"
#include "daemon/ops/lifecycle.h"
#include "proto/bounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Tool calls by their ids, in the order of those, so that one is found in few steps. */
struct calls {
	struct tool_call {
		struct slice id;
		struct slice output; /* text; ptr NULL while there is none */
		bool seen;
	} call[MAX_TOOL_CALLS];
	unsigned int n;
};

static struct slice text_under(struct slice map, const char *name)
{
	struct slice text = {NULL, 0};

	mp_get_str(mp_lookup(map, name), &text);
	return text;
}

static int compare_calls(const void *a, const void *b)
{
	const struct tool_call *x = a, *y = b;

	return slice_cmp(x->id, y->id);
}

static struct tool_call *find_call(struct calls *calls, struct slice id)
{
	const struct tool_call wanted = {.id = id};

	return bsearch(&wanted, calls->call, calls->n, sizeof(wanted), compare_calls);
}

/* Leave the first of those that have the same id; true when there were such. */
static bool drop_repeated(struct calls *calls)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < calls->n; i++) {
		if (!n || !slice_eq(calls->call[n - 1].id, calls->call[i].id)) {
			calls->call[n++] = calls->call[i];
		}
	}
	if (n == calls->n) {
		return false;
	}
	calls->n = n;
	return true;
}

/* Take apart a required_action. False when a call's id stands there twice: it then counts once. */
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
		struct slice call = mp_value(&list);

		out->call[out->n++] = (struct tool_call){.id = text_under(call, "id")};
	}
	qsort(out->call, out->n, sizeof(*out->call), compare_calls);
	return !drop_repeated(out);
}

/* The wanted call that this call of a step is, unless an earlier one was that. */
static struct tool_call *match_call(struct calls *calls, struct slice call)
{
	struct tool_call *c = NULL;

	if (slice_is(text_under(call, "type"), "function")) {
		c = find_call(calls, text_under(call, "id"));
	}
	if (!c || c->seen) {
		return NULL;
	}
	c->seen = true;
	return c;
}

static void forget_matches(struct calls *calls)
{
	for (unsigned int i = 0; i < calls->n; i++) {
		calls->call[i].seen = false;
	}
}

/* Does a tool_calls step hold all these calls? */
static bool holds_calls(const struct step *step, struct calls *calls)
{
	struct slice list = mp_lookup(step->v[STEP_step_details], "tool_calls");
	unsigned int found = 0;
	struct mp t;

	if (!mp_read(&list, &t) || t.type != MP_ARRAY) {
		return false;
	}
	forget_matches(calls);
	for (uint32_t i = 0; i < t.n; i++) {
		found += match_call(calls, mp_value(&list)) != NULL;
	}
	return found == calls->n;
}

/* Look through the steps in progress, each in memory of its own; the one found is loaded. */
static bool find_holder(struct op *op, const struct run *run, struct calls *calls, struct step *out)
{
	struct arena *kept = op->txn->arena;
	struct arena arena = {0};
	struct open_steps walk;
	struct key id = {0};
	struct step step;

	op->txn->arena = &arena;
	steps_open_begin(op->txn, run, &walk);
	while (calls->n && !id.len && steps_open_next(op->txn, &walk, &step)) {
		if (holds_calls(&step, calls)) {
			id = key_from(step.id);
		}
		arena_finish(&arena);
	}
	arena_finish(&arena);
	op->txn->arena = kept;
	return id.len && steps_load(op->txn, run, key_slice(&id), out);
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

	*out = (struct step){
		.id = id, .run_id = run->id, .thread_id = run->thread_id, .run_key = run->key};
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
	out->v[STEP_status] = value_name(arena, step_status_names[STEP_IN_PROGRESS]);
	out->v[STEP_step_details] = details;
	if (metadata.ptr) {
		out->v[STEP_metadata] = metadata;
	}
	return 0;
}

/* A step made from the calls, in the order of @required_action, as far as they are answered. */
static int make_holder(struct op *op, const struct run *run, struct slice required_action,
	struct calls *calls, struct step *out)
{
	struct slice list = mp_lookup(required_action, "submit_tool_outputs");
	struct buf b = {0};
	struct slice details;
	struct mp t = {0};
	int r;

	list = mp_lookup(list, "tool_calls");
	mp_read(&list, &t);
	forget_matches(calls);
	begin_details(&b, calls->n);
	for (uint32_t i = 0; i < t.n && calls->n; i++) {
		struct slice call = mp_value(&list);
		const struct tool_call *c = match_call(calls, call);

		if (c) {
			put_call(&b, call, c->output);
		}
	}
	r = take_details(op, &b, &details);
	if (r) {
		return r;
	}
	return step_make(op, run, txn_issue_id(op->txn, T_STEP_IDS, "step_"),
		SLICE_LIT("\xaatool_calls"), details, slice_of(NULL, 0), out);
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
	r = make_holder(op, run, op->args[P_required_action], calls, &out->step);
	return r ? r : op_encode(op, &schema_step, out->step.v, &out->bytes);
}

/* ['a', 'b'], cut where there is no more room. */
static void list_ids(struct slice list, const char *field, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "[");
	char shown[72];
	struct mp t = {0};

	mp_read(&list, &t);
	for (uint32_t i = 0; i < t.n && n < size - 2; i++) {
		n += (size_t)snprintf(out + n, size - n, "%s'%s'", i ? ", " : "",
			printable(text_under(mp_value(&list), field), shown));
	}
	if (n < size - 1) {
		snprintf(out + n, size - n, "]");
	}
}

static int wrong_outputs(struct op *op, struct slice required_action)
{
	struct slice calls = mp_lookup(required_action, "submit_tool_outputs");
	char wanted[200] = "[]", given[200];

	calls = mp_lookup(calls, "tool_calls");
	if (calls.ptr) {
		list_ids(calls, "id", wanted, sizeof(wanted));
	}
	list_ids(op->args[P_tool_outputs], "tool_call_id", given, sizeof(given));
	return problem_set(op->problem, E_INVALID_PARAMS, "tool_outputs",
		"Expected tool outputs for call_ids %s, got %s", wanted, given);
}

/* Match each output to its call: one for every call, none for another. */
static int match_outputs(struct op *op, struct slice required_action, struct calls *calls)
{
	struct slice list = op->args[P_tool_outputs];
	struct mp t;

	mp_read(&list, &t);
	if (t.n != calls->n) {
		return wrong_outputs(op, required_action);
	}
	for (uint32_t i = 0; i < t.n; i++) {
		struct slice output = mp_value(&list);
		struct tool_call *c = find_call(calls, text_under(output, "tool_call_id"));

		if (!c || c->output.ptr) {
			return wrong_outputs(op, required_action);
		}
		c->output = text_under(output, "output");
	}
	return 0;
}

/* The holder's details with the outputs in their places. */
static int fill_holder(struct op *op, struct calls *calls, struct step *step)
{
	struct slice list = mp_lookup(step->v[STEP_step_details], "tool_calls");
	struct buf b = {0};
	struct mp t;

	mp_read(&list, &t);
	forget_matches(calls);
	begin_details(&b, t.n);
	for (uint32_t i = 0; i < t.n; i++) {
		struct slice call = mp_value(&list);
		const struct tool_call *c = match_call(calls, call);

		if (c) {
			put_call(&b, call, c->output);
		} else {
			buf_put(&b, call);
		}
	}
	return take_details(op, &b, &step->v[STEP_step_details]);
}

/* Find or make the step that takes the outputs; @made tells which. */
static int answered_step(struct op *op, const struct run *run, struct calls *calls,
	struct tool_step *out, bool *made)
{
	int r;

	*made = !find_holder(op, run, calls, &out->step);
	r = *made ? make_holder(op, run, run->v[RUN_required_action], calls, &out->step)
		  : fill_holder(op, calls, &out->step);
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
		steps_replace(op->txn, &step->step, step->bytes, "updated");
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
	r = match_outputs(op, run.v[RUN_required_action], calls);
	if (!r) {
		r = answered_step(op, &run, calls, &step, &made);
	}
	return r ? r : store_answer(op, &run, &step, made);
}
