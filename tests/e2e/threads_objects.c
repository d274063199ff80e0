/* threads.create, threads.get and threads.update: the thread as an object. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"
#include "talk.h"

#include <stdio.h>
#include <string.h>

#define BAD "invalid_params"
#define UNKNOWN "unknown_param"
#define MISSING "missing_param"

static const char *const thread_names[] = {
	"id", "object", "created_at", "tool_resources", "metadata", NULL};

static const char resources[] = "{'code_interpreter':{'file_ids':['file_1','file_2']},"
				"'file_search':{'vector_store_ids':['vs_1']}}";

static json_t *thread_get(struct wire *w, const char *id)
{
	return expect_ok(w, "threads.get", "{'thread_id':'%s'}", id);
}

static json_t *thread_new(struct wire *w, const char *id)
{
	return expect_ok(w, "threads.create", "{'id':'%s'}", id);
}

static json_t *summary_of(struct wire *w, const char *thread)
{
	json_t *list = expect_ok(w, "threads.list", "{'limit':100}");

	for (size_t i = 0; i < json_array_size(field(list, "data")); i++) {
		json_t *summary = json_array_get(field(list, "data"), i);

		if (!strcmp(text(summary, "id"), thread)) {
			return summary;
		}
	}
	return NULL;
}

/* Neither an object nor a summary of it. */
static void expect_no_thread(struct wire *w, const char *thread)
{
	char message[128];
	json_t *error =
		expect_error(w, "threads.get", "not_found", NULL, "{'thread_id':'%s'}", thread);

	snprintf(message, sizeof(message), "No thread found with id '%s'.", thread);
	assert_string_equal(text(error, "message"), message);
	assert_null(summary_of(w, thread));
}

static void a_bare_thread_has_every_field_with_its_default(void **state)
{
	struct wire *w = wire_of(state);
	json_t *thread = expect_ok(w, "threads.create", "{}");

	expect_names(thread, thread_names);
	expect_fields(thread, "{'object':'thread','tool_resources':{},'metadata':{}}");
	expect_now(thread, "created_at");
	expect_same(thread_get(w, text(thread, "id")), thread);
	expect_names(expect_ok(w, "threads.create", NULL), thread_names);
}

static void null_takes_the_default(void **state)
{
	json_t *thread = expect_ok(wire_of(state), "threads.create",
		"{'id':null,'metadata':null,'tool_resources':null}");

	expect_names(thread, thread_names);
	expect_fields(thread, "{'tool_resources':{},'metadata':{}}");
}

static void issued_ids_are_ulids_that_grow(void **state)
{
	const char *last = "";

	for (int i = 0; i < 20; i++) {
		const char *id = text(expect_ok(wire_of(state), "threads.create", "{}"), "id");

		expect_issued(id, "thread_", last);
		last = id;
	}
}

static void what_is_sent_is_kept(void **state)
{
	struct wire *w = wire_of(state);
	json_t *thread = expect_ok(w, "threads.create",
		"{'metadata':{'b':'1','a':'2'},'tool_resources':%s}", resources);

	expect_fields(thread, "{'metadata':{'b':'1','a':'2'},'tool_resources':%s}", resources);
	expect_same(thread_get(w, text(thread, "id")), thread);
	expect_fields(expect_ok(w, "threads.create",
			      "{'tool_resources':{'code_interpreter':{'file_ids':[]}}}"),
		"{'tool_resources':{'code_interpreter':{'file_ids':[]}}}");
}

static void an_id_may_be_given_once(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = repeated(w, "aZ09_-xx", 8);
	json_t *thread = expect_ok(w, "threads.create", "{'id':'%s','metadata':{'n':'1'}}", id);

	assert_string_equal(text(thread, "id"), id);
	expect_error(
		w, "threads.create", "id_conflict", "id", "{'id':'%s','metadata':{'n':'2'}}", id);
	expect_error(
		w, "threads.create", "id_conflict", "id", "{'id':'%s','metadata':{'n':'1'}}", id);
	expect_same(thread_get(w, id), thread);
}

