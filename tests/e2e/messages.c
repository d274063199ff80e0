/* messages.create, messages.get and messages.delete: the message as an object. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "talk.h"

#include <stdio.h>
#include <string.h>

#define CREATE "{'thread_id':'%s','role':'user','content':%s}"
#define MIB ((size_t)1024 * 1024)

static const char text_part[] = "[{'type':'text','text':{'value':'%s','annotations':[]}}]";

/* No such message in @thread, in the words of the API. */
static void expect_no_message(struct wire *w, const char *thread, const char *id)
{
	char message[128];
	json_t *error = expect_error(w, "messages.get", "not_found", NULL,
		"{'thread_id':'%s','message_id':'%s'}", thread, id);

	snprintf(message, sizeof(message), "No message found with id '%s'.", id);
	assert_string_equal(text(error, "message"), message);
}

static void expect_no_thread(struct wire *w, const char *thread)
{
	expect_error(w, "threads.get", "not_found", NULL, "{'thread_id':'%s'}", thread);
}

static void a_bare_message_has_every_field(void **state)
{
	struct wire *w = wire_of(state);
	json_t *message = expect_ok(w, "messages.create", CREATE, "t_bare", "'How does AI work?'");

	expect_names(message, message_names);
	expect_fields(message,
		"{'object':'thread.message','thread_id':'t_bare','status':'completed',"
		"'incomplete_details':null,'incomplete_at':null,'role':'user','assistant_id':null,"
		"'run_id':null,'attachments':[],'metadata':{}}");
	expect_fields(message, "{'content':[{'type':'text','text':{'value':'How does AI work?',"
			       "'annotations':[]}}]}");
	expect_now(message, "created_at");
	expect_same(field(message, "completed_at"), field(message, "created_at"));
	expect_same(message_get(w, "t_bare", text(message, "id")), message);
}

static void a_message_in_progress_is_not_completed(void **state)
{
	struct wire *w = wire_of(state);
	json_t *message = message_get(w, "t_open", message_open(w, "t_open", ""));

	expect_names(message, message_names);
	expect_fields(message, "{'role':'assistant','status':'in_progress','completed_at':null,"
			       "'incomplete_at':null,'incomplete_details':null,'run_id':null,"
			       "'content[0].text.value':'Hel'}");
}

static void null_takes_the_default(void **state)
{
	json_t *message = message_say(wire_of(state), "t_null",
		",'id':null,'status':null,'run_id':null,'assistant_id':null,'attachments':null,"
		"'metadata':null,'lease':null");

	expect_names(message, message_names);
	expect_fields(message, "{'status':'completed','attachments':[],'metadata':{},'run_id':null,"
			       "'assistant_id':null}");
}

static void issued_ids_are_ulids_that_grow(void **state)
{
	const char *last = "";

	for (int i = 0; i < 20; i++) {
		const char *id = text(message_say(wire_of(state), "t_issued", ""), "id");

		expect_issued(id, "msg_", last);
		last = id;
	}
}

static void a_string_becomes_one_part_of_text(void **state)
{
	static const char *const sent[] = {"'Hello.'", "[{'type':'text','text':'Hello.'}]",
		"[{'type':'text','text':{'value':'Hello.','annotations':[]}}]",
		"[{'text':{'annotations':[],'value':'Hello.'},'type':'text'}]"};
	static const char *const part_names[] = {"type", "text", NULL};
	static const char *const text_names[] = {"value", "annotations", NULL};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++) {
		json_t *message = expect_ok(w, "messages.create", CREATE, "t_text", sent[i]);

		expect_same(
			field(message, "content"), wire_keep(w, codec_parse(text_part, "Hello.")));
		expect_names(field(message, "content[0]"), part_names);
		expect_names(field(message, "content[0].text"), text_names);
	}
}

