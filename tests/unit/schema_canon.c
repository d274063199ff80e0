/* What is accepted, and its canonical form. */
#include "tests/support/cmocka_all.h"

#include "tests/unit/canon.h"

static const struct subject run = {"run", &schema_run_import, false};
static const struct subject step = {"step", &schema_step_import, false};

static void assert_json(json_t *got, const char *want)
{
	json_t *value = codec_parse("%s", want);
	char *a = json_dumps(got, JSON_ENCODE_ANY), *b = json_dumps(value, JSON_ENCODE_ANY);

	assert_string_equal(a, b); /* the order of members counts */
	free(a);
	free(b);
	json_decref(value);
	json_decref(got);
}

static json_t *canonical(const struct subject *subject, json_t *value)
{
	json_t *got = accepted(subject, value);

	json_decref(value);
	return got;
}

/* The canonical form of one member of a Run. */
static json_t *member(const struct subject *subject, json_t *object, const char *name)
{
	json_t *got = canonical(subject, object);
	json_t *value = json_incref(json_object_get(got, name));

	json_decref(got);
	return value;
}

static const char whole_run[] =
	"{'id':'run_1','object':'thread.run','created_at':1700000000,'thread_id':'thread_1',"
	"'assistant_id':'asst_1','status':'queued','required_action':null,'last_error':null,"
	"'expires_at':null,'started_at':null,'cancelled_at':null,'failed_at':null,"
	"'completed_at':null,'incomplete_details':null,'model':'','instructions':'','tools':[],"
	"'metadata':{},'usage':null,'temperature':1.0,'top_p':1.0,'max_prompt_tokens':null,"
	"'max_completion_tokens':null,'truncation_strategy':{'type':'auto','last_messages':null},"
	"'tool_choice':'auto','parallel_tool_calls':true,'response_format':'auto'}";

static const char whole_step[] =
	"{'id':'step_1','object':'thread.run.step','created_at':1700000000,"
	"'assistant_id':'asst_1','thread_id':'thread_1','run_id':'run_1',"
	"'type':'message_creation','status':'in_progress',"
	"'step_details':{'type':'message_creation','message_creation':{'message_id':'msg_1'}},"
	"'last_error':null,'expired_at':null,'cancelled_at':null,'failed_at':null,"
	"'completed_at':null,'metadata':{},'usage':null}";

static void missing_fields_take_their_defaults_in_the_order_of_the_tables(void **state)
{
	assert_json(canonical(&run, run_with("")), whole_run);
	assert_json(canonical(&step, step_with("")), whole_step);
}

static void null_fields_take_their_defaults(void **state)
{
	assert_json(
		canonical(&run, run_with("'required_action':null,'last_error':null,'tools':null,"
					 "'metadata':null,'temperature':null,'top_p':null,"
					 "'truncation_strategy':null,'tool_choice':null,"
					 "'parallel_tool_calls':null,'response_format':null,"
					 "'instructions':null,'model':null,'usage':null,"
					 "'max_prompt_tokens':null,'expires_at':null")),
		whole_run);
	assert_json(canonical(&step, step_with("'metadata':null,'last_error':null,'usage':null")),
		whole_step);
}

static void what_is_stored_is_canonical_already(void **state)
{
	static const struct subject stored_run = {"run", &schema_run, false};
	static const struct subject stored_step = {"step", &schema_step, false};

	assert_json(canonical(&stored_run, codec_parse("%s", whole_run)), whole_run);
	assert_json(canonical(&stored_step, codec_parse("%s", whole_step)), whole_step);
}

static void the_order_of_the_fields_that_come_does_not_count(void **state)
{
	json_t *given = codec_parse("%s", whole_run);
	struct buf turned = {0}, out = {0}, straight = {0};
	struct problem p;

	pack_long(&turned, given, true);
	pack(&straight, given);
	assert_int_equal(canon_bytes(&run, guarded_slice(buf_slice(&turned)), &out, &p), 0);
	assert_bytes(buf_slice(&out), buf_slice(&straight));
	buf_finish(&turned);
	buf_finish(&out);
	buf_finish(&straight);
	json_decref(given);
}