static void a_malformed_id_is_refused(void **state)
{
	static const char *const bad[] = {"", "a b", "a/b", "a\\u0000b", "a.b", "\xc3\xa4",
		"65_characters_are_one_too_many_4567890123456789012345678901234567"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		expect_error(w, "threads.create", "invalid_id", "id", "{'id':'%s'}", bad[i]);
		expect_error(
			w, "threads.get", "invalid_id", "thread_id", "{'thread_id':'%s'}", bad[i]);
		expect_error(w, "threads.update", "invalid_id", "thread_id",
			"{'thread_id':'%s','metadata':{}}", bad[i]);
	}
	expect_error(w, "threads.create", BAD "|invalid_id", "id", "{'id':7}");
	expect_error(w, "threads.get", MISSING, "thread_id", "{}");
	expect_error(w, "threads.update", MISSING, "thread_id", "{'metadata':{}}");
}

static const struct refusal {
	const char *members;
	const char *code;
	const char *param;
} refusals[] = {
	{"'metadata':'x'", BAD, "metadata"},
	{"'metadata':[]", BAD, "metadata"},
	{"'metadata':{'a':1}", BAD, "metadata*"},
	{"'metadata':{'a':null}", BAD, "metadata*"},
	{"'tool_resources':5", BAD, "tool_resources"},
	{"'tool_resources':[]", BAD, "tool_resources"},
	{"'tool_resources':{'function':{}}", UNKNOWN, "tool_resources.function"},
	{"'tool_resources':{'code_interpreter':[]}", BAD, "tool_resources.code_interpreter"},
	{"'tool_resources':{'code_interpreter':{'files':[]}}", UNKNOWN,
		"tool_resources.code_interpreter.files"},
	{"'tool_resources':{'code_interpreter':{'file_ids':'f'}}", BAD,
		"tool_resources.code_interpreter.file_ids"},
	{"'tool_resources':{'code_interpreter':{'file_ids':['f',1]}}", BAD,
		"tool_resources.code_interpreter.file_ids[1]"},
	{"'tool_resources':{'file_search':'vs_1'}", BAD, "tool_resources.file_search"},
	{"'tool_resources':{'file_search':{'vector_store_ids':{}}}", BAD,
		"tool_resources.file_search.vector_store_ids"},
	{"'tool_resources':{'file_search':{'vector_store_ids':[null]}}", BAD,
		"tool_resources.file_search.vector_store_ids[0]"},
	{"'tool_resources':{'file_search':{'vector_store_ids':['vs_1','vs_2']}}", BAD,
		"tool_resources.file_search.vector_store_ids"},
	{"'messages':[]", UNKNOWN, "messages"},
	{"'created_at':1", UNKNOWN, "created_at"},
	{"'object':'thread'", UNKNOWN, "object"},
	{"'colour':'red'", UNKNOWN, "colour"},
	{"'lease':'x'", UNKNOWN, "lease"},
	{"'idempotency_key':''", BAD, "idempotency_key"},
};

static void bad_params_are_refused_by_their_path(void **state)
{
	struct wire *w = wire_of(state);
	json_t *thread = thread_new(w, "t_refusals");

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct refusal *row = &refusals[i];

		expect_error(w, "threads.create", row->code, row->param, "{'id':'t_never',%s}",
			row->members);
		expect_error(w, "threads.update", row->code, row->param,
			"{'thread_id':'t_refusals',%s}", row->members);
	}
	expect_error(w, "threads.update", UNKNOWN, "id", "{'thread_id':'t_refusals','id':'x'}");
	expect_error(w, "threads.get", UNKNOWN, "x", "{'thread_id':'t_refusals','x':1}");
	expect_same(thread_get(w, "t_refusals"), thread);
	expect_no_thread(w, "t_never");
}

static void twenty_files_are_accepted_and_no_more(void **state)
{
	static const char create[] = "{'tool_resources':{'code_interpreter':{'file_ids':['f'%s]}}}";
	struct wire *w = wire_of(state);

	expect_ok(w, "threads.create", create, repeated(w, ",'f'", 19));
	expect_error(w, "threads.create", BAD, "tool_resources.code_interpreter.file_ids", create,
		repeated(w, ",'f'", 20));
}

