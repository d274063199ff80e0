/* What is told of threads, and that nothing of them is lost, doubled or left half done. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "talk.h"

#define BAD "invalid_params"

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

/* The changes of @thread, with objects. */
static json_t *told(struct wire *w, const char *thread)
{
	return history_since(w, 0, ",'objects':true,'thread_id':'%s'", thread);
}

static void a_created_thread_s_life_is_told(void **state)
{
	static const char *const names[] = {"seq", "at_ms", "event", "thread_id", "run_id",
		"step_id", "from", "to", "by", "object", NULL};
	static const char *const events[] = {"thread.created", "thread.updated", "thread.deleted"};
	struct wire *w = wire_of(state);
	json_t *objects[3], *changes;

	objects[0] = thread_new(w, "t_told");
	objects[1] = expect_ok(w, "threads.update", "{'thread_id':'t_told','metadata':{'k':'v'}}");
	objects[2] = wire_keep(w, json_null());
	expect_ok(w, "threads.delete", "{'thread_id':'t_told'}");
	changes = told(w, "t_told");
	assert_int_equal(json_array_size(changes), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *change = json_array_get(changes, i);

		expect_names(change, names);
		expect_fields(change,
			"{'event':'%s','thread_id':'t_told','run_id':null,'step_id':null,"
			"'by':'client'}",
			events[i]);
		expect_same(field(change, "object"), objects[i]);
	}
}

static void a_thread_that_came_by_itself_was_not_created(void **state)
{
	struct wire *w = wire_of(state);
	json_t *changes;

	run_new(w, "t_implicit");
	message_say(w, "t_implicit_2", "");
	assert_int_equal(history_count(told(w, "t_implicit"), "thread.created"), 0);
	assert_int_equal(history_count(told(w, "t_implicit_2"), "thread.created"), 0);
	expect_ok(w, "threads.update", "{'thread_id':'t_implicit','metadata':{'k':'v'}}");
	changes = told(w, "t_implicit");
	assert_int_equal(json_array_size(changes), 2);
	expect_same(field(history_find(changes, "thread.updated"), "object"),
		thread_get(w, "t_implicit"));
}

static void its_deletion_is_told_after_all_in_it(void **state)
{
	struct wire *w = wire_of(state);
	json_t *changes;

	thread_new(w, "t_last");
	run_in(w, "t_last", "in_progress");
	message_say(w, "t_last", "");
	expect_ok(w, "threads.delete", "{'thread_id':'t_last'}");
	changes = told(w, "t_last");
	assert_int_equal(history_count(changes, "thread.run.deleted"), 1);
	assert_int_equal(history_count(changes, "thread.deleted"), 1);
	expect_fields(json_array_get(changes, json_array_size(changes) - 1),
		"{'event':'thread.deleted','run_id':null,'object':null}");
	assert_int_equal(
		history_count(history_since(w, 0, ",'run_id':'%s'",
				      text(history_find(changes, "thread.run.deleted"), "run_id")),
			"thread.deleted"),
		0);
}

static void what_was_refused_is_no_change(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t last;

	thread_new(w, "t_quiet");
	last = history_last(w);
	expect_error(w, "threads.create", "id_conflict", "id", "{'id':'t_quiet'}");
	expect_error(w, "threads.update", BAD, "metadata*",
		"{'thread_id':'t_quiet','metadata':{'a':1}}");
	expect_error(w, "threads.delete", "not_found", NULL, "{'thread_id':'t_nobody'}");
	thread_get(w, "t_quiet");
	assert_int_equal(history_last(w), last);
}

static void what_is_sent_twice_is_applied_once(void **state)
{
	static const char create[] = "{'metadata':{'n':'1'},'idempotency_key':'th_create'}";
	static const char update[] =
		"{'thread_id':'%s','metadata':{'n':'2'},'idempotency_key':'th_update'}";
	struct wire *w = wire_of(state);
	json_t *thread = expect_ok(w, "threads.create", create), *changed;
	const char *id = text(thread, "id");

	expect_same(expect_ok(w, "threads.create", create), thread);
	changed = expect_ok(w, "threads.update", update, id);
	expect_same(expect_ok(w, "threads.create", create), changed);
	changed = expect_ok(w, "threads.update", "{'thread_id':'%s','metadata':{'n':'3'}}", id);
	expect_same(expect_ok(w, "threads.update", update, id), changed);
	expect_same(thread_get(w, id), changed);
	expect_error(w, "threads.create", "idempotency_conflict", NULL,
		"{'metadata':{'n':'9'},'idempotency_key':'th_create'}");
	assert_int_equal(json_array_size(told(w, id)), 3);
	expect_ok(w, "threads.delete", "{'thread_id':'%s'}", id);
	expect_error(w, "threads.create", "not_found", NULL, create);
	expect_error(w, "threads.update", "not_found", NULL, update, id);
}

