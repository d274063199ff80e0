/* What is refused, with which code, and which parameter is named. */
#include "tests/support/cmocka_all.h"

#include "tests/unit/canon.h"

struct row {
	const char *method; /* or "run", "step" for an object to import */
	const char *members;
	int code;
	const char *param;
};

static void refuse_all(const struct row *rows, size_t n)
{
	static const struct subject run = {"run", &schema_run_import, false};
	static const struct subject step = {"step", &schema_step_import, false};

	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		bool is_run = !strcmp(r->method, "run"), is_step = !strcmp(r->method, "step");
		struct subject s = is_run ? run : is_step ? step : subject_of_method(r->method);
		json_t *value = is_run	  ? run_with(r->members)
				: is_step ? step_with(r->members)
					  : params_with(r->method, r->members);

		assert_refused(&s, value, r->code, r->param);
		json_decref(value);
	}
}

#define REFUSE(rows) refuse_all((rows), sizeof(rows) / sizeof(*(rows)))

static void ids_of_other_characters_are_invalid_ids(void **state)
{
	static const struct row rows[] = {
		{"runs.get", "'run_id':''", E_INVALID_ID, "run_id"},
		{"runs.get", "'run_id':'run 1'", E_INVALID_ID, "run_id"},
		{"runs.get", "'run_id':'../x'", E_INVALID_ID, "run_id"},
		{"runs.get", "'run_id':'a\\u0000b'", E_INVALID_ID, "run_id"},
		{"runs.get", "'run_id':'r\xc3\xbcn'", E_INVALID_ID, "run_id"},
		{"runs.get",
			"'run_id':'"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
			E_INVALID_ID, "run_id"},
		{"runs.create", "'id':'a.b'", E_INVALID_ID, "id"},
		{"runs.list", "'after':'a b'", E_INVALID_ID, "after"},
		{"steps.get", "'step_id':'/'", E_INVALID_ID, "step_id"},
		{"run", "'thread_id':'a b'", E_INVALID_ID, "thread_id"},
		{"step", "'run_id':''", E_INVALID_ID, "run_id"},
		{"runs.get", "'run_id':5", E_INVALID_PARAMS, "run_id"},
		{"runs.get", "'run_id':['a']", E_INVALID_PARAMS, "run_id"},
	};

	REFUSE(rows);
}

static void required_parameters_must_be_there(void **state)
{
	static const struct row rows[] = {
		{"runs.get", "'run_id':null", E_MISSING_PARAM, "run_id"},
		{"runs.create", "'thread_id':null", E_MISSING_PARAM, "thread_id"},
		{"runs.create", "'assistant_id':null", E_MISSING_PARAM, "assistant_id"},
		{"steps.create", "'step_details':null", E_MISSING_PARAM, "step_details"},
		{"steps.update", "'step_id':null", E_MISSING_PARAM, "step_id"},
		{"runs.submit_tool_outputs", "'tool_outputs':null", E_MISSING_PARAM,
			"tool_outputs"},
		{"objects.import", "'objects':null", E_MISSING_PARAM, "objects"},
		{"batch", "'requests':null", E_MISSING_PARAM, "requests"},
	};

	REFUSE(rows);
}

static void unknown_parameters_are_named(void **state)
{
	static const struct row rows[] = {
		{"runs.get", "'colour':1", E_UNKNOWN_PARAM, "colour"},
		{"runs.get", "'colour':null", E_UNKNOWN_PARAM, "colour"},
		{"runs.get", "'limit':5", E_UNKNOWN_PARAM, "limit"},
		{"runs.create", "'status':'completed'", E_UNKNOWN_PARAM, "status"},
		{"runs.create", "'created_at':5", E_UNKNOWN_PARAM, "created_at"},
		{"runs.update", "'model':'x'", E_UNKNOWN_PARAM, "model"},
		{"server.info", "'x':1", E_UNKNOWN_PARAM, "x"},
		{"run", "'expired_at':5", E_UNKNOWN_PARAM, "expired_at"},
		{"step", "'file_ids':[]", E_UNKNOWN_PARAM, "file_ids"},
		{"run", "'a b\\nc':5", E_UNKNOWN_PARAM, "a b?c"},
	};

	REFUSE(rows);
}

