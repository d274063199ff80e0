/* steps.create, steps.get, steps.list and steps.update. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <string.h>

#define MESSAGE "{'type':'message_creation','message_creation':{'message_id':'msg_1'}}"
#define USAGE "{'prompt_tokens':1,'completion_tokens':2,'total_tokens':3}"

static void a_new_step_has_every_field(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_new", "in_progress");
	json_t *step = step_get(w, run, step_new(w, run));
	const char *id = text(step, "id");

	expect_names(step, step_names);
	expect_fields(step,
		"{'object':'thread.run.step','assistant_id':'asst_1','thread_id':'t_new',"
		"'type':'message_creation','status':'in_progress','step_details':" MESSAGE
		",'last_error':null,'expired_at':null,'cancelled_at':null,"
		"'failed_at':null,'completed_at':null,'metadata':{},'usage':null}");
	assert_string_equal(text(step, "run_id"), run);
	expect_now(step, "created_at");
	assert_int_equal(strlen(id), 5 + 26);
	assert_memory_equal(id, "step_", 5);
}

static void tool_calls_of_every_kind_come_back_as_sent(void **state)
{
	static const char details[] =
		"{'type':'tool_calls','tool_calls':[{'id':'c1','type':'code_interpreter',"
		"'code_interpreter':{'input':'1+1','outputs':[{'type':'logs','logs':'2'},"
		"{'type':'image','image':{'file_id':'file-1'}}]}},{'id':'c2','type':'file_search',"
		"'file_search':{'ranking_options':{'ranker':'default_2024_08_21',"
		"'score_threshold':0.5},'results':[{'file_id':'f','file_name':'n','score':0.75}]}},"
		"{'id':'c3','type':'function','function':{'name':'n','arguments':'{}',"
		"'output':null}}]}";
	struct wire *w = wire_of(state);
	json_t *step = expect_ok(w, "steps.create",
		"{'run_id':'%s','thread_id':'t','type':'tool_calls','id':'step_mine',"
		"'metadata':{'a':'b'},'step_details':%s}",
		run_in(w, "t", "in_progress"), details);

	expect_fields(step,
		"{'id':'step_mine','type':'tool_calls','metadata':{'a':'b'},"
		"'step_details':%s}",
		details);
	expect_same(step_get(w, text(step, "run_id"), "step_mine"), step);
}

static void steps_are_made_while_a_run_is_worked_on_only(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < N_STATUSES; i++) {
		const char *run = run_in(w, "t", run_statuses[i]);
		bool open = !strcmp(run_statuses[i], "in_progress") ||
			    !strcmp(run_statuses[i], "cancelling");

		if (open) {
			step_new(w, run);
			continue;
		}
		expect_error(w, "steps.create", "invalid_transition", NULL,
			"{'run_id':'%s','type':'message_creation','step_details':" MESSAGE "}",
			run);
	}
}

static void bad_steps_are_refused_by_their_path(void **state)
{
	static const struct {
		const char *members, *code, *param;
	} rows[] = {
		{"'step_details':" MESSAGE, "missing_param", "type"},
		{"'type':'thinking','step_details':" MESSAGE, "invalid_params", "type"},
		{"'type':'tool_calls','step_details':" MESSAGE, "invalid_params", NULL},
		{"'type':'message_creation','step_details':'x'", "invalid_params", "step_details"},
		{"'type':'message_creation','step_details':{}", "missing_param",
			"step_details.type"},
		{"'type':'message_creation','step_details':{'type':'message_creation'}",
			"missing_param", "step_details.message_creation"},
		{"'type':'message_creation','step_details':{'type':'message_creation',"
		 "'message_creation':{'message_id':'m','x':1}}",
			"unknown_param", "step_details.message_creation.x"},
		{"'type':'tool_calls','step_details':{'type':'tool_calls','tool_calls':"
		 "[{'id':'c','type':'code_interpreter','code_interpreter':{'input':'i'}}]}",
			"missing_param", "step_details.tool_calls[0].code_interpreter.outputs"},
		{"'type':'tool_calls','step_details':{'type':'tool_calls','tool_calls':"
		 "[{'type':'function','function':{'name':'n','arguments':'{}','output':null}}]}",
			"missing_param", "step_details.tool_calls[0].id"},
		{"'type':'tool_calls','step_details':{'type':'tool_calls','tool_calls':[{'id':'c',"
		 "'type':'function','function':{'name':'n','arguments':{},'output':null}}]}",
			"invalid_params", "step_details.tool_calls[0].function.arguments"},
		{"'type':'message_creation','status':'completed','step_details':" MESSAGE,
			"unknown_param", "status"},
		{"'type':'message_creation','id':'a b','step_details':" MESSAGE, "invalid_id",
			"id"},
	};
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_bad", "in_progress");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(w, "steps.create", rows[i].code, rows[i].param, "{'run_id':'%s',%s}",
			run, rows[i].members);
	}
	expect_list(expect_ok(w, "steps.list", "{'run_id':'%s'}", run), "", false);
}

static void a_step_ends_once_and_with_its_time(void **state)
{
	static const char *const ends[][2] = {{"completed", "completed_at"},
		{"failed", "failed_at"}, {"cancelled", "cancelled_at"}, {"expired", "expired_at"}};
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_ends", "in_progress");

	for (int i = 0; i < 4; i++) {
		const char *id = step_new(w, run);
		json_t *step = expect_ok(w, "steps.update",
			"{'run_id':'%s','step_id':'%s','status':'%s'%s}", run, id, ends[i][0],
			status_demands(ends[i][0]));

		expect_fields(step, "{'status':'%s'}", ends[i][0]);
		for (int j = 0; j < 4; j++) {
			if (i == j) {
				expect_now(step, ends[j][1]);
			} else {
				expect_fields(step, "{'%s':null}", ends[j][1]);
			}
			expect_error(w, "steps.update", "invalid_transition", NULL,
				"{'run_id':'%s','step_id':'%s','status':'%s'%s}", run, id,
				ends[j][0], status_demands(ends[j][0]));
		}
		expect_same(step_get(w, run, id), step);
	}
}

static void a_step_cannot_be_set_to_what_it_is_or_to_no_status(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);

	expect_error(w, "steps.update", "invalid_transition", NULL,
		"{'run_id':'%s','step_id':'%s','status':'in_progress'}", run, id);
	expect_error(w, "steps.update", "invalid_params", "status",
		"{'run_id':'%s','step_id':'%s','status':'queued'}", run, id);
}

static void last_error_goes_with_failed_alone(void **state)
{
	static const char update[] = "{'run_id':'%s','step_id':'%s','status':'%s'%s}";
	static const char error[] = ",'last_error':{'code':'rate_limit_exceeded','message':'m'}";
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);

	expect_error(
		w, "steps.update", "missing_param", "last_error", update, run, id, "failed", "");
	expect_error(w, "steps.update", "invalid_params", "last_error", update, run, id,
		"completed", error);
	expect_error(w, "steps.update", "invalid_params", "last_error.code", update, run, id,
		"failed", ",'last_error':{'code':'invalid_prompt','message':'m'}");
	expect_fields(expect_ok(w, "steps.update", update, run, id, "failed", error),
		"{'last_error':{'code':'rate_limit_exceeded','message':'m'}}");
}

static void usage_comes_with_the_end_of_a_step(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);

	expect_error(w, "steps.update", "invalid_params", "usage",
		"{'run_id':'%s','step_id':'%s','usage':" USAGE "}", run, id);
	expect_fields(
		expect_ok(w, "steps.update",
			"{'run_id':'%s','step_id':'%s','status':'completed','usage':" USAGE "}",
			run, id),
		"{'status':'completed','usage':" USAGE "}");
}

static void details_and_metadata_can_be_replaced(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);
	json_t *step = expect_ok(w, "steps.update",
		"{'run_id':'%s','step_id':'%s','metadata':{'a':'b'},'step_details':{'type':"
		"'message_creation','message_creation':{'message_id':'msg_2'}}}",
		run, id);

	expect_fields(step, "{'status':'in_progress','metadata':{'a':'b'},"
			    "'step_details.message_creation.message_id':'msg_2'}");
	expect_same(step_get(w, run, id), step);
}

static void steps_of_a_finished_run_are_closed(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);

	run_move(w, run, "failed");
	expect_error(w, "steps.update", "invalid_transition", NULL,
		"{'run_id':'%s','step_id':'%s','status':'completed'}", run, id);
	expect_error(w, "steps.update", "invalid_transition", NULL,
		"{'run_id':'%s','step_id':'%s','metadata':{'a':'b'}}", run, id);
}

static void a_step_is_found_in_its_run_and_thread_only(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_home", "in_progress");
	const char *other = run_in(w, "t_home", "in_progress");
	const char *id = step_new(w, run);
	static const char update[] = "{'run_id':'%s','step_id':'%s','status':'completed'}";

	expect_error(
		w, "steps.get", "not_found", NULL, "{'run_id':'%s','step_id':'%s'}", other, id);
	expect_error(w, "steps.update", "not_found", NULL, update, other, id);
	expect_error(w, "steps.update", "not_found", NULL, update, run, "step_none");
	expect_error(w, "steps.get", "not_found", NULL,
		"{'run_id':'%s','step_id':'%s','thread_id':'t'}", run, id);
	expect_error(
		w, "steps.get", "invalid_id", "step_id", "{'run_id':'%s','step_id':'a/b'}", run);
	expect_fields(step_get(w, run, id), "{'status':'in_progress'}");
}

static void a_step_id_is_used_once_in_the_store(void **state)
{
	static const char create[] = "{'run_id':'%s','type':'message_creation','id':'%s',"
				     "'metadata':{'n':'%d'},'step_details':" MESSAGE "}";
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *other = run_in(w, "t2", "in_progress");

	expect_ok(w, "steps.create", create, run, "step_once", 1);
	expect_error(w, "steps.create", "id_conflict", NULL, create, run, "step_once", 2);
	expect_error(w, "steps.create", "id_conflict", NULL, create, other, "step_once", 3);
	/* Ids of runs are another space. */
	expect_ok(w, "steps.create", create, run, run, 4);
}

