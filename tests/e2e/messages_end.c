/* A run's messages in progress end with it, in the same transaction and before it. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "talk.h"
#include "work.h"

#include <stdio.h>
#include <string.h>

#define LONG_MS 60000

/* An open message of @run; its id is borrowed from the wire. */
static const char *open_of(struct wire *w, const char *thread, const char *run)
{
	char members[128];

	snprintf(members, sizeof(members), ",'run_id':'%s'", run);
	return message_open(w, thread, members);
}

static void expect_completed(struct wire *w, const char *thread, const char *id)
{
	json_t *message = message_get(w, thread, id);

	expect_names(message, message_names);
	expect_fields(message,
		"{'status':'completed','incomplete_at':null,'incomplete_details':null,"
		"'content[0].text.value':'Hel'}");
	expect_now(message, "completed_at");
}

static void expect_incomplete(
	struct wire *w, const char *thread, const char *id, const char *reason)
{
	json_t *message = message_get(w, thread, id);

	expect_names(message, message_names);
	expect_fields(message,
		"{'status':'incomplete','completed_at':null,'incomplete_details':{'reason':'%s'},"
		"'content[0].text.value':'Hel'}",
		reason);
	expect_now(message, "incomplete_at");
}

/* The message's end was told before its run's, by the same, and shows what it left. */
static void expect_told(struct wire *w, const char *thread, const char *run, const char *id,
	const char *status, const char *run_event)
{
	json_t *changes = history_since(w, 0, ",'objects':true,'run_id':'%s'", run);
	const json_t *end = json_array_get(changes, json_array_size(changes) - 1);
	char event[64];
	const json_t *change;

	snprintf(event, sizeof(event), "thread.message.%s", status);
	change = history_find(changes, event);
	expect_fields(end, "{'event':'thread.run.%s','step_id':null}", run_event);
	expect_fields(change,
		"{'event':'thread.message.%s','message_id':'%s','step_id':null,"
		"'from':'in_progress','to':'%s','thread_id':'%s'}",
		status, id, status, thread);
	expect_same(field(change, "by"), field(end, "by"));
	expect_same(field(change, "object"), message_get(w, thread, id));
	assert_int_equal(history_count(changes, event), 1);
	assert_true(number(change, "seq") < number(end, "seq"));
}

static void every_end_of_a_run_ends_its_open_message(void **state)
{
	static const struct {
		const char *status, *reason;
	} rows[] = {{"completed", NULL}, {"incomplete", "max_tokens"}, {"failed", "run_failed"},
		{"expired", "run_expired"}, {"cancelled", "run_cancelled"}};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *run = run_in(w, "t_end", "in_progress"), *id;

		id = open_of(w, "t_end", run);
		if (!strcmp(rows[i].status, "cancelled")) {
			run_move(w, run, "cancelling");
		}
		run_move(w, run, rows[i].status);
		if (rows[i].reason) {
			expect_incomplete(w, "t_end", id, rows[i].reason);
		} else {
			expect_completed(w, "t_end", id);
		}
		expect_told(w, "t_end", run, id, rows[i].reason ? "incomplete" : "completed",
			rows[i].status);
	}
}

static void whatever_made_a_run_incomplete_its_messages_say_max_tokens(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_reason", "in_progress"), *id = open_of(w, "t_reason", run);

	expect_ok(w, "runs.update",
		"{'run_id':'%s','status':'incomplete','incomplete_details':"
		"{'reason':'max_completion_tokens'}}",
		run);
	expect_incomplete(w, "t_reason", id, "max_tokens");
}

static void a_run_that_is_deleted_leaves_them_cancelled(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_del", "in_progress"), *id = open_of(w, "t_del", run);
	json_t *done = expect_ok(w, "messages.create",
		"{'thread_id':'t_del','role':'assistant','content':'a','run_id':'%s'}", run);

	expect_ok(w, "runs.delete", "{'run_id':'%s'}", run);
	expect_incomplete(w, "t_del", id, "run_cancelled");
	expect_fields(message_get(w, "t_del", id), "{'run_id':'%s'}", run);
	expect_same(message_get(w, "t_del", text(done, "id")), done);
	/* A change of an ended message, and none that opens it again. */
	expect_ok(w, "messages.update", "{'message_id':'%s','metadata':{'k':'v'}}", id);
	expect_error(w, "messages.update", "invalid_transition", NULL,
		"{'message_id':'%s','content':'Hello'}", id);
}

