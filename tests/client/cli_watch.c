/* The command line that follows changes, over restarts of the daemon too. */
#include "cmocka_all.h"

#include "tests/client/commands.h"
#include "tests/client/follow.h"
#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before each test: one that failed may have left the daemon away. */
static int run_daemon(void **state)
{
	struct store *s = *state;

	if (s->daemon.pid <= 0) {
		daemon_start(&s->daemon, NULL);
	}
	return 0;
}

static void stop_daemon(struct store *s)
{
	assert_true(s->daemon.pid > 0);
	daemon_stop(&s->daemon, SIGTERM);
}

/* The lines of @text are the changes, as the method lists them with @params. */
static void expect_changes(struct store *s, const char *text, const char *params)
{
	json_t *page, *changes;
	char *result;

	OK(s, runstore_call_json(s->rs, "changes.list", params, &result, &s->error));
	page = json_loads(result, 0, NULL);
	changes = json_object_get(page, "changes");
	assert_true(json_array_size(changes) > 0);
	for (size_t i = 0; i < json_array_size(changes); i++) {
		json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);

		assert_true(json_equal(line, json_array_get(changes, i)));
		json_decref(line);
		text += strcspn(text, "\n") + 1;
	}
	assert_string_equal(text, "");
	json_decref(page);
	free(result);
}

static void changes_are_json_lines_and_end_with_the_limit(void **state)
{
	run_make("t_lines", "lines_1", "parallel");
	run_make("t_lines", "lines_2", "parallel");
	run_move("lines_1", "in_progress");
	expect_changes(*state, cli_out(0, WORDS("watch", "--since", "0", "--limit", "2")),
		"{\"limit\":2}");
	expect_changes(*state, cli_out(0, WORDS("watch", "--since=1", "--limit=2")),
		"{\"after\":1,\"limit\":2}");
	expect_changes(*state,
		cli_out(0, WORDS("watch", "--since", "0", "--limit", "3", "--objects")),
		"{\"limit\":3,\"objects\":true}");
}

static void one_thread_or_run_can_be_watched(void **state)
{
	run_make("t_one", "one_1", "parallel");
	run_make("t_two", "two_1", "parallel");
	run_make("t_one", "one_2", "parallel");
	run_move("one_1", "in_progress");
	expect_changes(*state,
		cli_out(0, WORDS("watch", "--since", "0", "--limit", "3", "--thread", "t_one")),
		"{\"thread_id\":\"t_one\"}");
	expect_changes(*state,
		cli_out(0, WORDS("watch", "--since", "0", "--limit", "2", "--run-id", "one_1")),
		"{\"run_id\":\"one_1\"}");
}

static void a_terminal_gets_a_line_for_a_person(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_terminal");
	char part[160];
	const char *text;

	runstore_step_free(store_step(s, run->id, "m"));
	text = cli_terminal(
		0, WORDS("watch", "--since", "0", "--limit", "3", "--thread", "t_terminal"));
	snprintf(part, sizeof(part), "t_terminal/%s  -> \033[36mqueued\033[0m  by client", run->id);
	expect_part(text, part);
	expect_part(text, "\033[34mrun.in_progress\033[0m");
	expect_part(text, "\033[36mqueued\033[0m -> \033[34min_progress\033[0m");
	expect_part(text, "step.created");
	expect_part(text, "/step_");
	assert_null(strstr(text, "{"));
	cli_out(0, WORDS("runs", "update", run->id, "--metadata", "a=b"));
	cli_out(0, WORDS("runs", "delete", run->id));
	text = cli_terminal(0, WORDS("watch", "--since", "0", "--limit", "5", "--thread",
				       "t_terminal", "--no-color", "--objects"));
	expect_part(text, "run.updated ");
	expect_part(text, "  in_progress  by client");
	expect_part(text, "  in_progress ->  by client");
	expect_part(text, "assistant_id");
	assert_null(strchr(text, 033));
	runstore_run_free(run);
}

