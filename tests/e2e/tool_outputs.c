/* requires_action and runs.submit_tool_outputs. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#define CALL(id) "{'id':'" id "','type':'function','function':{'name':'look','arguments':'[1]'}}"
#define TWO_CALLS                                                                                  \
	"{'type':'submit_tool_outputs','submit_tool_outputs':{'tool_calls':[" CALL("c1") "," CALL( \
		"c2") "]}}"

/* A run that waits for the outputs of c1 and c2. */
static const char *waiting_run(struct wire *w)
{
	const char *run = run_in(w, "t", "in_progress");

	expect_ok(w, "runs.update",
		"{'run_id':'%s','status':'requires_action','required_action':" TWO_CALLS "}", run);
	return run;
}

static json_t *only_step(struct wire *w, const char *run)
{
	json_t *list = expect_ok(w, "steps.list", "{'run_id':'%s'}", run);

	assert_int_equal(json_array_size(field(list, "data")), 1);
	return field(list, "data[0]");
}

static json_t *submit_both(struct wire *w, const char *run)
{
	return expect_ok(w, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'c2','output':'two'},"
		"{'tool_call_id':'c1','output':''}]}",
		run);
}

static void requires_action_makes_the_step_that_is_missing(void **state)
{
	struct wire *w = wire_of(state);
	json_t *step = only_step(w, waiting_run(w));

	expect_fields(step,
		"{'type':'tool_calls','status':'in_progress','thread_id':'t',"
		"'assistant_id':'asst_1','metadata':{},'usage':null,'completed_at':null,"
		"'step_details':{'type':'tool_calls','tool_calls':["
		"{'id':'c1','type':'function','function':"
		"{'name':'look','arguments':'[1]','output':null}},"
		"{'id':'c2','type':'function','function':"
		"{'name':'look','arguments':'[1]','output':null}}]}}");
	expect_now(step, "created_at");
}

static void an_open_step_that_holds_the_calls_is_used(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *step = step_calls_new(w, run, "call_1");

	run_move(w, run, "requires_action");
	assert_string_equal(text(only_step(w, run), "id"), step);
	expect_ok(w, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'seen'}]}", run);
	expect_fields(step_get(w, run, step),
		"{'status':'completed','step_details.tool_calls[0].function.output':'seen'}");
}

static void an_ended_step_with_the_calls_is_not_used(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *step = step_calls_new(w, run, "call_1");
	json_t *list;

	expect_ok(w, "steps.update", "{'run_id':'%s','step_id':'%s','status':'cancelled'}", run,
		step);
	run_move(w, run, "requires_action");
	list = expect_ok(w, "steps.list", "{'run_id':'%s','order':'asc'}", run);
	assert_int_equal(json_array_size(field(list, "data")), 2);
	expect_fields(list, "{'data[0].status':'cancelled','data[1].status':'in_progress'}");
}

static void outputs_complete_the_step_and_queue_the_run(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = waiting_run(w);
	json_int_t expires = number(run_get(w, run), "expires_at");
	json_t *got = submit_both(w, run);
	json_t *step;

	expect_fields(got, "{'status':'queued','required_action':null,'completed_at':null}");
	assert_int_equal(number(got, "expires_at"), expires);
	expect_same(run_get(w, run), got);
	step = only_step(w, run);
	expect_fields(step, "{'status':'completed',"
			    "'step_details.tool_calls[0].function.output':'',"
			    "'step_details.tool_calls[1].function.output':'two'}");
	expect_now(step, "completed_at");
}

static void the_run_can_go_round_again(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = waiting_run(w);

	submit_both(w, run);
	run_move(w, run, "in_progress");
	expect_ok(w, "runs.update",
		"{'run_id':'%s','status':'requires_action','required_action':" TWO_CALLS "}", run);
	submit_both(w, run);
	run_move(w, run, "in_progress");
	run_move(w, run, "completed");
	assert_int_equal(json_array_size(field(expect_ok(w, "steps.list",
						       "{'run_id':'%s','status':'completed'}", run),
				 "data")),
		2);
}

static void the_calls_must_be_told_apart(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");

	expect_error(w, "runs.update", "invalid_params", "required_action*",
		"{'run_id':'%s','status':'requires_action','required_action':{'type':"
		"'submit_tool_outputs','submit_tool_outputs':{'tool_calls':[" CALL("c1") "," CALL(
			"c1") "]}}}",
		run);
	expect_fields(run_get(w, run), "{'status':'in_progress'}");
}

static void other_open_steps_stay_open(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *step = step_new(w, run);

	expect_ok(w, "runs.update",
		"{'run_id':'%s','status':'requires_action','required_action':" TWO_CALLS "}", run);
	submit_both(w, run);
	expect_fields(step_get(w, run, step), "{'status':'in_progress'}");
}