static void an_atomic_batch_makes_a_thread_with_all_or_nothing(void **state)
{
	static const char batch[] =
		"{'atomic':true,'requests':["
		"['threads.create',{'id':'t_whole','metadata':{'k':'v'}}],"
		"['messages.create',{'thread_id':'t_whole','role':'user','content':'a'}],"
		"['messages.create',{'thread_id':'t_whole','role':'user','content':'b'}],"
		"['runs.create',{'thread_id':'t_whole','assistant_id':'a','temperature':%s}]]}";
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);
	json_t *reply;

	expect_error(w, "batch", BAD, "requests[3].temperature", batch, "9");
	expect_error(w, "threads.get", "not_found", NULL, "{'thread_id':'t_whole'}");
	expect_error(w, "messages.list", "not_found", "thread_id", "{'thread_id':'t_whole'}");
	assert_int_equal(history_last(w), last);
	reply = expect_ok(w, "batch", batch, "1");
	expect_fields(reply, "{'results[0][1].id':'t_whole','results[3][1].status':'queued'}");
	expect_names(field(reply, "results[0][1]"), thread_names);
	assert_int_equal(json_array_size(field(
				 expect_ok(w, "messages.list", "{'thread_id':'t_whole'}"), "data")),
		2);
	expect_error(w, "batch", "id_conflict", "requests[0].id", batch, "1");
}

static void threads_outlive_a_restart_and_a_crash(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	json_t *created = json_incref(expect_ok(w, "threads.create",
		"{'id':'t_keep','metadata':{'k':'v'},'tool_resources':%s}", resources));
	json_t *implicit;

	message_say(w, "t_keep_2", "");
	implicit = json_incref(thread_get(w, "t_keep_2"));
	for (int i = 0; i < 2; i++) {
		if (i) {
			fixture_crash(fixture);
		} else {
			fixture_halt(fixture);
		}
		fixture_resume(fixture);
		expect_same(thread_get(w, "t_keep"), created);
		expect_same(thread_get(w, "t_keep_2"), implicit);
		expect_error(w, "threads.create", "id_conflict", "id", "{'id':'t_keep_2'}");
	}
	json_decref(created);
	json_decref(implicit);
}

/* What the gateway sends again after a lost reply. */
static void a_batch_sent_again_makes_nothing_twice(void **state)
{
	static const char batch[] =
		"{'atomic':true,'idempotency_key':'b_again','requests':["
		"['threads.create',{'id':'t_again'}],"
		"['messages.create',{'thread_id':'t_again','role':'user','content':'a'}],"
		"['messages.create',{'thread_id':'t_again','role':'user','content':'b'}],"
		"['runs.create',{'thread_id':'t_again','assistant_id':'a'}]]}";
	struct wire *w = wire_of(state);
	json_t *first = expect_ok(w, "batch", batch), *second;
	json_int_t last = history_last(w);

	expect_same(expect_ok(w, "batch", batch), first);
	assert_int_equal(history_last(w), last);
	expect_ok(w, "threads.update", "{'thread_id':'t_again','metadata':{'k':'v'}}");
	run_move(w, text(first, "results[3][1].id"), "in_progress");
	second = expect_ok(w, "batch", batch);
	expect_same(field(second, "results[1]"), field(first, "results[1]"));
	expect_fields(second,
		"{'results[0][1].metadata':{'k':'v'},'results[3][1].status':'in_progress'}");
	expect_ok(w, "messages.delete", "{'thread_id':'t_again','message_id':'%s'}",
		text(first, "results[1][1].id"));
	expect_error(w, "batch", "not_found", "requests[1]*", batch);
	assert_int_equal(json_array_size(field(
				 expect_ok(w, "messages.list", "{'thread_id':'t_again'}"), "data")),
		1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_created_thread_s_life_is_told),
		cmocka_unit_test(a_thread_that_came_by_itself_was_not_created),
		cmocka_unit_test(its_deletion_is_told_after_all_in_it),
		cmocka_unit_test(what_was_refused_is_no_change),
		cmocka_unit_test(what_is_sent_twice_is_applied_once),
		cmocka_unit_test(a_batch_sent_again_makes_nothing_twice),
		cmocka_unit_test(an_atomic_batch_makes_a_thread_with_all_or_nothing),
		cmocka_unit_test(threads_outlive_a_restart_and_a_crash),
	};

	return cmocka_run_group_tests_name("threads told", tests, fixture_start, fixture_stop);
}