static void legacy_fields_are_dropped_whatever_they_are(void **state)
{
	assert_json(
		canonical(&run, run_with("'tool_resources':{'x':[1,{'y':null}]},'file_ids':[]")),
		whole_run);
	assert_json(canonical(&run, run_with("'tool_resources':null,'file_ids':7")), whole_run);
	assert_json(canonical(&step, step_with("'expires_at':1700000600")), whole_step);
	assert_json(canonical(&step, step_with("'expires_at':{}")), whole_step);
}

static void integers_become_floats_where_numbers_are_wanted(void **state)
{
	assert_json(member(&run, run_with("'temperature':2"), "temperature"), "2.0");
	assert_json(member(&run, run_with("'temperature':0"), "temperature"), "0.0");
	assert_json(member(&run, run_with("'top_p':0.25"), "top_p"), "0.25");
}

static void nested_defaults_are_filled_in_and_options_left_out(void **state)
{
	assert_json(member(&run, run_with("'truncation_strategy':{'type':'auto'}"),
			    "truncation_strategy"),
		"{'type':'auto','last_messages':null}");
	assert_json(member(&run, run_with("'incomplete_details':{}"), "incomplete_details"), "{}");
	assert_json(member(&run,
			    run_with("'tools':[{'function':{'strict':null,'name':'f'},"
				     "'type':'function'},{'type':'file_search'}]"),
			    "tools"),
		"[{'type':'function','function':{'name':'f','strict':null}},"
		"{'type':'file_search'}]");
	assert_json(member(&step,
			    step_with("'type':'tool_calls','step_details':{'tool_calls':[{'type':"
				      "'function','id':'c','function':{'arguments':'{}','name':"
				      "'f'}}],'type':'tool_calls'}"),
			    "step_details"),
		"{'type':'tool_calls','tool_calls':[{'id':'c','type':'function','function':"
		"{'name':'f','arguments':'{}','output':null}}]}");
}

static void either_a_name_or_an_object_is_taken(void **state)
{
	assert_json(
		member(&run, run_with("'tool_choice':'required'"), "tool_choice"), "'required'");
	assert_json(
		member(&run, run_with("'tool_choice':{'function':{'name':'f'},'type':'function'}"),
			"tool_choice"),
		"{'type':'function','function':{'name':'f'}}");
	assert_json(member(&run, run_with("'response_format':{'type':'json_object'}"),
			    "response_format"),
		"{'type':'json_object'}");
	assert_json(member(&run,
			    run_with("'response_format':{'type':'json_schema','json_schema':"
				     "{'schema':{'type':'object'},'name':'n'}}"),
			    "response_format"),
		"{'type':'json_schema','json_schema':{'name':'n','schema':{'type':'object'}}}");
}

static void metadata_keeps_its_order_and_is_counted_in_characters(void **state)
{
	char text[5000] = "'metadata':{'z':'1','a':'2','";
	size_t n = strlen(text);
	json_t *got;

	for (int i = 0; i < 64; i++, n += 4) {
		memcpy(text + n, "\xf0\x9f\x8c\x8d", 4);
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "':'");
	for (int i = 0; i < 512; i++, n += 4) {
		memcpy(text + n, "\xf0\x9f\x8c\x8d", 4);
	}
	snprintf(text + n, sizeof(text) - n, "','':''}");
	got = member(&run, run_with(text), "metadata");
	assert_int_equal(json_object_size(got), 4);
	assert_string_equal(json_object_iter_key(json_object_iter(got)), "z");
	json_decref(got);
}

static void a_status_filter_becomes_a_list(void **state)
{
	struct subject list = subject_of_method("runs.list");

	assert_json(canonical(&list, params_with("runs.list", "'status':'queued'")),
		"{'status':['queued']}");
	assert_json(canonical(&list, params_with("runs.list", "'status':['failed','queued']")),
		"{'status':['failed','queued']}");
}

