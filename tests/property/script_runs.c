/* Requests about runs. */
#include "cmocka_all.h"

#include "objects.h"
#include "rules.h"
#include "script_parts.h"
#include "status.h"

#include <string.h>

static json_t *error_of_run(struct script *s)
{
	static const char *const codes[] = {
		"server_error", "rate_limit_exceeded", "invalid_prompt"};

	return json_pack("{ssso}", "code", codes[dice_roll(&s->dice, 3)], "message",
		json_sprintf("it broke %u times", ++s->serial));
}

json_t *params_of_runs_create(struct script *s)
{
	static const char *const on_active[] = {"reject", "enqueue", "parallel", "parallel"};
	json_t *params = json_pack("{ssss}", "thread_id", thread_name(s), "assistant_id", "asst_1");

	if (chance(s, 40)) {
		json_object_set_new(params, "id", json_sprintf("run_%u", ++s->serial));
	} else if (chance(s, 6) && json_array_size(s->model->runs)) {
		json_object_set(params, "id", json_object_get(pick(s, s->model->runs), "id"));
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

/* Mostly one that may follow, and rather one that does not end the run. */
static const char *run_status(struct script *s, const json_t *run)
{
	const char *to = run_statuses[dice_roll(&s->dice, N_STATUSES)];
	bool end = chance(s, 35);

	for (int i = 0; i < 30; i++) {
		if (status_allows(get_text(run, "status"), to) && (end || !status_ended(to))) {
			break;
		}
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

json_t *params_of_runs_update(struct script *s)
{
	bool late = chance(s, 10);
	const json_t *run = pick_run(s, late ? ENDED : ACTIVE);
	json_t *params = naming(s, run);
	const char *to = "";

	if (run && chance(s, late ? 10 : 90)) {
		to = run_status(s, run);
		put_text(params, "status", to);
	}
	put_details(s, params, run, to);
	maybe_put_metadata(s, params);
	if (chance(s, late || status_ended(to) ? 40 : 5)) {
		json_object_set_new(params, "usage", usage(s));
	}
	if (run && chance(s, 10)) {
		put_text(params, "expected_status",
			chance(s, 70) ? get_text(run, "status")
				      : run_statuses[dice_roll(&s->dice, N_STATUSES)]);
	}
	return params;
}

json_t *params_of_runs_submit(struct script *s)
{
	json_t *run = pick_run(s, "requires_action"), *outputs = json_array(), *params, *call;
	size_t i;

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

json_t *params_of_import(struct script *s)
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
