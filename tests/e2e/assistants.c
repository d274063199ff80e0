/* assistants.create, assistants.get, assistants.update, assistants.list and assistants.delete. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "talk.h"

#include <stdio.h>

#define BAD "invalid_params"
#define UNKNOWN "unknown_param"
#define MISSING "missing_param"

static const char *const assistant_names[] = {"id", "object", "created_at", "name", "description",
	"model", "instructions", "tools", "tool_resources", "metadata", "temperature", "top_p",
	"response_format", NULL};

/* Every field that a create takes, none with its default. */
static const char all_fields[] =
	"'name':'Tutor','description':'Teaches.','model':'gpt-4o','instructions':'Be kind.',"
	"'tools':[{'type':'code_interpreter'},{'type':'file_search','file_search':"
	"{'max_num_results':5}},{'type':'function','function':{'name':'look','description':'d',"
	"'parameters':{'type':'object'},'strict':true}}],"
	"'tool_resources':{'code_interpreter':{'file_ids':['file_1']},"
	"'file_search':{'vector_store_ids':['vs_1']}},"
	"'metadata':{'k':'v'},'temperature':0.5,'top_p':0.25,"
	"'response_format':{'type':'json_object'}";

static json_t *assistant_get(struct wire *w, const char *id)
{
	return expect_ok(w, "assistants.get", "{'assistant_id':'%s'}", id);
}

/* An assistant of the model m; @members is "" or as in `,'id':'a'`. */
static json_t *assistant_new(struct wire *w, const char *members)
{
	return expect_ok(w, "assistants.create", "{'model':'m'%s}", members);
}

static json_t *assistant_update(struct wire *w, const char *id, const char *members)
{
	return expect_ok(w, "assistants.update", "{'assistant_id':'%s'%s}", id, members);
}

static void expect_no_assistant(struct wire *w, const char *id)
{
	static const char *const methods[] = {
		"assistants.get", "assistants.update", "assistants.delete"};
	char message[128];

	snprintf(message, sizeof(message), "No assistant found with id '%s'.", id);
	for (size_t i = 0; i < 3; i++) {
		json_t *error =
			expect_error(w, methods[i], "not_found", NULL, "{'assistant_id':'%s'}", id);

		assert_string_equal(text(error, "message"), message);
	}
}

static void a_bare_assistant_has_every_field_with_its_default(void **state)
{
	struct wire *w = wire_of(state);
	json_t *assistant = expect_ok(w, "assistants.create", "{'model':'gpt-4o'}");

	expect_names(assistant, assistant_names);
	expect_fields(assistant,
		"{'object':'assistant','name':null,'description':null,'model':'gpt-4o',"
		"'instructions':null,'tools':[],'tool_resources':{},'metadata':{},"
		"'temperature':1.0,'top_p':1.0,'response_format':'auto'}");
	expect_now(assistant, "created_at");
	expect_same(assistant_get(w, text(assistant, "id")), assistant);
}

static void null_takes_the_default(void **state)
{
	json_t *assistant = assistant_new(wire_of(state),
		",'id':null,'name':null,'description':null,'instructions':null,'tools':null,"
		"'tool_resources':null,'metadata':null,'temperature':null,'top_p':null,"
		"'response_format':null,'reasoning_effort':null");

	expect_names(assistant, assistant_names);
	expect_fields(assistant, "{'name':null,'description':null,'instructions':null,'tools':[],"
				 "'tool_resources':{},'metadata':{},'temperature':1.0,'top_p':1.0,"
				 "'response_format':'auto'}");
}

static void every_field_comes_back_as_it_was_sent(void **state)
{
	struct wire *w = wire_of(state);
	json_t *assistant = expect_ok(w, "assistants.create", "{%s}", all_fields);

	expect_names(assistant, assistant_names);
	expect_fields(assistant, "{%s}", all_fields);
	expect_same(assistant_get(w, text(assistant, "id")), assistant);
}

static void every_response_format_is_kept(void **state)
{
	static const char schema[] = "{'type':'json_schema','json_schema':{'name':'n',"
				     "'description':'d','schema':{'type':'object'},'strict':true}}";
	static const char *const formats[] = {
		"'auto'", "{'type':'text'}", "{'type':'json_object'}", schema};
	struct wire *w = wire_of(state);
	const char *id = text(assistant_new(w, ""), "id");

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char members[256];

		snprintf(members, sizeof(members), ",'response_format':%s", formats[i]);
		expect_fields(assistant_new(w, members), "{%s}", members + 1);
		expect_fields(assistant_update(w, id, members), "{%s}", members + 1);
	}
}

