/* The typed functions against a real daemon. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void expect_json(struct runstore_value value, const char *expected)
{
	char *text = runstore_value_json(value);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void a_run_is_created_with_what_is_given(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = NULL;

	OK(s, runstore_run_create(s->rs,
		      &(struct runstore_run_create){
			      .thread_id = "t_given",
			      .assistant_id = "asst_given",
			      .id = "run_given",
			      .model = "gpt-4o",
			      .instructions = "Be \xc3\xbc.",
			      .additional_instructions = "Be brief.",
			      .tools = "[{\"type\":\"code_interpreter\"}]",
			      .metadata = "{\"team\":\"search\"}",
			      .temperature = &(double){0},
			      .top_p = &(double){0.25},
			      .max_prompt_tokens = &(int64_t){1000},
			      .tool_choice = "\"required\"",
			      .parallel_tool_calls = &(bool){false},
			      .expires_in = &(int64_t){0},
		      },
		      &run, &s->error));
	assert_string_equal(run->id, "run_given");
	assert_string_equal(run->thread_id, "t_given");
	assert_string_equal(run->assistant_id, "asst_given");
	assert_string_equal(run->model, "gpt-4o");
	assert_string_equal(run->instructions, "Be \xc3\xbc.\nBe brief.");
	assert_int_equal(run->status, RUNSTORE_RUN_QUEUED);
	assert_true(llabs(run->created_at - (int64_t)time(NULL)) < 5);
	assert_int_equal(run->expires_at, 0);
	assert_int_equal(run->started_at, 0);
	assert_true(run->temperature == 0 && run->top_p == 0.25);
	assert_int_equal(run->max_prompt_tokens, 1000);
	assert_int_equal(run->max_completion_tokens, 0);
	assert_false(run->parallel_tool_calls);
	assert_false(run->usage.given);
	assert_null(run->last_error.code);
	assert_null(run->incomplete_reason);
	expect_json(run->tools, "[{\"type\":\"code_interpreter\"}]");
	expect_json(run->metadata, "{\"team\":\"search\"}");
	expect_json(run->required_action, "null");
	expect_json(run->tool_choice, "\"required\"");
	expect_json(run->response_format, "\"auto\"");
	runstore_run_free(run);
}

static void a_bare_run_has_the_defaults(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_bare");

	assert_memory_equal(run->id, "run_", 4);
	assert_string_equal(run->model, "");
	assert_string_equal(run->instructions, "");
	assert_true(run->temperature == 1 && run->top_p == 1);
	assert_true(run->parallel_tool_calls);
	assert_int_equal(run->expires_at, run->created_at + 600);
	expect_json(run->truncation_strategy, "{\"type\":\"auto\",\"last_messages\":null}");
	runstore_run_free(run);
}

static void a_run_is_read_and_moved_on_to_its_end(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_move");
	struct runstore_run *done = NULL, *read = NULL;

	assert_int_equal(run->status, RUNSTORE_RUN_IN_PROGRESS);
	assert_true(run->started_at >= run->created_at);
	OK(s, runstore_run_update(s->rs, run->id,
		      &(struct runstore_run_update){
			      .status = RUNSTORE_RUN_FAILED,
			      .expected_status = RUNSTORE_RUN_IN_PROGRESS,
			      .last_error = "{\"code\":\"server_error\",\"message\":\"Boom.\"}",
			      .usage = "{\"prompt_tokens\":1,\"completion_tokens\":2,"
				       "\"total_tokens\":3}",
		      },
		      &done, &s->error));
	assert_int_equal(done->status, RUNSTORE_RUN_FAILED);
	assert_string_equal(done->last_error.code, "server_error");
	assert_string_equal(done->last_error.message, "Boom.");
	assert_true(done->usage.given);
	assert_int_equal(done->usage.prompt_tokens, 1);
	assert_int_equal(done->usage.completion_tokens, 2);
	assert_int_equal(done->usage.total_tokens, 3);
	OK(s, runstore_run_get(s->rs, "t_move", run->id, &read, &s->error));
	assert_int_equal(read->object.size, done->object.size);
	assert_memory_equal(read->object.data, done->object.data, read->object.size);
	runstore_run_free(run);
	runstore_run_free(done);
	runstore_run_free(read);
}

static void an_incomplete_run_has_its_reason(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_incomplete"), *done = NULL;

	OK(s, runstore_run_update(s->rs, run->id,
		      &(struct runstore_run_update){
			      .status = RUNSTORE_RUN_INCOMPLETE,
			      .incomplete_details = "{\"reason\":\"max_prompt_tokens\"}",
		      },
		      &done, &s->error));
	assert_string_equal(done->incomplete_reason, "max_prompt_tokens");
	runstore_run_free(run);
	runstore_run_free(done);
}

static void a_run_is_cancelled_and_deleted(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_cancel"), *gone = NULL;

	OK(s, runstore_run_cancel(s->rs, NULL, run->id, NULL, &s->error));
	OK(s, runstore_run_get(s->rs, NULL, run->id, &gone, &s->error));
	assert_int_equal(gone->status, RUNSTORE_RUN_CANCELLED);
	runstore_run_free(gone);
	gone = NULL;
	OK(s, runstore_run_delete(s->rs, "t_cancel", run->id, &s->error));
	assert_int_equal(
		runstore_run_get(s->rs, NULL, run->id, &gone, &s->error), RUNSTORE_E_NOT_FOUND);
	assert_null(gone);
	OK(s, runstore_thread_delete(s->rs, "t_cancel", &s->error));
	assert_int_equal(
		runstore_thread_delete(s->rs, "t_cancel", &s->error), RUNSTORE_E_NOT_FOUND);
	runstore_run_free(run);
}

static void refusals_carry_code_message_and_param(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_refuse");
	struct runstore_run *out = run;

	assert_int_equal(runstore_run_get(s->rs, NULL, "no such id", &out, &s->error),
		RUNSTORE_E_INVALID_ID);
	assert_string_equal(s->error.param, "run_id");
	assert_int_equal(
		runstore_run_get(s->rs, "other", run->id, &out, &s->error), RUNSTORE_E_NOT_FOUND);
	assert_int_equal(
		runstore_run_create(s->rs, &(struct runstore_run_create){.thread_id = "t_refuse"},
			&out, &s->error),
		RUNSTORE_E_MISSING_PARAM);
	assert_string_equal(s->error.param, "assistant_id");
	assert_int_equal(
		runstore_run_create(s->rs,
			&(struct runstore_run_create){.thread_id = "t_refuse", .assistant_id = "a"},
			&out, &s->error),
		RUNSTORE_E_RUN_ACTIVE);
	assert_int_equal(runstore_run_update(s->rs, run->id,
				 &(struct runstore_run_update){.status = RUNSTORE_RUN_COMPLETED},
				 &out, &s->error),
		RUNSTORE_E_INVALID_TRANSITION);
	assert_ptr_equal(out, run);
	runstore_run_free(run);
}

static void json_that_is_none_is_refused_before_anything_is_sent(void **state)
{
	struct store *s = *state;

	assert_int_equal(
		runstore_run_create(s->rs,
			&(struct runstore_run_create){
				.thread_id = "t_json", .assistant_id = "a", .metadata = "{\"a\":}"},
			NULL, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_string_equal(s->error.param, "metadata");
	assert_non_null(strstr(s->error.message, "column"));
	assert_int_equal(runstore_run_update(s->rs, "x",
				 &(struct runstore_run_update){.status = 99}, NULL, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_string_equal(s->error.param, "status");
}

static void steps_are_created_read_and_updated(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_steps");
	struct runstore_step *step = store_step(s, run->id, "msg_1"), *done = NULL, *read = NULL;

	assert_memory_equal(step->id, "step_", 5);
	assert_string_equal(step->run_id, run->id);
	assert_string_equal(step->thread_id, "t_steps");
	assert_string_equal(step->assistant_id, "asst_1");
	assert_int_equal(step->type, RUNSTORE_STEP_MESSAGE_CREATION);
	assert_int_equal(step->status, RUNSTORE_STEP_IN_PROGRESS);
	expect_json(step->step_details,
		"{\"type\":\"message_creation\",\"message_creation\":{\"message_id\":\"msg_1\"}}");
	OK(s, runstore_step_update(s->rs, run->id, step->id,
		      &(struct runstore_step_update){
			      .status = RUNSTORE_STEP_COMPLETED,
			      .metadata = "{\"k\":\"v\"}",
			      .usage = "{\"prompt_tokens\":1,\"completion_tokens\":2,"
				       "\"total_tokens\":3}",
		      },
		      &done, &s->error));
	assert_int_equal(done->status, RUNSTORE_STEP_COMPLETED);
	assert_true(done->completed_at >= done->created_at);
	assert_int_equal(done->usage.total_tokens, 3);
	OK(s, runstore_step_get(s->rs, run->id, step->id, true, &read, &s->error));
	expect_json(read->metadata, "{\"k\":\"v\"}");
	runstore_step_free(step);
	runstore_step_free(done);
	runstore_step_free(read);
	runstore_run_free(run);
}

static void tool_outputs_are_submitted(void **state)
{
	static const char action[] =
		"{\"type\":\"submit_tool_outputs\",\"submit_tool_outputs\":{\"tool_calls\":[{"
		"\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{}\"}}]}}";
	static const struct runstore_tool_output outputs[] = {{"call_1", "42"}};
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_tools"), *asked = NULL, *next = NULL;

	OK(s, runstore_run_update(s->rs, run->id,
		      &(struct runstore_run_update){
			      .status = RUNSTORE_RUN_REQUIRES_ACTION, .required_action = action},
		      &asked, &s->error));
	expect_json(asked->required_action, action);
	OK(s, runstore_run_submit_tool_outputs(s->rs, run->id,
		      &(struct runstore_submit_tool_outputs){.outputs = outputs, .n_outputs = 1},
		      &next, &s->error));
	assert_int_equal(next->status, RUNSTORE_RUN_QUEUED);
	assert_int_equal(
		runstore_run_submit_tool_outputs(s->rs, run->id,
			&(struct runstore_submit_tool_outputs){
				.outputs = outputs, .n_outputs = 1, .thread_id = "t_tools"},
			NULL, &s->error),
		RUNSTORE_E_INVALID_TRANSITION);
	runstore_run_free(run);
	runstore_run_free(asked);
	runstore_run_free(next);
}

static void the_same_key_applies_once(void **state)
{
	struct store *s = *state;
	const struct runstore_run_create params = {.thread_id = "t_key",
		.assistant_id = "a",
		.on_active = "parallel",
		.idempotency_key = "key_1"};
	const struct runstore_run_create other = {
		.thread_id = "t_key", .assistant_id = "b", .idempotency_key = "key_1"};
	struct runstore_run *first = NULL, *second = NULL;

	OK(s, runstore_run_create(s->rs, &params, &first, &s->error));
	OK(s, runstore_run_create(s->rs, &params, &second, &s->error));
	assert_string_equal(first->id, second->id);
	assert_int_equal(runstore_run_create(s->rs, &other, NULL, &s->error),
		RUNSTORE_E_IDEMPOTENCY_CONFLICT);
	runstore_run_free(first);
	runstore_run_free(second);
}

static void any_value_that_is_a_run_can_be_read(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_read"), *again = NULL;
	struct runstore_step *step = NULL;

	OK(s, runstore_run_read(run->object, &again, &s->error));
	assert_string_equal(again->id, run->id);
	assert_int_equal(
		runstore_step_read(run->object, &step, &s->error), RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(
		runstore_run_read(run->metadata, &again, &s->error), RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(runstore_run_read((struct runstore_value){NULL, 0}, &again, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(runstore_run_read((struct runstore_value){"\x81", 1}, &again, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_null(step);
	runstore_run_free(run);
	runstore_run_free(again);
}

static void a_run_that_lacks_fields_reads_as_if_they_were_null(void **state)
{
	struct runstore_error error;
	struct runstore_run *run = NULL;
	void *data;
	size_t size;

	assert_int_equal(
		runstore_json_to_msgpack(
			"{\"new\":[1],\"status\":\"dreaming\",\"object\":\"thread.run\",\"id\":7}",
			&data, &size, &error),
		0);
	assert_int_equal(runstore_run_read((struct runstore_value){data, size}, &run, &error), 0);
	free(data);
	assert_int_equal(run->status, RUNSTORE_RUN_UNKNOWN);
	assert_string_equal(run->id, "");
	assert_string_equal(run->model, "");
	assert_null(run->tools.data);
	assert_non_null(run->object.data);
	runstore_run_free(run);
}

static void names_belong_to_numbers(void **state)
{
	assert_string_equal(
		runstore_run_status_name(RUNSTORE_RUN_REQUIRES_ACTION), "requires_action");
	assert_string_equal(runstore_run_status_name(RUNSTORE_RUN_EXPIRED), "expired");
	assert_string_equal(runstore_run_status_name(0), "unknown");
	assert_string_equal(runstore_run_status_name(10), "unknown");
	assert_string_equal(runstore_step_status_name(RUNSTORE_STEP_EXPIRED), "expired");
	assert_string_equal(runstore_step_status_name(6), "unknown");
	assert_string_equal(runstore_step_type_name(RUNSTORE_STEP_TOOL_CALLS), "tool_calls");
	assert_string_equal(runstore_step_type_name(77), "unknown");
}

static void freeing_nothing_is_fine(void **state)
{
	runstore_close(NULL);
	runstore_run_free(NULL);
	runstore_step_free(NULL);
	runstore_reply_free(NULL);
	runstore_batch_close(NULL);
	runstore_runs_close(NULL);
	runstore_steps_close(NULL);
	runstore_threads_close(NULL);
}

static void the_handle_outlives_the_daemon(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_outlive"), *read = NULL;

	daemon_kill(&s->daemon);
	daemon_start(&s->daemon, NULL);
	OK(s, runstore_run_get(s->rs, NULL, run->id, &read, &s->error));
	assert_string_equal(read->id, run->id);
	runstore_run_free(run);
	runstore_run_free(read);
	daemon_stop(&s->daemon, 15);
	assert_int_equal(
		runstore_run_get(s->rs, NULL, "run_1", NULL, &s->error), RUNSTORE_E_UNAVAILABLE);
	daemon_start(&s->daemon, NULL);
	run = store_run(s, "t_outlive");
	runstore_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_created_with_what_is_given),
		cmocka_unit_test(a_bare_run_has_the_defaults),
		cmocka_unit_test(a_run_is_read_and_moved_on_to_its_end),
		cmocka_unit_test(an_incomplete_run_has_its_reason),
		cmocka_unit_test(a_run_is_cancelled_and_deleted),
		cmocka_unit_test(refusals_carry_code_message_and_param),
		cmocka_unit_test(json_that_is_none_is_refused_before_anything_is_sent),
		cmocka_unit_test(steps_are_created_read_and_updated),
		cmocka_unit_test(tool_outputs_are_submitted),
		cmocka_unit_test(the_same_key_applies_once),
		cmocka_unit_test(any_value_that_is_a_run_can_be_read),
		cmocka_unit_test(a_run_that_lacks_fields_reads_as_if_they_were_null),
		cmocka_unit_test(names_belong_to_numbers),
		cmocka_unit_test(freeing_nothing_is_fine),
		cmocka_unit_test(the_handle_outlives_the_daemon),
	};

	return cmocka_run_group_tests(tests, store_start, store_stop);
}