static void the_deletion_is_told_after_their_end(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_order", "in_progress"), *id = open_of(w, "t_order", run);

	expect_ok(w, "runs.delete", "{'run_id':'%s'}", run);
	expect_told(w, "t_order", run, id, "incomplete", "deleted");
}

static void a_run_cancelled_while_nobody_works_on_it_ends_them_at_once(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		const char *run = run_in(w, "t_cancel", i ? "in_progress" : "queued");
		const char *id = open_of(w, "t_cancel", run);

		if (i) {
			run_move(w, run, "requires_action");
			expect_fields(message_get(w, "t_cancel", id), "{'status':'in_progress'}");
		}
		expect_ok(w, "runs.cancel", "{'run_id':'%s'}", run);
		expect_incomplete(w, "t_cancel", id, "run_cancelled");
		expect_told(w, "t_cancel", run, id, "incomplete", "cancelled");
	}
}

static void cancelling_leaves_them_open(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "cancelling", LONG_MS);
	char members[256];
	const char *id;

	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	id = message_open(w, "cancelling", members);
	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", lease.run);
	expect_fields(message_get(w, "cancelling", id), "{'status':'in_progress'}");
	expect_ok(w, "messages.update", "{'message_id':'%s','content':'Hell','lease':'%s'}", id,
		lease.token);
	expect_fields(
		expect_ok(w, "messages.update",
			"{'message_id':'%s','status':'completed','lease':'%s'}", id, lease.token),
		"{'status':'completed'}");
	work_move(w, &lease, "cancelled");
	expect_fields(message_get(w, "cancelling", id),
		"{'status':'completed','content[0].text.value':'Hell'}");
}

static void a_run_that_is_queued_again_keeps_them_open(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "queued", LONG_MS);
	char members[256];
	const char *id;

	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	id = message_open(w, "queued", members);
	work_move(w, &lease, "requires_action");
	expect_ok(w, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'o'}]}",
		lease.run);
	lease = work_lease(work_claim(w, "w", "queued", ",'lease_ms':60000"));
	work_release(w, &lease);
	expect_fields(message_get(w, "queued", id), "{'status':'in_progress'}");
	lease = work_lease(work_claim(w, "w", "queued", ",'lease_ms':60000"));
	work_move(w, &lease, "completed");
	expect_completed(w, "queued", id);
}

static void ended_messages_and_those_of_others_stay_as_they_are(void **state)
{
	static const char end[] = "{'message_id':'%s','status':'incomplete',"
				  "'incomplete_details':{'reason':'content_filter'}}";
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_stay", "in_progress");
	const char *other = run_in(w, "t_stay", "in_progress");
	const char *ids[4] = {open_of(w, "t_stay", run), open_of(w, "t_stay", run),
		open_of(w, "t_stay", other), message_open(w, "t_stay", "")};
	json_t *before[4];

	expect_ok(w, "messages.update", "{'message_id':'%s','status':'completed'}", ids[0]);
	expect_ok(w, "messages.update", end, ids[1]);
	for (int i = 0; i < 4; i++) {
		before[i] = message_get(w, "t_stay", ids[i]);
	}
	run_move(w, run, "failed");
	for (int i = 0; i < 4; i++) {
		expect_same(message_get(w, "t_stay", ids[i]), before[i]);
	}
}

static void a_deleted_message_does_not_end(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_none", "in_progress"), *id = open_of(w, "t_none", run);

	expect_ok(w, "messages.delete", "{'message_id':'%s','thread_id':'t_none'}", id);
	run_move(w, run, "completed");
	expect_error(w, "messages.get", "not_found", NULL,
		"{'thread_id':'t_none','message_id':'%s'}", id);
	assert_int_equal(history_count(history_since(w, 0, ",'run_id':'%s'", run),
				 "thread.message.completed"),
		0);
}