static void an_open_map_is_made_canonical_too(void **state)
{
	static const struct subject map = {"map", &type_map, false};
	struct buf out = {0};
	struct problem p;

	assert_int_equal(canon_bytes(&map,
				 GUARDED("\xdf\x00\x00\x00\x01\xd9\x01k\xdc\x00\x08\xc0\xc3"
					 "\xd3\xff\xff\xff\xff\xff\xff\xff\xff"
					 "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
					 "\xca\x3f\xc0\x00\x00\xda\x00\x01x\xdd\x00\x00\x00\x00"
					 "\xde\x00\x00"),
				 &out, &p),
		0);
	assert_bytes(buf_slice(&out),
		SLICE_LIT("\x81\xa1k\x98\xc0\xc3\xff\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
			  "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1x\x90\x80"));
	buf_finish(&out);
}

static void an_absent_parameter_is_not_there_and_null_is_absent(void **state)
{
	struct subject create = subject_of_method("runs.create");

	assert_json(canonical(&create, params_with("runs.create", "")),
		"{'thread_id':'t','assistant_id':'a'}");
	assert_json(canonical(&create, params_with("runs.create", "'model':null,'metadata':null,"
								  "'idempotency_key':null")),
		"{'thread_id':'t','assistant_id':'a'}");
	assert_json(canonical(&create, params_with("runs.create", "'model':''")),
		"{'thread_id':'t','assistant_id':'a','model':''}");
}

static void null_metadata_in_an_update_empties_it(void **state)
{
	struct subject update = subject_of_method("runs.update");
	struct subject steps = subject_of_method("steps.update");

	assert_json(canonical(&update, params_with("runs.update", "'metadata':null,'status':null")),
		"{'run_id':'r','metadata':{}}");
	assert_json(canonical(&update, params_with("runs.update", "")), "{'run_id':'r'}");
	assert_json(canonical(&steps, params_with("steps.update", "'metadata':null")),
		"{'run_id':'r','step_id':'s','metadata':{}}");
}

static void ids_are_one_to_64_of_their_alphabet(void **state)
{
	static const char all[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	assert_int_equal(sizeof(all) - 1, 64);
	assert_true(id_valid(SLICE_LIT(all)));
	assert_true(id_valid(SLICE_LIT("-")));
	assert_false(id_valid(SLICE_LIT("")));
	assert_false(id_valid(slice_of(NULL, 0)));
	assert_false(id_valid(
		SLICE_LIT("AABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")));
	for (unsigned int c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;

		assert_int_equal(id_valid(guarded(&byte, 1)), c && strchr(all, (int)c) != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_fields_take_their_defaults_in_the_order_of_the_tables),
		cmocka_unit_test(null_fields_take_their_defaults),
		cmocka_unit_test(what_is_stored_is_canonical_already),
		cmocka_unit_test(the_order_of_the_fields_that_come_does_not_count),
		cmocka_unit_test(legacy_fields_are_dropped_whatever_they_are),
		cmocka_unit_test(integers_become_floats_where_numbers_are_wanted),
		cmocka_unit_test(nested_defaults_are_filled_in_and_options_left_out),
		cmocka_unit_test(either_a_name_or_an_object_is_taken),
		cmocka_unit_test(metadata_keeps_its_order_and_is_counted_in_characters),
		cmocka_unit_test(a_status_filter_becomes_a_list),
		cmocka_unit_test(an_open_map_is_made_canonical_too),
		cmocka_unit_test(an_absent_parameter_is_not_there_and_null_is_absent),
		cmocka_unit_test(null_metadata_in_an_update_empties_it),
		cmocka_unit_test(ids_are_one_to_64_of_their_alphabet),
	};

	return cmocka_run_group_tests_name("schema_canon", tests, NULL, NULL);
}
