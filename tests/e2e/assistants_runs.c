/* What a run takes from its assistant, and what is refused with --strict-assistants. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#include <stdio.h>
#include <string.h>

/* What a run takes. */
#define TAKEN                                                                                      \
	"'model':'gpt-4o','instructions':'Be kind.','tools':[{'type':'code_interpreter'},"         \
	"{'type':'function','function':{'name':'look','parameters':{'type':'object'}}}],"          \
	"'temperature':0.5,'top_p':0.25,'response_format':{'type':'json_object'}"
#define RESOURCES "'tool_resources':{'file_search':{'vector_store_ids':['vs_1']}}"

static void assistant_new(struct wire *w, const char *id, const char *members)
{
	expect_ok(w, "assistants.create", "{'id':'%s',%s}", id, members);
}

/* A run of the assistant @name in the thread @name, beside any other there. */
static json_t *run_of(struct wire *w, const char *name, const char *members)
{
	return run_get(w, work_new(w, name, members));
}

static void a_run_takes_what_it_is_not_given(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run;

	assistant_new(w, "take", TAKEN ",'name':'n','description':'d','metadata':{'k':'v'}");
	run = run_of(w, "take", "");
	expect_names(run, run_names);
	expect_fields(run, "{" TAKEN ",'assistant_id':'take','metadata':{}}");
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'take','model':'gpt-4o'}"),
		text(run, "id"), false);
}

static void null_is_not_given(void **state)
{
	struct wire *w = wire_of(state);

	assistant_new(w, "null", TAKEN);
	expect_fields(run_of(w, "null",
			      ",'model':null,'instructions':null,'tools':null,'temperature':null,"
			      "'top_p':null,'response_format':null"),
		"{" TAKEN "}");
}

static void what_a_run_is_given_it_keeps(void **state)
{
	static const char *const rows[][2] = {{"model", "'m'"}, {"model", "''"},
		{"instructions", "'Be brief.'"}, {"instructions", "''"},
		{"tools", "[{'type':'file_search'}]"}, {"tools", "[]"}, {"temperature", "0"},
		{"temperature", "1.0"}, {"top_p", "0"}, {"top_p", "1.0"},
		{"response_format", "'auto'"}, {"response_format", "{'type':'text'}"}};
	struct wire *w = wire_of(state);

	assistant_new(w, "given", TAKEN);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *expected = wire_keep(w, codec_parse("{" TAKEN "}")), *value;
		char members[128];
		const char *name;
		json_t *run;

		snprintf(members, sizeof(members), ",'%s':%s", rows[i][0], rows[i][1]);
		run = run_of(w, "given", members);
		json_object_set_new(expected, rows[i][0], codec_parse("%s", rows[i][1]));
		json_object_foreach(expected, name, value)
		{
			expect_same(field(run, name), value);
		}
	}
}

static void additional_instructions_follow_those_of_the_assistant(void **state)
{
	struct wire *w = wire_of(state);

	assistant_new(w, "more", TAKEN);
	expect_fields(run_of(w, "more", ",'additional_instructions':'Now.'"),
		"{'instructions':'Be kind.\\nNow.'}");
	expect_fields(run_of(w, "more", ",'instructions':'Go.','additional_instructions':'Now.'"),
		"{'instructions':'Go.\\nNow.'}");
	expect_fields(expect_ok(w, "assistants.get", "{'assistant_id':'more'}"),
		"{'instructions':'Be kind.'}");
}

static void an_assistant_without_instructions_gives_the_empty_one(void **state)
{
	struct wire *w = wire_of(state);

	assistant_new(w, "bare", "'model':'m'");
	expect_fields(run_of(w, "bare", ""),
		"{'model':'m','instructions':'','tools':[],'temperature':1.0,'top_p':1.0,"
		"'response_format':'auto'}");
}

static void a_later_change_of_the_assistant_does_not_change_the_run(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run;

	assistant_new(w, "later", TAKEN ",'reasoning_effort':'low'," RESOURCES);
	run = run_of(w, "later", "");
	expect_ok(w, "assistants.update",
		"{'assistant_id':'later','model':'m2','instructions':'x','tools':[],"
		"'temperature':2,'top_p':1,'response_format':'auto','reasoning_effort':'high',"
		"'tool_resources':null}");
	expect_same(run_get(w, text(run, "id")), run);
	expect_fields(run_of(w, "later", ""), "{'model':'m2','instructions':'x','temperature':2}");
	expect_ok(w, "assistants.delete", "{'assistant_id':'later'}");
	expect_same(run_get(w, text(run, "id")), run);
	/* The hints too are those of when it was created. */
	expect_fields(work_claim(w, "w", "later", ""),
		"{'run.id':'%s','hints':{'reasoning_effort':'low'," RESOURCES "}}",
		text(run, "id"));
	expect_fields(work_claim(w, "w", "later", ""), "{'hints':{'reasoning_effort':'high'}}");
	/* Of an assistant that is gone nothing is taken. */
	expect_fields(run_of(w, "later", ""), "{'model':'','instructions':''}");
	expect_fields(work_claim(w, "w", "later", ""), "{'hints':{}}");
}

