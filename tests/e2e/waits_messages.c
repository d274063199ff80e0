/* Messages that a run makes, as those see it who wait for the run or read its feed. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "pending.h"

#define WAKE_MS 10000

static void say(struct wire *w, const char *run, const char *thread, const char *id)
{
	expect_ok(w, "messages.create",
		"{'thread_id':'%s','role':'assistant','content':[],'status':'in_progress',"
		"'run_id':'%s','id':'%s'}",
		thread, run, id);
}

static void grow(struct wire *w, const char *id, const char *text)
{
	expect_ok(w, "messages.update", "{'message_id':'%s','content':'%s'}", id, text);
}

/* A message and a run are both "completed" and "incomplete". */
static void the_end_of_a_message_is_not_that_of_its_run(void **state)
{
	const struct fixture *fixture = *state;
	struct wire *w = wire_of(state), waiter;
	const char *run = run_in(w, "t_end", "in_progress");

	say(w, run, "t_end", "end_1");
	wire_open(&waiter, fixture->daemon.url, WIRE_TIMEOUT_MS);
	pending_send(&waiter, "runs.wait", "{'run_id':'%s','timeout_ms':60000}", run);
	pending_settle();
	expect_ok(w, "messages.update",
		"{'message_id':'end_1','content':'done','status':'completed'}");
	assert_null(pending_poll(&waiter, 500));
	run_move(w, run, "completed");
	expect_fields(pending_result(&waiter, WAKE_MS), "{'status':'completed'}");
	wire_close(&waiter);
}

/* Nor is it one in the feed, when the wait looks back. */
static void a_wait_that_looks_back_does_not_take_it_for_one(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_back", "in_progress");

	say(w, run, "t_back", "back_1");
	expect_ok(w, "messages.update",
		"{'message_id':'back_1','status':'incomplete','incomplete_details':"
		"{'reason':'max_tokens'}}");
	expect_fields(expect_ok(w, "runs.wait", "{'run_id':'%s','timeout_ms':300}", run),
		"{'status':'in_progress'}");
}

static void a_message_that_grows_is_a_change_of_its_run(void **state)
{
	const struct fixture *fixture = *state;
	struct wire *w = wire_of(state), waiter;
	const char *run = run_in(w, "t_grow", "in_progress");

	say(w, run, "t_grow", "grow_1");
	wire_open(&waiter, fixture->daemon.url, WIRE_TIMEOUT_MS);
	pending_send(
		&waiter, "runs.wait", "{'run_id':'%s','until':'change','timeout_ms':60000}", run);
	pending_settle();
	grow(w, "grow_1", "He");
	expect_fields(pending_result(&waiter, WAKE_MS), "{'status':'in_progress'}");
	wire_close(&waiter);
}

static void who_reads_the_feed_of_a_run_is_woken_by_its_messages(void **state)
{
	const struct fixture *fixture = *state;
	struct wire *w = wire_of(state), waiter;
	const char *run = run_in(w, "t_feed", "in_progress");
	json_int_t last = number(expect_ok(w, "changes.list", "{'limit':1000}"), "last_seq");

	wire_open(&waiter, fixture->daemon.url, WIRE_TIMEOUT_MS);
	pending_send(&waiter, "changes.list",
		"{'run_id':'%s','after':%" JSON_INTEGER_FORMAT ",'wait_ms':60000,'objects':true}",
		run, last);
	pending_settle();
	expect_ok(w, "messages.create", "{'thread_id':'t_feed','role':'assistant','content':'x'}");
	say(w, run, "t_feed", "feed_1");
	expect_fields(pending_result(&waiter, WAKE_MS),
		"{'changes[0].event':'thread.message.created','changes[0].message_id':'feed_1',"
		"'changes[0].object.status':'in_progress'}");
	wire_close(&waiter);
}

/* Whoever asks for all that happened to a run is not made to look through what was before it. */
static void the_feed_of_a_run_begins_with_its_creation(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_begin", "completed");
	json_t *feed = expect_ok(w, "changes.list", "{'run_id':'%s'}", run);

	expect_fields(feed, "{'changes[0].event':'thread.run.created','changes[1].event':"
			    "'thread.run.in_progress','changes[2].event':'thread.run.completed'}");
	assert_int_equal(json_array_size(field(feed, "changes")), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_a_message_is_not_that_of_its_run),
		cmocka_unit_test(a_wait_that_looks_back_does_not_take_it_for_one),
		cmocka_unit_test(a_message_that_grows_is_a_change_of_its_run),
		cmocka_unit_test(who_reads_the_feed_of_a_run_is_woken_by_its_messages),
		cmocka_unit_test(the_feed_of_a_run_begins_with_its_creation),
	};

	return cmocka_run_group_tests_name("waits_messages", tests, fixture_start, fixture_stop);
}
