#include "cmocka_all.h"

#include "model.h"
#include "objects.h"
#include "rules.h"

#include <stdio.h>
#include <string.h>

void model_init(struct model *model)
{
	*model = (struct model){.runs = json_array(),
		.steps = json_array(),
		.threads = json_array(),
		.waiting = json_object(),
		.keys = json_object()};
}

void model_finish(struct model *model)
{
	json_decref(model->runs);
	json_decref(model->steps);
	json_decref(model->threads);
	json_decref(model->waiting);
	json_decref(model->keys);
}

json_t *model_find(json_t *objects, const char *id)
{
	json_t *object;
	size_t i;

	json_array_foreach(objects, i, object)
	{
		if (id && !strcmp(get_text(object, "id"), id)) {
			return object;
		}
	}
	return NULL;
}

json_t *model_steps_of(const struct model *model, const char *run_id)
{
	json_t *steps = json_array(), *step;
	size_t i;

	json_array_foreach(model->steps, i, step)
	{
		if (!strcmp(get_text(step, "run_id"), run_id)) {
			json_array_append(steps, step);
		}
	}
	return steps;
}

json_int_t model_created(const json_t *object)
{
	const json_t *at = json_object_get(object, "created_at");

	return json_is_integer(at) ? json_integer_value(at) : INT64_MAX;
}

static const struct {
	const char *name;
	model_method *method;
	enum { ANSWERS_RUN, ANSWERS_STEP, ANSWERS_DATA } kind;
} methods[] = {
	{"runs.create", model_runs_create, ANSWERS_RUN},
	{"runs.update", model_runs_update, ANSWERS_RUN},
	{"runs.cancel", model_runs_cancel, ANSWERS_RUN},
	{"runs.submit_tool_outputs", model_runs_submit, ANSWERS_RUN},
	{"runs.delete", model_runs_delete, ANSWERS_DATA},
	{"steps.create", model_steps_create, ANSWERS_STEP},
	{"steps.update", model_steps_update, ANSWERS_STEP},
	{"threads.delete", model_threads_delete, ANSWERS_DATA},
	{"objects.import", model_import, ANSWERS_DATA},
};

enum { N_METHODS = sizeof(methods) / sizeof(methods[0]) };

static size_t method_number(const char *name)
{
	size_t i = 0;

	while (i < N_METHODS && strcmp(methods[i].name, name) != 0) {
		i++;
	}
	return i;
}

/* Done before: the object as it is now, or the same data again. */
static json_t *repeat(struct model *model, size_t number, const json_t *record)
{
	const json_t *result = json_object_get(record, "result");
	const json_t *object;

	if (methods[number].kind == ANSWERS_DATA) {
		return answer_with(result);
	}
	object = model_find(methods[number].kind == ANSWERS_RUN ? model->runs : model->steps,
		get_text(result, "id"));
	return object ? answer_with(object) : answer_code("not_found");
}

static void record_key(struct model *model, const char *key, const char *method,
	const json_t *params, const json_t *result)
{
	json_object_set_new(model->keys, key,
		json_pack("{sssoso}", "method", method, "params", json_deep_copy(params), "result",
			result ? json_deep_copy(result) : json_null()));
}

static bool is_of_another(const json_t *record, const char *method, const json_t *params)
{
	return record && (strcmp(get_text(record, "method"), method) != 0 ||
				 !json_equal(json_object_get(record, "params"), params));
}

json_t *model_call(struct model *model, const char *key, const char *method, const json_t *params)
{
	const json_t *record = key ? json_object_get(model->keys, key) : NULL;
	size_t number = method_number(method);
	json_t *answer;

	if (number == N_METHODS) {
		return answer_code("unknown_method");
	}
	if (is_of_another(record, method, params)) {
		return answer_code("idempotency_conflict");
	}
	if (record) {
		return repeat(model, number, record);
	}
	answer = methods[number].method(model, params);
	if (key && json_is_null(json_array_get(answer, 0))) {
		record_key(model, key, method, params, json_array_get(answer, 1));
	}
	return answer;
}

static struct model copy_of(const struct model *model)
{
	return (struct model){.runs = json_deep_copy(model->runs),
		.steps = json_deep_copy(model->steps),
		.threads = json_deep_copy(model->threads),
		.waiting = json_deep_copy(model->waiting),
		.keys = json_deep_copy(model->keys),
		.n_issued = model->n_issued};
}

/* One failure is the failure of all, and its param begins with the request's place. */
static json_t *fail_all(json_t *answers, json_t *answer, size_t at)
{
	json_t *error = json_incref(json_array_get(answer, 0));

	json_decref(answers);
	json_decref(answer);
	json_object_set_new(error, "param", json_sprintf("requests[%zu]", at));
	return json_pack("[on]", error);
}

/* One by one, each under a key of its own; all or nothing when it is atomic. */
static json_t *run_batch(struct model *model, const char *key, const json_t *requests, bool atomic)
{
	struct model before = copy_of(model);
	json_t *answers = json_array(), *request, *answer;
	char name[80];
	size_t i;

	json_array_foreach((json_t *)requests, i, request)
	{
		snprintf(name, sizeof(name), "%s#%zu", key ? key : "", i);
		answer = model_call(model, key ? name : NULL,
			json_string_value(json_array_get(request, 0)), json_array_get(request, 1));
		if (atomic && !json_is_null(json_array_get(answer, 0))) {
			model_finish(model);
			*model = before;
			return fail_all(answers, answer, i);
		}
		json_array_append_new(answers, answer);
	}
	model_finish(&before);
	return json_pack("[no]", answers);
}

json_t *model_batch(struct model *model, const json_t *params)
{
	const char *key = get_text(params, "idempotency_key");
	const json_t *record = key ? json_object_get(model->keys, key) : NULL;
	size_t n_keys = json_object_size(model->keys);
	json_t *answer;

	if (is_of_another(record, "batch", params)) {
		return answer_code("idempotency_conflict");
	}
	answer = run_batch(model, key, json_object_get(params, "requests"),
		json_is_true(json_object_get(params, "atomic")));
	if (json_object_size(model->keys) > n_keys) {
		record_key(model, key, "batch", params, NULL);
	}
	return answer;
}
