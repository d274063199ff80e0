/* The command line for who executes runs, and for who looks after them. */
#include "cmocka_all.h"

#include "tests/client/commands.h"
#include "tests/client/follow.h"
#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_claim_is_one_line_of_json_in_a_pipe(void **state)
{
	json_t *got;

	run_make("t_claim", "claim_1", "parallel");
	got = line_of(0, WORDS("runs", "claim", "--assistant-ids", "t_claim", "--worker", "w 1",
				 "--lease-ms=60000"));
	assert_string_equal(json_text(got, "run.id"), "claim_1");
	assert_string_equal(json_text(got, "run.status"), "in_progress");
	assert_string_equal(json_text(got, "lease.worker"), "w 1");
	assert_int_equal(json_number(got, "lease.attempt"), 1);
	json_decref(got);
}

static void a_claim_is_fields_on_a_terminal(void **state)
{
	const char *text;

	run_make("t_fields", "fields_1", "parallel");
	text = cli_terminal(0, WORDS("runs", "claim", "--assistant", "t_fields", "--worker", "me",
				       "--lease-ms", "3510000", "--no-color"));
	expect_part(text, "  id                     fields_1");
	expect_part(text, "  token                  lease_");
	expect_part(text, "(in 58 min)");
	assert_null(strstr(text, "{\""));
}

static void nothing_to_claim_ends_with_4(void **state)
{
	assert_string_equal(cli_out(4, WORDS("runs", "claim", "--assistant", "nobody")), "");
	assert_string_equal(cli_err(4, WORDS("runs", "claim", "--thread", "nowhere")),
		"There is no run to claim.\n");
	expect_part(cli_terminal(
			    4, WORDS("runs", "claim", "--assistant", "nobody", "--wait-ms", "100")),
		"There is no run to claim.");
}

static void who_claims_by_hand_is_named_after_user_and_host(void **state)
{
	char host[65] = "", name[80];
	json_t *got;

	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	snprintf(name, sizeof(name), "ada@%s", host);
	run_make("t_user", "user_1", "parallel");
	got = line_of(0, WORDS("runs", "claim", "--assistant", "t_user"));
	assert_string_equal(json_text(got, "lease.worker"), name);
	json_decref(got);
}

static void several_assistants_will_do(void **state)
{
	char token[80];

	run_make("t_two", "two_1", "parallel");
	run_make("t_four", "four_1", "parallel");
	run_claim("t_one,t_two", token);
	expect_part(cli_out(0, WORDS("runs", "claim", "--assistant", "t_three", "--assistant-ids",
				       "t_four", "--worker", "w")),
		"\"four_1\"");
}

static void a_claim_waits_for_a_run(void **state)
{
	struct follower f;

	follow(&f, WORDS("runs", "claim", "--assistant", "t_late", "--wait-ms", "20000"));
	run_make("t_late", "late_1", "parallel");
	expect_part(follow_line(&f), "\"late_1\"");
	follow_end(&f, 0);
}

static void a_lease_is_held_and_given_back(void **state)
{
	char token[80];
	json_t *got;

	run_make("t_hold", "hold_1", "parallel");
	run_claim("t_hold", token);
	got = line_of(0, WORDS("runs", "lease", "hold_1"));
	assert_string_equal(json_text(got, "lease.worker"), "w");
	assert_int_equal(json_number(got, "attempts"), 1);
	json_decref(got);
	got = line_of(0, WORDS("runs", "heartbeat", "hold_1", "--lease", token));
	assert_string_equal(json_text(got, "status"), "in_progress");
	json_decref(got);
	expect_part(cli_err(1, WORDS("runs", "heartbeat", "hold_1", "--lease", "x")), "lease_lost");
	expect_part(cli_err(1, WORDS("runs", "update", "hold_1", "--status", "completed")),
		"lease_lost");
	expect_part(cli_err(2, WORDS("runs", "release", "hold_1")), "--lease is missing");
	expect_part(cli_err(2, WORDS("runs", "heartbeat")), "RUN is missing");
	expect_part(cli_out(0, WORDS("runs", "release", "hold_1", "--lease", token)), "\"queued\"");
	expect_part(cli_err(1, WORDS("runs", "release", "hold_1", "--lease", token)), "lease_lost");
	expect_part(
		cli_terminal(0, WORDS("runs", "lease", "hold_1", "--no-color")), "claimable  true");
}