static void metadata_is_limited_in_characters(void **state)
{
	static const char update[] = "{'thread_id':'t_limits','metadata':{'%s':'%s'}}";
	struct wire *w = wire_of(state);
	const char *key = repeated(w, "\xf0\x9f\x98\x80", 64);
	const char *value = repeated(w, "\xe2\x82\xac", 512);

	thread_new(w, "t_limits");
	expect_fields(expect_ok(w, "threads.create", "{'metadata':{'%s':'%s'}}", key, value),
		"{'metadata':{'%s':'%s'}}", key, value);
	expect_fields(expect_ok(w, "threads.update", update, key, value),
		"{'metadata':{'%s':'%s'}}", key, value);
	expect_error(w, "threads.update", BAD, "metadata*", update,
		repeated(w, "\xf0\x9f\x98\x80", 65), value);
	expect_error(w, "threads.update", BAD, "metadata*", update, key,
		repeated(w, "\xe2\x82\xac", 513));
}

static void an_update_replaces_what_it_names_and_no_more(void **state)
{
	static const char update[] = "{'thread_id':'t_update',%s}";
	struct wire *w = wire_of(state);
	json_t *thread = expect_ok(w, "threads.create",
		"{'id':'t_update','metadata':{'a':'1','b':'2'},'tool_resources':%s}", resources);
	json_t *changed = expect_ok(w, "threads.update", update, "'metadata':{'c':'3'}");

	expect_names(changed, thread_names);
	expect_fields(changed, "{'metadata':{'c':'3'},'tool_resources':%s}", resources);
	expect_same(field(changed, "created_at"), field(thread, "created_at"));
	changed = expect_ok(w, "threads.update", update,
		"'tool_resources':{'file_search':{'vector_store_ids':['vs_9']}}");
	expect_fields(changed, "{'metadata':{'c':'3'},"
			       "'tool_resources':{'file_search':{'vector_store_ids':['vs_9']}}}");
	expect_same(thread_get(w, "t_update"), changed);
}

static void null_and_the_empty_map_empty_them(void **state)
{
	static const char *const empty[] = {"null", "{}"};
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		json_t *thread = expect_ok(w, "threads.create",
			"{'metadata':{'a':'1'},'tool_resources':%s}", resources);

		expect_fields(expect_ok(w, "threads.update", "{'thread_id':'%s','metadata':%s}",
				      text(thread, "id"), empty[i]),
			"{'metadata':{},'tool_resources':%s}", resources);
		expect_fields(
			expect_ok(w, "threads.update", "{'thread_id':'%s','tool_resources':%s}",
				text(thread, "id"), empty[i]),
			"{'metadata':{},'tool_resources':{}}");
	}
}

static void an_unknown_thread_is_not_found(void **state)
{
	static const char *const methods[] = {"threads.get", "threads.update", "threads.delete"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < 3; i++) {
		json_t *error =
			expect_error(w, methods[i], "not_found", NULL, "{'thread_id':'t_nowhere'}");

		assert_string_equal(text(error, "message"), "No thread found with id 't_nowhere'.");
	}
	expect_error(w, "threads.update", "not_found", NULL,
		"{'thread_id':'t_nowhere','metadata':{'a':'b'}}");
	expect_no_thread(w, "t_nowhere");
}

static void a_thread_that_came_with_a_run_or_a_message_is_one_too(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run = run_get(w, run_new(w, "t_run")), *message = message_say(w, "t_say", "");

	expect_names(thread_get(w, "t_run"), thread_names);
	expect_fields(thread_get(w, "t_run"),
		"{'id':'t_run','object':'thread','metadata':{},'tool_resources':{}}");
	expect_same(field(thread_get(w, "t_run"), "created_at"), field(run, "created_at"));
	expect_names(thread_get(w, "t_say"), thread_names);
	expect_same(field(thread_get(w, "t_say"), "created_at"), field(message, "created_at"));
	expect_fields(expect_ok(w, "threads.update",
			      "{'thread_id':'t_run','metadata':{'k':'v'},'tool_resources':%s}",
			      resources),
		"{'metadata':{'k':'v'},'tool_resources':%s}", resources);
	expect_fields(expect_ok(w, "threads.update", "{'thread_id':'t_say','metadata':{'k':'v'}}"),
		"{'metadata':{'k':'v'},'tool_resources':{}}");
	expect_error(w, "threads.create", "id_conflict", "id", "{'id':'t_run'}");
	expect_error(w, "threads.create", "id_conflict", "id", "{'id':'t_say'}");
}

