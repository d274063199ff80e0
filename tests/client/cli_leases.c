/* The command line for who executes runs, and for who looks after them. */
#include "cmocka_all.h"

#include "tests/client/follow.h"
#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int start(void **state)
{
	struct store *s;

	store_start(state);
	s = *state;
	setenv("RUNSTORE_URL", s->daemon.url, 1);
	setenv("USER", "ada", 1);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	return 0;
}

/* The one JSON line of a command that ends with @status, for json_decref(). */
static json_t *line_of(int status, const char *const *words)
{
	const char *text = cli_out(status, words);
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(line) || strchr(text, '\n') != text + strlen(text) - 1) {
		fail_msg("not one line of JSON: %s", text);
	}
	return line;
}

static const json_t *at(const json_t *object, const char *path)
{
	char name[64];

	while (*path) {
		size_t len = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		object = json_object_get(object, name);
		path += len + (path[len] == '.');
	}
	return object;
}

static const char *text_at(const json_t *object, const char *path)
{
	const char *text = json_string_value(at(object, path));

	return text ? text : "";
}

static json_int_t number_at(const json_t *object, const char *path)
{
	assert_true(json_is_integer(at(object, path)));
	return json_integer_value(at(object, path));
}

/* The items of the array, one behind the other with a space between. */
static const char *items_at(const json_t *object, const char *path)
{
	static char text[1024];
	const json_t *array = at(object, path);

	assert_true(json_is_array(array));
	*text = '\0';
	for (size_t i = 0; i < json_array_size(array); i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
			json_string_value(json_array_get(array, i)));
	}
	return text;
}

/* A run of the assistant @thread in the thread @thread; it waits for those before it, or not. */
static void make(const char *thread, const char *id, const char *on_active)
{
	cli_out(0, WORDS("runs", "create", "--thread", thread, "--assistant", thread, "--id", id,
			   "--on-active", on_active));
}

/* Claim the oldest run of the assistant @name for a minute. */
static void claim(const char *name, char token[80])
{
	json_t *claim = line_of(0, WORDS("runs", "claim", "--assistant", name, "--worker", "w",
					   "--lease-ms", "60000"));

	snprintf(token, 80, "%s", text_at(claim, "lease.token"));
	json_decref(claim);
}

static void move(const char *id, const char *status)
{
	cli_out(0, WORDS("runs", "update", id, "--status", status));
}

static void a_claim_is_one_line_of_json_in_a_pipe(void **state)
{
	json_t *got;

	make("t_claim", "claim_1", "parallel");
	got = line_of(0, WORDS("runs", "claim", "--assistant-ids", "t_claim", "--worker", "w 1",
				 "--lease-ms=60000"));
	assert_string_equal(text_at(got, "run.id"), "claim_1");
	assert_string_equal(text_at(got, "run.status"), "in_progress");
	assert_string_equal(text_at(got, "lease.worker"), "w 1");
	assert_int_equal(number_at(got, "lease.attempt"), 1);
	json_decref(got);
}

static void a_claim_is_fields_on_a_terminal(void **state)
{
	const char *text;

	make("t_fields", "fields_1", "parallel");
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
	make("t_user", "user_1", "parallel");
	got = line_of(0, WORDS("runs", "claim", "--assistant", "t_user"));
	assert_string_equal(text_at(got, "lease.worker"), name);
	json_decref(got);
}

static void several_assistants_will_do(void **state)
{
	char token[80];

	make("t_two", "two_1", "parallel");
	make("t_four", "four_1", "parallel");
	claim("t_one,t_two", token);
	expect_part(cli_out(0, WORDS("runs", "claim", "--assistant", "t_three", "--assistant-ids",
				       "t_four", "--worker", "w")),
		"\"four_1\"");
}

static void a_claim_waits_for_a_run(void **state)
{
	struct follower f;

	follow(&f, WORDS("runs", "claim", "--assistant", "t_late", "--wait-ms", "20000"));
	make("t_late", "late_1", "parallel");
	expect_part(follow_line(&f), "\"late_1\"");
	follow_end(&f, 0);
}

static void a_lease_is_held_and_given_back(void **state)
{
	char token[80];
	json_t *got;

	make("t_hold", "hold_1", "parallel");
	claim("t_hold", token);
	got = line_of(0, WORDS("runs", "lease", "hold_1"));
	assert_string_equal(text_at(got, "lease.worker"), "w");
	assert_int_equal(number_at(got, "attempts"), 1);
	json_decref(got);
	got = line_of(0, WORDS("runs", "heartbeat", "hold_1", "--lease", token));
	assert_string_equal(text_at(got, "status"), "in_progress");
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

	make("t_take", "take_1", "parallel");
	claim("t_take", token);
	expect_part(cli_out(0, WORDS("runs", "requeue", "take_1")), "\"queued\"");
	expect_part(
		cli_err(1, WORDS("runs", "heartbeat", "take_1", "--lease", token)), "lease_lost");
	expect_part(cli_err(1, WORDS("runs", "requeue", "take_1")), "invalid_transition");
	claim("t_take", token);
	expect_part(cli_out(0, WORDS("runs", "fail", "take_1", "--message", "no use")),
		"{\"code\":\"server_error\",\"message\":\"no use\"}");
	expect_part(cli_err(1, WORDS("runs", "fail", "take_1")), "invalid_transition");
}

static void waiting_ends_with_the_run(void **state)
{
	struct follower f;
	json_t *got;

	make("t_wait", "wait_1", "parallel");
	follow(&f, WORDS("runs", "wait", "wait_1"));
	follow_quiet(&f, 300);
	move("wait_1", "in_progress");
	follow_quiet(&f, 300);
	move("wait_1", "completed");
	expect_part(follow_line(&f), "\"completed\"");
	follow_end(&f, 0);
	got = line_of(0, WORDS("runs", "wait", "wait_1"));
	assert_string_equal(text_at(got, "status"), "completed");
	json_decref(got);
	expect_part(cli_terminal(0, WORDS("runs", "wait", "wait_1", "--no-color")),
		"status                 completed");
}