static void reasoning_effort_is_taken_and_not_shown(void **state)
{
	static const char *const efforts[] = {
		"none", "minimal", "low", "medium", "high", "xhigh", "max"};
	struct wire *w = wire_of(state);
	const char *id = text(assistant_new(w, ""), "id");

	for (size_t i = 0; i < sizeof(efforts) / sizeof(*efforts); i++) {
		char members[64];

		snprintf(members, sizeof(members), ",'reasoning_effort':'%s'", efforts[i]);
		expect_names(assistant_new(w, members), assistant_names);
		expect_names(assistant_update(w, id, members), assistant_names);
	}
}

static void issued_ids_are_ulids_that_grow(void **state)
{
	const char *last = "";

	for (int i = 0; i < 20; i++) {
		const char *id = text(assistant_new(wire_of(state), ""), "id");

		expect_issued(id, "asst_", last);
		last = id;
	}
}

static void an_id_may_be_given_once(void **state)
{
	static const char create[] = "{'model':'%s','id':'%s'}";
	struct wire *w = wire_of(state);
	const char *id = repeated(w, "aZ09_-xx", 8);
	json_t *assistant = expect_ok(w, "assistants.create", create, "m", id);

	assert_string_equal(text(assistant, "id"), id);
	expect_error(w, "assistants.create", "id_conflict", "id", create, "m", id);
	expect_error(w, "assistants.create", "id_conflict", "id", create, "m2", id);
	expect_same(assistant_get(w, id), assistant);
}

static void a_malformed_id_is_refused(void **state)
{
	static const char *const bad[] = {"", "a b", "a/b", "a\\u0000b", "a.b", "\xc3\xa4",
		"65_characters_are_one_too_many_4567890123456789012345678901234567"};
	static const char *const methods[] = {
		"assistants.get", "assistants.update", "assistants.delete"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		expect_error(w, "assistants.create", "invalid_id", "id", "{'model':'m','id':'%s'}",
			bad[i]);
		for (size_t j = 0; j < 3; j++) {
			expect_error(w, methods[j], "invalid_id", "assistant_id",
				"{'assistant_id':'%s'}", bad[i]);
		}
	}
	for (size_t j = 0; j < 3; j++) {
		expect_error(w, methods[j], MISSING, "assistant_id", "{}");
	}
}

static const struct refusal {
	const char *members;
	const char *code;
	const char *param;
} refusals[] = {
	{"'model':5", BAD, "model"},
	{"'name':5", BAD, "name"},
	{"'description':[]", BAD, "description"},
	{"'instructions':true", BAD, "instructions"},
	{"'temperature':'1'", BAD, "temperature"},
	{"'temperature':2.01", BAD, "temperature"},
	{"'temperature':-0.01", BAD, "temperature"},
	{"'top_p':1.01", BAD, "top_p"},
	{"'top_p':-1", BAD, "top_p"},
	{"'reasoning_effort':'heroic'", BAD, "reasoning_effort"},
	{"'metadata':[]", BAD, "metadata"},
	{"'metadata':{'a':1}", BAD, "metadata*"},
	{"'tools':{}", BAD, "tools"},
	{"'tools':['code_interpreter']", BAD, "tools[0]"},
	{"'tools':[{}]", MISSING, "tools[0].type"},
	{"'tools':[{'type':'retrieval'}]", BAD, "tools[0].type"},
	{"'tools':[{'type':'code_interpreter'},{'type':'function'}]", MISSING, "tools[1].function"},
	{"'tools':[{'type':'function','function':{}}]", MISSING, "tools[0].function.name"},
	{"'tools':[{'type':'function','function':{'name':'n','colour':1}}]", UNKNOWN,
		"tools[0].function.colour"},
	{"'tools':[{'type':'file_search','file_search':{'max_num_results':51}}]", BAD,
		"tools[0].file_search.max_num_results"},
	{"'tool_resources':[]", BAD, "tool_resources"},
	{"'tool_resources':{'function':{}}", UNKNOWN, "tool_resources.function"},
	{"'tool_resources':{'code_interpreter':{'file_ids':[1]}}", BAD,
		"tool_resources.code_interpreter.file_ids[0]"},
	{"'tool_resources':{'code_interpreter':{'x':[]}}", UNKNOWN,
		"tool_resources.code_interpreter.x"},
	{"'tool_resources':{'file_search':{'vector_store_ids':['a','b']}}", BAD,
		"tool_resources.file_search.vector_store_ids"},
	{"'response_format':'json'", BAD, "response_format"},
	{"'response_format':{}", MISSING, "response_format.type"},
	{"'response_format':{'type':'xml'}", BAD, "response_format.type"},
	{"'response_format':{'type':'text','x':1}", UNKNOWN, "response_format.x"},
	{"'object':'assistant'", UNKNOWN, "object"},
	{"'created_at':1", UNKNOWN, "created_at"},
	{"'file_ids':[]", UNKNOWN, "file_ids"},
	{"'thread_id':'t'", UNKNOWN, "thread_id"},
	{"'colour':'red'", UNKNOWN, "colour"},
	{"'idempotency_key':''", BAD, "idempotency_key"},
};