static void a_terminal_names_each_kind_of_object(void **state)
{
	static const char *const parts[] = {
		"thread.created       t_kinds  by client",
		"message.created      t_kinds/kinds_m  -> in_progress  by client",
		"message.delta        t_kinds/kinds_m  in_progress  by client",
		"message.completed    t_kinds/kinds_m  in_progress -> completed  by client",
		"message.created      t_kinds/kinds_r/kinds_rm  -> completed  by client",
		"thread.updated       t_kinds  by client",
		"message.deleted      t_kinds/kinds_m  completed ->  by client",
		"thread.deleted       t_kinds  by client",
		"assistant.created    kinds_a  by client",
		"assistant.updated    kinds_a  by client",
		"assistant.deleted    kinds_a  by client",
	};
	char since[32];
	const char *text;
	json_t *info;

	cli_out(0, WORDS("threads", "create", "--id", "t_kinds"));
	cli_out(0, WORDS("messages", "create", "t_kinds", "--id", "kinds_m", "--role", "assistant",
			   "--status", "in_progress", "--content", "a"));
	cli_out(0, WORDS("messages", "update", "kinds_m", "--content", "ab"));
	cli_out(0, WORDS("messages", "update", "kinds_m", "--status", "completed"));
	run_make("t_kinds", "kinds_r", "parallel");
	cli_out(0, WORDS("messages", "create", "t_kinds", "--id", "kinds_rm", "--role", "assistant",
			   "--run", "kinds_r", "--content", "a"));
	cli_out(0, WORDS("threads", "update", "t_kinds", "--metadata", "a=b"));
	cli_out(0, WORDS("messages", "delete", "kinds_m"));
	cli_out(0, WORDS("threads", "delete", "t_kinds"));
	text = cli_terminal(0, WORDS("watch", "--since", "0", "--limit", "10", "--thread",
				       "t_kinds", "--no-color"));
	for (int i = 0; i < 8; i++) {
		expect_part(text, parts[i]);
	}
	expect_part(text, "run.deleted          t_kinds/kinds_r");
	info = line_of(0, WORDS("info"));
	snprintf(since, sizeof(since), "%d", (int)json_number(info, "last_seq"));
	json_decref(info);
	cli_out(0, WORDS("assistants", "create", "--model", "m", "--id", "kinds_a"));
	cli_out(0, WORDS("assistants", "update", "kinds_a", "--name", "n"));
	cli_out(0, WORDS("assistants", "delete", "kinds_a"));
	text = cli_terminal(0, WORDS("watch", "--since", since, "--limit", "3", "--no-color"));
	for (int i = 8; i < 11; i++) {
		expect_part(text, parts[i]);
	}
}

/* Changes until the follower tells of one: it has begun. */
static void await_begin(struct follower *f, const char *thread)
{
	static int n;
	char id[32];

	do {
		snprintf(id, sizeof(id), "begin_%d", n++);
		run_make(thread, id, "parallel");
	} while (!follow_ready(f, 100));
	for (bool last = false; !last;) {
		last = strstr(follow_line(f), id) != NULL;
	}
}

static void what_comes_is_told_as_it_happens(void **state)
{
	struct follower f;

	run_make("t_now", "now_0", "parallel");
	follow(&f, WORDS("watch", "--thread", "t_now"));
	await_begin(&f, "t_now");
	run_make("t_now", "now_1", "parallel");
	expect_part(follow_line(&f), "\"now_1\"");
	run_make("t_else", "else_1", "parallel");
	run_move("now_1", "in_progress");
	expect_part(follow_line(&f), "\"from\":\"queued\",\"to\":\"in_progress\"");
	follow_quiet(&f, 200);
	follow_stop(&f, SIGINT, 128 + SIGINT);
}

static void a_lease_that_runs_out_is_told(void **state)
{
	struct follower f;
	const char *text;

	run_make("t_lost", "lost_1", "parallel");
	cli_out(0, WORDS("runs", "claim", "--thread", "t_lost", "--worker", "w\033[1m",
			   "--lease-ms", "100"));
	follow_on_terminal(&f, WORDS("watch", "--since", "0", "--run", "lost_1", "--limit", "3"));
	follow_line(&f);
	expect_part(follow_line(&f), "by w?[1m");
	text = follow_line(&f);
	expect_part(text, "\033[31mrun.lease_lost\033[0m");
	expect_part(text, "by daemon");
	follow_end(&f, 0);
}