static void parts_of_every_kind_are_kept_in_their_order(void **state)
{
	static const char sent[] =
		"[{'type':'image_file','image_file':{'file_id':'file_1'}},"
		"{'type':'image_file','image_file':{'file_id':'file_2','detail':'low'}},"
		"{'type':'image_url','image_url':{'url':'https://example.com/a.png'}},"
		"{'type':'image_url','image_url':{'url':'https://example.com/b.png',"
		"'detail':'high'}},"
		"{'type':'text','text':'See?'},{'type':'refusal','refusal':'No.'}]";
	static const char kept[] =
		"[{'type':'image_file','image_file':{'file_id':'file_1','detail':'auto'}},"
		"{'type':'image_file','image_file':{'file_id':'file_2','detail':'low'}},"
		"{'type':'image_url','image_url':{'url':'https://example.com/a.png',"
		"'detail':'auto'}},"
		"{'type':'image_url','image_url':{'url':'https://example.com/b.png',"
		"'detail':'high'}},"
		"{'type':'text','text':{'value':'See?','annotations':[]}},"
		"{'type':'refusal','refusal':'No.'}]";
	struct wire *w = wire_of(state);
	json_t *message = expect_ok(w, "messages.create", CREATE, "t_parts", sent);

	expect_same(field(message, "content"), wire_keep(w, codec_parse("%s", kept)));
	expect_same(message_get(w, "t_parts", text(message, "id")), message);
}

static void annotations_are_kept(void **state)
{
	static const char content[] =
		"[{'type':'text','text':{'value':'As in [1] and [2].','annotations':["
		"{'type':'file_citation','text':'[1]','file_citation':{'file_id':'file_1'},"
		"'start_index':6,'end_index':9},"
		"{'type':'file_path','text':'[2]','file_path':{'file_id':'file_2'},"
		"'start_index':14,'end_index':17}]}}]";
	struct wire *w = wire_of(state);
	json_t *message = expect_ok(w, "messages.create",
		"{'thread_id':'t_notes','role':'assistant','content':%s}", content);

	expect_fields(message, "{'content':%s}", content);
}

static void text_may_hold_any_character(void **state)
{
	static const char content[] =
		"'\\u0000 \\u0001 \\\\ \\n \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \\ufffd \\u2028'";
	struct wire *w = wire_of(state);
	json_t *message = expect_ok(w, "messages.create", CREATE, "t_any", content);

	expect_fields(message, "{'content[0].text.value':%s}", content);
	expect_same(message_get(w, "t_any", text(message, "id")), message);
}

static void attachments_are_kept(void **state)
{
	static const char attachments[] =
		"[{'file_id':'file_1','tools':[{'type':'code_interpreter'},"
		"{'type':'file_search'}]},{'file_id':'file_2','tools':[]}]";
	struct wire *w = wire_of(state);
	json_t *message = expect_ok(w, "messages.create",
		"{'thread_id':'t_files','role':'user','content':'x','attachments':%s}",
		attachments);

	expect_fields(message, "{'attachments':%s}", attachments);
}

static void an_assistant_may_be_named_and_need_not_be_known(void **state)
{
	struct wire *w = wire_of(state);

	expect_fields(message_say(w, "t_by", ",'assistant_id':'asst_nobody'"),
		"{'assistant_id':'asst_nobody','run_id':null}");
}

static void no_content_is_for_a_message_in_progress_alone(void **state)
{
	static const char create[] =
		"{'thread_id':'t_empty','role':'assistant','content':[],'status':'%s'}";
	struct wire *w = wire_of(state);

	expect_error(w, "messages.create", "invalid_params", "content", create, "completed");
	expect_error(w, "messages.create", "invalid_params", "content", CREATE, "t_empty", "[]");
	expect_no_thread(w, "t_empty");
	expect_fields(expect_ok(w, "messages.create", create, "in_progress"),
		"{'status':'in_progress','content':[]}");
}

