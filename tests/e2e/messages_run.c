/* Messages of runs: when a thread takes none, whose lease they need, and how they end with runs. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "talk.h"
#include "work.h"

#include <stdio.h>
#include <string.h>

#define LONG_MS 60000
#define SAY "{'thread_id':'%s','role':'user','content':'Hi.'%s}"
#define ANSWER "{'thread_id':'%s','role':'assistant','content':'Hello.','run_id':'%s'%s}"

/* A run of the thread @name that keeps the user silent. */
static const char *run_alone(struct wire *w, const char *name)
{
	return text(
		expect_ok(w, "runs.create", "{'thread_id':'%s','assistant_id':'%s'}", name, name),
		"id");
}

/* The same, claimed. */
static struct lease take_alone(struct wire *w, const char *name)
{
	const char *id = run_alone(w, name);
	struct lease lease = work_lease(work_claim(w, "w", name, ",'lease_ms':60000"));

	assert_string_equal(lease.run, id);
	return lease;
}

static void expect_silence(struct wire *w, const char *thread, const char *run)
{
	char message[256];
	json_t *error = expect_error(w, "messages.create", "run_active", NULL, SAY, thread, "");

	snprintf(message, sizeof(message), "Can't add messages to %s while a run %s is active.",
		thread, run);
	assert_string_equal(text(error, "message"), message);
}

static size_t n_messages(struct wire *w, const char *thread)
{
	return json_array_size(field(
		expect_ok(w, "messages.list", "{'thread_id':'%s','limit':100}", thread), "data"));
}

static void the_user_waits_for_the_active_run(void **state)
{
	struct wire *w = wire_of(state);
	const char *run;
	json_int_t last;

	message_say(w, "wait", "");
	run = run_alone(w, "wait");
	last = history_last(w);
	expect_silence(w, "wait", run);
	expect_error(
		w, "messages.create", "run_active", NULL, SAY, "wait", ",'status':'in_progress'");
	assert_int_equal(n_messages(w, "wait"), 1);
	assert_int_equal(history_last(w), last);
	run_move(w, run, "cancelled");
	message_say(w, "wait", "");
	/* The next one counts again. */
	expect_silence(w, "wait", run_alone(w, "wait"));
}

static void every_active_status_blocks_and_no_terminal_one(void **state)
{
	static const char *const ends[] = {"completed", "incomplete", "failed", "expired"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		const char *run = run_alone(w, "status");

		expect_silence(w, "status", run);
		run_move(w, run, "in_progress");
		expect_silence(w, "status", run);
		run_move(w, run, "requires_action");
		expect_silence(w, "status", run);
		expect_ok(w, "runs.submit_tool_outputs",
			"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'o'}]}",
			run);
		expect_silence(w, "status", run);
		run_move(w, run, "in_progress");
		run_move(w, run, "cancelling");
		expect_silence(w, "status", run);
		run_move(w, run, ends[i]);
		message_say(w, "status", "");
	}
}

static void enqueued_and_parallel_runs_block_nobody(void **state)
{
	static const char create[] = "{'thread_id':'%s','assistant_id':'a','on_active':'%s'}";
	static const char *const rules[] = {"enqueue", "parallel"};
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		const char *run =
			text(expect_ok(w, "runs.create", create, rules[i], rules[i]), "id");

		message_say(w, rules[i], "");
		run_move(w, run, "in_progress");
		message_say(w, rules[i], "");
		assert_int_equal(n_messages(w, rules[i]), 2);
	}
}

static void among_others_the_one_that_rejects_blocks(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_alone(w, "among"), *beside = run_new(w, "among");

	expect_ok(
		w, "runs.create", "{'thread_id':'among','assistant_id':'a','on_active':'enqueue'}");
	expect_silence(w, "among", run);
	run_move(w, beside, "cancelled");
	expect_silence(w, "among", run);
	run_move(w, run, "cancelled");
	message_say(w, "among", "");
}

static void another_thread_s_run_blocks_nobody(void **state)
{
	struct wire *w = wire_of(state);

	run_alone(w, "here");
	message_say(w, "here-2", "");
	message_say(w, "her", "");
}

static void a_deleted_run_blocks_nobody(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_alone(w, "deleted");

	expect_silence(w, "deleted", run);
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", run);
	message_say(w, "deleted", "");
}

static void an_imported_run_that_ended_blocks_nobody(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'imp_done','thread_id':'t_imp'}"));
	message_say(w, "t_imp", "");
}

