/* What runs.create refuses, field by field, and that nothing of it is stored. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

struct refusal {
	const char *members; /* of a runs.create that is good otherwise */
	const char *code;
	const char *param;
};

#define BAD "invalid_params"
#define UNKNOWN "unknown_param"
#define MISSING "missing_param"

static const struct refusal scalars[] = {
	{"'model':5", BAD, "model"},
	{"'model':['m']", BAD, "model"},
	{"'instructions':true", BAD, "instructions"},
	{"'additional_instructions':1", BAD, "additional_instructions"},
	{"'temperature':'1'", BAD, "temperature"},
	{"'temperature':true", BAD, "temperature"},
	{"'temperature':2.01", BAD, "temperature"},
	{"'temperature':-0.01", BAD, "temperature"},
	{"'top_p':1.01", BAD, "top_p"},
	{"'top_p':-1", BAD, "top_p"},
	{"'top_p':{}", BAD, "top_p"},
	{"'max_prompt_tokens':255", BAD, "max_prompt_tokens"},
	{"'max_prompt_tokens':'256'", BAD, "max_prompt_tokens"},
	{"'max_prompt_tokens':256.5", BAD, "max_prompt_tokens"},
	{"'max_completion_tokens':255", BAD, "max_completion_tokens"},
	{"'max_completion_tokens':-1", BAD, "max_completion_tokens"},
	{"'parallel_tool_calls':1", BAD, "parallel_tool_calls"},
	{"'parallel_tool_calls':'true'", BAD, "parallel_tool_calls"},
	{"'reasoning_effort':'heroic'", BAD, "reasoning_effort"},
	{"'expires_in':-1", BAD, "expires_in"},
	{"'expires_in':'1'", BAD, "expires_in"},
	{"'expires_in':1.5", BAD, "expires_in"},
	{"'on_active':'ignore'", BAD, "on_active"},
	{"'on_active':1", BAD, "on_active"},
	{"'metadata':'x'", BAD, "metadata"},
	{"'metadata':[]", BAD, "metadata"},
	{"'metadata':{'a':1}", BAD, "metadata*"},
	{"'metadata':{'a':null}", BAD, "metadata*"},
	{"'metadata':{'a':{'b':'c'}}", BAD, "metadata*"},
	{"'id':7", "invalid_params|invalid_id", "id"},
	{"'colour':'red'", UNKNOWN, "colour"},
	{"'stream':true", UNKNOWN, "stream"},
	{"'additional_messages':[]", UNKNOWN, "additional_messages"},
	{"'status':'queued'", UNKNOWN, "status"},
	{"'created_at':1", UNKNOWN, "created_at"},
	{"'usage':null", UNKNOWN, "usage"},
	{"'':1", UNKNOWN, NULL},
};

#define LOOK "'tools':[{'type':'code_interpreter'},{'type':'function','function':"

static const struct refusal tools[] = {
	{"'tools':{}", BAD, "tools"},
	{"'tools':'code_interpreter'", BAD, "tools"},
	{"'tools':['code_interpreter']", BAD, "tools[0]"},
	{"'tools':[null]", BAD, "tools[0]"},
	{"'tools':[{}]", MISSING, "tools[0].type"},
	{"'tools':[{'type':'retrieval'}]", BAD, "tools[0].type"},
	{"'tools':[{'type':3}]", BAD, "tools[0].type"},
	{"'tools':[{'type':'code_interpreter','size':1}]", UNKNOWN, "tools[0].size"},
	{"'tools':[{'type':'code_interpreter'},{'type':'function'}]", MISSING, "tools[1].function"},
	{LOOK "'look'}]", BAD, "tools[1].function"},
	{LOOK "{}}]", MISSING, "tools[1].function.name"},
	{LOOK "{'name':1}}]", BAD, "tools[1].function.name"},
	{LOOK "{'name':'n','description':1}}]", BAD, "tools[1].function.description"},
	{LOOK "{'name':'n','parameters':[]}}]", BAD, "tools[1].function.parameters"},
	{LOOK "{'name':'n','strict':'yes'}}]", BAD, "tools[1].function.strict"},
	{LOOK "{'name':'n','colour':1}}]", UNKNOWN, "tools[1].function.colour"},
	{"'tools':[{'type':'file_search','file_search':{'max_num_results':0}}]", BAD,
		"tools[0].file_search.max_num_results"},
	{"'tools':[{'type':'file_search','file_search':{'max_num_results':51}}]", BAD,
		"tools[0].file_search.max_num_results"},
	{"'tools':[{'type':'file_search','file_search':{'ranking_options':{}}}]", MISSING,
		"tools[0].file_search.ranking_options.score_threshold"},
	{"'tools':[{'type':'file_search','file_search':"
	 "{'ranking_options':{'score_threshold':1.1}}}]",
		BAD, "tools[0].file_search.ranking_options.score_threshold"},
	{"'tools':[{'type':'file_search','file_search':"
	 "{'ranking_options':{'score_threshold':1,'ranker':'best'}}}]",
		BAD, "tools[0].file_search.ranking_options.ranker"},
};