static void a_run_is_taken_from_its_worker(void **state)
{
	char token[80];

	run_make("t_take", "take_1", "parallel");
	run_claim("t_take", token);
	expect_part(cli_out(0, WORDS("runs", "requeue", "take_1")), "\"queued\"");
	expect_part(
		cli_err(1, WORDS("runs", "heartbeat", "take_1", "--lease", token)), "lease_lost");
	expect_part(cli_err(1, WORDS("runs", "requeue", "take_1")), "invalid_transition");
	run_claim("t_take", token);
	expect_part(cli_out(0, WORDS("runs", "fail", "take_1", "--message", "no use")),
		"{\"code\":\"server_error\",\"message\":\"no use\"}");
	expect_part(cli_err(1, WORDS("runs", "fail", "take_1")), "invalid_transition");
}

/* A message of the run that comes completed, and goes. */
static void make_message(const char *thread, const char *run)
{
	cli_out(0, WORDS("messages", "create", thread, "--role", "assistant", "--content", "x",
			   "--run", run, "--id", "msg_done"));
	cli_out(0, WORDS("messages", "delete", "msg_done"));
}

static void waiting_ends_with_the_run(void **state)
{
	struct follower f;
	json_t *got;

	run_make("t_wait", "wait_1", "parallel");
	follow(&f, WORDS("runs", "wait", "wait_1"));
	follow_quiet(&f, 300);
	run_move("wait_1", "in_progress");
	follow_quiet(&f, 300);
	make_message("t_wait", "wait_1");
	follow_quiet(&f, 300);
	run_move("wait_1", "completed");
	expect_part(follow_line(&f), "\"completed\"");
	follow_end(&f, 0);
	got = line_of(0, WORDS("runs", "wait", "wait_1"));
	assert_string_equal(json_text(got, "status"), "completed");
	json_decref(got);
	expect_part(cli_terminal(0, WORDS("runs", "wait", "wait_1", "--no-color")),
		"status                 completed");
}

static void waiting_ends_with_its_time(void **state)
{
	long began = clock_ms();
	json_t *got;

	run_make("t_time", "time_1", "parallel");
	got = line_of(4, WORDS("runs", "wait", "time_1", "--timeout-ms", "400"));
	assert_in_range(clock_ms() - began, 400, 20000);
	assert_string_equal(json_text(got, "id"), "time_1");
	json_decref(got);
	json_decref(line_of(4, WORDS("runs", "wait", "time_1", "--timeout=0.2")));
	json_decref(line_of(4, WORDS("--timeout", "0.2", "runs", "wait", "time_1")));
	json_decref(line_of(4, WORDS("runs", "wait", "time_1", "--timeout-ms", "0")));
	json_decref(line_of(4, WORDS("runs", "wait", "time_1", "--until", "change", "--timeout-ms",
				       "100", "--timeout", "5")));
	expect_part(cli_err(2, WORDS("runs", "wait", "time_1", "--timeout-ms", "-1")), "0 or more");
	expect_part(cli_err(2, WORDS("runs", "wait")), "RUN is missing");
	expect_part(cli_err(1, WORDS("runs", "wait", "time_0")), "not_found");
	expect_part(cli_err(1, WORDS("runs", "wait", "time_1", "--thread", "x")), "not_found");
	expect_part(cli_err(1, WORDS("runs", "wait", "time_1", "--until", "x")), "until");
	expect_part(cli_err(1, WORDS("runs", "wait", "time_1", "--until=change",
				       "--since-seq=99999999")),
		"since_seq");
}