static void a_refused_end_leaves_them_open(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_refused", "in_progress"), *step = step_new(w, run);
	const char *id = open_of(w, "t_refused", run);
	json_int_t last = history_last(w);

	expect_error(w, "runs.update", "steps_in_progress", NULL,
		"{'run_id':'%s','status':'completed'}", run);
	expect_error(w, "batch", "not_found", "requests[1]*",
		"{'atomic':true,'requests':[['runs.update',{'run_id':'%s','status':'cancelling'}],"
		"['runs.get',{'run_id':'none'}]]}",
		run);
	expect_fields(message_get(w, "t_refused", id), "{'status':'in_progress'}");
	assert_int_equal(history_last(w), last);
	expect_ok(w, "steps.update", "{'run_id':'%s','step_id':'%s','status':'completed'}", run,
		step);
	run_move(w, run, "completed");
	expect_completed(w, "t_refused", id);
}

static void steps_and_messages_end_before_their_run(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_both", "in_progress"), *id;
	json_t *changes;
	size_t n;

	step_new(w, run);
	id = open_of(w, "t_both", run);
	run_move(w, run, "failed");
	expect_incomplete(w, "t_both", id, "run_failed");
	changes = history_since(w, 0, ",'run_id':'%s'", run);
	n = json_array_size(changes);
	assert_int_equal(n, 7);
	expect_fields(json_array_get(changes, n - 1), "{'event':'thread.run.failed'}");
	assert_true(number(history_find(changes, "thread.run.step.failed"), "seq") <
		    number(json_array_get(changes, n - 1), "seq"));
	assert_int_equal(history_count(changes, "thread.message.incomplete"), 1);
}

static void a_thousand_open_messages_end_with_their_run(void **state)
{
	enum { MANY = 1000 };
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_many", "in_progress");
	json_t *requests = json_array(), *changes;

	for (int i = 0; i < MANY; i++) {
		json_array_append_new(requests,
			codec_parse("['messages.create',{'thread_id':'t_many','role':'assistant',"
				    "'status':'in_progress','content':'Hel','run_id':'%s',"
				    "'id':'many_%d'}]",
				run, i));
	}
	expect_ok_take(w, "batch", json_pack("{so sb}", "requests", requests, "atomic", 1));
	run_move(w, run, "expired");
	changes = history_since(w, 0, ",'run_id':'%s'", run);
	assert_int_equal(history_count(changes, "thread.message.incomplete"), MANY);
	for (int i = 0; i < MANY; i += 111) {
		char id[16];

		snprintf(id, sizeof(id), "many_%d", i);
		expect_incomplete(w, "t_many", id, "run_expired");
	}
}

static void expiry_ends_them_at_its_second(void **state)
{
	struct wire *w = wire_of(state);
	const char *run =
		text(expect_ok(w, "runs.create",
			     "{'thread_id':'t_expiry','assistant_id':'a','expires_in':2}"),
			"id");
	const char *id = open_of(w, "t_expiry", run);

	run_await(w, run, "expired", 10000);
	expect_incomplete(w, "t_expiry", id, "run_expired");
	expect_told(w, "t_expiry", run, id, "incomplete", "expired");
	expect_fields(history_find(history_since(w, 0, ",'run_id':'%s'", run),
			      "thread.message.incomplete"),
		"{'by':'daemon'}");
	/* The thread is free again. */
	message_say(w, "t_expiry", "");
}

static void the_third_loss_ends_them_as_failed(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = work_new(w, "loss", ""), *id = open_of(w, "loss", run);

	for (int i = 0; i < 3; i++) {
		work_claim(w, "w", "loss", ",'lease_ms':100,'wait_ms':20000");
	}
	run_await(w, run, "failed", 15000);
	expect_incomplete(w, "loss", id, "run_failed");
	expect_told(w, "loss", run, id, "incomplete", "failed");
}

