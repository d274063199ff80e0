/* The model's rules of runs and threads. */
#include "cmocka_all.h"

#include "objects.h"
#include "rules.h"
#include "status.h"

#include <string.h>

static bool thread_is_busy(struct model *model, const char *thread)
{
	json_t *run;
	size_t i;

	json_array_foreach(model->runs, i, run)
	{
		if (!strcmp(get_text(run, "thread_id"), thread) &&
			!status_ended(get_text(run, "status"))) {
			return true;
		}
	}
	return false;
}

/* Does @other, of which @inserted says whether it came first, hold back what stands behind it? */
static bool holds(const json_t *other, const json_t *run, bool inserted)
{
	json_int_t at = model_created(other), behind = model_created(run);

	return !strcmp(get_text(other, "thread_id"), get_text(run, "thread_id")) &&
	       !status_ended(get_text(other, "status")) &&
	       (at < behind || (at == behind && inserted));
}

/* Is the run enqueued behind one of its thread that has not ended? */
static bool is_held(struct model *model, const json_t *run)
{
	bool inserted = true;
	json_t *other;
	size_t i;

	if (!json_object_get(model->waiting, get_text(run, "id"))) {
		return false;
	}
	json_array_foreach(model->runs, i, other)
	{
		inserted = inserted && other != run;
		if (other != run && holds(other, run, inserted)) {
			return true;
		}
	}
	return false;
}

static void add_thread(struct model *model, const char *thread)
{
	for (size_t i = 0; i < json_array_size(model->threads); i++) {
		if (!strcmp(json_string_value(json_array_get(model->threads, i)), thread)) {
			return;
		}
	}
	json_array_append_new(model->threads, json_string(thread));
}

static void copy_given(json_t *run, const json_t *params)
{
	static const char *const names[] = {"id", "thread_id", "assistant_id", "model",
		"instructions", "tools", "temperature", "top_p", "parallel_tool_calls"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *value = json_object_get(params, names[i]);

		if (value && !json_is_null(value)) {
			json_object_set(run, names[i], value);
		}
	}
}

static json_t *make_run(struct model *model, const json_t *params)
{
	const json_t *ttl = json_object_get(params, "expires_in");
	const char *more = get_text(params, "additional_instructions");
	json_t *run = run_object("{'status':'queued','model':''}");

	json_object_set_new(run, "id", issued_id(model));
	copy_given(run, params);
	put_metadata(run, params);
	put_now(run, "created_at");
	if (!ttl || json_integer_value(ttl)) {
		json_object_set_new(run, "expires_at",
			json_sprintf("@ttl:%d", ttl ? (int)json_integer_value(ttl) : 600));
	}
	if (more) {
		const char *first = get_text(run, "instructions");

		json_object_set_new(run, "instructions",
			json_sprintf("%s%s%s", first, *first ? "\n" : "", more));
	}
	return run;
}

json_t *model_runs_create(struct model *model, const json_t *params)
{
	const char *on_active = get_text(params, "on_active");
	struct refusal refusal = {0};
	json_t *run;

	if (model_find(model->runs, get_text(params, "id"))) {
		refusal_add(&refusal, "id_conflict");
	}
	if ((!on_active || !strcmp(on_active, "reject")) &&
		thread_is_busy(model, get_text(params, "thread_id"))) {
		refusal_add(&refusal, "run_active");
	}
	if (refused(&refusal)) {
		return answer_refusal(&refusal);
	}
	run = make_run(model, params);
	json_array_append_new(model->runs, run);
	if (on_active && !strcmp(on_active, "enqueue")) {
		json_object_set_new(model->waiting, get_text(run, "id"), json_true());
	}
	add_thread(model, get_text(params, "thread_id"));
	return answer_with(run);
}

/* A failed step tells the run's message, and its code where a step may have that. */
static json_t *step_error(const json_t *run)
{
	const char *code = text(run, "last_error.code");

	return json_pack("{ssss}", "code",
		!strcmp(code, "rate_limit_exceeded") ? code : "server_error", "message",
		text(run, "last_error.message"));
}

static void end_steps(struct model *model, const json_t *run, const char *status)
{
	json_t *steps = model_steps_of(model, get_text(run, "id")), *step;
	size_t i;

	json_array_foreach(steps, i, step)
	{
		if (strcmp(get_text(step, "status"), "in_progress") != 0) {
			continue;
		}
		enter_step(step, status);
		if (!strcmp(status, "failed")) {
			json_object_set_new(step, "last_error", step_error(run));
		}
	}
	json_decref(steps);
}