static void nested_fields_are_named_by_their_path(void **state)
{
	static const struct row rows[] = {
		{"runs.create", "'tools':[{'type':'function','function':{'name':''}}]",
			E_INVALID_PARAMS, "tools[0].function.name"},
		{"runs.create",
			"'tools':[{'type':'code_interpreter'},{'type':'file_search'},"
			"{'type':'function','function':{'name':7}}]",
			E_INVALID_PARAMS, "tools[2].function.name"},
		{"runs.create", "'tools':[{'type':'function','function':{}}]", E_MISSING_PARAM,
			"tools[0].function.name"},
		{"runs.create", "'tools':[{'type':'function'}]", E_MISSING_PARAM,
			"tools[0].function"},
		{"runs.create", "'tools':[{'type':'function','function':{'name':'f','x':1}}]",
			E_UNKNOWN_PARAM, "tools[0].function.x"},
		{"runs.create", "'tools':[{}]", E_MISSING_PARAM, "tools[0].type"},
		{"runs.create", "'tools':[{'type':5}]", E_INVALID_PARAMS, "tools[0].type"},
		{"runs.create", "'tools':[{'type':'magic'}]", E_INVALID_PARAMS, "tools[0].type"},
		{"runs.create", "'tools':[7]", E_INVALID_PARAMS, "tools[0]"},
		{"runs.create", "'tools':{}", E_INVALID_PARAMS, "tools"},
		{"runs.create",
			"'tools':[{'type':'file_search','file_search':{'ranking_options':"
			"{'score_threshold':2}}}]",
			E_INVALID_PARAMS, "tools[0].file_search.ranking_options.score_threshold"},
		{"runs.create", "'truncation_strategy':{'type':'auto','last_messages':0}",
			E_INVALID_PARAMS, "truncation_strategy.last_messages"},
		{"runs.create", "'tool_choice':{'type':'function','function':{'name':''}}",
			E_INVALID_PARAMS, "tool_choice.function.name"},
		{"runs.create", "'tool_choice':'sometimes'", E_INVALID_PARAMS, "tool_choice"},
		{"runs.create", "'response_format':{'type':'json_schema','json_schema':{}}",
			E_MISSING_PARAM, "response_format.json_schema.name"},
		{"runs.update", "'usage':{'prompt_tokens':1,'completion_tokens':1}",
			E_MISSING_PARAM, "usage.total_tokens"},
		{"runs.update",
			"'usage':{'prompt_tokens':-1,'completion_tokens':1,'total_tokens':1}",
			E_INVALID_PARAMS, "usage.prompt_tokens"},
		{"runs.update", "'last_error':{'code':'oops','message':''}", E_INVALID_PARAMS,
			"last_error.code"},
		{"runs.submit_tool_outputs", "'tool_outputs':[{'tool_call_id':'c'}]",
			E_MISSING_PARAM, "tool_outputs[0].output"},
		{"runs.submit_tool_outputs", "'tool_outputs':[{'tool_call_id':'c','output':{}}]",
			E_INVALID_PARAMS, "tool_outputs[0].output"},
	};

	REFUSE(rows);
}

#define CALLS(call) "'step_details':{'type':'tool_calls','tool_calls':[" call "]}"

