#include "client/fail.h"
#include "client/request.h"
#include "client/util.h"

#define CREATE(member, kind) PARAM_ROW(runstore_run_create, member, kind)
#define UPDATE(member, kind) PARAM_ROW(runstore_run_update, member, kind)

static const struct param_row create_rows[] = {
	CREATE(thread_id, PARAM_TEXT),
	CREATE(assistant_id, PARAM_TEXT),
	CREATE(id, PARAM_TEXT),
	CREATE(model, PARAM_TEXT),
	CREATE(instructions, PARAM_TEXT),
	CREATE(additional_instructions, PARAM_TEXT),
	CREATE(tools, PARAM_JSON),
	CREATE(metadata, PARAM_JSON),
	CREATE(temperature, PARAM_NUMBER),
	CREATE(top_p, PARAM_NUMBER),
	CREATE(max_prompt_tokens, PARAM_INTEGER),
	CREATE(max_completion_tokens, PARAM_INTEGER),
	CREATE(truncation_strategy, PARAM_JSON),
	CREATE(tool_choice, PARAM_JSON),
	CREATE(parallel_tool_calls, PARAM_BOOL),
	CREATE(response_format, PARAM_JSON),
	CREATE(reasoning_effort, PARAM_TEXT),
	CREATE(tool_resources, PARAM_JSON),
	CREATE(expires_in, PARAM_INTEGER),
	CREATE(on_active, PARAM_TEXT),
	CREATE(idempotency_key, PARAM_TEXT),
};

static const struct param_row update_rows[] = {
	UPDATE(thread_id, PARAM_TEXT),
	UPDATE(status, PARAM_RUN_STATUS),
	UPDATE(required_action, PARAM_JSON),
	UPDATE(last_error, PARAM_JSON),
	UPDATE(incomplete_details, PARAM_JSON),
	UPDATE(usage, PARAM_JSON),
	UPDATE(metadata, PARAM_JSON),
	UPDATE(expected_status, PARAM_RUN_STATUS),
	UPDATE(lease, PARAM_TEXT),
	UPDATE(idempotency_key, PARAM_TEXT),
};

int runstore_run_create(struct runstore *rs, const struct runstore_run_create *params,
	struct runstore_run **run, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.create", .error = error};

	REQUEST_ROWS(&q, create_rows, params);
	return request_run(&q, run);
}

int runstore_run_get(struct runstore *rs, const char *thread_id, const char *run_id,
	struct runstore_run **run, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.get", .error = error};

	request_text(&q, "run_id", run_id);
	request_text(&q, "thread_id", thread_id);
	return request_run(&q, run);
}

int runstore_run_update(struct runstore *rs, const char *run_id,
	const struct runstore_run_update *params, struct runstore_run **run,
	struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.update", .error = error};

	request_text(&q, "run_id", run_id);
	REQUEST_ROWS(&q, update_rows, params);
	return request_run(&q, run);
}

int runstore_run_cancel(struct runstore *rs, const char *thread_id, const char *run_id,
	struct runstore_run **run, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.cancel", .error = error};

	request_text(&q, "run_id", run_id);
	request_text(&q, "thread_id", thread_id);
	return request_run(&q, run);
}

static void put_outputs(struct params *p, const struct runstore_tool_output *outputs, size_t n)
{
	params_begin(p, "tool_outputs");
	mp_put_array(&p->pairs, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		struct params output = {0};

		params_text(&output, "tool_call_id", outputs[i].tool_call_id);
		params_text(&output, "output", outputs[i].output);
		params_write(&output, &p->pairs);
		params_finish(&output);
	}
}

int runstore_run_submit_tool_outputs(struct runstore *rs, const char *run_id,
	const struct runstore_submit_tool_outputs *params, struct runstore_run **run,
	struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.submit_tool_outputs", .error = error};

	request_text(&q, "run_id", run_id);
	request_text(&q, "thread_id", params->thread_id);
	put_outputs(&q.params, params->outputs, params->n_outputs);
	request_text(&q, "idempotency_key", params->idempotency_key);
	return request_run(&q, run);
}

int runstore_run_requeue(struct runstore *rs, const char *thread_id, const char *run_id,
	struct runstore_run **run, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.requeue", .error = error};

	request_text(&q, "run_id", run_id);
	request_text(&q, "thread_id", thread_id);
	return request_run(&q, run);
}

int runstore_run_fail(struct runstore *rs, const char *thread_id, const char *run_id,
	const char *message, struct runstore_run **run, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.fail", .error = error};

	request_text(&q, "run_id", run_id);
	request_text(&q, "thread_id", thread_id);
	request_text(&q, "message", message);
	return request_run(&q, run);
}

int runstore_run_delete(struct runstore *rs, const char *thread_id, const char *run_id,
	struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "runs.delete", .error = error};

	request_text(&q, "run_id", run_id);
	request_text(&q, "thread_id", thread_id);
	return request_plain(&q);
}

int runstore_thread_delete(struct runstore *rs, const char *thread_id, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "threads.delete", .error = error};

	request_text(&q, "thread_id", thread_id);
	return request_plain(&q);
}