static void an_id_may_be_given_once(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = repeated(w, "aZ09_-xx", 8), *run;
	char members[80];
	json_t *message;

	snprintf(members, sizeof(members), ",'id':'%s'", id);
	message = message_say(w, "t_given", members);
	assert_string_equal(text(message, "id"), id);
	for (int i = 0; i < 2; i++) {
		expect_error(w, "messages.create", "id_conflict", "id",
			"{'thread_id':'%s','role':'assistant','content':'b','id':'%s'}",
			i ? "t_given" : "t_given_2", id);
	}
	expect_same(message_get(w, "t_given", id), message);
	expect_no_thread(w, "t_given_2");
	/* Ids of threads and runs are other spaces. */
	run = run_new(w, "t_given_3");
	snprintf(members, sizeof(members), ",'id':'%s'", run);
	expect_fields(message_say(w, "t_given_3", members), "{'id':'%s'}", run);
	message_say(w, "t_given_3", ",'id':'t_given_3'");
}

static void a_malformed_id_is_refused(void **state)
{
	static const char *const bad[] = {"", "a b", "a/b", "a\\u0000b", "a.b", "\xc3\xa4",
		"65_characters_are_one_too_many_4567890123456789012345678901234567"};
	static const char *const names[] = {"id", "thread_id", "assistant_id", "run_id"};
	static const char *const methods[] = {"messages.get", "messages.delete", "messages.update"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		for (size_t j = 0; j < 4; j++) {
			json_t *params = codec_parse(CREATE, "t_malformed", "'x'");

			json_object_set_new(params, names[j], codec_parse("'%s'", bad[i]));
			expect_error_take(w, "messages.create", "invalid_id", names[j], params);
		}
		for (size_t j = 0; j < 3; j++) {
			expect_error(w, methods[j], "invalid_id", "message_id",
				"{'thread_id':'t','message_id':'%s'}", bad[i]);
			expect_error(w, methods[j], "invalid_id", "thread_id",
				"{'thread_id':'%s','message_id':'m'}", bad[i]);
		}
	}
	expect_no_thread(w, "t_malformed");
}

static void a_message_on_an_unknown_thread_creates_it(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t threads = number(expect_ok(w, "server.stats", NULL), "threads");
	json_t *message;

	expect_no_thread(w, "t_made");
	message = message_say(w, "t_made", "");
	expect_fields(expect_ok(w, "threads.get", "{'thread_id':'t_made'}"), "{'id':'t_made'}");
	message_say(w, "t_made", "");
	assert_int_equal(number(expect_ok(w, "server.stats", NULL), "threads"), threads + 1);
	expect_ok(w, "messages.delete", "{'thread_id':'t_made','message_id':'%s'}",
		text(message, "id"));
	expect_ok(w, "threads.get", "{'thread_id':'t_made'}");
}

static void a_message_is_found_in_its_thread_only(void **state)
{
	static const char *const methods[] = {"messages.get", "messages.delete", "messages.update"};
	struct wire *w = wire_of(state);
	json_t *message = message_say(w, "t_home", ",'id':'m_home'");

	message_say(w, "t_elsewhere", "");
	expect_no_message(w, "t_elsewhere", "m_home");
	expect_no_message(w, "t_home", "m_none");
	for (size_t i = 0; i < 3; i++) {
		expect_error(w, methods[i], "not_found", NULL,
			"{'thread_id':'t_elsewhere','message_id':'m_home'}");
		expect_error(w, methods[i], "not_found", NULL,
			"{'thread_id':'t_nowhere','message_id':'m_home'}");
		expect_error(w, methods[i], "not_found", NULL,
			"{'thread_id':'t_home','message_id':'m_none'}");
		expect_error(
			w, methods[i], "missing_param", "message_id", "{'thread_id':'t_home'}");
	}
	expect_same(expect_ok(w, "messages.get", "{'message_id':'m_home'}"), message);
	expect_same(message_get(w, "t_home", "m_home"), message);
}

static void a_deleted_message_is_gone(void **state)
{
	static const char delete[] = "{'thread_id':'t_del','message_id':'m_del'}";
	struct wire *w = wire_of(state);

	message_say(w, "t_del", ",'id':'m_del'");
	message_say(w, "t_del", ",'id':'m_stays'");
	expect_same(expect_ok(w, "messages.delete", delete),
		wire_keep(w, codec_parse("{'id':'m_del','object':'thread.message.deleted',"
					 "'deleted':true}")));
	expect_no_message(w, "t_del", "m_del");
	expect_error(w, "messages.delete", "not_found", NULL, delete);
	expect_error(w, "messages.update", "not_found", NULL,
		"{'thread_id':'t_del','message_id':'m_del','metadata':{}}");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_del'}"), "m_stays", false);
	/* The id is free again. */
	message_say(w, "t_del", ",'id':'m_del'");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_del'}"), "m_del m_stays", false);
}