static void the_assistant_is_not_blocked(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_alone(w, "assistant");

	expect_ok(w, "messages.create",
		"{'thread_id':'assistant','role':'assistant','content':'Hello.'}");
	expect_ok(w, "messages.create", ANSWER, "assistant", run, "");
	message_open(w, "assistant", "");
	assert_int_equal(n_messages(w, "assistant"), 3);
}

static void what_is_there_can_be_changed_and_deleted_meanwhile(void **state)
{
	static const char of[] = "{'thread_id':'change','message_id':'%s'%s}";
	struct wire *w = wire_of(state);
	const char *id = text(message_say(w, "change", ""), "id");

	run_alone(w, "change");
	expect_ok(w, "messages.update", of, id, ",'metadata':{'k':'v'}");
	expect_ok(w, "messages.delete", of, id, "");
}

static void the_run_s_own_worker_passes(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = take_alone(w, "own"), other = work_take(w, "own_2", LONG_MS);
	char members[256];

	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	expect_fields(message_say(w, "own", members), "{'role':'user','run_id':'%s'}", lease.run);
	snprintf(members, sizeof(members), ",'run_id':'%s'", lease.run);
	expect_error(w, "messages.create", "run_active|lease_lost", NULL, SAY, "own", members);
	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, other.token);
	expect_error(w, "messages.create", "lease_lost", "lease", SAY, "own", members);
	assert_int_equal(n_messages(w, "own"), 1);
}

static void another_run_s_worker_does_not_pass(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_alone(w, "beside");
	struct lease lease;
	char members[256];
	json_t *error;

	work_new(w, "beside", "");
	work_claim(w, "w", "beside", ",'lease_ms':60000");
	lease = work_lease(work_claim(w, "w", "beside", ",'lease_ms':60000"));
	assert_string_not_equal(lease.run, run);
	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	error = expect_error(w, "messages.create", "run_active", NULL, SAY, "beside", members);
	assert_non_null(strstr(text(error, "message"), run));
}

static void a_run_must_be_in_the_thread(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_there");

	expect_error(w, "messages.create", "not_found", "run_id", ANSWER, "t_there", "run_no", "");
	expect_error(w, "messages.create", "not_found", "run_id", ANSWER, "t_not", run, "");
	expect_error(w, "messages.create", "not_found", "run_id", ANSWER, "t_there", "t_there", "");
	expect_error(w, "threads.get", "not_found", NULL, "{'thread_id':'t_not'}");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_there'}"), "", false);
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", run);
	expect_error(w, "messages.create", "not_found", "run_id", ANSWER, "t_there", run, "");
}

static void the_run_s_assistant_speaks_unless_another_one_is_named(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_speak");

	expect_fields(expect_ok(w, "messages.create", ANSWER, "t_speak", run, ""),
		"{'run_id':'%s','assistant_id':'asst_1','status':'completed'}", run);
	expect_fields(
		expect_ok(w, "messages.create", ANSWER, "t_speak", run, ",'assistant_id':null"),
		"{'assistant_id':'asst_1'}");
	expect_fields(
		expect_ok(w, "messages.create", ANSWER, "t_speak", run, ",'assistant_id':'asst_2'"),
		"{'assistant_id':'asst_2'}");
}

static void a_leased_run_s_messages_are_made_under_its_lease(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "made", LONG_MS), other = work_take(w, "made", LONG_MS);
	char members[128];

	expect_error(w, "messages.create", "lease_lost", "lease", ANSWER, "made", lease.run, "");
	for (int i = 0; i < 2; i++) {
		snprintf(members, sizeof(members), ",'lease':'%s'", i ? "made_up" : other.token);
		expect_error(w, "messages.create", "lease_lost", "lease", ANSWER, "made", lease.run,
			members);
	}
	assert_int_equal(n_messages(w, "made"), 0);
	snprintf(members, sizeof(members), ",'lease':'%s'", lease.token);
	expect_names(
		expect_ok(w, "messages.create", ANSWER, "made", lease.run, members), message_names);
	/* Of no run: no lease. */
	message_open(w, "made", "");
}

