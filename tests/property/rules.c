#include "cmocka_all.h"

#include "objects.h"
#include "rules.h"

#include <stdio.h>
#include <string.h>

void refusal_add(struct refusal *refusal, const char *code)
{
	size_t len = strlen(refusal->codes);

	snprintf(refusal->codes + len, sizeof(refusal->codes) - len, "%s%s", len ? "|" : "", code);
}

bool refused(const struct refusal *refusal)
{
	return *refusal->codes;
}

json_t *answer_refusal(const struct refusal *refusal)
{
	return answer_code(refusal->codes);
}

json_t *answer_code(const char *code)
{
	return json_pack("[{ss}n]", "code", code);
}

json_t *answer_with(const json_t *object)
{
	return json_pack("[no]", json_deep_copy(object));
}

json_t *answer_deleted(const char *id, const char *object)
{
	return json_pack("[n{sssssb}]", "id", id, "object", object, "deleted", 1);
}

json_t *run_named(struct model *model, const json_t *params)
{
	json_t *run = model_find(model->runs, get_text(params, "run_id"));
	const char *thread = get_text(params, "thread_id");

	return run && thread && strcmp(thread, get_text(run, "thread_id")) != 0 ? NULL : run;
}

json_t *issued_id(struct model *model)
{
	return json_sprintf("@id:%u", ++model->n_issued);
}

void put_text(json_t *object, const char *name, const char *value)
{
	json_object_set_new(object, name, json_string(value));
}

void put_now(json_t *object, const char *name)
{
	put_text(object, name, "@now");
}

const char *get_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool is_null(const json_t *object, const char *name)
{
	return json_is_null(json_object_get(object, name));
}

void put_metadata(json_t *object, const json_t *params)
{
	const json_t *metadata = json_object_get(params, "metadata");

	if (metadata) {
		json_object_set_new(object, "metadata",
			json_is_null(metadata) ? json_object() : json_deep_copy(metadata));
	}
}

json_t *add_step(
	struct model *model, const json_t *run, json_t *id, const char *type, json_t *details)
{
	json_t *step = step_object("{'status':'in_progress','type':'%s'}", type);

	json_object_set_new(step, "id", id);
	json_object_set_new(step, "step_details", details);
	put_now(step, "created_at");
	put_text(step, "run_id", get_text(run, "id"));
	put_text(step, "thread_id", get_text(run, "thread_id"));
	put_text(step, "assistant_id", get_text(run, "assistant_id"));
	json_array_append_new(model->steps, step);
	return step;
}

void enter_step(json_t *step, const char *status)
{
	char name[32];

	put_text(step, "status", status);
	snprintf(name, sizeof(name), "%s_at", status);
	put_now(step, name);
}

static const json_t *calls_of(const json_t *required_action)
{
	return field(required_action, "submit_tool_outputs.tool_calls");
}

static bool holds(const json_t *step, const json_t *call)
{
	const json_t *calls = field(step, "step_details.tool_calls");

	for (size_t i = 0; i < json_array_size(calls); i++) {
		if (!strcmp(text(json_array_get(calls, i), "id"), text(call, "id"))) {
			return true;
		}
	}
	return false;
}

static bool holds_all(const json_t *step, const json_t *calls)
{
	for (size_t i = 0; i < json_array_size(calls); i++) {
		if (!holds(step, json_array_get(calls, i))) {
			return false;
		}
	}
	return true;
}

json_t *find_holder(struct model *model, const json_t *run, const json_t *required_action)
{
	json_t *step;
	size_t i;

	json_array_foreach(model->steps, i, step)
	{
		if (!strcmp(get_text(step, "run_id"), get_text(run, "id")) &&
			!strcmp(get_text(step, "status"), "in_progress") &&
			holds_all(step, calls_of(required_action))) {
			return step;
		}
	}
	return NULL;
}

json_t *details_of_calls(const json_t *required_action)
{
	json_t *calls = json_deep_copy(calls_of(required_action)), *call;
	size_t i;

	json_array_foreach(calls, i, call)
	{
		json_object_set_new(field(call, "function"), "output", json_null());
	}
	return json_pack("{ssso}", "type", "tool_calls", "tool_calls", calls);
}