static void an_imported_run_brings_a_thread(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'imp','thread_id':'t_imp'}"));
	expect_names(thread_get(w, "t_imp"), thread_names);
	expect_fields(thread_get(w, "t_imp"), "{'metadata':{},'tool_resources':{}}");
	expect_error(w, "threads.create", "id_conflict", "id", "{'id':'t_imp'}");
}

static void runs_and_messages_leave_the_object_as_it_is(void **state)
{
	struct wire *w = wire_of(state);
	json_t *thread = expect_ok(w, "threads.create",
		"{'id':'t_same','metadata':{'k':'v'},'tool_resources':%s}", resources);
	const char *run;

	message_say(w, "t_same", "");
	run = run_in(w, "t_same", "completed");
	expect_same(thread_get(w, "t_same"), thread);
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", run);
	expect_same(thread_get(w, "t_same"), thread);
}

static void a_created_thread_is_listed_without_runs(void **state)
{
	struct wire *w = wire_of(state);
	json_t *thread = thread_new(w, "t_listed"), *summary = summary_of(w, "t_listed");

	expect_fields(summary, "{'object':'thread.summary','runs':0,'steps':0,'last_run_at':null,"
			       "'active_run_id':null}");
	expect_same(field(summary, "created_at"), field(thread, "created_at"));
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_listed'}"), "", false);
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_listed'}"), "", false);
	run_new(w, "t_listed");
	expect_fields(summary_of(w, "t_listed"), "{'runs':1}");
	message_say(w, "t_only_said", "");
	expect_fields(summary_of(w, "t_only_said"),
		"{'runs':0,'steps':0,'last_run_at':null,'active_run_id':null}");
}

static void created_threads_are_paged_with_the_others(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'old','thread_id':'t_a_run','created_at':10}"));
	thread_new(w, "t_page_1");
	message_say(w, "t_page_2", "");
	thread_new(w, "t_page_3");
	expect_list(
		expect_ok(w, "threads.list", "{'limit':3}"), "t_page_3 t_page_2 t_page_1", true);
	expect_list(
		expect_ok(w, "threads.list", "{'limit':1,'after':'t_page_2'}"), "t_page_1", true);
	expect_list(
		expect_ok(w, "threads.list", "{'before':'t_page_2','limit':1}"), "t_page_3", false);
	expect_list(expect_ok(w, "threads.list", "{'order':'asc','limit':1}"), "t_a_run", true);
}

static void a_deleted_thread_takes_its_messages_along(void **state)
{
	struct wire *w = wire_of(state);
	const char *message, *own;
	json_int_t threads = number(expect_ok(w, "server.stats", NULL), "threads");

	thread_new(w, "t_del");
	message = text(message_say(w, "t_del", ""), "id");
	own = text(message_say(w, "t_del", ",'id':'m_del'"), "id");
	run_in(w, "t_del", "in_progress");
	assert_int_equal(number(expect_ok(w, "server.stats", NULL), "threads"), threads + 1);
	expect_same(expect_ok(w, "threads.delete", "{'thread_id':'t_del'}"),
		wire_keep(
			w, codec_parse("{'id':'t_del','object':'thread.deleted','deleted':true}")));
	expect_error(w, "messages.get", "not_found", NULL,
		"{'thread_id':'t_del','message_id':'%s'}", message);
	expect_error(w, "messages.list", "not_found", "thread_id", "{'thread_id':'t_del'}");
	expect_no_thread(w, "t_del");
	assert_int_equal(number(expect_ok(w, "server.stats", NULL), "threads"), threads);
	/* Begun anew there is nothing in it, and what was in it can be once more. */
	expect_fields(thread_new(w, "t_del"), "{'metadata':{}}");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_del'}"), "", false);
	message_say(w, "t_del", ",'id':'m_del'");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_del'}"), own, false);
}

static void a_thread_of_a_thousand_messages_is_deleted_whole(void **state)
{
	static const char create[] = "['messages.create',{'thread_id':'t_large','role':'user','"
				     "content':'x','id':'l%d'}]";
	struct wire *w = wire_of(state);
	json_t *requests = json_array();

	for (int i = 0; i < 1000; i++) {
		json_array_append_new(requests, codec_parse(create, i));
	}
	expect_ok_take(w, "batch", json_pack("{so sb}", "requests", requests, "atomic", 1));
	expect_ok(w, "threads.delete", "{'thread_id':'t_large'}");
	for (int i = 0; i < 1000; i += 333) {
		expect_error(w, "messages.get", "not_found", NULL,
			"{'thread_id':'t_large','message_id':'l%d'}", i);
	}
	thread_new(w, "t_large");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_large'}"), "", false);
}

