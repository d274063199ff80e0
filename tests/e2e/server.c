/* server.info and server.stats. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <string.h>

static const char *const info_names[] = {"version", "protocol", "pid", "uptime_ms", "data",
	"listen", "events", "limits", "last_seq", NULL};

static void info_says_who_serves_and_where(void **state)
{
	struct fixture *fixture = *state;
	json_t *info = expect_ok(&fixture->wire, "server.info", NULL);

	for (const char *const *name = info_names; *name; name++) {
		assert_non_null(field(info, *name));
	}
	assert_true(strlen(text(info, "version")) > 0);
	assert_string_equal(text(info, "data"), fixture->daemon.data);
	assert_string_equal(text(info, "listen"), fixture->daemon.url);
	assert_string_equal(text(info, "events"), fixture->daemon.events);
	assert_true(json_is_object(field(info, "limits")));
	assert_true(json_object_size(field(info, "limits")) > 0);
	assert_true(number(info, "uptime_ms") >= 0 && number(info, "uptime_ms") < 60000);
	assert_true(daemon_is_parent_of(&fixture->daemon, (pid_t)number(info, "pid")));
}

static void the_ready_line_says_the_same(void **state)
{
	struct fixture *fixture = *state;
	char line[256];

	snprintf(line, sizeof(line), "ready listen=%s events=%s data=%s", fixture->daemon.url,
		fixture->daemon.events, fixture->daemon.data);
	assert_string_equal(fixture->daemon.ready, line);
}

static void last_seq_grows_with_writes_only(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t before = number(expect_ok(w, "server.info", NULL), "last_seq");
	json_int_t after;

	run_new(w, "t");
	after = number(expect_ok(w, "server.info", NULL), "last_seq");
	assert_true(after > before);
	expect_ok(w, "runs.list", "{'thread_id':'t'}");
	assert_int_equal(number(expect_ok(w, "server.info", NULL), "last_seq"), after);
}

static void uptime_passes(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t before = number(expect_ok(w, "server.info", NULL), "uptime_ms");

	pause_ms(20);
	assert_true(number(expect_ok(w, "server.info", NULL), "uptime_ms") >= before + 10);
}

static void stats_count_what_is_there(void **state)
{
	struct wire *w = wire_of(state);
	json_t *before = expect_ok(w, "server.stats", NULL);
	const char *id = run_in(w, "t_stats", "in_progress");
	json_t *after;

	step_new(w, id);
	step_new(w, id);
	run_new(w, "t_stats");
	after = expect_ok(w, "server.stats", NULL);
	assert_int_equal(number(after, "runs"), number(before, "runs") + 2);
	assert_int_equal(number(after, "steps"), number(before, "steps") + 2);
	assert_int_equal(number(after, "threads"), number(before, "threads") + 1);
	assert_true(number(after, "changes") > number(before, "changes"));
	expect_ok(w, "threads.delete", "{'thread_id':'t_stats'}");
	after = expect_ok(w, "server.stats", NULL);
	assert_int_equal(number(after, "runs"), number(before, "runs"));
	assert_int_equal(number(after, "steps"), number(before, "steps"));
	assert_int_equal(number(after, "threads"), number(before, "threads"));
}

static void counts_and_objects_outlive_a_restart_and_a_crash(void **state)
{
	struct fixture *fixture = *state;
	json_t *run = json_incref(run_get(&fixture->wire, run_new(&fixture->wire, "t_outlive")));
	json_int_t runs = number(expect_ok(&fixture->wire, "server.stats", NULL), "runs");
	json_int_t seq = number(expect_ok(&fixture->wire, "server.info", NULL), "last_seq");

	fixture_halt(fixture);
	fixture_resume(fixture);
	expect_same(run_get(&fixture->wire, text(run, "id")), run);
	fixture_crash(fixture);
	fixture_resume(fixture);
	expect_same(run_get(&fixture->wire, text(run, "id")), run);
	assert_int_equal(number(expect_ok(&fixture->wire, "server.stats", NULL), "runs"), runs);
	assert_int_equal(number(expect_ok(&fixture->wire, "server.info", NULL), "last_seq"), seq);
	json_decref(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_says_who_serves_and_where),
		cmocka_unit_test(the_ready_line_says_the_same),
		cmocka_unit_test(last_seq_grows_with_writes_only),
		cmocka_unit_test(uptime_passes),
		cmocka_unit_test(stats_count_what_is_there),
		cmocka_unit_test(counts_and_objects_outlive_a_restart_and_a_crash),
	};

	return cmocka_run_group_tests_name("server", tests, fixture_start, fixture_stop);
}