static void bad_params_are_refused_by_their_path(void **state)
{
	struct wire *w = wire_of(state);
	json_t *assistant = assistant_new(w, ",'id':'a_refusals'");

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct refusal *row = &refusals[i];
		json_t *params = codec_parse("{'model':'m','id':'a_never'}");
		json_t *members = codec_parse("{%s}", row->members);

		json_object_update(params, members);
		json_decref(members);
		expect_error_take(w, "assistants.create", row->code, row->param, params);
		expect_error(w, "assistants.update", row->code, row->param,
			"{'assistant_id':'a_refusals',%s}", row->members);
	}
	expect_error(w, "assistants.create", MISSING, "model", "{}");
	expect_error(w, "assistants.create", BAD "|" MISSING, "model", "{'model':null}");
	expect_error(
		w, "assistants.update", UNKNOWN, "id", "{'assistant_id':'a_refusals','id':'b'}");
	expect_error(w, "assistants.get", UNKNOWN, "x", "{'assistant_id':'a','x':1}");
	expect_same(assistant_get(w, "a_refusals"), assistant);
	expect_no_assistant(w, "a_never");
}

/* @member is @limit characters long at most, whatever their bytes. */
static void check_limit(struct wire *w, const char *id, const char *member, size_t limit)
{
	static const char create[] = "{'model':'m','%s':'%s'}";
	static const char update[] = "{'assistant_id':'%s','%s':'%s'}";
	static const char *const units[] = {"x", "\xc3\xa4", "\xf0\x9f\x98\x80"};

	for (size_t i = 0; i < 3; i++) {
		const char *fits = repeated(w, units[i], limit);
		const char *long_one = repeated(w, units[i], limit + 1);

		assert_string_equal(
			text(expect_ok(w, "assistants.create", create, member, fits), member),
			fits);
		assert_string_equal(
			text(expect_ok(w, "assistants.update", update, id, member, fits), member),
			fits);
		expect_error(w, "assistants.create", BAD, member, create, member, long_one);
		expect_error(w, "assistants.update", BAD, member, update, id, member, long_one);
		assert_string_equal(text(assistant_get(w, id), member), fits);
	}
}

static void texts_are_limited_in_characters(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = text(assistant_new(w, ""), "id");

	check_limit(w, id, "name", 256);
	check_limit(w, id, "description", 512);
	check_limit(w, id, "instructions", 256000);
}

static void a_hundred_and_twenty_eight_tools_are_accepted_and_no_more(void **state)
{
	static const char members[] = "'tools':[{'type':'file_search'}%s]";
	struct wire *w = wire_of(state);
	const char *id = text(assistant_new(w, ""), "id");
	char sent[4096];

	for (size_t n = 127; n <= 128; n++) {
		snprintf(sent, sizeof(sent), members,
			repeated(w, ",{'type':'code_interpreter'}", n));
		if (n == 128) {
			expect_error(
				w, "assistants.create", BAD, "tools", "{'model':'m',%s}", sent);
			expect_error(w, "assistants.update", BAD, "tools",
				"{'assistant_id':'%s',%s}", id, sent);
			continue;
		}
		expect_fields(
			expect_ok(w, "assistants.create", "{'model':'m',%s}", sent), "{%s}", sent);
		expect_ok(w, "assistants.update", "{'assistant_id':'%s',%s}", id, sent);
	}
	assert_int_equal(json_array_size(field(assistant_get(w, id), "tools")), 128);
}