static json_t *large_params(struct wire *w, const char *id, size_t size)
{
	return json_pack("{ss ss ss ss}", "thread_id", "t_size", "role", "user", "id", id,
		"content", repeated(w, "x", size));
}

/* The last 2 KiB of an object's 4 MiB are left for its other fields. */
static void a_message_may_have_four_mebibytes(void **state)
{
	struct wire *w = wire_of(state);
	size_t size = 4 * MIB - 2048;

	expect_ok_take(w, "messages.create", large_params(w, "m_four", size));
	assert_int_equal(
		strlen(text(message_get(w, "t_size", "m_four"), "content[0].text.value")), size);
	expect_error_take(
		w, "messages.create", "too_large", NULL, large_params(w, "m_five", 4 * MIB));
	expect_no_message(w, "t_size", "m_five");
}

static void what_is_sent_twice_is_applied_once(void **state)
{
	static const char create[] =
		"{'thread_id':'t_twice','role':'user','content':'%s','idempotency_key':'m_create'}";
	static const char delete[] =
		"{'thread_id':'t_twice','message_id':'%s','idempotency_key':'m_delete'}";
	struct wire *w = wire_of(state);
	json_t *message = expect_ok(w, "messages.create", create, "a"), *reply;
	const char *id = text(message, "id");

	expect_same(expect_ok(w, "messages.create", create, "a"), message);
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_twice'}"), id, false);
	expect_error(w, "messages.create", "idempotency_conflict", NULL, create, "b");
	message = expect_ok(w, "messages.update",
		"{'thread_id':'t_twice','message_id':'%s','metadata':{'k':'v'}}", id);
	expect_same(expect_ok(w, "messages.create", create, "a"), message);
	reply = expect_ok(w, "messages.delete", delete, id);
	expect_same(expect_ok(w, "messages.delete", delete, id), reply);
	expect_error(w, "messages.create", "not_found", NULL, create, "a");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_twice'}"), "", false);
}

static void an_atomic_batch_that_fails_leaves_no_message(void **state)
{
	static const char batch[] =
		"{'atomic':true,'requests':["
		"['messages.create',{'thread_id':'t_undo','role':'user','content':'b','id':'m_b'}],"
		"['messages.delete',{'thread_id':'t_undo','message_id':'m_a'}],"
		"['messages.create',{'thread_id':'t_undo_2','role':'user','content':'c'}],"
		"['messages.create',{'thread_id':'t_undo','role':'user','content':%s}]]}";
	struct wire *w = wire_of(state);
	json_t *message = message_say(w, "t_undo", ",'id':'m_a'"), *reply;
	json_int_t last = history_last(w);

	expect_error(w, "batch", "invalid_params", "requests[3].content[0]", batch, "[5]");
	expect_same(message_get(w, "t_undo", "m_a"), message);
	expect_no_message(w, "t_undo", "m_b");
	expect_no_thread(w, "t_undo_2");
	assert_int_equal(history_last(w), last);
	reply = expect_ok(w, "batch", batch, "'d'");
	expect_names(field(reply, "results[0][1]"), message_names);
	expect_fields(reply, "{'results[1][1].deleted':true}");
}

static void a_batch_s_requests_see_its_messages(void **state)
{
	struct wire *w = wire_of(state);
	json_t *reply = expect_ok(w, "batch",
		"{'requests':["
		"['messages.create',{'thread_id':'t_see','role':'user','content':'a','id':'s1'}],"
		"['messages.create',{'thread_id':'t_see','role':'user','content':5}],"
		"['messages.create',{'thread_id':'t_see','role':'user','content':'a','id':'s2'}],"
		"['messages.list',{'thread_id':'t_see'}],"
		"['messages.delete',{'thread_id':'t_see','message_id':'s1'}],"
		"['messages.get',{'thread_id':'t_see','message_id':'s1'}]]}");

	check_error("a bad message", field(reply, "results[1][0]"), "invalid_params", NULL);
	expect_list(field(reply, "results[3][1]"), "s2 s1", false);
	check_error("a deleted one", field(reply, "results[5][0]"), "not_found", NULL);
}