static void hints_come_from_the_assistant_unless_the_run_has_its_own(void **state)
{
	static const char own[] = "'tool_resources':{'code_interpreter':{'file_ids':['f']}}";
	struct wire *w = wire_of(state);
	char members[128];

	assistant_new(w, "hints", "'model':'m','reasoning_effort':'low'," RESOURCES);
	run_of(w, "hints", "");
	expect_fields(work_claim(w, "w", "hints", ""),
		"{'hints':{'reasoning_effort':'low'," RESOURCES "}}");
	run_of(w, "hints", ",'reasoning_effort':'high'");
	expect_fields(work_claim(w, "w", "hints", ""),
		"{'hints':{'reasoning_effort':'high'," RESOURCES "}}");
	snprintf(members, sizeof(members), ",%s", own);
	run_of(w, "hints", members);
	expect_fields(
		work_claim(w, "w", "hints", ""), "{'hints':{'reasoning_effort':'low',%s}}", own);
}

static void empty_resources_are_no_hint(void **state)
{
	struct wire *w = wire_of(state);

	assistant_new(w, "empty", "'model':'m','tool_resources':{}");
	run_of(w, "empty", "");
	expect_fields(work_claim(w, "w", "empty", ""), "{'hints':{}}");
	expect_ok(w, "assistants.update", "{'assistant_id':'empty','reasoning_effort':'low'}");
	run_of(w, "empty", "");
	expect_fields(work_claim(w, "w", "empty", ""), "{'hints':{'reasoning_effort':'low'}}");
	expect_ok(w, "assistants.update", "{'assistant_id':'empty','reasoning_effort':null}");
	run_of(w, "empty", "");
	expect_fields(work_claim(w, "w", "empty", ""), "{'hints':{}}");
}

static void an_assistant_s_many_tools_are_all_taken(void **state)
{
	struct wire *w = wire_of(state);
	const char *more = repeated(w, ",{'type':'code_interpreter'}", 127);
	json_t *run;

	expect_ok(w, "assistants.create",
		"{'id':'many','model':'m','tools':[{'type':'file_search'}%s]}", more);
	run = run_of(w, "many", "");
	assert_int_equal(json_array_size(field(run, "tools")), 128);
	/* Such a run lives as any. */
	run_move(w, text(run, "id"), "in_progress");
	expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'k':'v'}}", text(run, "id"));
	run_move(w, text(run, "id"), "completed");
}

static void an_unknown_assistant_is_well_unless_they_are_strict(void **state)
{
	struct wire *w = wire_of(state);

	expect_fields(run_of(w, "nobody", ""), "{'assistant_id':'nobody','model':''}");
}

static void a_batch_s_run_takes_from_the_assistant_made_in_it(void **state)
{
	json_t *reply = expect_ok(wire_of(state), "batch",
		"{'atomic':true,'requests':["
		"['assistants.create',{'id':'batch'," TAKEN "}],"
		"['runs.create',{'thread_id':'batch','assistant_id':'batch'}],"
		"['assistants.delete',{'assistant_id':'batch'}]]}");

	expect_fields(field(reply, "results[1][1]"), "{" TAKEN "}");
}

static void a_run_sent_again_is_as_it_was_made(void **state)
{
	static const char create[] =
		"{'thread_id':'again','assistant_id':'again','idempotency_key':'again'}";
	struct wire *w = wire_of(state);
	json_t *run;

	assistant_new(w, "again", TAKEN);
	run = expect_ok(w, "runs.create", create);
	expect_ok(w, "assistants.update", "{'assistant_id':'again','model':'m2'}");
	expect_same(expect_ok(w, "runs.create", create), run);
	expect_ok(w, "assistants.delete", "{'assistant_id':'again'}");
	expect_same(expect_ok(w, "runs.create", create), run);
}

static void hints_outlive_a_crash(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;

	assistant_new(w, "crash", "'model':'m','reasoning_effort':'low'," RESOURCES);
	run_of(w, "crash", "");
	fixture_crash(fixture);
	fixture_resume(fixture);
	expect_fields(work_claim(w, "w", "crash", ""),
		"{'hints':{'reasoning_effort':'low'," RESOURCES "}}");
	run_of(w, "crash", "");
	expect_fields(work_claim(w, "w", "crash", ""),
		"{'hints':{'reasoning_effort':'low'," RESOURCES "}}");
}