static void steps_list_filters_by_type_and_status(void **state)
{
	static const char list[] = "{'run_id':'%s','order':'asc',%s}";
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *a = step_new(w, run);
	const char *b = step_calls_new(w, run, "call_9");
	char both[80];

	snprintf(both, sizeof(both), "%s %s", a, b);
	expect_ok(w, "steps.update", "{'run_id':'%s','step_id':'%s','status':'completed'}", run, b);
	expect_list(expect_ok(w, "steps.list", list, run, "'type':'message_creation'"), a, false);
	expect_list(expect_ok(w, "steps.list", list, run, "'type':'tool_calls'"), b, false);
	expect_list(expect_ok(w, "steps.list", list, run, "'status':'completed'"), b, false);
	expect_list(expect_ok(w, "steps.list", list, run, "'type':'tool_calls','status':'failed'"),
		"", false);
	expect_list(expect_ok(w, "steps.list", list, run, "'thread_id':'t'"), both, false);
	expect_error(w, "steps.list", "invalid_params", "type", list, run, "'type':'x'");
	expect_error(w, "steps.list", "invalid_params", "status*", list, run, "'status':'queued'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_step_has_every_field),
		cmocka_unit_test(tool_calls_of_every_kind_come_back_as_sent),
		cmocka_unit_test(steps_are_made_while_a_run_is_worked_on_only),
		cmocka_unit_test(bad_steps_are_refused_by_their_path),
		cmocka_unit_test(a_step_ends_once_and_with_its_time),
		cmocka_unit_test(a_step_cannot_be_set_to_what_it_is_or_to_no_status),
		cmocka_unit_test(last_error_goes_with_failed_alone),
		cmocka_unit_test(usage_comes_with_the_end_of_a_step),
		cmocka_unit_test(details_and_metadata_can_be_replaced),
		cmocka_unit_test(steps_of_a_finished_run_are_closed),
		cmocka_unit_test(a_step_is_found_in_its_run_and_thread_only),
		cmocka_unit_test(a_step_id_is_used_once_in_the_store),
		cmocka_unit_test(steps_list_filters_by_type_and_status),
	};

	return cmocka_run_group_tests_name("steps", tests, fixture_start, fixture_stop);
}