static void messages_outlive_a_restart_and_a_crash(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	json_t *said = json_incref(message_say(w, "t_keep", ",'id':'k1','metadata':{'k':'v'}"));
	json_t *open;

	message_open(w, "t_keep", ",'id':'k2'");
	open = json_incref(message_get(w, "t_keep", "k2"));
	for (int i = 0; i < 2; i++) {
		if (i) {
			fixture_crash(fixture);
		} else {
			fixture_halt(fixture);
		}
		fixture_resume(fixture);
		expect_same(message_get(w, "t_keep", "k1"), said);
		expect_same(message_get(w, "t_keep", "k2"), open);
		expect_list(
			expect_ok(w, "messages.list", "{'thread_id':'t_keep'}"), "k2 k1", false);
	}
	json_decref(said);
	json_decref(open);
}

/* A store so small that it is soon full of messages. */
static void a_full_store_still_reads_and_deletes(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_full", "in_progress"), *open;
	char members[128];
	json_t *reply;
	int n = 0;

	snprintf(members, sizeof(members), ",'run_id':'%s'", run);
	open = message_open(w, "t_full", members);
	for (size_t size = 20000; size; size /= 10) {
		do {
			reply = wire_call(w, "messages.create",
				"{'thread_id':'t_filled','role':'user','content':'%s','id':'f_%d'}",
				repeated(w, "f", size), n++);
		} while (json_is_null(field(reply, "error")));
		check_error("the last message", field(reply, "error"), "store_full", NULL);
	}
	message_get(w, "t_filled", "f_0");
	expect_ok(w, "messages.list", "{'thread_id':'t_filled','limit':100}");
	expect_ok(w, "messages.delete", "{'thread_id':'t_filled','message_id':'f_0'}");
	expect_ok(w, "threads.delete", "{'thread_id':'t_filled'}");
	run_move(w, run, "completed");
	expect_fields(message_get(w, "t_full", open), "{'status':'completed'}");
	message_say(w, "t_full", "");
}

static int start_small(void **state)
{
	static const char *args[] = {"--map-size", "4M", NULL};

	*state = args;
	return fixture_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_message_has_every_field),
		cmocka_unit_test(a_message_in_progress_is_not_completed),
		cmocka_unit_test(null_takes_the_default),
		cmocka_unit_test(issued_ids_are_ulids_that_grow),
		cmocka_unit_test(a_string_becomes_one_part_of_text),
		cmocka_unit_test(parts_of_every_kind_are_kept_in_their_order),
		cmocka_unit_test(annotations_are_kept),
		cmocka_unit_test(text_may_hold_any_character),
		cmocka_unit_test(attachments_are_kept),
		cmocka_unit_test(an_assistant_may_be_named_and_need_not_be_known),
		cmocka_unit_test(no_content_is_for_a_message_in_progress_alone),
		cmocka_unit_test(an_id_may_be_given_once),
		cmocka_unit_test(a_malformed_id_is_refused),
		cmocka_unit_test(a_message_on_an_unknown_thread_creates_it),
		cmocka_unit_test(a_message_is_found_in_its_thread_only),
		cmocka_unit_test(a_deleted_message_is_gone),
		cmocka_unit_test(a_message_may_have_four_mebibytes),
		cmocka_unit_test(what_is_sent_twice_is_applied_once),
		cmocka_unit_test(an_atomic_batch_that_fails_leaves_no_message),
		cmocka_unit_test(a_batch_s_requests_see_its_messages),
		cmocka_unit_test(messages_outlive_a_restart_and_a_crash),
		cmocka_unit_test_setup_teardown(
			a_full_store_still_reads_and_deletes, start_small, fixture_stop),
	};

	return cmocka_run_group_tests_name("messages", tests, fixture_start, fixture_stop);
}