static void strictly_an_unknown_assistant_is_refused(void **state)
{
	static const char create[] = "{'thread_id':'%s','assistant_id':'%s'}";
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);
	json_t *error = expect_error(
		w, "runs.create", "not_found", "assistant_id", create, "t_strict", "asst_x");

	assert_string_equal(text(error, "message"), "No assistant found with id 'asst_x'.");
	assert_int_equal(history_last(w), last);
	expect_error(w, "threads.get", "not_found", NULL, "{'thread_id':'t_strict'}");
	assistant_new(w, "asst_x", TAKEN);
	expect_fields(expect_ok(w, "runs.create", create, "t_strict", "asst_x"), "{" TAKEN "}");
	expect_ok(w, "assistants.delete", "{'assistant_id':'asst_x'}");
	expect_error(w, "runs.create", "not_found", "assistant_id", create, "t_strict_2", "asst_x");
}

static void strictly_a_batch_sees_its_own_assistants(void **state)
{
	static const char batch[] =
		"{'atomic':true,'requests':[%s"
		"['runs.create',{'thread_id':'t_batch','assistant_id':'asst_b'}]]}";
	struct wire *w = wire_of(state);

	expect_error(w, "batch", "not_found", "requests[0].assistant_id", batch, "");
	expect_error(w, "batch", "not_found", "requests[0]*", batch,
		"['assistants.get',{'assistant_id':'asst_b'}],");
	expect_ok(w, "batch", batch, "['assistants.create',{'id':'asst_b','model':'m'}],");
}

static void strictly_what_was_created_is_answered_again(void **state)
{
	static const char create[] =
		"{'thread_id':'t_once','assistant_id':'asst_o','idempotency_key':'once'}";
	struct wire *w = wire_of(state);
	json_t *run;

	expect_error(w, "runs.create", "not_found", "assistant_id", create);
	assistant_new(w, "asst_o", "'model':'m'");
	run = expect_ok(w, "runs.create", create);
	expect_ok(w, "assistants.delete", "{'assistant_id':'asst_o'}");
	expect_same(expect_ok(w, "runs.create", create), run);
}

/* What is imported was created elsewhere. */
static void strictly_imported_runs_need_no_assistant(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'imp','assistant_id':'asst_elsewhere'}"));
	expect_fields(run_get(w, "imp"), "{'assistant_id':'asst_elsewhere'}");
}

static void strictness_is_the_daemon_s_not_the_store_s(void **state)
{
	static const char *const strict[] = {"--strict-assistants", NULL};
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;

	run_of(w, "loose", "");
	fixture_halt(fixture);
	fixture->daemon.args = strict;
	fixture_resume(fixture);
	expect_error(w, "runs.create", "not_found", "assistant_id",
		"{'thread_id':'loose_2','assistant_id':'loose'}");
	/* The run of before goes on. */
	work_claim(w, "w", "loose", "");
	fixture_halt(fixture);
	fixture->daemon.args = NULL;
	fixture_resume(fixture);
	expect_ok(w, "runs.create", "{'thread_id':'loose_2','assistant_id':'loose'}");
}

static int start_strict(void **state)
{
	static const char *args[] = {"--strict-assistants", NULL};

	*state = args;
	return fixture_start(state);
}

#define STRICT(test) cmocka_unit_test_setup_teardown(test, start_strict, fixture_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_takes_what_it_is_not_given),
		cmocka_unit_test(null_is_not_given),
		cmocka_unit_test(what_a_run_is_given_it_keeps),
		cmocka_unit_test(additional_instructions_follow_those_of_the_assistant),
		cmocka_unit_test(an_assistant_without_instructions_gives_the_empty_one),
		cmocka_unit_test(a_later_change_of_the_assistant_does_not_change_the_run),
		cmocka_unit_test(hints_come_from_the_assistant_unless_the_run_has_its_own),
		cmocka_unit_test(empty_resources_are_no_hint),
		cmocka_unit_test(an_assistant_s_many_tools_are_all_taken),
		cmocka_unit_test(an_unknown_assistant_is_well_unless_they_are_strict),
		cmocka_unit_test(a_batch_s_run_takes_from_the_assistant_made_in_it),
		cmocka_unit_test(a_run_sent_again_is_as_it_was_made),
		cmocka_unit_test(hints_outlive_a_crash),
		cmocka_unit_test(strictness_is_the_daemon_s_not_the_store_s),
		STRICT(strictly_an_unknown_assistant_is_refused),
		STRICT(strictly_a_batch_sees_its_own_assistants),
		STRICT(strictly_what_was_created_is_answered_again),
		STRICT(strictly_imported_runs_need_no_assistant),
	};

	return cmocka_run_group_tests_name("assistants runs", tests, fixture_start, fixture_stop);
}
