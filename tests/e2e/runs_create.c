/* runs.create: what it needs, what it fills in, what it keeps. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char defaults[] =
	"{'object':'thread.run','status':'queued','required_action':null,'last_error':null,"
	"'started_at':null,'cancelled_at':null,'failed_at':null,'completed_at':null,"
	"'incomplete_details':null,'model':'','instructions':'','tools':[],'metadata':{},"
	"'usage':null,'temperature':1.0,'top_p':1.0,'max_prompt_tokens':null,"
	"'max_completion_tokens':null,'truncation_strategy':{'type':'auto','last_messages':null},"
	"'tool_choice':'auto','parallel_tool_calls':true,'response_format':'auto'}";

static void a_bare_run_has_every_field_with_its_default(void **state)
{
	json_t *run = expect_ok(
		wire_of(state), "runs.create", "{'thread_id':'t_bare','assistant_id':'asst_1'}");

	expect_fields(run, defaults);
	expect_fields(run, "{'thread_id':'t_bare','assistant_id':'asst_1'}");
	expect_now(run, "created_at");
	assert_int_equal(number(run, "expires_at"), number(run, "created_at") + 600);
}

static void the_fields_come_in_the_order_of_the_schema(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t_order");

	expect_names(run_get(w, id), run_names);
	expect_names(run_move(w, id, "in_progress"), run_names);
}

static void null_takes_the_default(void **state)
{
	json_t *run = expect_ok(wire_of(state), "runs.create",
		"{'thread_id':'t_null','assistant_id':'asst_1','id':null,'model':null,"
		"'instructions':null,'additional_instructions':null,'tools':null,'metadata':null,"
		"'temperature':null,'top_p':null,'max_prompt_tokens':null,"
		"'max_completion_tokens':null,'truncation_strategy':null,'tool_choice':null,"
		"'parallel_tool_calls':null,'response_format':null,'reasoning_effort':null}");

	expect_fields(run, defaults);
}

static void every_field_comes_back_as_it_was_sent(void **state)
{
	static const char fields[] =
		"{'thread_id':'t_all','assistant_id':'asst_all','id':'run_all','model':'gpt-4o',"
		"'instructions':'Be kind.','tools':[{'type':'code_interpreter'},"
		"{'type':'file_search','file_search':{'max_num_results':5,'ranking_options':"
		"{'ranker':'auto','score_threshold':0.5}}},{'type':'function','function':"
		"{'name':'look','description':'d','parameters':{'type':'object','properties':"
		"{'any':{'thing':[1,2.5,null,true]}}},'strict':false}}],"
		"'metadata':{'k':'v','\xc3\xbc':'\xe2\x82\xac'},'temperature':0.25,'top_p':0,"
		"'max_prompt_tokens':256,'max_completion_tokens':100000,"
		"'truncation_strategy':{'type':'last_messages','last_messages':3},"
		"'tool_choice':{'type':'function','function':{'name':'look'}},"
		"'parallel_tool_calls':false,'response_format':{'type':'json_schema','json_schema':"
		"{'name':'n','schema':{'type':'object'},'strict':true}}}";
	struct wire *w = wire_of(state);
	json_t *run = expect_ok(w, "runs.create", fields);

	expect_fields(run, fields);
	expect_same(run_get(w, "run_all"), run);
	assert_false(json_is_null(field(run, "expires_at")));
}

static void choices_are_kept(void **state)
{
	static const char *const members[] = {"'tool_choice':'none'", "'tool_choice':'required'",
		"'tool_choice':{'type':'file_search'}", "'response_format':{'type':'text'}",
		"'response_format':{'type':'json_object'}", "'temperature':2", "'top_p':1",
		"'tools':[{'type':'file_search'}]"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		json_t *run = expect_ok(w, "runs.create",
			"{'thread_id':'t','assistant_id':'a','on_active':'parallel',%s}",
			members[i]);

		expect_fields(run, "{%s}", members[i]);
	}
}

static void issued_ids_are_ulids_that_grow(void **state)
{
	struct wire *w = wire_of(state);
	const char *last = "";

	for (int i = 0; i < 20; i++) {
		const char *id = run_new(w, "t_ids");

		assert_int_equal(strlen(id), 4 + 26);
		assert_memory_equal(id, "run_", 4);
		assert_int_equal(
			strspn(strchr(id, '_') + 1, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
		assert_true(strcmp(last, id) < 0);
		last = id;
	}
}

static void an_id_may_be_given_once(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = repeated(w, "aZ09_-x.", 8);

	expect_error(w, "runs.create", "invalid_id", "id",
		"{'thread_id':'t_given','assistant_id':'a','id':'%s'}", id);
	id = repeated(w, "aZ09_-xx", 8);
	expect_fields(expect_ok(w, "runs.create",
			      "{'thread_id':'t_given','assistant_id':'a','id':'%s'}", id),
		"{'id':'%s'}", id);
	expect_error(w, "runs.create", "id_conflict", NULL,
		"{'thread_id':'t_other','assistant_id':'b','id':'%s'}", id);
	expect_fields(run_get(w, id), "{'thread_id':'t_given','assistant_id':'a'}");
}

static void additional_instructions_follow_after_a_newline(void **state)
{
	static const char create[] = "{'thread_id':'t','assistant_id':'a','on_active':'parallel',"
				     "'instructions':'one','additional_instructions':'two'}";

	expect_fields(
		expect_ok(wire_of(state), "runs.create", create), "{'instructions':'one\\ntwo'}");
}

static void expires_in_overrides_the_ttl(void **state)
{
	static const char create[] = "{'thread_id':'t','assistant_id':'a','on_active':'parallel',"
				     "'expires_in':%d}";
	struct wire *w = wire_of(state);
	json_t *run = expect_ok(w, "runs.create", create, 7200);

	assert_int_equal(number(run, "expires_at"), number(run, "created_at") + 7200);
	expect_fields(expect_ok(w, "runs.create", create, 0), "{'expires_at':null}");
}

static void text_may_hold_any_character(void **state)
{
	static const char text_of_all[] = "{'model':'\\u0000','instructions':'"
					  "a\\u0000b\\n\\u007f\xf0\x9f\x98\x80\xef\xbf\xbf',"
					  "'metadata':{'k':'\\u0000v'}}";
	json_t *params = codec_parse(text_of_all);

	json_object_set_new(params, "thread_id", json_string("t_text"));
	json_object_set_new(params, "assistant_id", json_string("a"));
	expect_fields(expect_ok_take(wire_of(state), "runs.create", params), text_of_all);
}

static void reasoning_effort_is_accepted_and_not_shown(void **state)
{
	json_t *run = expect_ok(wire_of(state), "runs.create",
		"{'thread_id':'t_effort','assistant_id':'a','reasoning_effort':'high'}");

	assert_null(field(run, "reasoning_effort"));
}

static void a_second_active_run_is_rejected_by_default(void **state)
{
	static const char create[] = "{'thread_id':'t_active','assistant_id':'a'%s}";
	struct wire *w = wire_of(state);
	const char *id = text(expect_ok(w, "runs.create", create, ""), "id");
	char message[128];
	json_t *error;

	error = expect_error(w, "runs.create", "run_active", NULL, create, "");
	snprintf(message, sizeof(message), "Thread t_active already has an active run %s.", id);
	assert_string_equal(text(error, "message"), message);
	expect_error(w, "runs.create", "run_active", NULL, create, ",'on_active':'reject'");
	run_move(w, id, "cancelled");
	expect_ok(w, "runs.create", create, "");
}

static void every_active_status_rejects_and_no_terminal_one(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < N_STATUSES; i++) {
		char thread[32];

		snprintf(thread, sizeof(thread), "t_active_%d", i);
		run_in(w, thread, run_statuses[i]);
		if (i < 4) {
			expect_error(w, "runs.create", "run_active", NULL,
				"{'thread_id':'%s','assistant_id':'a'}", thread);
		} else {
			expect_ok(
				w, "runs.create", "{'thread_id':'%s','assistant_id':'a'}", thread);
		}
	}
}

static void enqueue_and_parallel_let_it_in(void **state)
{
	static const char create[] = "{'thread_id':'t_more','assistant_id':'a','on_active':'%s'}";
	struct wire *w = wire_of(state);

	run_in(w, "t_more", "in_progress");
	expect_fields(expect_ok(w, "runs.create", create, "enqueue"), "{'status':'queued'}");
	expect_fields(expect_ok(w, "runs.create", create, "parallel"), "{'status':'queued'}");
	expect_error(w, "runs.create", "invalid_params", "on_active", create, "perhaps");
}

/* Count up the number at the end of an issued id. */
static void next_id(char *id)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	for (size_t at = strlen(id) - 1; id[at] != '_'; at--) {
		const char *digit = strchr(digits, id[at]);

		assert_non_null(digit);
		if (digit[1]) {
			id[at] = digit[1];
			return;
		}
		id[at] = digits[0];
	}
}

