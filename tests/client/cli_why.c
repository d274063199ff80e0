/* The command line on what holds a thread. */
#include "cmocka_all.h"

#include "tests/client/commands.h"
#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <stdio.h>
#include <string.h>

static void a_free_thread_is_held_by_nothing(void **state)
{
	json_t *why;

	run_make("t_free", "free_1", "reject");
	cli_out(0, WORDS("runs", "cancel", "free_1"));
	why = line_of(0, WORDS("why", "t_free"));
	assert_string_equal(json_text(why, "thread_id"), "t_free");
	assert_true(json_is_null(json_at(why, "run_id")));
	assert_true(json_is_null(json_at(why, "since")));
	assert_true(json_is_null(json_at(why, "lease")));
	assert_string_equal(json_items(why, "waiting"), "");
	assert_string_equal(json_items(why, "unlock"), "");
	json_decref(why);
	expect_part(cli_terminal(0, WORDS("why", "t_free")), "Nothing holds thread t_free");
	expect_part(cli_err(1, WORDS("why", "t_nix")), "not_found");
	expect_part(cli_err(2, WORDS("why")), "THREAD is missing");
	expect_part(cli_err(2, WORDS("why", "a", "b")), "one word too many");
	expect_part(cli_err(2, WORDS("why", "a", "--limit", "1")), "--limit");
}

static void why_a_queued_run_holds_others_back(void **state)
{
	json_t *why;
	const char *text;

	run_make("t_queue", "queue_1", "reject");
	run_make("t_queue", "queue_2", "enqueue");
	run_make("t_queue", "queue_3", "parallel");
	run_make("t_queue", "queue_4", "enqueue");
	why = line_of(0, WORDS("why", "t_queue"));
	assert_string_equal(json_text(why, "run_id"), "queue_1");
	assert_string_equal(json_text(why, "status"), "queued");
	assert_true(json_is_true(json_at(why, "claimable")));
	assert_true(json_is_null(json_at(why, "lease")));
	assert_string_equal(json_items(why, "waiting"), "queue_2 queue_4");
	assert_string_equal(json_items(why, "beside"), "queue_3");
	assert_int_equal(json_array_size(json_at(why, "unlock")), 3);
	json_decref(why);
	text = cli_terminal(0, WORDS("why", "t_queue", "--no-color"));
	expect_part(text, "queue_1, queued since ");
	expect_part(text, "none has claimed it yet");
	expect_part(text, "2 runs, queue_2 is next");
	expect_part(text, "1 run that does not wait");
	expect_part(text, "runstore runs claim --thread t_queue");
	expect_part(text, "runstore runs cancel queue_1");
	cli_out(0, WORDS("runs", "cancel", "queue_1"));
	expect_part(cli_out(0, WORDS("why", "t_queue")), "\"run_id\":\"queue_2\"");
}

static void why_a_leased_run_holds_its_thread(void **state)
{
	char token[80], at_once[32];
	json_t *why;
	const char *text;

	run_make("t_leased", "leased_1", "reject");
	run_make("t_leased", "leased_2", "enqueue");
	run_claim("t_leased", token);
	cli_out(0, WORDS("runs", "release", "leased_1", "--lease", token));
	run_claim("t_leased", token);
	why = line_of(0, WORDS("why", "t_leased"));
	assert_string_equal(json_text(why, "status"), "in_progress");
	assert_string_equal(json_text(why, "lease.worker"), "w");
	assert_true(json_number(why, "lease.expires_ms") / 1000 > json_number(why, "since"));
	assert_int_equal(json_number(why, "attempts"), 2);
	assert_int_equal(json_number(why, "losses"), 0);
	assert_string_equal(json_items(why, "waiting"), "leased_2");
	snprintf(at_once, sizeof(at_once), "%s", json_items(why, "unlock"));
	assert_string_equal(at_once, "runstore runs requeue leased_1 ");
	json_decref(why);
	text = cli_terminal(0, WORDS("why", "t_leased", "--no-color"));
	expect_part(text, "w, whose lease ends at ");
	expect_part(text, "attempts  2");
	expect_part(text, "1 run, leased_2 is next");
	expect_part(text, "runstore runs fail leased_1");
}

