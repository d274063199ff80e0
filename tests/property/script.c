#include "cmocka_all.h"

#include "objects.h"
#include "rules.h"
#include "script.h"

#include <stdio.h>
#include <string.h>

enum { MAX_STEPS = 60, MAX_BATCH = 10 };

static bool chance(struct script *s, unsigned int percent)
{
	return dice_chance(&s->dice, percent);
}

/* One of the objects, NULL when there are none. */
static json_t *pick(struct script *s, json_t *objects)
{
	return json_array_get(objects, dice_roll(&s->dice, json_array_size(objects)));
}

/* A run, rather one that has not ended; NULL when there is none. */
static json_t *pick_run(struct script *s)
{
	json_t *run = pick(s, s->model->runs);

	for (int i = 0; run && i < 6 && model_ended(get_text(run, "status")); i++) {
		run = pick(s, s->model->runs);
	}
	return run;
}

static const char *thread_name(struct script *s)
{
	static const char *const names[] = {"t1", "t2", "t3", "t-4"};

	return names[dice_roll(&s->dice, 4)];
}

static void maybe_put_metadata(struct script *s, json_t *params)
{
	if (chance(s, 25)) {
		json_object_set_new(params, "metadata",
			chance(s, 20) ? json_null()
				      : json_pack("{ss}", "k", chance(s, 50) ? "a" : ""));
	}
}

static json_t *usage(struct script *s)
{
	int tokens = (int)dice_roll(&s->dice, 1000);

	return json_pack("{sisisi}", "completion_tokens", tokens, "prompt_tokens", 7,
		"total_tokens", tokens + 7);
}

static json_t *error_of_run(struct script *s)
{
	static const char *const codes[] = {
		"server_error", "rate_limit_exceeded", "invalid_prompt"};

	return json_pack("{ssso}", "code", codes[dice_roll(&s->dice, 3)], "message",
		json_sprintf("it broke %u times", ++s->serial));
}

static json_t *runs_create(struct script *s)
{
	static const char *const on_active[] = {"reject", "enqueue", "parallel", "parallel"};
	json_t *params = json_pack("{ssss}", "thread_id", thread_name(s), "assistant_id", "asst_1");

	if (chance(s, 40)) {
		json_object_set_new(params, "id", json_sprintf("run_%u", ++s->serial));
	} else if (chance(s, 6) && pick_run(s)) {
		json_object_set(params, "id", json_object_get(pick_run(s), "id"));
	}
	if (chance(s, 80)) {
		put_text(params, "on_active", on_active[dice_roll(&s->dice, 4)]);
	}
	if (chance(s, 30)) {
		put_text(params, "instructions", chance(s, 50) ? "Be brief." : "");
	}
	if (chance(s, 20)) {
		put_text(params, "additional_instructions", "And kind.");
	}
	if (chance(s, 20)) {
		json_object_set_new(params, "expires_in",
			json_integer(chance(s, 30) ? 0 : 500 + (int)dice_roll(&s->dice, 500)));
	}
	if (chance(s, 10)) {
		json_object_set_new(params, "temperature", json_real(0.25));
	}
	maybe_put_metadata(s, params);
	return params;
}

static json_t *function_call(struct script *s)
{
	return codec_parse("{'id':'call_%u','type':'function','function':{'name':'look',"
			   "'arguments':'{}'}}",
		++s->serial);
}

/* Some calls of an open step of the run; NULL when it has none. */
static json_t *calls_of_step(struct script *s, const json_t *run)
{
	json_t *calls = NULL, *call, *step;
	size_t i;

	json_array_foreach(s->model->steps, i, step)
	{
		if (!strcmp(get_text(step, "run_id"), get_text(run, "id")) &&
			!strcmp(get_text(step, "status"), "in_progress") &&
			!strcmp(get_text(step, "type"), "tool_calls")) {
			calls = json_deep_copy(field(step, "step_details.tool_calls"));
			break;
		}
	}
	if (calls && json_array_size(calls) > 1 && chance(s, 50)) {
		json_array_remove(calls, 0);
	}
	json_array_foreach(calls, i, call)
	{
		json_object_del(field(call, "function"), "output");
	}
	return calls;
}

static json_t *required_action(struct script *s, const json_t *run)
{
	json_t *calls = chance(s, 50) ? calls_of_step(s, run) : NULL;

	if (!calls) {
		calls = json_array();
		do {
			json_array_append_new(calls, function_call(s));
		} while (chance(s, 40));
	}
	return json_pack("{sss{so}}", "type", "submit_tool_outputs", "submit_tool_outputs",
		"tool_calls", calls);
}

static const char *run_status(struct script *s, const json_t *run)
{
	const char *to = run_statuses[dice_roll(&s->dice, N_STATUSES)];

	for (int i = 0; i < 12 && !model_allows(get_text(run, "status"), to); i++) {
		to = run_statuses[dice_roll(&s->dice, N_STATUSES)];
	}
	return to;
}