static void watching_goes_on_when_the_daemon_is_back(void **state)
{
	struct store *s = *state;
	struct follower f;

	run_make("t_back", "back_1", "parallel");
	follow(&f, WORDS("watch", "--since", "0", "--thread", "t_back"));
	expect_part(follow_line(&f), "\"back_1\"");
	stop_daemon(s);
	expect_part(follow_note(&f), "is away");
	daemon_start(&s->daemon, NULL);
	run_make("t_back", "back_2", "parallel");
	expect_part(follow_note(&f), "is back");
	expect_part(follow_line(&f), "\"back_2\"");
	assert_true(s->daemon.pid > 0);
	daemon_kill(&s->daemon);
	expect_part(follow_note(&f), "is away");
	daemon_start(&s->daemon, NULL);
	for (int i = 3; i < 6; i++) {
		char id[32], part[40];

		snprintf(id, sizeof(id), "back_%d", i);
		snprintf(part, sizeof(part), "\"%s\"", id);
		run_make("t_back", id, "parallel");
		expect_part(follow_line(&f), part);
	}
	expect_part(follow_note(&f), "is back");
	follow_stop(&f, SIGTERM, 128 + SIGTERM);
}

static void waiting_goes_on_when_the_daemon_is_back(void **state)
{
	struct store *s = *state;
	struct follower f;
	int64_t n;

	run_make("t_patient", "patient_1", "parallel");
	n = follow_count(s, "runs.wait");
	follow(&f, WORDS("runs", "wait", "patient_1"));
	follow_await(s, "runs.wait", n);
	stop_daemon(s);
	expect_part(follow_note(&f), "is away");
	daemon_start(&s->daemon, NULL);
	cli_out(0, WORDS("runs", "cancel", "patient_1"));
	expect_part(follow_line(&f), "\"cancelled\"");
	follow_end(&f, 0);
}

static void waiting_has_an_end_when_the_daemon_stays_away(void **state)
{
	struct store *s = *state;
	struct follower f;
	int64_t n;

	run_make("t_gone", "gone_1", "parallel");
	n = follow_count(s, "runs.wait");
	follow(&f, WORDS("runs", "wait", "gone_1", "--timeout-ms", "2500"));
	follow_await(s, "runs.wait", n);
	stop_daemon(s);
	follow_end(&f, 3);
	daemon_start(&s->daemon, NULL);
}

static void discarded_changes_are_told_of(void **state)
{
	static const char *const args[] = {"--changes-max", "10", NULL};
	struct store *s = *state;
	const char *text;

	stop_daemon(s);
	daemon_start(&s->daemon, args);
	for (int i = 0; i < 40; i++) {
		runstore_run_free(store_run(s, "t_many"));
	}
	text = cli_err(0, WORDS("watch", "--since", "1", "--limit", "1"));
	expect_part(text, "no longer kept");
	text = cli_err(0, WORDS("watch", "--since", "0", "--thread", "t_many", "--limit", "1"));
	expect_part(text, "no longer kept");
	stop_daemon(s);
	daemon_start(&s->daemon, NULL);
}

static void what_cannot_be_watched_is_refused(void **state)
{
	expect_part(cli_err(2, WORDS("watch", "--since", "x")), "0 or more");
	expect_part(cli_err(2, WORDS("watch", "--since", "-1")), "0 or more");
	expect_part(cli_err(2, WORDS("watch", "--limit", "0")), "1 or more");
	expect_part(cli_err(2, WORDS("watch", "--limit")), "value is missing");
	expect_part(cli_err(2, WORDS("watch", "--objects=yes")), "no value");
	expect_part(cli_err(2, WORDS("watch", "--nonsense")), "--nonsense");
	expect_part(cli_err(2, WORDS("watch", "t_1")), "one word too many");
	expect_part(cli_err(1, WORDS("watch", "--since", "99999999")), "invalid_params");
	expect_part(cli_err(1, WORDS("watch", "--thread", "no id")), "thread_id");
	cli_err(3, WORDS("watch", "--url=ipc:///tmp/nobody-is-here.sock", "--timeout=0.2"));
	cli_err(3, WORDS("runs", "wait", "x", "--url=ipc:///tmp/nobody-is-here.sock"));
}

#define TEST(test) cmocka_unit_test_setup(test, run_daemon)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(changes_are_json_lines_and_end_with_the_limit),
		TEST(one_thread_or_run_can_be_watched),
		TEST(a_terminal_gets_a_line_for_a_person),
		TEST(a_terminal_names_each_kind_of_object),
		TEST(what_comes_is_told_as_it_happens),
		TEST(a_lease_that_runs_out_is_told),
		TEST(watching_goes_on_when_the_daemon_is_back),
		TEST(waiting_goes_on_when_the_daemon_is_back),
		TEST(waiting_has_an_end_when_the_daemon_stays_away),
		TEST(discarded_changes_are_told_of),
		TEST(what_cannot_be_watched_is_refused),
	};

	return cmocka_run_group_tests(tests, commands_start, store_stop);
}
