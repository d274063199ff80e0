/* The content of file_search results is given to those who ask for it. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#define CONTENT "step_details.tool_calls[*].file_search.results[*].content"
#define CALLS                                                                                      \
	"{'type':'tool_calls','tool_calls':[{'id':'c1','type':'function','function':{'name':"      \
	"'content','arguments':'{}','output':null}},{'id':'c2','type':'file_search','file_search'" \
	":{'ranking_options':{'ranker':'auto','score_threshold':0},'results':[{'file_id':'f1',"    \
	"'file_name':'n1','score':0.5%s},{'file_id':'f2','file_name':'n2','score':1%s}]}},"        \
	"{'id':'c3','type':'file_search','file_search':{'results':[{'file_id':'f3','file_name':"   \
	"'n3','score':0}]}},{'id':'c4','type':'file_search','file_search':{}}]}"
#define TEXT1 ",'content':[{'type':'text','text':'one'},{'type':'text','text':'more'}]"
#define TEXT2 ",'content':[]"

static void content_is_left_out_unless_it_is_asked_for(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id =
		text(expect_ok(w, "steps.create",
			     "{'run_id':'%s','type':'tool_calls','step_details':" CALLS "}", run,
			     TEXT1, TEXT2),
			"id");

	expect_fields(step_get(w, run, id), "{'id':'%s','step_details':" CALLS "}", id, "", "");
	expect_fields(expect_ok(w, "steps.list", "{'run_id':'%s'}", run),
		"{'data[0].step_details':" CALLS "}", "", "");
	expect_fields(expect_ok(w, "steps.get",
			      "{'run_id':'%s','step_id':'%s','include':['" CONTENT "']}", run, id),
		"{'step_details':" CALLS "}", TEXT1, TEXT2);
	expect_fields(expect_ok(w, "steps.list", "{'run_id':'%s','include':['" CONTENT "']}", run),
		"{'data[0].step_details':" CALLS "}", TEXT1, TEXT2);
	expect_fields(
		expect_ok(w, "steps.get", "{'run_id':'%s','step_id':'%s','include':[]}", run, id),
		"{'step_details':" CALLS "}", "", "");
}

static void an_update_of_something_else_keeps_the_content(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id =
		text(expect_ok(w, "steps.create",
			     "{'run_id':'%s','type':'tool_calls','step_details':" CALLS "}", run,
			     TEXT1, TEXT2),
			"id");

	step_get(w, run, id);
	expect_ok(w, "steps.update",
		"{'run_id':'%s','step_id':'%s','status':'completed','metadata':{'a':'b'}}", run,
		id);
	expect_fields(expect_ok(w, "steps.get",
			      "{'run_id':'%s','step_id':'%s','include':['" CONTENT "']}", run, id),
		"{'status':'completed','step_details':" CALLS "}", TEXT1, TEXT2);
}

static void steps_without_file_search_are_the_same_either_way(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);

	expect_same(expect_ok(w, "steps.get",
			    "{'run_id':'%s','step_id':'%s','include':['" CONTENT "']}", run, id),
		step_get(w, run, id));
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"['step_details']", "'" CONTENT "'", "[1]", "{}", "['" CONTENT "','x']"};
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		expect_error(w, "steps.get", "invalid_params", "include*",
			"{'run_id':'%s','step_id':'%s','include':%s}", run, id, bad[i]);
		expect_error(w, "steps.list", "invalid_params", "include*",
			"{'run_id':'%s','include':%s}", run, bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_left_out_unless_it_is_asked_for),
		cmocka_unit_test(an_update_of_something_else_keeps_the_content),
		cmocka_unit_test(steps_without_file_search_are_the_same_either_way),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests_name("include", tests, fixture_start, fixture_stop);
}