/* The details that each status demands: left out, or put where they do not belong, at times. */
static void put_details(struct script *s, json_t *params, const json_t *run, const char *to)
{
	if (chance(s, !strcmp(to, "failed") ? 95 : 2)) {
		json_object_set_new(params, "last_error", error_of_run(s));
	}
	if (chance(s, !strcmp(to, "incomplete") ? 95 : 2)) {
		json_object_set_new(params, "incomplete_details",
			json_pack("{ss}", "reason", "max_prompt_tokens"));
	}
	if (chance(s, !strcmp(to, "requires_action") ? 95 : 2)) {
		json_object_set_new(params, "required_action", required_action(s, run));
	}
}

/* Params that name @run, and sometimes a thread that may be another one. */
static json_t *naming(struct script *s, const json_t *run)
{
	json_t *params = json_pack(
		"{ss}", "run_id", run && !chance(s, 3) ? get_text(run, "id") : "run_unknown");

	if (chance(s, 10)) {
		put_text(params, "thread_id",
			run && chance(s, 70) ? get_text(run, "thread_id") : thread_name(s));
	}
	return params;
}

static json_t *runs_update(struct script *s)
{
	const json_t *run = pick_run(s);
	json_t *params = naming(s, run);
	const char *to = "";

	if (run && chance(s, 85)) {
		to = run_status(s, run);
		put_text(params, "status", to);
	}
	put_details(s, params, run, to);
	maybe_put_metadata(s, params);
	if (chance(s, model_ended(to) ? 30 : 5)) {
		json_object_set_new(params, "usage", usage(s));
	}
	if (run && chance(s, 10)) {
		put_text(params, "expected_status",
			chance(s, 70) ? get_text(run, "status")
				      : run_statuses[dice_roll(&s->dice, N_STATUSES)]);
	}
	return params;
}

static json_t *only_naming(struct script *s)
{
	return naming(s, pick_run(s));
}

static json_t *runs_submit(struct script *s)
{
	json_t *run = pick_run(s), *outputs = json_array(), *params, *call;
	size_t i;

	for (int tries = 0; run && tries < 20 && is_null(run, "required_action"); tries++) {
		run = pick_run(s);
	}
	json_array_foreach(field(run, "required_action.submit_tool_outputs.tool_calls"), i, call)
	{
		json_array_append_new(outputs, json_pack("{ssss}", "tool_call_id",
						       get_text(call, "id"), "output", "fine"));
	}
	if (chance(s, 10)) {
		json_array_remove(outputs, 0);
	}
	if (!json_array_size(outputs) || chance(s, 5)) {
		json_array_append_new(outputs,
			codec_parse("{'tool_call_id':'call_%u','output':''}", ++s->serial));
	}
	params = naming(s, run);
	json_object_set_new(params, "tool_outputs", outputs);
	return params;
}

static json_t *message_details(struct script *s)
{
	return codec_parse("{'type':'message_creation','message_creation':{'message_id':'msg_%u'}}",
		++s->serial);
}

static json_t *call_details(struct script *s)
{
	json_t *calls = json_array(), *call;

	do {
		call = function_call(s);
		json_object_set_new(field(call, "function"), "output", json_null());
		json_array_append_new(calls, call);
	} while (chance(s, 40));
	return json_pack("{ssso}", "type", "tool_calls", "tool_calls", calls);
}

static json_t *steps_create(struct script *s)
{
	const json_t *run = pick_run(s);
	bool of_calls = chance(s, 40);
	json_t *params = naming(s, run), *steps;

	steps = model_steps_of(s->model, run ? get_text(run, "id") : "");
	if (json_array_size(steps) > MAX_STEPS) {
		put_text(params, "run_id", "run_unknown");
	}
	json_decref(steps);
	put_text(params, "type", of_calls == !chance(s, 3) ? "tool_calls" : "message_creation");
	json_object_set_new(
		params, "step_details", of_calls ? call_details(s) : message_details(s));
	if (chance(s, 40)) {
		json_object_set_new(params, "id", json_sprintf("step_%u", ++s->serial));
	} else if (chance(s, 6) && json_array_size(s->model->steps)) {
		json_object_set(params, "id", json_object_get(pick(s, s->model->steps), "id"));
	}
	maybe_put_metadata(s, params);
	return params;
}

static json_t *pick_step(struct script *s)
{
	json_t *step = pick(s, s->model->steps);

	for (int i = 0; step && i < 6 && strcmp(get_text(step, "status"), "in_progress") != 0;
		i++) {
		step = pick(s, s->model->steps);
	}
	return step;
}

/* A step that waits for outputs is left alone: whose they would be then is not laid down. */
static bool waits_for_outputs(struct script *s, const json_t *step)
{
	const json_t *run = model_find(s->model->runs, get_text(step, "run_id"));

	return run && !strcmp(get_text(run, "status"), "requires_action") &&
	       !strcmp(get_text(step, "type"), "tool_calls");
}