static void an_id_that_begins_with_another_is_another_thread(void **state)
{
	struct wire *w = wire_of(state);

	thread_new(w, "pre");
	thread_new(w, "prefix");
	message_say(w, "prefix", ",'id':'m_prefix'");
	message_say(w, "pre-fix", ",'id':'m_pre-fix'");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'pre'}"), "", false);
	expect_ok(w, "threads.delete", "{'thread_id':'pre'}");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'prefix'}"), "m_prefix", false);
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'pre-fix'}"), "m_pre-fix", false);
	expect_names(thread_get(w, "pre-fix"), thread_names);
}

/* The object and the summary of @thread are of @created_at. */
static void expect_age(struct wire *w, const char *thread, int created_at)
{
	expect_fields(thread_get(w, thread), "{'created_at':%d}", created_at);
	expect_fields(summary_of(w, thread), "{'created_at':%d}", created_at);
}

static void a_thread_that_was_not_created_is_as_old_as_its_earliest_run(void **state)
{
	struct wire *w = wire_of(state);

	message_say(w, "t_age", "");
	import_one(w, run_object("{'id':'age_3','thread_id':'t_age','created_at':3000}"));
	expect_age(w, "t_age", 3000);
	import_one(w, run_object("{'id':'age_2','thread_id':'t_age','created_at':2000}"));
	import_one(w, run_object("{'id':'age_4','thread_id':'t_age','created_at':4000}"));
	expect_age(w, "t_age", 2000);
	/* That its metadata is set does not create it. */
	expect_ok(w, "threads.update", "{'thread_id':'t_age','metadata':{'k':'v'}}");
	expect_age(w, "t_age", 2000);
	import_one(w, run_object("{'id':'age_1','thread_id':'t_age','created_at':1000}"));
	expect_age(w, "t_age", 1000);
	expect_fields(thread_get(w, "t_age"), "{'metadata':{'k':'v'}}");
}

static void a_created_thread_is_as_old_as_its_creation(void **state)
{
	struct wire *w = wire_of(state);
	json_t *thread = thread_new(w, "t_young");

	import_one(w, run_object("{'id':'young','thread_id':'t_young','created_at':1000}"));
	expect_same(thread_get(w, "t_young"), thread);
	expect_age(w, "t_young", (int)number(thread, "created_at"));
	expect_fields(summary_of(w, "t_young"), "{'last_run_at':1000,'runs':1}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_thread_has_every_field_with_its_default),
		cmocka_unit_test(null_takes_the_default),
		cmocka_unit_test(issued_ids_are_ulids_that_grow),
		cmocka_unit_test(what_is_sent_is_kept),
		cmocka_unit_test(an_id_may_be_given_once),
		cmocka_unit_test(a_malformed_id_is_refused),
		cmocka_unit_test(bad_params_are_refused_by_their_path),
		cmocka_unit_test(twenty_files_are_accepted_and_no_more),
		cmocka_unit_test(metadata_is_limited_in_characters),
		cmocka_unit_test(an_update_replaces_what_it_names_and_no_more),
		cmocka_unit_test(null_and_the_empty_map_empty_them),
		cmocka_unit_test(an_unknown_thread_is_not_found),
		cmocka_unit_test(a_thread_that_came_with_a_run_or_a_message_is_one_too),
		cmocka_unit_test(an_imported_run_brings_a_thread),
		cmocka_unit_test(a_thread_that_was_not_created_is_as_old_as_its_earliest_run),
		cmocka_unit_test(a_created_thread_is_as_old_as_its_creation),
		cmocka_unit_test(runs_and_messages_leave_the_object_as_it_is),
		cmocka_unit_test(a_created_thread_is_listed_without_runs),
		cmocka_unit_test(created_threads_are_paged_with_the_others),
		cmocka_unit_test(a_deleted_thread_takes_its_messages_along),
		cmocka_unit_test(a_thread_of_a_thousand_messages_is_deleted_whole),
		cmocka_unit_test(an_id_that_begins_with_another_is_another_thread),
	};

	return cmocka_run_group_tests_name("threads objects", tests, fixture_start, fixture_stop);
}