static void a_leased_run_s_messages_grow_and_end_under_its_lease(void **state)
{
	static const char update[] = "{'message_id':'%s'%s%s}";
	static const char *const guarded[] = {",'content':'Hello'", ",'status':'completed'",
		",'status':'incomplete','incomplete_details':{'reason':'max_tokens'}",
		",'content':'Hello','metadata':{'k':'v'}"};
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "grow", LONG_MS), other = work_take(w, "grow", LONG_MS);
	char of_run[256], key[128];
	const char *id;

	snprintf(of_run, sizeof(of_run), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	id = message_open(w, "grow", of_run);
	for (size_t i = 0; i < sizeof(guarded) / sizeof(*guarded); i++) {
		expect_error(
			w, "messages.update", "lease_lost", "lease", update, id, guarded[i], "");
		snprintf(key, sizeof(key), ",'lease':'%s'", other.token);
		expect_error(
			w, "messages.update", "lease_lost", "lease", update, id, guarded[i], key);
	}
	expect_fields(message_get(w, "grow", id),
		"{'status':'in_progress','content[0].text.value':'Hel','metadata':{}}");
	expect_ok(w, "messages.update", update, id, ",'metadata':{'k':'v'}", "");
	snprintf(key, sizeof(key), ",'lease':'%s'", lease.token);
	expect_ok(w, "messages.update", update, id, ",'content':'Hello'", key);
	expect_fields(expect_ok(w, "messages.update", update, id, ",'status':'completed'", key),
		"{'status':'completed','content[0].text.value':'Hello','metadata':{'k':'v'}}");
	expect_ok(w, "messages.delete", "{'thread_id':'grow','message_id':'%s'}", id);
}

static void a_run_that_nobody_leased_takes_no_lease(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "free", "in_progress"), *id;
	struct lease other = work_take(w, "free", LONG_MS);
	char members[128];

	snprintf(members, sizeof(members), ",'lease':'%s'", other.token);
	expect_error(w, "messages.create", "lease_lost", "lease", ANSWER, "free", run, members);
	snprintf(members, sizeof(members), ",'run_id':'%s'", run);
	id = message_open(w, "free", members);
	expect_error(w, "messages.update", "lease_lost", "lease",
		"{'message_id':'%s','content':'Hello','lease':'%s'}", id, other.token);
	expect_ok(w, "messages.update", "{'message_id':'%s','content':'Hello'}", id);
}

static void a_lease_that_ended_opens_nothing(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "over", LONG_MS);
	char members[256];
	const char *id;

	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	id = message_open(w, "over", members);
	work_release(w, &lease);
	expect_fields(message_get(w, "over", id), "{'status':'in_progress'}");
	work_claim(w, "w2", "over", "");
	snprintf(members, sizeof(members), ",'lease':'%s'", lease.token);
	expect_error(
		w, "messages.create", "lease_lost", "lease", ANSWER, "over", lease.run, members);
	expect_error(w, "messages.update", "lease_lost", "lease",
		"{'message_id':'%s','content':'Hello'%s}", id, members);
}

static void a_worker_goes_on_with_what_the_one_before_began(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "next", 2000);
	char members[256];
	const char *id;

	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	id = message_open(w, "next", members);
	work_await_loss(w, &lease);
	expect_fields(message_get(w, "next", id), "{'status':'in_progress'}");
	lease = work_lease(work_claim(w, "w2", "next", ",'lease_ms':60000"));
	expect_ok(w, "messages.update", "{'message_id':'%s','content':'Hello','lease':'%s'}", id,
		lease.token);
	work_move(w, &lease, "completed");
	expect_fields(message_get(w, "next", id), "{'status':'completed'}");
}

static void a_worker_s_name_stands_with_its_messages(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "name", LONG_MS);
	char members[256];
	const char *id;
	json_t *changes;

	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	id = message_open(w, "name", members);
	expect_ok(w, "messages.update", "{'message_id':'%s','content':'Hello','lease':'%s'}", id,
		lease.token);
	expect_ok(w, "messages.update", "{'message_id':'%s','metadata':{'k':'v'}}", id);
	work_move(w, &lease, "completed");
	changes = history_since(w, 0, ",'run_id':'%s'", lease.run);
	expect_fields(history_find(changes, "thread.message.created"), "{'by':'w'}");
	expect_fields(history_find(changes, "thread.message.delta"), "{'by':'w'}");
	expect_fields(history_find(changes, "thread.message.updated"), "{'by':'client'}");
	expect_fields(history_find(changes, "thread.message.completed"), "{'by':'w'}");
}

static void the_worker_of_a_deleted_run_finds_nothing(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "nothing", LONG_MS);
	char members[128];

	expect_ok(w, "runs.delete", "{'run_id':'%s'}", lease.run);
	snprintf(members, sizeof(members), ",'lease':'%s'", lease.token);
	expect_error(
		w, "messages.create", "not_found", "run_id", ANSWER, "nothing", lease.run, members);
}

