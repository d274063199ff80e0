/* runs.update: what a status demands and forbids, usage, times, expected_status. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <string.h>

#define USAGE "{'prompt_tokens':1,'completion_tokens':2,'total_tokens':3}"
#define ERROR "{'code':'rate_limit_exceeded','message':'slow down'}"

static void a_life_to_completion_sets_its_times(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t");
	json_t *run = run_move(w, id, "in_progress");

	expect_fields(run, "{'status':'in_progress','completed_at':null}");
	expect_now(run, "started_at");
	assert_int_equal(number(run, "expires_at"), number(run, "created_at") + 600);
	run = run_move(w, id, "completed");
	expect_fields(run, "{'status':'completed','expires_at':null,'failed_at':null,"
			   "'cancelled_at':null,'last_error':null,'incomplete_details':null}");
	expect_now(run, "completed_at");
	expect_same(run_get(w, id), run);
}

static void every_end_sets_its_own_time(void **state)
{
	static const struct {
		const char *status, *time;
	} ends[] = {{"completed", "completed_at"}, {"incomplete", "completed_at"},
		{"failed", "failed_at"}, {"cancelled", "cancelled_at"}, {"expired", ""}};
	static const char *const times[] = {"completed_at", "failed_at", "cancelled_at"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		json_t *run = run_get(w, run_in(w, "t", ends[i].status));

		expect_fields(run, "{'status':'%s','expires_at':null,'required_action':null}",
			ends[i].status);
		for (size_t j = 0; j < 3; j++) {
			if (!strcmp(times[j], ends[i].time)) {
				expect_now(run, times[j]);
			} else {
				expect_fields(run, "{'%s':null}", times[j]);
			}
		}
	}
}

static void a_run_that_never_started_has_no_start(void **state)
{
	struct wire *w = wire_of(state);

	expect_fields(run_move(w, run_new(w, "t"), "failed"), "{'started_at':null}");
}

static void started_at_is_that_of_the_first_start(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t", "requires_action");
	json_int_t started = number(run_get(w, id), "started_at");

	pause_ms(1100);
	expect_ok(w, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'o'}]}", id);
	assert_int_equal(number(run_move(w, id, "in_progress"), "started_at"), started);
}

static void what_a_status_demands_must_be_there(void **state)
{
	static const char *const rows[][2] = {{"failed", "last_error"},
		{"incomplete", "incomplete_details"}, {"requires_action", "required_action"}};
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t", "in_progress");
	json_t *before = run_get(w, id);

	for (size_t i = 0; i < 3; i++) {
		expect_error(w, "runs.update", "missing_param", rows[i][1],
			"{'run_id':'%s','status':'%s'}", id, rows[i][0]);
	}
	expect_same(run_get(w, id), before);
}

static void what_belongs_to_another_status_is_refused(void **state)
{
	static const char *const rows[][2] = {{"completed',"
					       "'last_error':" ERROR,
						      "last_error"},
		{"completed','incomplete_details':{'reason':'max_prompt_tokens'}",
			"incomplete_details"},
		{"cancelling','last_error':" ERROR, "last_error"},
		{"expired','incomplete_details':{'reason':'max_completion_tokens'}",
			"incomplete_details"}};
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t", "in_progress");

	for (size_t i = 0; i < 4; i++) {
		expect_error(w, "runs.update", "invalid_params", rows[i][1],
			"{'run_id':'%s','status':'%s}", id, rows[i][0]);
	}
	expect_error(w, "runs.update", "invalid_params", "required_action",
		"{'run_id':'%s','status':'completed','required_action':%s}", id,
		required_action_json);
	expect_fields(run_get(w, id), "{'status':'in_progress'}");
}

static void what_a_status_demands_is_kept(void **state)
{
	struct wire *w = wire_of(state);

	expect_fields(expect_ok(w, "runs.update",
			      "{'run_id':'%s','status':'failed','last_error':" ERROR "}",
			      run_in(w, "t", "in_progress")),
		"{'status':'failed','last_error':" ERROR "}");
	expect_fields(expect_ok(w, "runs.update",
			      "{'run_id':'%s','status':'incomplete',"
			      "'incomplete_details':{'reason':'max_completion_tokens'}}",
			      run_in(w, "t", "in_progress")),
		"{'status':'incomplete','incomplete_details':{'reason':'max_completion_tokens'}}");
	expect_fields(run_get(w, run_in(w, "t", "requires_action")),
		"{'status':'requires_action','required_action':%s}", required_action_json);
}

static void required_action_goes_with_its_status(void **state)
{
	static const char *const next[] = {"cancelled", "failed", "expired"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < 3; i++) {
		const char *id = run_in(w, "t", "requires_action");

		expect_fields(run_move(w, id, next[i]), "{'required_action':null}");
	}
}

static void bad_values_are_refused_by_their_path(void **state)
{
	static const struct {
		const char *members, *code, *param;
	} rows[] = {
		{"'status':'done'", "invalid_params", "status"},
		{"'status':1", "invalid_params", "status"},
		{"'status':'failed','last_error':'x'", "invalid_params", "last_error"},
		{"'status':'failed','last_error':{'code':'oops','message':'m'}", "invalid_params",
			"last_error.code"},
		{"'status':'failed','last_error':{'code':'server_error'}", "missing_param",
			"last_error.message"},
		{"'status':'failed','last_error':{'message':'m'}", "missing_param",
			"last_error.code"},
		{"'status':'failed','last_error':{'code':'server_error','message':'m','x':1}",
			"unknown_param", "last_error.x"},
		{"'status':'incomplete','incomplete_details':{'reason':'tired'}", "invalid_params",
			"incomplete_details.reason"},
		{"'status':'requires_action','required_action':{'type':'submit_tool_outputs'}",
			"missing_param", "required_action.submit_tool_outputs"},
		{"'status':'requires_action','required_action':{'type':'submit_tool_outputs',"
		 "'submit_tool_outputs':{'tool_calls':[{'id':'c','type':'function',"
		 "'function':{'name':'n'}}]}}",
			"missing_param",
			"required_action.submit_tool_outputs.tool_calls[0].function.arguments"},
		{"'status':'completed','usage':{'prompt_tokens':1,'completion_tokens':2}",
			"missing_param", "usage.total_tokens"},
		{"'status':'completed','usage':{'prompt_tokens':'1','completion_tokens':2,"
		 "'total_tokens':3}",
			"invalid_params", "usage.prompt_tokens"},
		{"'expected_status':'done'", "invalid_params", "expected_status"},
		{"'model':'m'", "unknown_param", "model"},
		{"'started_at':1", "unknown_param", "started_at"},
	};
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t", "in_progress");
	json_t *before = run_get(w, id);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(w, "runs.update", rows[i].code, rows[i].param, "{'run_id':'%s',%s}",
			id, rows[i].members);
	}
	expect_same(run_get(w, id), before);
}

static void usage_comes_with_the_end(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t", "in_progress");

	expect_fields(expect_ok(w, "runs.update",
			      "{'run_id':'%s','status':'completed','usage':" USAGE "}", id),
		"{'status':'completed','usage':" USAGE "}");
}

static void usage_may_come_once_after_the_end(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t", "failed");
	json_t *again;

	expect_fields(expect_ok(w, "runs.update", "{'run_id':'%s','usage':" USAGE "}", id),
		"{'status':'failed','usage':" USAGE "}");
	/* The code of a second time is not written down. */
	again = wire_call(w, "runs.update",
		"{'run_id':'%s','usage':{'prompt_tokens':9,'completion_tokens':9,'total_tokens':18}"
		"}",
		id);
	expect_fields(again, "{'result':null}");
	expect_fields(run_get(w, id), "{'usage':" USAGE "}");
}

