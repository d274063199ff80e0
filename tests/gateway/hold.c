#include "cmocka_all.h"

#include "objects.h"
#include "tests/gateway/scene.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The answer is the run in @status. It leaves. */
static void expect_run(struct exchange *x, const char *status, const char *poll_after_ms)
{
	json_t *run;

	assert_true(desk_await(x, 5000));
	assert_int_equal(desk_status(x), 200);
	run = json_loads(desk_body(x), 0, NULL);
	assert_non_null(run);
	assert_string_equal(json_string_value(json_object_get(run, "status")), status);
	assert_string_equal(desk_header(x, "openai-poll-after-ms"), poll_after_ms);
	json_decref(run);
	desk_leave(x);
}

static void await_count(struct scene *s, unsigned int n)
{
	long until = clock_ms() + 5000;

	while (holds_count(s->gw.holds) != n) {
		assert_true(clock_ms() < until);
		pause_ms(1);
	}
}

/* Held, and not about to be answered as far as one can see. */
static struct exchange *held(struct scene *s, const char *id, int64_t max_ms)
{
	struct exchange *x = scene_hold(s, id, max_ms);

	assert_false(desk_await(x, 150));
	return x;
}

static void it_is_answered_when_the_status_changes(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct exchange *x = held(s, id, 10000);
	long began;

	began = clock_ms();
	run_move(s->wire, id, "in_progress");
	expect_run(x, "in_progress", "0");
	x = held(s, id, 10000);
	run_move(s->wire, id, "cancelling");
	expect_run(x, "cancelling", "0");
	x = held(s, id, 10000);
	run_move(s->wire, id, "cancelled");
	expect_run(x, "cancelled", "0");
	assert_in_range(clock_ms() - began, 0, 2000);
	await_count(s, 0);
}

static void a_status_to_be_acted_on_is_answered_at_once(void **state)
{
	static const char *const statuses[] = {
		"requires_action", "completed", "failed", "cancelled", "expired", "incomplete"};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		const char *id = run_in(s->wire, "thread_1", statuses[i]);

		expect_run(scene_hold(s, id, 60000), statuses[i], "0");
	}
}

static void other_changes_do_not_answer_it(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress");
	struct exchange *x = held(s, id, 10000);

	expect_ok(s->wire, "runs.update", "{'run_id':'%s','metadata':{'a':'b'}}", id);
	step_new(s->wire, id);
	assert_false(desk_await(x, 300));
	run_move(s->wire, id, "failed");
	expect_run(x, "failed", "0");
}

static void a_status_that_passes_quickly_counts(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress");
	struct exchange *x = held(s, id, 10000);

	expect_ok(s->wire, "batch",
		"{'requests':[['runs.requeue',{'run_id':'%s'}],['runs.update',{'run_id':'%s',"
		"'status':'in_progress'}]]}",
		id, id);
	expect_run(x, "in_progress", "0");
}

static void its_time_ends(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	long began = clock_ms();

	expect_run(scene_hold(s, id, 300), "queued", "0");
	assert_in_range(clock_ms() - began, 295, 800);
	began = clock_ms();
	expect_run(scene_hold(s, id, 0), "queued", "500");
	expect_run(scene_hold(s, id, -1), "queued", "500");
	assert_in_range(clock_ms() - began, 0, 200);
	await_count(s, 0);
}

static void expect_error_code(struct exchange *x, int code)
{
	assert_true(desk_await(x, 5000));
	assert_int_equal(desk_code(x), code);
	desk_leave(x);
}

static void an_unknown_run_is_not_found(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_2");

	expect_error_code(scene_hold(s, "run_none", 10000), RUNSTORE_E_NOT_FOUND);
	expect_error_code(scene_hold(s, "run_none", 0), RUNSTORE_E_NOT_FOUND);
	expect_error_code(scene_hold(s, id, 10000), RUNSTORE_E_NOT_FOUND);
}

static void a_run_that_is_deleted_is_not_found(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct exchange *x = held(s, id, 10000);

	expect_ok(s->wire, "runs.delete", "{'run_id':'%s'}", id);
	expect_error_code(x, RUNSTORE_E_NOT_FOUND);
}

static void without_a_daemon_it_is_unavailable(void **state)
{
	struct scene *s = *state;

	scene_halt(s);
	expect_error_code(scene_hold(s, "run_1", 10000), RUNSTORE_E_UNAVAILABLE);
	scene_resume(s);
}