/* Runs under the ids that follow @first, and one that gets its id. Returns that one's. */
static const char *create_behind(struct wire *w, const char *first)
{
	static const char create[] =
		"['runs.create',{'thread_id':'%s','assistant_id':'a','on_active':'parallel'}]";
	json_t *requests = json_array(), *reply;
	char id[40];

	snprintf(id, sizeof(id), "%s", first);
	for (int i = 0; i < 20; i++) {
		json_t *request = codec_parse(create, "t_chosen");

		next_id(id);
		json_object_set_new(json_array_get(request, 1), "id", json_string(id));
		json_array_append_new(requests, request);
	}
	json_array_append_new(requests, codec_parse(create, "t_issued"));
	reply = expect_ok_take(w, "batch", json_pack("{so}", "requests", requests));
	for (int i = 0; i < 20; i++) {
		json_t *entry = json_array_get(field(reply, "results"), (size_t)i);

		expect_fields(run_get(w, text(json_array_get(entry, 1), "id")),
			"{'thread_id':'t_chosen'}");
	}
	return text(reply, "results[20][1].id");
}

/* Without a wait for the disk, so that most rounds take less than a millisecond. */
static void an_issued_id_is_none_that_a_caller_chose(void **state)
{
	struct wire *w = wire_of(state);
	int n = 0;

	for (int i = 0; i < 50; i++) {
		const char *first = run_new(w, "t_issued"), *last = create_behind(w, first);

		expect_fields(run_get(w, last), "{'thread_id':'t_issued'}");
		n += !memcmp(first, last, 4 + 10);
	}
	assert_int_equal(number(expect_ok(w, "server.stats", NULL), "runs"), 50 * 22);
	print_message("# %d of 50 rounds within one millisecond\n", n);
}