static void outputs_that_do_not_fit_the_calls_change_nothing(void **state)
{
	static const char *const outputs[] = {"", "{'tool_call_id':'c1','output':'o'}",
		"{'tool_call_id':'c1','output':'o'},{'tool_call_id':'c1','output':'o'}",
		"{'tool_call_id':'c1','output':'o'},{'tool_call_id':'c3','output':'o'}",
		"{'tool_call_id':'c1','output':'o'},{'tool_call_id':'c2','output':'o'},"
		"{'tool_call_id':'c3','output':'o'}",
		"{'tool_call_id':'c1','output':'o'},{'tool_call_id':'c2','output':'o'},"
		"{'tool_call_id':'c2','output':'p'}"};
	struct wire *w = wire_of(state);
	const char *run = waiting_run(w);
	json_t *before = run_get(w, run);

	for (size_t i = 0; i < sizeof(outputs) / sizeof(*outputs); i++) {
		expect_error(w, "runs.submit_tool_outputs", "invalid_params|missing_param",
			"tool_outputs*", "{'run_id':'%s','tool_outputs':[%s]}", run, outputs[i]);
	}
	expect_same(run_get(w, run), before);
	expect_fields(only_step(w, run), "{'status':'in_progress',"
					 "'step_details.tool_calls[0].function.output':null}");
}

static void malformed_outputs_are_refused_by_their_path(void **state)
{
	static const char *const rows[][3] = {
		{"'o'", "invalid_params", "tool_outputs"},
		{"['o']", "invalid_params", "tool_outputs[0]"},
		{"[{'tool_call_id':'c1','output':'o'},{'tool_call_id':'c2'}]", "missing_param",
			"tool_outputs[1].output"},
		{"[{'tool_call_id':'c1','output':{}},{'tool_call_id':'c2','output':'o'}]",
			"invalid_params", "tool_outputs[0].output"},
		{"[{'tool_call_id':'c1','output':null},{'tool_call_id':'c2','output':'o'}]",
			"invalid_params|missing_param", "tool_outputs[0].output"},
		{"[{'output':'o'},{'tool_call_id':'c2','output':'o'}]", "missing_param",
			"tool_outputs[0].tool_call_id"},
		{"[{'tool_call_id':'c1','output':'o','x':1},{'tool_call_id':'c2','output':'o'}]",
			"unknown_param", "tool_outputs[0].x"},
	};
	struct wire *w = wire_of(state);
	const char *run = waiting_run(w);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(w, "runs.submit_tool_outputs", rows[i][1], rows[i][2],
			"{'run_id':'%s','tool_outputs':%s}", run, rows[i][0]);
	}
	expect_fields(run_get(w, run), "{'status':'requires_action'}");
	submit_both(w, run);
}

static void a_run_in_any_other_status_takes_no_outputs(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < N_STATUSES; i++) {
		char message[96];
		json_t *error;

		if (i == 2) {
			continue;
		}
		error = expect_error(w, "runs.submit_tool_outputs", "invalid_transition", NULL,
			"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'o'}]}",
			run_in(w, "t", run_statuses[i]));
		snprintf(message, sizeof(message),
			"Runs in status \"%s\" do not accept tool outputs.", run_statuses[i]);
		assert_string_equal(text(error, "message"), message);
	}
}

/* Brings a run in progress with this open step to wait for c1 and c2; returns the step's id. */
static const char *wait_with_step(struct wire *w, const char *run, const char *calls)
{
	const char *step = text(
		expect_ok(w, "steps.create",
			"{'run_id':'%s','type':'tool_calls','step_details':{'type':'tool_calls',"
			"'tool_calls':[%s]}}",
			run, calls),
		"id");

	expect_ok(w, "runs.update",
		"{'run_id':'%s','status':'requires_action','required_action':" TWO_CALLS "}", run);
	return step;
}

static void a_step_with_one_of_the_calls_twice_does_not_hold_both(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *step = wait_with_step(w, run, CALL("c1") "," CALL("c1"));
	json_t *steps;

	submit_both(w, run);
	expect_fields(step_get(w, run, step),
		"{'status':'in_progress','step_details.tool_calls[0].function.output':null,"
		"'step_details.tool_calls[1].function.output':null}");
	steps = expect_ok(w, "steps.list", "{'run_id':'%s','order':'asc'}", run);
	assert_int_equal(json_array_size(field(steps, "data")), 2);
	expect_fields(field(steps, "data[1]"),
		"{'status':'completed','step_details.tool_calls[0].id':'c1',"
		"'step_details.tool_calls[0].function.output':'',"
		"'step_details.tool_calls[1].id':'c2',"
		"'step_details.tool_calls[1].function.output':'two'}");
}