static void a_restart_of_the_daemon_is_survived(void **state)
{
	struct scene *s = *state;
	char id[80];
	struct exchange *x;

	snprintf(id, sizeof(id), "%s", run_new(s->wire, "thread_1"));
	x = held(s, id, 10000);
	scene_halt(s);
	assert_false(desk_await(x, 600));
	scene_resume(s);
	assert_false(desk_await(x, 600));
	run_move(s->wire, id, "in_progress");
	expect_run(x, "in_progress", "0");
}

/* The run was changed while nothing could be heard of it. */
static void what_happens_while_the_feed_is_away_counts(void **state)
{
	struct scene *s = *state;
	char id[80];
	struct exchange *x;

	snprintf(id, sizeof(id), "%s",
		text(expect_ok(s->wire, "runs.create",
			     "{'thread_id':'thread_1','assistant_id':'a','expires_in':2}"),
			"id"));
	x = held(s, id, 10000);
	scene_halt(s);
	pause_ms(2500);
	scene_resume(s);
	expect_run(x, "expired", "0");
}

static void all_are_answered_in_the_end(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct exchange *x[100];
	long began;

	for (int i = 0; i < 100; i++) {
		x[i] = scene_hold(s, id, 60000);
	}
	await_count(s, 100);
	began = clock_ms();
	holds_stop(s->gw.holds);
	assert_in_range(clock_ms() - began, 0, 2000);
	for (int i = 0; i < 100; i++) {
		expect_run(x[i], "queued", "0");
	}
	expect_run(scene_hold(s, id, 60000), "queued", "500");
}

static void also_without_a_daemon(void **state)
{
	struct scene *s = *state;
	char id[80];
	struct exchange *x[100];
	long began;

	snprintf(id, sizeof(id), "%s", run_new(s->wire, "thread_1"));
	for (int i = 0; i < 100; i++) {
		x[i] = scene_hold(s, id, 60000);
	}
	await_count(s, 100);
	scene_halt(s);
	began = clock_ms();
	holds_stop(s->gw.holds);
	assert_in_range(clock_ms() - began, 0, 2500);
	for (int i = 0; i < 100; i++) {
		expect_error_code(x[i], RUNSTORE_E_UNAVAILABLE);
	}
	scene_resume(s);
}

static void many_are_held_and_answered_together(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct exchange *x[500];
	long began;

	for (int i = 0; i < 500; i++) {
		x[i] = scene_hold(s, id, 60000);
	}
	await_count(s, 500);
	began = clock_ms();
	run_move(s->wire, id, "in_progress");
	for (int i = 0; i < 500; i++) {
		expect_run(x[i], "in_progress", "0");
	}
	assert_in_range(clock_ms() - began, 0, 3000);
	await_count(s, 0);
}

struct mover {
	struct scene *s;
	const char *id;
	int delay_us;
};

static void *move(void *context)
{
	struct mover *m = context;
	struct wire wire;

	wire_open(&wire, m->s->fixture->daemon.url, WIRE_TIMEOUT_MS);
	nanosleep(&(struct timespec){.tv_nsec = m->delay_us * 1000L}, NULL);
	run_move(&wire, m->id, "in_progress");
	wire_close(&wire);
	return NULL;
}

/* However the change and the arrival fall together, it is not held for long. */
static void no_change_is_lost_on_arrival(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 60; i++) {
		struct mover m = {s, run_new(s->wire, "thread_1"), i * 40};
		struct exchange *x;
		pthread_t thread;
		json_t *run;

		assert_int_equal(pthread_create(&thread, NULL, move, &m), 0);
		x = scene_hold(s, m.id, 1500);
		pthread_join(thread, NULL);
		if (desk_await(x, 1000)) {
			run = json_loads(desk_body(x), 0, NULL);
			assert_string_equal(text(run, "status"), "in_progress");
			json_decref(run);
			desk_leave(x);
		} else {
			/* It arrived behind the change, and holds in its new status. */
			expect_run(x, "in_progress", "0");
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_start, scene_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_answered_when_the_status_changes),
		TEST(a_status_to_be_acted_on_is_answered_at_once),
		TEST(other_changes_do_not_answer_it),
		TEST(a_status_that_passes_quickly_counts),
		TEST(its_time_ends),
		TEST(an_unknown_run_is_not_found),
		TEST(a_run_that_is_deleted_is_not_found),
		TEST(without_a_daemon_it_is_unavailable),
		TEST(a_restart_of_the_daemon_is_survived),
		TEST(what_happens_while_the_feed_is_away_counts),
		TEST(all_are_answered_in_the_end),
		TEST(also_without_a_daemon),
		TEST(many_are_held_and_answered_together),
		TEST(no_change_is_lost_on_arrival),
	};

	return cmocka_run_group_tests_name("gateway_hold", tests, NULL, NULL);
}