static const struct refusal choices[] = {
	{"'truncation_strategy':'auto'", BAD, "truncation_strategy"},
	{"'truncation_strategy':{}", MISSING, "truncation_strategy.type"},
	{"'truncation_strategy':{'type':'none'}", BAD, "truncation_strategy.type"},
	{"'truncation_strategy':{'type':'last_messages','last_messages':0}", BAD,
		"truncation_strategy.last_messages"},
	{"'truncation_strategy':{'type':'auto','size':1}", UNKNOWN, "truncation_strategy.size"},
	{"'tool_choice':'sometimes'", BAD, "tool_choice"},
	{"'tool_choice':1", BAD, "tool_choice"},
	{"'tool_choice':{}", MISSING, "tool_choice.type"},
	{"'tool_choice':{'type':'magic'}", BAD, "tool_choice.type"},
	{"'tool_choice':{'type':'function','function':{}}", MISSING, "tool_choice.function.name"},
	{"'tool_choice':{'type':'function','function':{'name':'n','x':1}}", UNKNOWN,
		"tool_choice.function.x"},
	{"'response_format':'json'", BAD, "response_format"},
	{"'response_format':[]", BAD, "response_format"},
	{"'response_format':{}", MISSING, "response_format.type"},
	{"'response_format':{'type':'xml'}", BAD, "response_format.type"},
	{"'response_format':{'type':'text','x':1}", UNKNOWN, "response_format.x"},
	{"'response_format':{'type':'json_schema'}", MISSING, "response_format.json_schema"},
	{"'response_format':{'type':'json_schema','json_schema':{}}", MISSING,
		"response_format.json_schema.name"},
	{"'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':1}}", BAD,
		"response_format.json_schema.schema"},
};

static void expect_refusals(struct wire *w, const struct refusal *row, size_t n)
{
	for (; n; n--, row++) {
		expect_error(w, "runs.create", row->code, row->param,
			"{'thread_id':'t_fields','assistant_id':'a','on_active':'parallel',%s}",
			row->members);
	}
}

static void a_bad_scalar_is_refused_by_its_name(void **state)
{
	expect_refusals(wire_of(state), scalars, sizeof(scalars) / sizeof(*scalars));
}

static void a_bad_tool_is_refused_by_its_path(void **state)
{
	expect_refusals(wire_of(state), tools, sizeof(tools) / sizeof(*tools));
}

static void a_bad_choice_is_refused_by_its_path(void **state)
{
	expect_refusals(wire_of(state), choices, sizeof(choices) / sizeof(*choices));
}

static void thread_and_assistant_must_be_given(void **state)
{
	struct wire *w = wire_of(state);

	expect_error(w, "runs.create", MISSING, "thread_id", "{'assistant_id':'a'}");
	expect_error(w, "runs.create", MISSING, "assistant_id", "{'thread_id':'t_fields'}");
	expect_error(w, "runs.create", MISSING, NULL, NULL);
	expect_error(w, "runs.create", BAD "|" MISSING "|invalid_id", "thread_id",
		"{'thread_id':null,'assistant_id':'a'}");
}