static void enter(struct model *model, json_t *run, const char *to)
{
	put_text(run, "status", to);
	if (!strcmp(to, "in_progress") && is_null(run, "started_at")) {
		put_now(run, "started_at");
	}
	if (!strcmp(to, "completed") || !strcmp(to, "incomplete")) {
		put_now(run, "completed_at");
	}
	if (!strcmp(to, "failed")) {
		put_now(run, "failed_at");
	}
	if (!strcmp(to, "cancelled")) {
		put_now(run, "cancelled_at");
	}
	if (strcmp(to, "requires_action") != 0) {
		json_object_set_new(run, "required_action", json_null());
	}
	if (status_ended(to)) {
		json_object_set_new(run, "expires_at", json_null());
		end_steps(model, run, to);
	}
}

static bool has_open_step(struct model *model, const json_t *run)
{
	json_t *none = json_object();
	bool has = find_holder(model, run, none);

	json_decref(none);
	return has;
}

/* last_error, incomplete_details and required_action each come with one status only. */
static void check_details(struct refusal *refusal, const json_t *params)
{
	static const char *const rules[][2] = {{"last_error", "failed"},
		{"incomplete_details", "incomplete"}, {"required_action", "requires_action"}};
	const char *to = get_text(params, "status");

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		bool given = json_object_get(params, rules[i][0]);
		bool due = to && !strcmp(to, rules[i][1]);

		if (given != due) {
			refusal_add(refusal, given ? "invalid_params" : "missing_param");
		}
	}
}

static void check_update(
	struct model *model, struct refusal *refusal, const json_t *run, const json_t *params)
{
	const char *to = get_text(params, "status"), *from = get_text(run, "status");
	const char *expected = get_text(params, "expected_status");

	check_details(refusal, params);
	if (expected && strcmp(expected, from) != 0) {
		refusal_add(refusal, "expected_status");
	}
	if (to && !status_allows(from, to)) {
		refusal_add(refusal, "invalid_transition");
	}
	if (to && !strcmp(to, "in_progress") && !strcmp(from, "queued") && is_held(model, run)) {
		refusal_add(refusal, "run_active");
	}
	if (to && (!strcmp(to, "completed") || !strcmp(to, "incomplete")) &&
		has_open_step(model, run)) {
		refusal_add(refusal, "steps_in_progress");
	}
	if (json_object_get(params, "usage") &&
		!(to ? status_ended(to) : status_ended(from) && is_null(run, "usage"))) {
		refusal_add(refusal, "invalid_params");
	}
}

static void set_given(json_t *run, const json_t *params)
{
	static const char *const names[] = {
		"last_error", "incomplete_details", "required_action", "usage"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *value = json_object_get(params, names[i]);

		if (value) {
			json_object_set_new(run, names[i], json_deep_copy(value));
		}
	}
	put_metadata(run, params);
}

json_t *model_runs_update(struct model *model, const json_t *params)
{
	json_t *run = run_named(model, params),
	       *action = json_object_get(params, "required_action");
	const char *to = get_text(params, "status");
	struct refusal refusal = {0};

	if (!run) {
		return answer_code("not_found");
	}
	check_update(model, &refusal, run, params);
	if (refused(&refusal)) {
		return answer_refusal(&refusal);
	}
	if (action && !find_holder(model, run, action)) {
		add_step(model, run, issued_id(model), "tool_calls", details_of_calls(action));
	}
	set_given(run, params);
	if (to) {
		enter(model, run, to);
	}
	return answer_with(run);
}

json_t *model_runs_cancel(struct model *model, const json_t *params)
{
	json_t *run = run_named(model, params);
	const char *from = get_text(run, "status");

	if (!run) {
		return answer_code("not_found");
	}
	if (!strcmp(from, "in_progress")) {
		enter(model, run, "cancelling");
	} else if (!strcmp(from, "queued") || !strcmp(from, "requires_action")) {
		enter(model, run, "cancelled");
	} else {
		return answer_code("invalid_transition");
	}
	return answer_with(run);
}

/* The output of each pending call, put into @details; false when they do not match one to one. */
static bool fill(const json_t *required_action, const json_t *outputs, json_t *details)
{
	const json_t *wanted = field(required_action, "submit_tool_outputs.tool_calls");
	json_t *calls = json_object_get(details, "tool_calls");
	size_t matched = 0;

	for (size_t i = 0; i < json_array_size(outputs); i++) {
		const json_t *output = json_array_get(outputs, i);
		json_t *call = model_find(calls, get_text(output, "tool_call_id"));

		matched += model_find((json_t *)wanted, get_text(output, "tool_call_id")) != NULL;
		if (call && is_null(field(call, "function"), "output")) {
			json_object_set(field(call, "function"), "output",
				json_object_get(output, "output"));
		} else {
			return false;
		}
	}
	return matched == json_array_size(outputs) && matched == json_array_size(wanted);
}