static void an_update_replaces_what_it_names_and_no_more(void **state)
{
	json_t *fields = codec_parse("{%s}", all_fields), *value;
	struct wire *w = wire_of(state);
	const char *id = text(assistant_new(w, ""), "id"), *name;
	json_t *expected = wire_keep(w, json_deep_copy(assistant_get(w, id)));

	json_object_foreach(fields, name, value)
	{
		json_t *params = json_pack("{ss sO}", "assistant_id", id, name, value);

		json_object_set(expected, name, value);
		expect_same(expect_ok_take(w, "assistants.update", params), expected);
		expect_names(assistant_get(w, id), assistant_names);
		expect_same(assistant_get(w, id), expected);
	}
	json_decref(fields);
}

static void null_in_an_update_sets_the_default(void **state)
{
	static const char *const rows[][2] = {{"name", "null"}, {"description", "null"},
		{"instructions", "null"}, {"tools", "[]"}, {"tool_resources", "{}"},
		{"metadata", "{}"}, {"temperature", "1.0"}, {"top_p", "1.0"},
		{"response_format", "'auto'"}};
	struct wire *w = wire_of(state);
	const char *id = text(expect_ok(w, "assistants.create", "{%s}", all_fields), "id");
	json_t *expected = wire_keep(w, json_deep_copy(assistant_get(w, id)));

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *params = json_pack("{ss sn}", "assistant_id", id, rows[i][0]);

		json_object_set_new(expected, rows[i][0], codec_parse("%s", rows[i][1]));
		expect_same(expect_ok_take(w, "assistants.update", params), expected);
	}
	expect_names(assistant_get(w, id), assistant_names);
}

/* The model has no default: whatever is said to null, it stays. */
static void null_does_not_take_the_model_away(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = text(assistant_new(w, ""), "id");

	wire_call(w, "assistants.update", "{'assistant_id':'%s','model':null}", id);
	expect_fields(assistant_get(w, id), "{'model':'m'}");
}

static void a_deleted_assistant_is_gone(void **state)
{
	struct wire *w = wire_of(state);

	assistant_new(w, ",'id':'a_del'");
	expect_same(expect_ok(w, "assistants.delete", "{'assistant_id':'a_del'}"),
		wire_keep(w, codec_parse("{'id':'a_del','object':'assistant.deleted',"
					 "'deleted':true}")));
	expect_no_assistant(w, "a_del");
	expect_fields(assistant_new(w, ",'id':'a_del','name':'anew'"), "{'name':'anew'}");
}

static void an_unknown_assistant_is_not_found(void **state)
{
	struct wire *w = wire_of(state);

	expect_no_assistant(w, "a_nobody");
	/* That a run names it does not make one. */
	run_new(w, "t");
	expect_no_assistant(w, "asst_1");
}

static void the_feed_tells_of_assistants(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);
	const char *id = text(assistant_new(w, ""), "id");
	json_t *feed;

	assistant_update(w, id, ",'name':'n'");
	expect_ok(w, "assistants.delete", "{'assistant_id':'%s'}", id);
	feed = expect_ok(
		w, "changes.list", "{'after':%" JSON_INTEGER_FORMAT ",'objects':true}", last);
	assert_int_equal(json_array_size(field(feed, "changes")), 3);
	expect_fields(feed,
		"{'changes[0].event':'assistant.created','changes[0].assistant_id':'%s',"
		"'changes[0].thread_id':null,'changes[0].run_id':null,'changes[0].step_id':null,"
		"'changes[0].from':null,'changes[0].to':null,'changes[0].by':'client',"
		"'changes[1].event':'assistant.updated','changes[1].object.name':'n',"
		"'changes[2].event':'assistant.deleted','changes[2].object':null}",
		id);
}

