#include "client/request.h"
#include "client/util.h"

#define CREATE(member, kind) PARAM_ROW(runstore_step_create, member, kind)
#define UPDATE(member, kind) PARAM_ROW(runstore_step_update, member, kind)

static const struct param_row create_rows[] = {
	CREATE(thread_id, PARAM_TEXT),
	CREATE(type, PARAM_STEP_TYPE),
	CREATE(step_details, PARAM_JSON),
	CREATE(id, PARAM_TEXT),
	CREATE(metadata, PARAM_JSON),
	CREATE(lease, PARAM_TEXT),
	CREATE(idempotency_key, PARAM_TEXT),
};

static const struct param_row update_rows[] = {
	UPDATE(thread_id, PARAM_TEXT),
	UPDATE(status, PARAM_STEP_STATUS),
	UPDATE(step_details, PARAM_JSON),
	UPDATE(usage, PARAM_JSON),
	UPDATE(last_error, PARAM_JSON),
	UPDATE(metadata, PARAM_JSON),
	UPDATE(lease, PARAM_TEXT),
	UPDATE(idempotency_key, PARAM_TEXT),
};

int runstore_step_create(struct runstore *rs, const char *run_id,
	const struct runstore_step_create *params, struct runstore_step **step,
	struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "steps.create", .error = error};

	request_text(&q, "run_id", run_id);
	REQUEST_ROWS(&q, create_rows, params);
	return request_step(&q, step);
}

int runstore_step_get(struct runstore *rs, const char *run_id, const char *step_id,
	bool include_content, struct runstore_step **step, struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "steps.get", .error = error};

	request_text(&q, "run_id", run_id);
	request_text(&q, "step_id", step_id);
	request_include(&q, include_content);
	return request_step(&q, step);
}

int runstore_step_update(struct runstore *rs, const char *run_id, const char *step_id,
	const struct runstore_step_update *params, struct runstore_step **step,
	struct runstore_error *error)
{
	_cleanup_(request_finish) struct request q = {
		.rs = rs, .method = "steps.update", .error = error};

	request_text(&q, "run_id", run_id);
	request_text(&q, "step_id", step_id);
	REQUEST_ROWS(&q, update_rows, params);
	return request_step(&q, step);
}
