/* The changes that are kept: over restarts, and no more of them, nor for longer, than said. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"

#define SEQ "%" JSON_INTEGER_FORMAT

static const char *max_hundred[] = {"--changes-max", "100", NULL};
static const char *age_of_a_second[] = {"--changes-age", "1", NULL};

/* Change @run @n times, in batches. */
static void change_often(struct wire *w, const char *run, int n)
{
	for (int i = 0; i < n; i += 50) {
		json_t *requests = json_array();

		for (int j = 0; j < 50; j++) {
			json_array_append_new(requests,
				codec_parse("['runs.update',{'run_id':'%s','metadata':{'n':'%d'}}]",
					run, i + j));
		}
		expect_ok_take(w, "batch", json_pack("{so}", "requests", requests));
	}
}

static void expect_kept_over(struct fixture *fixture, void (*go)(struct fixture *))
{
	struct wire *w = &fixture->wire;
	const char *run = run_in(w, "t_kept", "in_progress");
	json_int_t last;
	json_t *before;

	step_new(w, run);
	before = json_incref(history_since(w, 0, NULL));
	last = history_last(w);
	assert_true(json_array_size(before) >= 3);
	go(fixture);
	fixture_resume(fixture);
	expect_same(history_since(w, 0, NULL), before);
	json_decref(before);
	assert_int_equal(history_last(w), last);
	run_new(w, "t_kept");
	assert_int_equal(history_last(w), last + 1);
}

static void changes_survive_a_stop(void **state)
{
	expect_kept_over(*state, fixture_halt);
}

static void changes_survive_a_crash(void **state)
{
	expect_kept_over(*state, fixture_crash);
}

static void the_last_seq_does_not_go_back_when_all_is_deleted(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	json_int_t last;

	run_new(w, "t_all_gone");
	expect_ok(w, "threads.delete", "{'thread_id':'t_all_gone'}");
	last = history_last(w);
	fixture_crash(fixture);
	fixture_resume(fixture);
	assert_int_equal(history_last(w), last);
}

static void no_more_are_kept_than_said_and_what_is_gone_is_told(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_max");
	json_int_t first, last;
	json_t *page;

	change_often(w, run, 1000);
	last = history_last(w);
	assert_int_equal(last, 1001);
	page = expect_ok(w, "changes.list", "{'limit':1000}");
	expect_fields(page, "{'truncated':true,'last_seq':" SEQ "}", last);
	first = number(page, "changes[0].seq");
	/* A hundred, and those of a few commits. */
	assert_in_range(first, last - 500, last - 99);
	assert_int_equal(json_array_size(field(page, "changes")), last - first + 1);
	expect_fields(expect_ok(w, "changes.list", "{'after':" SEQ ",'limit':1}", first - 2),
		"{'truncated':true,'changes[0].seq':" SEQ "}", first);
	expect_fields(expect_ok(w, "changes.list", "{'after':" SEQ ",'limit':1}", first - 1),
		"{'truncated':false,'changes[0].seq':" SEQ "}", first);
	expect_fields(expect_ok(w, "changes.list", "{'after':" SEQ "}", last),
		"{'truncated':false,'changes':[],'last_seq':" SEQ "}", last);
}

static void a_filter_tells_what_is_gone_too(void **state)
{
	struct wire *w = wire_of(state);
	const char *quiet = run_new(w, "t_quiet"), *loud = run_new(w, "t_loud");
	json_t *page;

	change_often(w, loud, 1000);
	page = expect_ok(w, "changes.list", "{'run_id':'%s'}", quiet);
	expect_fields(page, "{'changes':[],'truncated':true,'last_seq':" SEQ "}", history_last(w));
	expect_fields(run_get(w, quiet), "{'status':'queued'}");
}

static void what_is_gone_stays_gone_over_a_restart(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;

	change_often(w, run_new(w, "t_gone"), 1000);
	fixture_crash(fixture);
	fixture_resume(fixture);
	expect_fields(expect_ok(w, "changes.list", "{'after':0,'limit':1}"), "{'truncated':true}");
	assert_int_equal(history_last(w), 1001);
}

static void none_are_kept_for_longer_than_said(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_age");
	long deadline = clock_ms() + 20000;
	json_t *page;

	do {
		assert_true(clock_ms() < deadline);
		pause_ms(200);
		expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{}}", run);
		page = expect_ok(w, "changes.list", "{'limit':1000}");
	} while (number(page, "changes[0].seq") == 1);
	expect_fields(page, "{'truncated':true}");
	/* Not before its time: what was changed just now is there. */
	expect_same(field(page, "last_seq"), field(expect_ok(w, "server.info", NULL), "last_seq"));
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
#define WITH(args, test)                                                                           \
	cmocka_unit_test_prestate_setup_teardown(test, fixture_start, fixture_stop, args)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(changes_survive_a_stop),
		ALONE(changes_survive_a_crash),
		ALONE(the_last_seq_does_not_go_back_when_all_is_deleted),
		WITH(max_hundred, no_more_are_kept_than_said_and_what_is_gone_is_told),
		WITH(max_hundred, a_filter_tells_what_is_gone_too),
		WITH(max_hundred, what_is_gone_stays_gone_over_a_restart),
		WITH(age_of_a_second, none_are_kept_for_longer_than_said),
	};

	return cmocka_run_group_tests_name("changes kept", tests, NULL, NULL);
}