static void step_details_are_named_by_their_path(void **state)
{
	static const struct row rows[] = {
		{"steps.create", "'step_details':{'type':'thinking'}", E_INVALID_PARAMS,
			"step_details.type"},
		{"steps.create", "'step_details':{'type':'message_creation'}", E_MISSING_PARAM,
			"step_details.message_creation"},
		{"steps.create", "'step_details':{'type':'tool_calls','tool_calls':[],'x':1}",
			E_UNKNOWN_PARAM, "step_details.x"},
		{"steps.create", CALLS("{'id':'c'}"), E_MISSING_PARAM,
			"step_details.tool_calls[0].type"},
		{"steps.create", CALLS("{'id':'','type':'file_search','file_search':{}}"),
			E_INVALID_PARAMS, "step_details.tool_calls[0].id"},
		{"steps.create",
			CALLS("{'id':'c','type':'code_interpreter','code_interpreter':{'input':'',"
			      "'outputs':[{'type':'logs','logs':''},{'type':'image','image':{}}]}"
			      "}"),
			E_MISSING_PARAM,
			"step_details.tool_calls[0].code_interpreter.outputs[1].image.file_id"},
		{"steps.update",
			CALLS("{'id':'c','type':'file_search','file_search':{'results':"
			      "[{'file_id':'f','file_name':'n','score':1.5}]}}"),
			E_INVALID_PARAMS,
			"step_details.tool_calls[0].file_search.results[0].score"},
		{"step", CALLS("{'id':'c','type':'function','function':{'name':'f'}}"),
			E_MISSING_PARAM, "step_details.tool_calls[0].function.arguments"},
	};

	REFUSE(rows);
}

static void numbers_keep_their_ranges(void **state)
{
	static const struct row rows[] = {
		{"runs.list", "'limit':0", E_INVALID_PARAMS, "limit"},
		{"runs.list", "'limit':101", E_INVALID_PARAMS, "limit"},
		{"runs.list", "'limit':-1", E_INVALID_PARAMS, "limit"},
		{"runs.list", "'limit':'20'", E_INVALID_PARAMS, "limit"},
		{"runs.list", "'limit':20.0", E_INVALID_PARAMS, "limit"},
		{"runs.list", "'limit':true", E_INVALID_PARAMS, "limit"},
		{"runs.list", "'created_after':-1", E_INVALID_PARAMS, "created_after"},
		{"runs.create", "'temperature':2.0000001", E_INVALID_PARAMS, "temperature"},
		{"runs.create", "'temperature':-0.1", E_INVALID_PARAMS, "temperature"},
		{"runs.create", "'temperature':'1'", E_INVALID_PARAMS, "temperature"},
		{"runs.create", "'top_p':2", E_INVALID_PARAMS, "top_p"},
		{"runs.create", "'max_prompt_tokens':255", E_INVALID_PARAMS, "max_prompt_tokens"},
		{"runs.create", "'max_completion_tokens':256.5", E_INVALID_PARAMS,
			"max_completion_tokens"},
		{"runs.create", "'expires_in':-1", E_INVALID_PARAMS, "expires_in"},
		{"run", "'created_at':-1", E_INVALID_PARAMS, "created_at"},
		{"run", "'created_at':1700000000.5", E_INVALID_PARAMS, "created_at"},
		{"run", "'created_at':253402300800", E_INVALID_PARAMS, "created_at"},
	};

	REFUSE(rows);
}

static void names_must_be_of_their_list(void **state)
{
	static const struct row rows[] = {
		{"runs.list", "'order':'up'", E_INVALID_PARAMS, "order"},
		{"runs.list", "'order':'ASC'", E_INVALID_PARAMS, "order"},
		{"runs.list", "'status':'done'", E_INVALID_PARAMS, "status"},
		{"runs.list", "'status':[]", E_INVALID_PARAMS, "status"},
		{"runs.list", "'status':['queued','done']", E_INVALID_PARAMS, "status[1]"},
		{"runs.list", "'status':['queued',1]", E_INVALID_PARAMS, "status[1]"},
		{"runs.create", "'on_active':'wait'", E_INVALID_PARAMS, "on_active"},
		{"runs.create", "'parallel_tool_calls':'yes'", E_INVALID_PARAMS,
			"parallel_tool_calls"},
		{"runs.create", "'parallel_tool_calls':1", E_INVALID_PARAMS, "parallel_tool_calls"},
		{"steps.get", "'include':['everything']", E_INVALID_PARAMS, "include[0]"},
		{"run", "'object':'thread.run.step'", E_INVALID_PARAMS, "object"},
		{"run", "'status':'paused'", E_INVALID_PARAMS, "status"},
		{"step", "'status':'queued'", E_INVALID_PARAMS, "status"},
		{"step", "'type':'thinking'", E_INVALID_PARAMS, "type"},
	};

	REFUSE(rows);
}