json_t *model_runs_submit(struct model *model, const json_t *params)
{
	json_t *run = run_named(model, params), *action, *step, *details;

	if (!run) {
		return answer_code("not_found");
	}
	if (strcmp(get_text(run, "status"), "requires_action") != 0) {
		return answer_code("invalid_transition");
	}
	action = json_object_get(run, "required_action");
	step = find_holder(model, run, action);
	details = step ? json_deep_copy(json_object_get(step, "step_details"))
		       : details_of_calls(action);
	if (!fill(action, json_object_get(params, "tool_outputs"), details)) {
		json_decref(details);
		return answer_code("invalid_params");
	}
	if (step) {
		json_object_set_new(step, "step_details", details);
	} else {
		/* Somebody ended the step meanwhile: the outputs must stand somewhere. */
		step = add_step(model, run, issued_id(model), "tool_calls", details);
	}
	enter_step(step, "completed");
	enter(model, run, "queued");
	return answer_with(run);
}

/* Remove the objects whose member @name is @value. */
static void remove_all(json_t *objects, const char *name, const char *value)
{
	for (size_t i = json_array_size(objects); i-- > 0;) {
		if (!strcmp(get_text(json_array_get(objects, i), name), value)) {
			json_array_remove(objects, i);
		}
	}
}

/* The same for runs, whose ids may come again. */
static void remove_runs(struct model *model, const char *name, const char *value)
{
	json_t *run;
	size_t i;

	json_array_foreach(model->runs, i, run)
	{
		if (!strcmp(get_text(run, name), value)) {
			json_object_del(model->waiting, get_text(run, "id"));
		}
	}
	remove_all(model->runs, name, value);
}

json_t *model_runs_delete(struct model *model, const json_t *params)
{
	const char *id = get_text(params, "run_id");

	if (!run_named(model, params)) {
		return answer_code("not_found");
	}
	remove_all(model->steps, "run_id", id);
	remove_runs(model, "id", id);
	return answer_deleted(id, "thread.run.deleted");
}

json_t *model_threads_delete(struct model *model, const json_t *params)
{
	const char *id = get_text(params, "thread_id");

	for (size_t i = 0; i < json_array_size(model->threads); i++) {
		if (!strcmp(json_string_value(json_array_get(model->threads, i)), id)) {
			json_array_remove(model->threads, i);
			remove_all(model->steps, "thread_id", id);
			remove_runs(model, "thread_id", id);
			return answer_deleted(id, "thread.deleted");
		}
	}
	return answer_code("not_found");
}

/* Takes what it is given as it is, or nothing of it. */
static const char *take_object(struct model *model, json_t *object, int *imported)
{
	bool is_run = !strcmp(get_text(object, "object"), "thread.run");
	json_t *objects = is_run ? model->runs : model->steps;
	const json_t *known = model_find(objects, get_text(object, "id"));

	if (!is_run && !model_find(model->runs, get_text(object, "run_id"))) {
		return "not_found";
	}
	if (known) {
		return same(known, object) ? NULL : "id_conflict";
	}
	json_array_append_new(objects, json_deep_copy(object));
	(*imported)++;
	if (is_run) {
		add_thread(model, get_text(object, "thread_id"));
	}
	return NULL;
}

json_t *model_import(struct model *model, const json_t *params)
{
	const json_t *objects = json_object_get(params, "objects");
	size_t runs = json_array_size(model->runs), steps = json_array_size(model->steps);
	size_t threads = json_array_size(model->threads);
	int imported = 0, n = (int)json_array_size(objects);
	const char *code = NULL;

	for (int i = 0; i < n && !code; i++) {
		code = take_object(model, json_array_get(objects, (size_t)i), &imported);
	}
	if (!code) {
		return json_pack("[n{sisi}]", "imported", imported, "unchanged", n - imported);
	}
	while (json_array_size(model->runs) > runs) {
		json_array_remove(model->runs, runs);
	}
	while (json_array_size(model->steps) > steps) {
		json_array_remove(model->steps, steps);
	}
	while (json_array_size(model->threads) > threads) {
		json_array_remove(model->threads, threads);
	}
	return answer_code(code);
}