static void what_is_sent_twice_is_applied_once(void **state)
{
	static const char create[] = "{'model':'%s','idempotency_key':'a_create'}";
	static const char update[] =
		"{'assistant_id':'%s','name':'n','idempotency_key':'a_update'}";
	static const char delete[] = "{'assistant_id':'%s','idempotency_key':'a_delete'}";
	struct wire *w = wire_of(state);
	json_t *assistant = expect_ok(w, "assistants.create", create, "m"), *reply;
	const char *id = text(assistant, "id");

	expect_same(expect_ok(w, "assistants.create", create, "m"), assistant);
	expect_error(w, "assistants.create", "idempotency_conflict", NULL, create, "m2");
	assistant = expect_ok(w, "assistants.update", update, id);
	expect_same(expect_ok(w, "assistants.create", create, "m"), assistant);
	assistant = assistant_update(w, id, ",'name':'other'");
	expect_same(expect_ok(w, "assistants.update", update, id), assistant);
	expect_same(assistant_get(w, id), assistant);
	reply = expect_ok(w, "assistants.delete", delete, id);
	expect_same(expect_ok(w, "assistants.delete", delete, id), reply);
	expect_error(w, "assistants.create", "not_found", NULL, create, "m");
	expect_error(w, "assistants.update", "not_found", NULL, update, id);
}

static void an_atomic_batch_that_fails_leaves_all_as_it_was(void **state)
{
	struct wire *w = wire_of(state);
	json_t *assistant = assistant_new(w, ",'id':'a_undo'");

	expect_error(w, "batch", BAD, "requests[3].tools[0].type",
		"{'atomic':true,'requests':["
		"['assistants.create',{'model':'m','id':'a_undo_2'}],"
		"['assistants.update',{'assistant_id':'a_undo','name':'n'}],"
		"['assistants.delete',{'assistant_id':'a_undo'}],"
		"['assistants.create',{'model':'m','tools':[{'type':'x'}]}]]}");
	expect_same(assistant_get(w, "a_undo"), assistant);
	expect_no_assistant(w, "a_undo_2");
	expect_error(w, "batch", "not_found", "requests[1]*",
		"{'atomic':true,'requests':["
		"['assistants.delete',{'assistant_id':'a_undo'}],"
		"['assistants.get',{'assistant_id':'a_undo'}]]}");
	expect_same(assistant_get(w, "a_undo"), assistant);
}

static void assistants_outlive_a_restart_and_a_crash(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	json_t *assistant =
		json_incref(expect_ok(w, "assistants.create", "{'id':'a_keep',%s}", all_fields));

	fixture_halt(fixture);
	fixture_resume(fixture);
	expect_same(assistant_get(w, "a_keep"), assistant);
	fixture_crash(fixture);
	fixture_resume(fixture);
	expect_same(assistant_get(w, "a_keep"), assistant);
	expect_error(w, "assistants.create", "id_conflict", "id", "{'model':'m','id':'a_keep'}");
	json_decref(assistant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_assistant_has_every_field_with_its_default),
		cmocka_unit_test(null_takes_the_default),
		cmocka_unit_test(every_field_comes_back_as_it_was_sent),
		cmocka_unit_test(every_response_format_is_kept),
		cmocka_unit_test(reasoning_effort_is_taken_and_not_shown),
		cmocka_unit_test(issued_ids_are_ulids_that_grow),
		cmocka_unit_test(an_id_may_be_given_once),
		cmocka_unit_test(a_malformed_id_is_refused),
		cmocka_unit_test(bad_params_are_refused_by_their_path),
		cmocka_unit_test(texts_are_limited_in_characters),
		cmocka_unit_test(a_hundred_and_twenty_eight_tools_are_accepted_and_no_more),
		cmocka_unit_test(an_update_replaces_what_it_names_and_no_more),
		cmocka_unit_test(null_in_an_update_sets_the_default),
		cmocka_unit_test(null_does_not_take_the_model_away),
		cmocka_unit_test(a_deleted_assistant_is_gone),
		cmocka_unit_test(an_unknown_assistant_is_not_found),
		cmocka_unit_test(the_feed_tells_of_assistants),
		cmocka_unit_test(what_is_sent_twice_is_applied_once),
		cmocka_unit_test(an_atomic_batch_that_fails_leaves_all_as_it_was),
		cmocka_unit_test(assistants_outlive_a_restart_and_a_crash),
	};

	return cmocka_run_group_tests_name("assistants", tests, fixture_start, fixture_stop);
}