static void what_expired_while_no_daemon_ran_has_ended_when_it_is_back(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	json_int_t due = unix_ms() + 3000;

	expect_ok(w, "runs.create",
		"{'thread_id':'t_away','assistant_id':'a','expires_in':2,'id':'away'}");
	expect_ok(w, "messages.create",
		"{'thread_id':'t_away','role':'assistant','status':'in_progress','content':'Hel',"
		"'run_id':'away','id':'m_away'}");
	fixture_crash(fixture);
	work_sleep_past(due);
	fixture_resume(fixture);
	expect_incomplete(w, "t_away", "m_away", "run_expired");
}

static void open_messages_of_runs_outlive_a_crash_and_end(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;

	expect_ok(w, "runs.create", "{'thread_id':'t_crash','assistant_id':'a','id':'r_crash'}");
	expect_ok(w, "messages.create",
		"{'thread_id':'t_crash','role':'assistant','status':'in_progress','content':'Hel',"
		"'run_id':'r_crash','id':'m_crash'}");
	fixture_crash(fixture);
	fixture_resume(fixture);
	expect_fields(message_get(w, "t_crash", "m_crash"), "{'status':'in_progress'}");
	run_move(w, "r_crash", "in_progress");
	run_move(w, "r_crash", "completed");
	expect_completed(w, "t_crash", "m_crash");
}

/* Under the id of a deleted run there may be another one. */
static void the_messages_of_a_deleted_run_are_not_those_of_the_next(void **state)
{
	static const char create[] = "{'thread_id':'%s','assistant_id':'a','id':'r_next'}";
	static const char list[] = "{'thread_id':'%s','run_id':'r_next'}";
	struct wire *w = wire_of(state);
	const char *old, *open;

	expect_ok(w, "runs.create", create, "t_next");
	old = open_of(w, "t_next", "r_next");
	expect_ok(w, "runs.delete", "{'run_id':'r_next'}");
	expect_ok(w, "runs.create", create, "t_next_2");
	open = open_of(w, "t_next_2", "r_next");
	expect_list(expect_ok(w, "messages.list", list, "t_next"), old, false);
	expect_list(expect_ok(w, "messages.list", list, "t_next_2"), open, false);
	run_move(w, "r_next", "failed");
	expect_incomplete(w, "t_next", old, "run_cancelled");
	expect_incomplete(w, "t_next_2", open, "run_failed");
}

/* Nobody would end it. */
static void a_run_that_has_ended_begins_no_message(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_late", "completed");

	expect_error(w, "messages.create", "invalid_transition", "status",
		"{'thread_id':'t_late','role':'assistant','content':'x','status':'in_progress',"
		"'run_id':'%s'}",
		run);
	expect_ok(w, "messages.create",
		"{'thread_id':'t_late','role':'assistant','content':'x','run_id':'%s'}", run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_that_has_ended_begins_no_message),
		cmocka_unit_test(every_end_of_a_run_ends_its_open_message),
		cmocka_unit_test(whatever_made_a_run_incomplete_its_messages_say_max_tokens),
		cmocka_unit_test(a_run_that_is_deleted_leaves_them_cancelled),
		cmocka_unit_test(the_deletion_is_told_after_their_end),
		cmocka_unit_test(the_messages_of_a_deleted_run_are_not_those_of_the_next),
		cmocka_unit_test(a_run_cancelled_while_nobody_works_on_it_ends_them_at_once),
		cmocka_unit_test(cancelling_leaves_them_open),
		cmocka_unit_test(a_run_that_is_queued_again_keeps_them_open),
		cmocka_unit_test(ended_messages_and_those_of_others_stay_as_they_are),
		cmocka_unit_test(a_deleted_message_does_not_end),
		cmocka_unit_test(a_refused_end_leaves_them_open),
		cmocka_unit_test(steps_and_messages_end_before_their_run),
		cmocka_unit_test(a_thousand_open_messages_end_with_their_run),
		cmocka_unit_test(expiry_ends_them_at_its_second),
		cmocka_unit_test(the_third_loss_ends_them_as_failed),
		cmocka_unit_test(what_expired_while_no_daemon_ran_has_ended_when_it_is_back),
		cmocka_unit_test(open_messages_of_runs_outlive_a_crash_and_end),
	};

	return cmocka_run_group_tests_name("messages end", tests, fixture_start, fixture_stop);
}