static void waiting_ends_with_what_is_asked_for(void **state)
{
	struct store *s = *state;
	struct follower f;
	int64_t n;

	run_make("t_until", "until_1", "parallel");
	follow(&f, WORDS("runs", "wait", "until_1", "--until", "action"));
	follow_quiet(&f, 300);
	make_message("t_until", "until_1");
	follow_quiet(&f, 300);
	run_ask("until_1");
	expect_part(follow_line(&f), "\"requires_action\"");
	follow_end(&f, 0);
	expect_part(cli_out(0, WORDS("runs", "wait", "until_1", "--until", "change", "--since-seq",
				       "0")),
		"\"requires_action\"");
	n = follow_count(s, "runs.wait");
	follow(&f, WORDS("runs", "wait", "until_1", "--until=change"));
	follow_await(s, "runs.wait", n);
	follow_quiet(&f, 300);
	cli_out(0, WORDS("runs", "update", "until_1", "--metadata", "a=b"));
	expect_part(follow_line(&f), "{\"a\":\"b\"}");
	follow_end(&f, 0);
	follow(&f, WORDS("runs", "wait", "until_1"));
	follow_quiet(&f, 300);
	cli_out(0, WORDS("runs", "delete", "until_1"));
	expect_part(follow_note(&f), "not_found");
	follow_end(&f, 1);
}

/* The ids of the lines of a list, one behind the other with a space between. */
static const char *ids_of(const char *text)
{
	static char ids[4096];

	*ids = '\0';
	while (*text) {
		json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
		size_t len = strlen(ids);

		assert_true(json_is_object(line));
		snprintf(ids + len, sizeof(ids) - len, "%s%s", len ? " " : "",
			json_text(line, "id"));
		json_decref(line);
		text += strcspn(text, "\n") + 1;
	}
	return ids;
}

static void stale_runs_are_under_way_without_a_worker(void **state)
{
	static const char *const ids[] = {"s_queued", "s_worked", "s_stale", "s_stop", "s_end"};
	char token[80];
	const char *text;

	for (int i = 0; i < 5; i++) {
		run_make(i == 1 ? "t_s1" : "t_s", ids[i], "parallel");
	}
	run_claim("t_s1", token);
	run_move("s_stale", "in_progress");
	run_move("s_stop", "in_progress");
	cli_out(0, WORDS("runs", "cancel", "s_stop"));
	run_move("s_end", "in_progress");
	run_move("s_end", "completed");
	assert_string_equal(ids_of(cli_out(0, WORDS("runs", "list", "--stale", "--thread", "t_s"))),
		"s_stop s_stale");
	assert_string_equal(ids_of(cli_out(0, WORDS("runs", "list", "--stale", "--status",
						      "in_progress", "--thread", "t_s"))),
		"s_stale");
	assert_string_equal(cli_out(0, WORDS("runs", "list", "--stale", "--thread", "t_s1")), "");
	text = cli_terminal(0, WORDS("runs", "list", "--stale", "--thread=t_s", "--no-color"));
	expect_part(text, "EXPIRES");
	expect_part(text, "s_stale");
	assert_null(strstr(text, "MODEL"));
	expect_part(cli_terminal(0, WORDS("runs", "list", "--stale", "--thread", "t_s1")), "none");
	expect_part(cli_err(2, WORDS("runs", "list", "--stale", "--status", "queued")),
		"in_progress or cancelling");
	expect_part(cli_err(2, WORDS("runs", "list", "--stale", "--status", "[\"failed\"]")),
		"in_progress or cancelling");
	expect_part(cli_err(2, WORDS("runs", "list", "--stale", "--before", "x")), "--before");
	expect_part(cli_err(1, WORDS("runs", "list", "--stale", "--limit", "101")), "1 to 100");
	expect_part(cli_err(2, WORDS("steps", "list", "x", "--stale")), "--stale");
}

/* 250 runs in progress, every tenth leased: more than two pages to look through. */
static void make_many(struct store *s)
{
	for (int i = 0; i < 250; i++) {
		struct runstore_reply *reply;
		struct runstore_run *run = store_run(s, "t_many");
		bool leased = i % 10 == 3;
		char json[128];
		void *params;
		size_t size;

		snprintf(json, sizeof(json),
			leased ? "{\"thread_id\":\"t_many\",\"worker\":\"w\",\"lease_ms\":600000}"
			       : "{\"run_id\":\"%s\",\"status\":\"in_progress\"}",
			run->id);
		OK(s, runstore_json_to_msgpack(json, &params, &size, &s->error));
		OK(s, runstore_call(s->rs, leased ? "runs.claim" : "runs.update", params, size,
			      &reply, &s->error));
		runstore_reply_free(reply);
		runstore_run_free(run);
		free(params);
	}
}