static void a_malformed_id_is_refused(void **state)
{
	static const char *const bad[] = {"", "a b", "a/b", "a\\u0000b", "a.b", "\xc3\xa4",
		"65_characters_are_one_too_many_4567890123456789012345678901234567"};
	static const char *const names[] = {"id", "thread_id", "assistant_id"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		for (size_t j = 0; j < 3; j++) {
			json_t *params = codec_parse("{'thread_id':'t_fields','assistant_id':'a'}");

			json_object_set_new(params, names[j], codec_parse("'%s'", bad[i]));
			expect_error_take(w, "runs.create", "invalid_id", names[j], params);
		}
		expect_error(w, "runs.get", "invalid_id", "run_id", "{'run_id':'%s'}", bad[i]);
		expect_error(
			w, "runs.list", "invalid_id", "thread_id", "{'thread_id':'%s'}", bad[i]);
	}
}

static void twenty_tools_are_accepted_and_no_more(void **state)
{
	struct wire *w = wire_of(state);
	const char *more = repeated(w, ",{'type':'code_interpreter'}", 19);

	expect_ok(w, "runs.create",
		"{'thread_id':'t_tools','assistant_id':'a','tools':[{'type':'file_search'}%s]}",
		more);
	expect_error(w, "runs.create", BAD, "tools",
		"{'thread_id':'t_21','assistant_id':'a','tools':"
		"[{'type':'file_search'},{'type':'file_search'}%s]}",
		more);
}

static void a_function_name_has_sixty_four_characters_at_most(void **state)
{
	static const char create[] =
		"{'thread_id':'t_name','assistant_id':'a','on_active':'parallel',"
		"'tools':[{'type':'code_interpreter'},{'type':'file_search'},"
		"{'type':'function','function':{'name':'%s'}}]}";
	struct wire *w = wire_of(state);

	expect_ok(w, "runs.create", create, repeated(w, "n", 64));
	expect_error(w, "runs.create", BAD, "tools[2].function.name", create, repeated(w, "n", 65));
}

static void what_was_refused_left_no_thread_behind(void **state)
{
	expect_error(
		wire_of(state), "runs.list", "not_found", "thread_id", "{'thread_id':'t_fields'}");
}

static void other_methods_check_their_params_too(void **state)
{
	static const struct {
		const char *method, *params, *code, *param;
	} rows[] = {
		{"runs.get", "{}", MISSING, "run_id"},
		{"runs.get", "{'run_id':1}", "invalid_params|invalid_id", "run_id"},
		{"runs.get", "{'run_id':'r','x':1}", UNKNOWN, "x"},
		{"runs.cancel", "{}", MISSING, "run_id"},
		{"runs.delete", "{'run_id':'r','force':true}", UNKNOWN, "force"},
		{"runs.update", "{'status':'failed'}", MISSING, "run_id"},
		{"runs.list", "{'colour':1}", UNKNOWN, "colour"},
		{"runs.submit_tool_outputs", "{'run_id':'r'}", MISSING, "tool_outputs"},
		{"steps.get", "{'run_id':'r'}", MISSING, "step_id"},
		{"steps.list", "{}", MISSING, "run_id"},
		{"steps.create", "{'run_id':'r','type':'tool_calls'}", MISSING, "step_details"},
		{"steps.update", "{'run_id':'r'}", MISSING, "step_id"},
		{"threads.delete", "{}", MISSING, "thread_id"},
		{"threads.list", "{'thread_id':'t'}", UNKNOWN, "thread_id"},
		{"objects.import", "{}", MISSING, "objects"},
		{"batch", "{}", MISSING, "requests"},
		{"server.info", "{'verbose':true}", UNKNOWN, "verbose"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(wire_of(state), rows[i].method, rows[i].code, rows[i].param, "%s",
			rows[i].params);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_scalar_is_refused_by_its_name),
		cmocka_unit_test(a_bad_tool_is_refused_by_its_path),
		cmocka_unit_test(a_bad_choice_is_refused_by_its_path),
		cmocka_unit_test(thread_and_assistant_must_be_given),
		cmocka_unit_test(a_malformed_id_is_refused),
		cmocka_unit_test(twenty_tools_are_accepted_and_no_more),
		cmocka_unit_test(a_function_name_has_sixty_four_characters_at_most),
		cmocka_unit_test(what_was_refused_left_no_thread_behind),
		cmocka_unit_test(other_methods_check_their_params_too),
	};

	return cmocka_run_group_tests_name("fields", tests, fixture_start, fixture_stop);
}