static void a_leased_message_sent_again_is_answered(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "again", LONG_MS);
	char members[256];
	json_t *message;

	snprintf(members, sizeof(members), ",'lease':'%s','idempotency_key':'again'", lease.token);
	message = expect_ok(w, "messages.create", ANSWER, "again", lease.run, members);
	work_move(w, &lease, "completed");
	expect_same(expect_ok(w, "messages.create", ANSWER, "again", lease.run, members), message);
	assert_int_equal(n_messages(w, "again"), 1);
}

static void a_message_may_still_be_told_of_a_run_that_ended(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_ended", "completed");

	expect_fields(expect_ok(w, "messages.create", ANSWER, "t_ended", run, ""),
		"{'run_id':'%s','status':'completed'}", run);
}

static void the_worker_of_a_deleted_thread_finds_nothing(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "lost", LONG_MS);
	char members[256];
	const char *id;

	snprintf(members, sizeof(members), ",'run_id':'%s','lease':'%s'", lease.run, lease.token);
	id = message_open(w, "lost", members);
	expect_ok(w, "threads.delete", "{'thread_id':'lost'}");
	snprintf(members, sizeof(members), ",'lease':'%s'", lease.token);
	expect_error(
		w, "messages.create", "not_found", "run_id", ANSWER, "lost", lease.run, members);
	expect_error(w, "messages.update", "not_found", NULL,
		"{'message_id':'%s','content':'Hello'%s}", id, members);
	/* Nor does its attempt bring the thread back. */
	expect_error(w, "threads.get", "not_found", NULL, "{'thread_id':'lost'}");
}

static void a_batch_waits_for_the_active_run_too(void **state)
{
	static const char batch[] =
		"{'atomic':true,'requests':["
		"['messages.create',{'thread_id':'%s','role':'user','content':'a'}],"
		"['messages.create',{'thread_id':'%s','role':'user','content':'b'}],"
		"['runs.create',{'thread_id':'%s','assistant_id':'a'}]]}";
	struct wire *w = wire_of(state);
	json_t *reply = expect_ok(w, "batch", batch, "many", "many", "many"), *error;

	error = expect_error(
		w, "batch", "run_active", "requests[0]*", batch, "many", "many", "many");
	assert_non_null(strstr(text(error, "message"), text(reply, "results[2][1].id")));
	assert_int_equal(n_messages(w, "many"), 2);
	/* What comes behind the run in a batch comes too late. */
	expect_error(w, "batch", "run_active", "requests[1]*",
		"{'atomic':true,'requests':["
		"['runs.create',{'thread_id':'behind','assistant_id':'a'}],"
		"['messages.create',{'thread_id':'behind','role':'user','content':'a'}]]}");
	expect_error(w, "threads.get", "not_found", NULL, "{'thread_id':'behind'}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_user_waits_for_the_active_run),
		cmocka_unit_test(a_batch_waits_for_the_active_run_too),
		cmocka_unit_test(every_active_status_blocks_and_no_terminal_one),
		cmocka_unit_test(enqueued_and_parallel_runs_block_nobody),
		cmocka_unit_test(among_others_the_one_that_rejects_blocks),
		cmocka_unit_test(another_thread_s_run_blocks_nobody),
		cmocka_unit_test(a_deleted_run_blocks_nobody),
		cmocka_unit_test(an_imported_run_that_ended_blocks_nobody),
		cmocka_unit_test(the_assistant_is_not_blocked),
		cmocka_unit_test(what_is_there_can_be_changed_and_deleted_meanwhile),
		cmocka_unit_test(the_run_s_own_worker_passes),
		cmocka_unit_test(another_run_s_worker_does_not_pass),
		cmocka_unit_test(a_run_must_be_in_the_thread),
		cmocka_unit_test(the_run_s_assistant_speaks_unless_another_one_is_named),
		cmocka_unit_test(a_leased_run_s_messages_are_made_under_its_lease),
		cmocka_unit_test(a_leased_run_s_messages_grow_and_end_under_its_lease),
		cmocka_unit_test(a_run_that_nobody_leased_takes_no_lease),
		cmocka_unit_test(a_lease_that_ended_opens_nothing),
		cmocka_unit_test(a_worker_goes_on_with_what_the_one_before_began),
		cmocka_unit_test(a_worker_s_name_stands_with_its_messages),
		cmocka_unit_test(the_worker_of_a_deleted_run_finds_nothing),
		cmocka_unit_test(the_worker_of_a_deleted_thread_finds_nothing),
		cmocka_unit_test(a_leased_message_sent_again_is_answered),
		cmocka_unit_test(a_message_may_still_be_told_of_a_run_that_ended),
	};

	return cmocka_run_group_tests_name("messages of runs", tests, fixture_start, fixture_stop);
}
