/* Which fields may be missing, told apart from the tables. */
#include "tests/support/cmocka_all.h"

#include "tests/unit/canon.h"

/* A Run and a RunStep with every field, every kind of tool and every kind of call. */
static const char full_run[] =
	"{'id':'run_1','object':'thread.run','created_at':1,'thread_id':'t','assistant_id':'a',"
	"'status':'completed','required_action':{'type':'submit_tool_outputs',"
	"'submit_tool_outputs':{'tool_calls':[{'id':'c','type':'function','function':"
	"{'name':'f','arguments':''}}]}},'last_error':{'code':'server_error','message':''},"
	"'expires_at':1,'started_at':1,'cancelled_at':1,'failed_at':1,'completed_at':1,"
	"'incomplete_details':{'reason':'max_prompt_tokens'},'model':'m','instructions':'i',"
	"'tools':[{'type':'code_interpreter'},{'type':'file_search','file_search':"
	"{'max_num_results':1,'ranking_options':{'ranker':'auto','score_threshold':0}}},"
	"{'type':'function','function':{'description':'','name':'f','parameters':{},"
	"'strict':true}}],'metadata':{},'usage':{'completion_tokens':1,'prompt_tokens':1,"
	"'total_tokens':2},'temperature':1,'top_p':1,'max_prompt_tokens':256,"
	"'max_completion_tokens':256,'truncation_strategy':{'type':'last_messages',"
	"'last_messages':1},'tool_choice':{'type':'function','function':{'name':'f'}},"
	"'parallel_tool_calls':false,'response_format':{'type':'json_schema','json_schema':"
	"{'description':'','name':'n','schema':{},'strict':false}}}";

static const char full_step[] =
	"{'id':'step_1','object':'thread.run.step','created_at':1,'assistant_id':'a',"
	"'thread_id':'t','run_id':'r','type':'tool_calls','status':'completed','step_details':"
	"{'type':'tool_calls','tool_calls':[{'id':'c','type':'code_interpreter',"
	"'code_interpreter':{'input':'','outputs':[{'type':'logs','logs':''},{'type':'image',"
	"'image':{'file_id':'f'}}]}},{'id':'c','type':'file_search','file_search':"
	"{'ranking_options':{'ranker':'auto','score_threshold':0},'results':[{'file_id':'f',"
	"'file_name':'n','score':0,'content':[{'type':'text','text':''}]}]}},{'id':'c','type':"
	"'function','function':{'name':'f','arguments':'','output':''}}]},'last_error':"
	"{'code':'server_error','message':''},'expired_at':1,'cancelled_at':1,'failed_at':1,"
	"'completed_at':1,'metadata':{},'usage':{'completion_tokens':1,'prompt_tokens':1,"
	"'total_tokens':2}}";

static const char may_miss_in_run[] =
	" required_action last_error expires_at started_at cancelled_at failed_at completed_at"
	" incomplete_details incomplete_details.reason model instructions tools"
	" tools[1].file_search tools[1].file_search.max_num_results"
	" tools[1].file_search.ranking_options tools[1].file_search.ranking_options.ranker"
	" tools[2].function.description tools[2].function.parameters tools[2].function.strict"
	" metadata usage temperature top_p max_prompt_tokens max_completion_tokens"
	" truncation_strategy truncation_strategy.last_messages tool_choice tool_choice.function"
	" parallel_tool_calls response_format response_format.json_schema.description"
	" response_format.json_schema.schema response_format.json_schema.strict ";

static const char may_miss_in_step[] =
	" step_details.tool_calls[1].file_search.ranking_options"
	" step_details.tool_calls[1].file_search.results"
	" step_details.tool_calls[1].file_search.results[0].content"
	" step_details.tool_calls[1].file_search.results[0].content[0].type"
	" step_details.tool_calls[1].file_search.results[0].content[0].text"
	" step_details.tool_calls[2].function.output"
	" last_error expired_at cancelled_at failed_at completed_at metadata usage ";

struct drops {
	const struct subject *subject;
	json_t *root;
	const char *may_miss;
	unsigned int n_missed;
};

static bool may_miss(const struct drops *d, const char *path)
{
	char word[220];

	snprintf(word, sizeof(word), " %s ", path);
	return strstr(d->may_miss, word) != NULL;
}

static void drop(struct drops *d, json_t *object, const char *name, const char *path)
{
	json_t *member = json_incref(json_object_get(object, name));

	json_object_del(object, name);
	if (may_miss(d, path)) {
		json_decref(accepted(d->subject, d->root));
		d->n_missed++;
	} else {
		assert_refused(d->subject, d->root, E_MISSING_PARAM, path);
	}
	json_object_set_new(object, name, member);
}

/* Drop each member of @value, and of what is in it, and see what comes of it. */
static void drop_all(struct drops *d, json_t *value, const char *path)
{
	json_t *members = json_copy(value);
	const char *key;
	json_t *member;
	char in[200];

	for (size_t i = 0; i < json_array_size(value); i++) {
		assert_true((size_t)snprintf(in, sizeof(in), "%s[%zu]", path, i) < sizeof(in));
		drop_all(d, json_array_get(value, i), in);
	}
	json_object_foreach(members, key, member)
	{
		assert_true((size_t)snprintf(in, sizeof(in), "%s%s%s", path, path[0] ? "." : "",
				    key) < sizeof(in));
		drop_all(d, member, in);
		drop(d, value, key, in);
	}
	json_decref(members);
}

static void drop_each(const struct schema *s, const char *text, const char *may_miss_in)
{
	struct subject subject = {"object", s, false};
	struct drops d = {&subject, codec_parse("%s", text), may_miss_in, 0};
	unsigned int n_words = 0;

	json_decref(accepted(&subject, d.root));
	drop_all(&d, d.root, "");
	json_decref(d.root);
	for (const char *at = may_miss_in + 1; *at; at++) {
		n_words += *at == ' ';
	}
	assert_int_equal(d.n_missed, n_words);
}

static void of_a_run_what_has_no_default_must_be_there(void **state)
{
	drop_each(&schema_run_import, full_run, may_miss_in_run);
}

static void of_a_step_what_has_no_default_must_be_there(void **state)
{
	drop_each(&schema_step_import, full_step, may_miss_in_step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_run_what_has_no_default_must_be_there),
		cmocka_unit_test(of_a_step_what_has_no_default_must_be_there),
	};

	return cmocka_run_group_tests_name("schema_required", tests, NULL, NULL);
}
