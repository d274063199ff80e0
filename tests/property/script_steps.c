/* Requests about steps. */
#include "cmocka_all.h"

#include "objects.h"
#include "rules.h"
#include "script_parts.h"
#include "status.h"

#include <string.h>

enum { MAX_STEPS = 60 };

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

json_t *params_of_steps_create(struct script *s)
{
	const json_t *run = pick_run(s, "in_progress cancelling");
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

static const char *status_of_run(struct script *s, const json_t *step)
{
	return get_text(model_find(s->model->runs, get_text(step, "run_id")), "status");
}

/* A step, rather one that is in progress in a run that has not ended; NULL when there is none. */
static json_t *pick_step(struct script *s)
{
	json_t *step = pick(s, s->model->steps);

	for (int i = 0; step && i < 30; i++) {
		if (!strcmp(get_text(step, "status"), "in_progress") &&
			!status_ended(status_of_run(s, step))) {
			break;
		}
		step = pick(s, s->model->steps);
	}
	return step;
}

/* A step that waits for outputs is left alone: whose they would be then is not laid down. */
static bool waits_for_outputs(struct script *s, const json_t *step)
{
	return !strcmp(status_of_run(s, step), "requires_action") &&
	       !strcmp(get_text(step, "type"), "tool_calls");
}

json_t *params_of_steps_update(struct script *s)
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