static void a_step_with_both_calls_and_one_again_holds_them(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *step =
		wait_with_step(w, run, CALL("c1") "," CALL("c1") "," CALL("c2") "," CALL("c3"));

	submit_both(w, run);
	assert_string_equal(text(only_step(w, run), "id"), step);
	expect_fields(only_step(w, run),
		"{'status':'completed','step_details.tool_calls[0].function.output':'',"
		"'step_details.tool_calls[1].function.output':null,"
		"'step_details.tool_calls[2].function.output':'two',"
		"'step_details.tool_calls[3].function.output':null}");
}

/* An imported run that waits, with an open step for a call of its own. */
static void import_waiting(struct wire *w, const char *run, const char *required_action)
{
	json_t *objects = json_pack("[oo]",
		run_object("{'id':'%s','status':'requires_action','required_action':%s}", run,
			required_action),
		step_object("{'id':'%s_step','run_id':'%s','status':'in_progress',"
			    "'type':'tool_calls','step_details':{'type':'tool_calls',"
			    "'tool_calls':[" CALL("c9") "]}}",
			run, run));

	expect_ok_take(w, "objects.import", json_pack("{so}", "objects", objects));
}

#define C1 "{'tool_call_id':'c1','output':'one'}"
#define C2 "{'tool_call_id':'c2','output':'two'}"

static void a_call_that_an_imported_run_names_twice_is_one(void **state)
{
	static const char submit[] = "{'run_id':'twice','tool_outputs':[%s]}";
	struct wire *w = wire_of(state);
	json_t *step;

	import_waiting(w, "twice",
		"{'type':'submit_tool_outputs','submit_tool_outputs':{'tool_calls':[" CALL(
			"c1") "," CALL("c1") "," CALL("c2") "]}}");
	expect_error(w, "runs.submit_tool_outputs", "invalid_params", "tool_outputs*", submit, C1);
	expect_error(w, "runs.submit_tool_outputs", "invalid_params", "tool_outputs*", submit,
		C1 "," C1);
	expect_error(w, "runs.submit_tool_outputs", "invalid_params", "tool_outputs*", submit,
		C1 "," C1 "," C2);
	expect_fields(expect_ok(w, "runs.submit_tool_outputs", submit, C1 "," C2),
		"{'status':'queued','required_action':null}");
	expect_fields(step_get(w, "twice", "twice_step"), "{'status':'in_progress'}");
	step = field(
		expect_ok(w, "steps.list", "{'run_id':'twice','status':'completed'}"), "data[0]");
	assert_int_equal(json_array_size(field(step, "step_details.tool_calls")), 2);
	expect_fields(step, "{'step_details.tool_calls[0].id':'c1',"
			    "'step_details.tool_calls[0].function.output':'one',"
			    "'step_details.tool_calls[1].id':'c2',"
			    "'step_details.tool_calls[1].function.output':'two'}");
}

static void a_run_that_waits_for_nothing_completes_no_open_step(void **state)
{
	struct wire *w = wire_of(state);

	import_waiting(w, "nothing", "null");
	expect_error(w, "runs.submit_tool_outputs", "invalid_params", "tool_outputs*",
		"{'run_id':'nothing','tool_outputs':[{'tool_call_id':'c9','output':'o'}]}");
	wire_call(w, "runs.submit_tool_outputs", "{'run_id':'nothing','tool_outputs':[]}");
	expect_fields(step_get(w, "nothing", "nothing_step"),
		"{'status':'in_progress','completed_at':null,"
		"'step_details.tool_calls[0].function.output':null}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requires_action_makes_the_step_that_is_missing),
		cmocka_unit_test(an_open_step_that_holds_the_calls_is_used),
		cmocka_unit_test(an_ended_step_with_the_calls_is_not_used),
		cmocka_unit_test(outputs_complete_the_step_and_queue_the_run),
		cmocka_unit_test(the_run_can_go_round_again),
		cmocka_unit_test(the_calls_must_be_told_apart),
		cmocka_unit_test(other_open_steps_stay_open),
		cmocka_unit_test(outputs_that_do_not_fit_the_calls_change_nothing),
		cmocka_unit_test(malformed_outputs_are_refused_by_their_path),
		cmocka_unit_test(a_run_in_any_other_status_takes_no_outputs),
		cmocka_unit_test(a_step_with_one_of_the_calls_twice_does_not_hold_both),
		cmocka_unit_test(a_step_with_both_calls_and_one_again_holds_them),
		cmocka_unit_test(a_call_that_an_imported_run_names_twice_is_one),
		cmocka_unit_test(a_run_that_waits_for_nothing_completes_no_open_step),
	};

	return cmocka_run_group_tests_name("tool outputs", tests, fixture_start, fixture_stop);
}