static void usage_before_the_end_is_refused(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t");

	expect_error(w, "runs.update", "invalid_params", "usage",
		"{'run_id':'%s','usage':" USAGE "}", id);
	expect_error(w, "runs.update", "invalid_params", "usage",
		"{'run_id':'%s','status':'in_progress','usage':" USAGE "}", id);
	expect_fields(run_get(w, id), "{'status':'queued','usage':null}");
}

static void expected_status_guards_an_update(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t");

	expect_error(w, "runs.update", "expected_status", NULL,
		"{'run_id':'%s','status':'in_progress','expected_status':'in_progress'}", id);
	expect_fields(run_get(w, id), "{'status':'queued'}");
	expect_fields(
		expect_ok(w, "runs.update",
			"{'run_id':'%s','status':'in_progress','expected_status':'queued'}", id),
		"{'status':'in_progress'}");
	expect_error(w, "runs.update", "expected_status", NULL,
		"{'run_id':'%s','metadata':{'a':'b'},'expected_status':'queued'}", id);
	expect_fields(run_get(w, id), "{'metadata':{}}");
}

static void the_thread_must_match_if_given(void **state)
{
	static const char *const methods[] = {
		"runs.get", "runs.cancel", "runs.delete", "steps.list"};
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t_mine");

	run_new(w, "t_other");
	for (size_t i = 0; i < 4; i++) {
		expect_error(w, methods[i], "not_found", NULL,
			"{'run_id':'%s','thread_id':'t_other'}", id);
	}
	expect_error(w, "runs.update", "not_found", NULL,
		"{'run_id':'%s','thread_id':'t_other','status':'in_progress'}", id);
	expect_fields(expect_ok(w, "runs.get", "{'run_id':'%s','thread_id':'t_mine'}", id),
		"{'id':'%s','status':'queued'}", id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_to_completion_sets_its_times),
		cmocka_unit_test(every_end_sets_its_own_time),
		cmocka_unit_test(a_run_that_never_started_has_no_start),
		cmocka_unit_test(started_at_is_that_of_the_first_start),
		cmocka_unit_test(what_a_status_demands_must_be_there),
		cmocka_unit_test(what_belongs_to_another_status_is_refused),
		cmocka_unit_test(what_a_status_demands_is_kept),
		cmocka_unit_test(required_action_goes_with_its_status),
		cmocka_unit_test(bad_values_are_refused_by_their_path),
		cmocka_unit_test(usage_comes_with_the_end),
		cmocka_unit_test(usage_may_come_once_after_the_end),
		cmocka_unit_test(usage_before_the_end_is_refused),
		cmocka_unit_test(expected_status_guards_an_update),
		cmocka_unit_test(the_thread_must_match_if_given),
	};

	return cmocka_run_group_tests_name("runs.update", tests, fixture_start, fixture_stop);
}