static int start_lazy(void **state)
{
	static const char *args[] = {"--sync", "interval:1000", NULL};

	*state = args;
	return fixture_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_run_has_every_field_with_its_default),
		cmocka_unit_test(the_fields_come_in_the_order_of_the_schema),
		cmocka_unit_test(null_takes_the_default),
		cmocka_unit_test(every_field_comes_back_as_it_was_sent),
		cmocka_unit_test(choices_are_kept),
		cmocka_unit_test(issued_ids_are_ulids_that_grow),
		cmocka_unit_test(an_id_may_be_given_once),
		cmocka_unit_test(additional_instructions_follow_after_a_newline),
		cmocka_unit_test(expires_in_overrides_the_ttl),
		cmocka_unit_test(text_may_hold_any_character),
		cmocka_unit_test(reasoning_effort_is_accepted_and_not_shown),
		cmocka_unit_test(a_second_active_run_is_rejected_by_default),
		cmocka_unit_test(every_active_status_rejects_and_no_terminal_one),
		cmocka_unit_test(enqueue_and_parallel_let_it_in),
		cmocka_unit_test_setup_teardown(
			an_issued_id_is_none_that_a_caller_chose, start_lazy, fixture_stop),
	};

	return cmocka_run_group_tests_name("runs.create", tests, fixture_start, fixture_stop);
}