static void imported_objects_are_named_by_their_place(void **state)
{
	static const struct row rows[] = {
		{"objects.import", "'objects':[{}]", E_MISSING_PARAM, "objects[0].object"},
		{"objects.import", "'objects':[{'object':'thread.summary'}]", E_INVALID_PARAMS,
			"objects[0].object"},
		{"objects.import", "'objects':[{'object':'thread.run'}]", E_MISSING_PARAM,
			"objects[0].id"},
		{"objects.import", "'objects':[7]", E_INVALID_PARAMS, "objects[0]"},
		{"run", "'status':null", E_INVALID_PARAMS, "status"},
	};

	REFUSE(rows);
}

#define TEN "aaaaaaaaaa"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void metadata_keeps_its_limits(void **state)
{
	static const struct row rows[] = {
		{"runs.create", "'metadata':[]", E_INVALID_PARAMS, "metadata"},
		{"runs.create", "'metadata':'x'", E_INVALID_PARAMS, "metadata"},
		{"runs.create", "'metadata':{'a':'b','key':7}", E_INVALID_PARAMS, "metadata.key"},
		{"runs.create", "'metadata':{'key':null}", E_INVALID_PARAMS, "metadata.key"},
		{"runs.create", "'metadata':{'key':{}}", E_INVALID_PARAMS, "metadata.key"},
		{"runs.create", "'metadata':{'" SIXTY "bbbbb':''}", E_INVALID_PARAMS, "metadata"},
		{"runs.create",
			"'metadata':{'a':'','b':'','c':'','d':'','e':'','f':'','g':'','h':'',"
			"'i':'','j':'','k':'','l':'','m':'','n':'','o':'','p':'','q':''}",
			E_INVALID_PARAMS, "metadata"},
		{"steps.create", "'metadata':{'k':1}", E_INVALID_PARAMS, "metadata.k"},
		{"run", "'metadata':{'k':1}", E_INVALID_PARAMS, "metadata.k"},
	};
	char text[4096] = "'metadata':{'k':'";
	size_t n = strlen(text);

	REFUSE(rows);
	for (int i = 0; i < 513; i++, n += 3) {
		memcpy(text + n, "\xe2\x82\xac", 3);
	}
	snprintf(text + n, sizeof(text) - n, "'}");
	refuse_all(&(struct row){"runs.update", text, E_INVALID_PARAMS, "metadata.k"}, 1);
}

static void keys_are_limited_in_bytes(void **state)
{
	static const struct row rows[] = {
		{"runs.cancel", "'idempotency_key':''", E_INVALID_PARAMS, "idempotency_key"},
		{"runs.cancel", "'idempotency_key':'" SIXTY "bbbbb'", E_INVALID_PARAMS,
			"idempotency_key"},
		{"runs.cancel",
			"'idempotency_key':'" SIXTY "\xc3\xbc\xc3\xbc"
			"b'",
			E_INVALID_PARAMS, "idempotency_key"},
		{"runs.cancel", "'idempotency_key':7", E_INVALID_PARAMS, "idempotency_key"},
		{"runs.update", "'lease':''", E_INVALID_PARAMS, "lease"},
	};
	struct subject cancel = subject_of_method("runs.cancel");
	json_t *longest =
		params_with("runs.cancel", "'idempotency_key':'" SIXTY "\xc3\xbc\xc3\xbc'");

	REFUSE(rows);
	json_decref(accepted(&cancel, longest));
	json_decref(longest);
}