static void why_a_run_without_a_worker_holds_its_thread(void **state)
{
	const char *text;

	run_make("t_alone", "alone_1", "reject");
	run_move("alone_1", "in_progress");
	text = cli_terminal(0, WORDS("why", "t_alone", "--no-color"));
	expect_part(text, "alone_1, in_progress since ");
	expect_part(text, "nobody is bound to end it before it expires");
	expect_part(text, "expires   ");
	expect_part(text, "waiting   none");
	expect_part(text, "runstore runs requeue alone_1");
	cli_out(0, WORDS("runs", "cancel", "alone_1"));
	text = cli_terminal(0, WORDS("why", "t_alone", "--no-color"));
	expect_part(text, "alone_1, cancelling since ");
	expect_part(text, "the daemon cancels it 60 s after");
	expect_part(text, "runstore runs fail alone_1");
	assert_null(strstr(text, "requeue"));
}

static void why_tool_calls_hold_a_thread(void **state)
{
	json_t *why;
	const char *text;

	run_make("t_calls", "calls_1", "reject");
	run_ask("calls_1");
	why = line_of(0, WORDS("why", "t_calls"));
	assert_string_equal(json_text(why, "status"), "requires_action");
	assert_int_equal(json_array_size(json_at(why, "tool_calls")), 2);
	assert_string_equal(
		json_text(json_array_get(json_at(why, "tool_calls"), 1), "name"), "get_place");
	json_decref(why);
	text = cli_terminal(0, WORDS("why", "t_calls", "--no-color"));
	expect_part(text, "its tool calls wait for their outputs");
	expect_part(text, "calls     call_1 get_time");
	expect_part(text, "runs submit calls_1 --output call_1=TEXT --output 'call 2'=TEXT");
	cli_out(0,
		WORDS("runs", "submit", "calls_1", "--output", "call_1=a", "--output", "call 2=b"));
	expect_part(cli_out(0, WORDS("why", "t_calls")), "\"status\":\"queued\"");
}

/* What a run was imported with tells no more than when it was created. */
static void since_is_when_the_status_came(void **state)
{
	json_t *why;

	cli_input(0,
		"{\"id\":\"since_1\",\"object\":\"thread.run\",\"created_at\":1700000000,"
		"\"thread_id\":\"t_since\",\"assistant_id\":\"a\",\"status\":\"queued\"}",
		WORDS("import", "-"));
	why = line_of(0, WORDS("why", "t_since"));
	assert_true(json_number(why, "since") > 1700000000);
	json_decref(why);
	run_move("since_1", "in_progress");
	cli_out(0, WORDS("runs", "update", "since_1", "--metadata", "k=v"));
	why = line_of(0, WORDS("why", "t_since"));
	assert_true(json_number(why, "since") > 1700000000);
	assert_true(json_is_null(json_at(why, "expires_at")));
	json_decref(why);
}

/* A message's statuses look like those of the run that makes it. */
static void a_message_of_the_run_does_not_change_since(void **state)
{
	json_int_t since;
	json_t *why;

	run_make("t_says", "says_1", "parallel");
	run_move("says_1", "in_progress");
	why = line_of(0, WORDS("why", "t_says"));
	since = json_number(why, "since");
	json_decref(why);
	pause_ms(1100);
	cli_out(0, WORDS("messages", "create", "t_says", "--role", "assistant", "--content", "x",
			   "--run", "says_1"));
	why = line_of(0, WORDS("why", "t_says"));
	assert_int_equal(json_number(why, "since"), since);
	json_decref(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_free_thread_is_held_by_nothing),
		cmocka_unit_test(why_a_queued_run_holds_others_back),
		cmocka_unit_test(why_a_leased_run_holds_its_thread),
		cmocka_unit_test(why_a_run_without_a_worker_holds_its_thread),
		cmocka_unit_test(why_tool_calls_hold_a_thread),
		cmocka_unit_test(since_is_when_the_status_came),
		cmocka_unit_test(a_message_of_the_run_does_not_change_since),
	};

	return cmocka_run_group_tests(tests, commands_start, store_stop);
}