static int lines_in(const char *text)
{
	int n = 0;

	for (; *text; text++) {
		n += *text == '\n';
	}
	return n;
}

static void stale_runs_are_paged_like_others(void **state)
{
	char after[80] = "";
	int n = 0;

	make_many(*state);
	assert_int_equal(
		lines_in(cli_out(0, WORDS("runs", "list", "--stale", "--thread=t_many"))), 20);
	assert_int_equal(
		lines_in(cli_out(0, WORDS("runs", "list", "--stale", "--thread=t_many", "--all"))),
		225);
	expect_part(cli_terminal(0, WORDS("runs", "list", "--stale", "--thread=t_many")),
		"There is more: --after ");
	for (int page = 0; page < 3; page++) {
		const char *text = cli_terminal(
			0, WORDS("runs", "list", "--stale", "--thread=t_many", "--limit=90",
				   "--order=asc", "--no-color", *after ? "--after" : NULL, after));
		const char *more = strstr(text, "--after ");

		n += lines_in(text) - 1 - (more != NULL);
		assert_int_equal(more != NULL, page < 2);
		if (more) {
			sscanf(more, "--after %79s", after);
		}
	}
	assert_int_equal(n, 225);
}

static void help_and_completion_know_them(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_complete");
	const char *text = cli_out(0, WORDS("runs", "--help"));

	expect_part(text, "runs claim ");
	expect_part(text, "runs heartbeat RUN");
	expect_part(text, "runs wait RUN");
	text = cli_out(0, WORDS("--help"));
	expect_part(text, "why THREAD");
	expect_part(text, "4 nothing there");
	text = cli_out(0, WORDS("runs", "claim", "--help"));
	expect_part(text, "default $USER@host");
	expect_part(text, "--assistant-ids ID,...");
	assert_null(strstr(text, "(needed)"));
	expect_part(cli_out(0, WORDS("runs", "heartbeat", "-h")), "its lease (needed)");
	expect_part(cli_out(0, WORDS("runs", "list", "-h")), "--stale");
	assert_string_equal(cli_out(0, WORDS("complete", "w")), "why\nwatch\n");
	assert_string_equal(
		cli_out(0, WORDS("complete", "runs", "claim", "--w")), "--wait-ms\n--worker\n");
	assert_string_equal(cli_out(0, WORDS("complete", "runs", "wait", "x", "--until", "")),
		"change\naction\nterminal\n");
	assert_string_equal(
		cli_out(0, WORDS("complete", "runs", "wait", "--ti")), "--timeout-ms\n--timeout\n");
	expect_part(cli_out(0, WORDS("complete", "runs", "requeue", "run_")), run->id);
	expect_part(cli_out(0, WORDS("complete", "why", "t_")), "t_complete");
	expect_part(cli_out(0, WORDS("complete", "watch", "--run", "run_")), run->id);
	expect_part(cli_out(0, WORDS("complete", "watch", "--thread", "t_")), "t_complete");
	runstore_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_is_one_line_of_json_in_a_pipe),
		cmocka_unit_test(a_claim_is_fields_on_a_terminal),
		cmocka_unit_test(nothing_to_claim_ends_with_4),
		cmocka_unit_test(who_claims_by_hand_is_named_after_user_and_host),
		cmocka_unit_test(several_assistants_will_do),
		cmocka_unit_test(a_claim_waits_for_a_run),
		cmocka_unit_test(a_lease_is_held_and_given_back),
		cmocka_unit_test(a_run_is_taken_from_its_worker),
		cmocka_unit_test(waiting_ends_with_the_run),
		cmocka_unit_test(waiting_ends_with_its_time),
		cmocka_unit_test(waiting_ends_with_what_is_asked_for),
		cmocka_unit_test(stale_runs_are_under_way_without_a_worker),
		cmocka_unit_test(stale_runs_are_paged_like_others),
		cmocka_unit_test(help_and_completion_know_them),
	};

	return cmocka_run_group_tests(tests, commands_start, store_stop);
}