static json_t *steps_update(struct script *s)
{
	static const char *const statuses[] = {"completed", "completed", "completed", "failed",
		"cancelled", "expired", "in_progress"};
	const json_t *step = pick_step(s);
	const char *to = chance(s, 75) ? statuses[dice_roll(&s->dice, 7)] : NULL;
	json_t *params;

	if (!step || waits_for_outputs(s, step)) {
		return codec_parse("{'run_id':'run_unknown','step_id':'step_unknown'}");
	}
	params = naming(s, model_find(s->model->runs, get_text(step, "run_id")));
	put_text(params, "step_id", chance(s, 3) ? "step_unknown" : get_text(step, "id"));
	if (to) {
		put_text(params, "status", to);
	} else if (!strcmp(get_text(step, "type"), "message_creation") &&
		   !strcmp(get_text(step, "status"), "in_progress")) {
		json_object_set_new(params, "step_details", message_details(s));
	}
	if (chance(s, to && !strcmp(to, "failed") ? 92 : 3)) {
		json_object_set_new(params, "last_error",
			codec_parse("{'code':'server_error','message':'no'}"));
	}
	if (chance(s, to ? 20 : 5)) {
		json_object_set_new(params, "usage", usage(s));
	}
	maybe_put_metadata(s, params);
	return params;
}

static json_t *threads_delete(struct script *s)
{
	return json_pack("{ss}", "thread_id", chance(s, 30) ? thread_name(s) : "thread_unknown");
}

static json_t *new_import_run(struct script *s)
{
	static const char *const statuses[] = {
		"queued", "in_progress", "completed", "failed", "cancelled", "expired"};

	return run_object("{'id':'run_%u','thread_id':'%s','status':'%s','created_at':%d}",
		++s->serial, thread_name(s), statuses[dice_roll(&s->dice, 6)],
		1700000000 + (int)dice_roll(&s->dice, 3));
}

static json_t *new_import_step(struct script *s, const json_t *run)
{
	return step_object("{'id':'step_%u','run_id':'%s','thread_id':'%s','created_at':%d}",
		++s->serial, chance(s, 2) ? "run_unknown" : get_text(run, "id"),
		get_text(run, "thread_id"), 1700000000 + (int)dice_roll(&s->dice, 3));
}

static json_t *objects_import(struct script *s)
{
	json_t *objects = json_array(), *run = new_import_run(s), *known;

	json_array_append_new(objects, run);
	while (chance(s, 60)) {
		json_array_append_new(objects, new_import_step(s, run));
	}
	while (chance(s, 25) && json_array_size(s->model->runs)) {
		known = json_deep_copy(pick(s, s->model->runs));
		if (chance(s, 15)) {
			put_text(known, "model", "another");
		}
		json_array_insert_new(
			objects, dice_roll(&s->dice, json_array_size(objects) + 1), known);
	}
	return json_pack("{so}", "objects", objects);
}

static json_t *plan_one(struct script *s)
{
	static const struct {
		const char *method;
		json_t *(*params)(struct script *);
		unsigned int weight;
	} plans[] = {
		{"runs.create", runs_create, 14},
		{"runs.update", runs_update, 36},
		{"runs.cancel", only_naming, 5},
		{"runs.submit_tool_outputs", runs_submit, 10},
		{"runs.delete", only_naming, 4},
		{"steps.create", steps_create, 20},
		{"steps.update", steps_update, 16},
		{"threads.delete", threads_delete, 1},
		{"objects.import", objects_import, 3},
	};
	uint64_t roll = dice_roll(&s->dice, 109);
	size_t i = 0;

	while (roll >= plans[i].weight) {
		roll -= plans[i++].weight;
	}
	return json_pack("[so]", plans[i].method, plans[i].params(s));
}

static json_t *plan_batch(struct script *s)
{
	json_t *requests = json_array();

	for (uint64_t left = 1 + dice_roll(&s->dice, MAX_BATCH); left; left--) {
		json_array_append_new(
			requests, chance(s, 1) ? json_pack("[s{}]", "runs.nope") : plan_one(s));
	}
	return json_pack("[s{sosb}]", "batch", "requests", requests, "atomic", chance(s, 50));
}

/* Under a new key, or under that of an earlier message of the same form. */
static void put_key(struct script *s, json_t *message)
{
	json_t **kept = &s->kept[dice_roll(&s->dice, N_KEPT)], *key = NULL;
	const json_t *method = json_array_get(message, 0);

	if (*kept && chance(s, 10) && json_equal(json_array_get(*kept, 0), method)) {
		key = json_object_get(json_array_get(*kept, 1), "idempotency_key");
	}
	json_object_set_new(json_array_get(message, 1), "idempotency_key",
		key ? json_incref(key) : json_sprintf("key %u", ++s->serial));
	json_decref(*kept);
	*kept = json_deep_copy(message);
}

json_t *script_next(struct script *s)
{
	json_t *message, *kept = s->kept[dice_roll(&s->dice, N_KEPT)];

	if (kept && chance(s, 15)) {
		return json_deep_copy(kept);
	}
	message = chance(s, 35) ? plan_batch(s) : plan_one(s);
	if (chance(s, 50)) {
		put_key(s, message);
	}
	return message;
}

void script_finish(struct script *s)
{
	for (size_t i = 0; i < N_KEPT; i++) {
		json_decref(s->kept[i]);
	}
}