static void waiting_ends_with_its_time(void **state)
{
	long began = clock_ms();
	json_t *got;

	make("t_time", "time_1", "parallel");
	got = line_of(4, WORDS("runs", "wait", "time_1", "--timeout-ms", "400"));
	assert_in_range(clock_ms() - began, 400, 20000);
	assert_string_equal(text_at(got, "id"), "time_1");
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

#define ACTION                                                                                     \
	"{\"type\":\"submit_tool_outputs\",\"submit_tool_outputs\":{\"tool_calls\":["              \
	"{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"get_time\","            \
	"\"arguments\":\"{}\"}},{\"id\":\"call 2\",\"type\":\"function\",\"function\":{\"name\":"  \
	"\"get_place\",\"arguments\":\"{}\"}}]}}"

static void ask_for_outputs(const char *id)
{
	move(id, "in_progress");
	cli_out(0, WORDS("runs", "update", id, "--status", "requires_action", "--required-action",
			   ACTION));
}

static void waiting_ends_with_what_is_asked_for(void **state)
{
	struct store *s = *state;
	struct follower f;
	int64_t n;

	make("t_until", "until_1", "parallel");
	follow(&f, WORDS("runs", "wait", "until_1", "--until", "action"));
	follow_quiet(&f, 300);
	ask_for_outputs("until_1");
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
		snprintf(ids + len, sizeof(ids) - len, "%s%s", len ? " " : "", text_at(line, "id"));
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
		make(i == 1 ? "t_s1" : "t_s", ids[i], "parallel");
	}
	claim("t_s1", token);
	move("s_stale", "in_progress");
	move("s_stop", "in_progress");
	cli_out(0, WORDS("runs", "cancel", "s_stop"));
	move("s_end", "in_progress");
	move("s_end", "completed");
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

static void a_free_thread_is_held_by_nothing(void **state)
{
	json_t *why;

	make("t_free", "free_1", "reject");
	cli_out(0, WORDS("runs", "cancel", "free_1"));
	why = line_of(0, WORDS("why", "t_free"));
	assert_string_equal(text_at(why, "thread_id"), "t_free");
	assert_true(json_is_null(at(why, "run_id")));
	assert_true(json_is_null(at(why, "since")));
	assert_true(json_is_null(at(why, "lease")));
	assert_string_equal(items_at(why, "waiting"), "");
	assert_string_equal(items_at(why, "unlock"), "");
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

	make("t_queue", "queue_1", "reject");
	make("t_queue", "queue_2", "enqueue");
	make("t_queue", "queue_3", "parallel");
	make("t_queue", "queue_4", "enqueue");
	why = line_of(0, WORDS("why", "t_queue"));
	assert_string_equal(text_at(why, "run_id"), "queue_1");
	assert_string_equal(text_at(why, "status"), "queued");
	assert_true(json_is_true(at(why, "claimable")));
	assert_true(json_is_null(at(why, "lease")));
	assert_string_equal(items_at(why, "waiting"), "queue_2 queue_4");
	assert_string_equal(items_at(why, "beside"), "queue_3");
	assert_int_equal(json_array_size(at(why, "unlock")), 3);
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

	make("t_leased", "leased_1", "reject");
	make("t_leased", "leased_2", "enqueue");
	claim("t_leased", token);
	cli_out(0, WORDS("runs", "release", "leased_1", "--lease", token));
	claim("t_leased", token);
	why = line_of(0, WORDS("why", "t_leased"));
	assert_string_equal(text_at(why, "status"), "in_progress");
	assert_string_equal(text_at(why, "lease.worker"), "w");
	assert_true(number_at(why, "lease.expires_ms") / 1000 > number_at(why, "since"));
	assert_int_equal(number_at(why, "attempts"), 2);
	assert_int_equal(number_at(why, "losses"), 0);
	assert_string_equal(items_at(why, "waiting"), "leased_2");
	snprintf(at_once, sizeof(at_once), "%s", items_at(why, "unlock"));
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

	make("t_alone", "alone_1", "reject");
	move("alone_1", "in_progress");
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

	make("t_calls", "calls_1", "reject");
	ask_for_outputs("calls_1");
	why = line_of(0, WORDS("why", "t_calls"));
	assert_string_equal(text_at(why, "status"), "requires_action");
	assert_int_equal(json_array_size(at(why, "tool_calls")), 2);
	assert_string_equal(text_at(json_array_get(at(why, "tool_calls"), 1), "name"), "get_place");
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
	assert_true(number_at(why, "since") > 1700000000);
	json_decref(why);
	move("since_1", "in_progress");
	cli_out(0, WORDS("runs", "update", "since_1", "--metadata", "k=v"));
	why = line_of(0, WORDS("why", "t_since"));
	assert_true(number_at(why, "since") > 1700000000);
	assert_true(json_is_null(at(why, "expires_at")));
	json_decref(why);
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
		cmocka_unit_test(a_free_thread_is_held_by_nothing),
		cmocka_unit_test(why_a_queued_run_holds_others_back),
		cmocka_unit_test(why_a_leased_run_holds_its_thread),
		cmocka_unit_test(why_a_run_without_a_worker_holds_its_thread),
		cmocka_unit_test(why_tool_calls_hold_a_thread),
		cmocka_unit_test(since_is_when_the_status_came),
		cmocka_unit_test(help_and_completion_know_them),
	};

	return cmocka_run_group_tests(tests, start, store_stop);
}
