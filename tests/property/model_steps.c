/* The model's rules of steps. */
#include "cmocka_all.h"

#include "objects.h"
#include "rules.h"
#include "status.h"

#include <string.h>

json_t *model_steps_create(struct model *model, const json_t *params)
{
	const json_t *run = run_named(model, params);
	const char *type = get_text(params, "type"), *status = get_text(run, "status");
	json_t *id = json_object_get(params, "id"), *step;
	struct refusal refusal = {0};

	if (!run) {
		return answer_code("not_found");
	}
	if (strcmp(status, "in_progress") != 0 && strcmp(status, "cancelling") != 0) {
		refusal_add(&refusal, "invalid_transition");
	}
	if (id && model_find(model->steps, json_string_value(id))) {
		refusal_add(&refusal, "id_conflict");
	}
	if (strcmp(text(params, "step_details.type"), type) != 0) {
		refusal_add(&refusal, "invalid_params");
	}
	if (refused(&refusal)) {
		return answer_refusal(&refusal);
	}
	step = add_step(model, run, id ? json_incref(id) : issued_id(model), type,
		json_deep_copy(json_object_get(params, "step_details")));
	put_metadata(step, params);
	return answer_with(step);
}

static void check_update(
	struct refusal *refusal, const json_t *run, const json_t *step, const json_t *params)
{
	const char *to = get_text(params, "status");
	bool open = !strcmp(get_text(step, "status"), "in_progress");
	bool failing = to && !strcmp(to, "failed");
	bool error_given = json_object_get(params, "last_error");

	if (status_ended(get_text(run, "status"))) {
		refusal_add(refusal, "invalid_transition");
	}
	if (failing != error_given) {
		refusal_add(refusal, failing ? "missing_param" : "invalid_params");
	}
	/* The contract does not say that details are final; whoever read them relies on it. */
	if ((!open && (to || json_object_get(params, "step_details"))) ||
		(to && !strcmp(to, "in_progress"))) {
		refusal_add(refusal, "invalid_transition");
	}
	if (json_object_get(params, "usage") && !(to && strcmp(to, "in_progress") != 0) &&
		(open || !is_null(step, "usage"))) {
		refusal_add(refusal, "invalid_params");
	}
}

json_t *model_steps_update(struct model *model, const json_t *params)
{
	static const char *const names[] = {"last_error", "usage", "step_details"};
	const json_t *run = run_named(model, params);
	json_t *step = model_find(model->steps, get_text(params, "step_id"));
	struct refusal refusal = {0};

	if (!run || !step || strcmp(get_text(step, "run_id"), get_text(run, "id")) != 0) {
		return answer_code("not_found");
	}
	check_update(&refusal, run, step, params);
	if (refused(&refusal)) {
		return answer_refusal(&refusal);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *value = json_object_get(params, names[i]);

		if (value) {
			json_object_set_new(step, names[i], json_deep_copy(value));
		}
	}
	put_metadata(step, params);
	if (get_text(params, "status")) {
		enter_step(step, get_text(params, "status"));
	}
	return answer_with(step);
}