static void too_many_items_are_refused(void **state)
{
	struct subject create = subject_of_method("runs.create");
	struct subject batch = subject_of_method("batch");
	json_t *params = params_with("runs.create", "'tools':[]");
	json_t *items = json_object_get(params, "tools");

	for (int i = 0; i < 20; i++) {
		json_array_append_new(items, codec_parse("{'type':'code_interpreter'}"));
	}
	json_decref(accepted(&create, params));
	json_array_append_new(items, codec_parse("{'type':'code_interpreter'}"));
	assert_refused(&create, params, E_INVALID_PARAMS, "tools");
	json_decref(params);
	params = params_with("batch", "");
	items = json_object_get(params, "requests");
	for (int i = 0; i < 1000; i++) {
		json_array_append_new(items, json_null());
	}
	json_decref(accepted(&batch, params));
	json_array_append_new(items, json_null());
	assert_refused(&batch, params, E_INVALID_PARAMS, "requests");
	json_decref(params);
}

static void what_json_cannot_say_has_no_place_in_an_open_map(void **state)
{
	static const struct subject map = {"map", &type_map, false};
	static const struct slice rows[] = {
		{(const uint8_t *)"\x81\xa1k\xc4\x01x", 6},
		{(const uint8_t *)"\x81\xa1k\x91\xd4\x01x", 7},
		{(const uint8_t *)"\x81\xa1k\xca\x7f\xc0\x00\x00", 8},
		{(const uint8_t *)"\x81\xa1k\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", 12},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf out = {0};
		struct problem p;

		assert_int_equal(
			canon_bytes(&map, guarded_slice(rows[i]), &out, &p), E_INVALID_PARAMS);
		buf_finish(&out);
	}
}

static void numbers_that_are_none_and_integers_beyond_64_bits_are_refused(void **state)
{
	static const struct subject number = {"number", &type_zero_to_two, false};
	static const struct subject count = {"count", &type_count, false};
	static const struct slice rows[] = {
		{(const uint8_t *)"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 9},
		{(const uint8_t *)"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", 9},
		{(const uint8_t *)"\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", 9},
		{(const uint8_t *)"\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9},
		{(const uint8_t *)"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct slice value = guarded_slice(rows[i]);
		struct buf out = {0};
		struct problem p;

		assert_int_equal(canon_bytes(&number, value, &out, &p), E_INVALID_PARAMS);
		assert_int_equal(canon_bytes(&count, value, &out, &p), E_INVALID_PARAMS);
		buf_finish(&out);
	}
}

static void params_that_are_no_map_are_refused(void **state)
{
	static const char *const values[] = {"[]", "null", "'x'", "5", "true", "[['run_id','x']]"};
	struct subject get = subject_of_method("runs.get");

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		json_t *value = codec_parse("%s", values[i]);

		assert_refused(&get, value, E_INVALID_PARAMS, "");
		json_decref(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_of_other_characters_are_invalid_ids),
		cmocka_unit_test(required_parameters_must_be_there),
		cmocka_unit_test(unknown_parameters_are_named),
		cmocka_unit_test(nested_fields_are_named_by_their_path),
		cmocka_unit_test(step_details_are_named_by_their_path),
		cmocka_unit_test(numbers_keep_their_ranges),
		cmocka_unit_test(names_must_be_of_their_list),
		cmocka_unit_test(imported_objects_are_named_by_their_place),
		cmocka_unit_test(metadata_keeps_its_limits),
		cmocka_unit_test(keys_are_limited_in_bytes),
		cmocka_unit_test(too_many_items_are_refused),
		cmocka_unit_test(what_json_cannot_say_has_no_place_in_an_open_map),
		cmocka_unit_test(numbers_that_are_none_and_integers_beyond_64_bits_are_refused),
		cmocka_unit_test(params_that_are_no_map_are_refused),
	};

	return cmocka_run_group_tests_name("schema_refuse", tests, NULL, NULL);
}
