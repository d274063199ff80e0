/* Leases that run out. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#include <stdio.h>
#include <string.h>

#define SHORT_MS 200

#define CREATED "thread.run.created nil queued client"
#define CLAIMED "; thread.run.in_progress queued in_progress w"
#define LOST "; thread.run.lease_lost in_progress queued daemon"

/* The only change of @event in the history of @run. */
static json_t *only_change(struct wire *w, const char *run, const char *event)
{
	json_t *changes = history_since(w, 0, ",'run_id':'%s'", run);

	assert_int_equal(history_count(changes, event), 1);
	return history_find(changes, event);
}

static void a_run_whose_lease_runs_out_is_queued_again(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "lost", 2000), second;
	const char *step = work_step(w, &lease);
	json_t *started = field(run_get(w, lease.run), "started_at"), *run, *claim;

	work_await_loss(w, &lease);
	run = run_get(w, lease.run);
	expect_fields(run, "{'status':'queued','last_error':null,'completed_at':null,"
			   "'failed_at':null}");
	expect_same(field(run, "started_at"), started);
	expect_fields(step_get(w, lease.run, step), "{'status':'in_progress'}");
	history_expect(w, 0, lease.run,
		CREATED CLAIMED "; thread.run.step.created nil in_progress w" LOST);
	work_expect_over(w, &lease, "lease_lost");
	claim = work_claim(w, "w2", "lost", "");
	expect_same(field(claim, "run.started_at"), started);
	second = work_lease(claim);
	assert_string_equal(second.run, lease.run);
	assert_string_not_equal(second.token, lease.token);
	assert_int_equal(second.attempt, 2);
	work_expect_over(w, &lease, "lease_lost");
	work_beat(w, &second, "");
}

static void a_lease_runs_out_at_its_time(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "time", 1000);
	json_t *change;

	work_await_loss(w, &lease);
	change = only_change(w, lease.run, "thread.run.lease_lost");
	assert_in_range(number(change, "at_ms"), lease.expires_ms, lease.expires_ms + 3000);
	assert_true(json_is_null(field(change, "step_id")));
}

/* Claim runs of @name with a short lease, and lose it. */
static struct lease lose(struct wire *w, const char *name)
{
	struct lease lease = work_lease(work_claim(w, "w", name, ",'lease_ms':100"));

	work_await_loss(w, &lease);
	return lease;
}

#define STEP_FAILED "; thread.run.step.failed in_progress failed daemon"
#define THIRD_CLAIM                                                                                \
	CREATED CLAIMED LOST CLAIMED LOST CLAIMED "; thread.run.step.created nil in_progress w"
#define FAILED "; thread.run.failed queued failed daemon"

/* Before the run's failure come both its loss and its step's failure, in whichever order. */
static void expect_third_loss(struct wire *w, const char *run)
{
	const char *told = history_text(w, 0, run);

	if (strcmp(told, THIRD_CLAIM LOST STEP_FAILED FAILED) != 0) {
		assert_string_equal(told, THIRD_CLAIM STEP_FAILED LOST FAILED);
	}
}

static void the_third_loss_fails_the_run_with_its_steps(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "third", ""), *step;
	struct lease lease;
	json_t *run;

	lose(w, "third");
	lose(w, "third");
	lease = work_lease(work_claim(w, "w", "third", ",'lease_ms':2000"));
	assert_int_equal(lease.attempt, 3);
	step = work_step(w, &lease);
	run = run_await(w, id, "failed", 15000);
	expect_fields(run, "{'last_error.code':'server_error','expires_at':null,"
			   "'required_action':null,'completed_at':null}");
	assert_true(strlen(text(run, "last_error.message")) > 0);
	expect_now(run, "failed_at");
	expect_fields(step_get(w, id, step),
		"{'status':'failed','last_error':{'code':'server_error','message':'%s'}}",
		text(run, "last_error.message"));
	expect_third_loss(w, id);
	work_expect_none(w, "third");
	work_expect_over(w, &lease, "lease_lost");
}

static void a_release_is_no_loss(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "release", "");
	struct lease lease;

	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < 2; j++) {
			lease = work_lease(work_claim(w, "w", "release", ""));
			work_release(w, &lease);
		}
		assert_int_equal(lose(w, "release").attempt, 3 * i + 3);
	}
	lease = work_lease(work_claim(w, "w", "release", ",'lease_ms':100"));
	assert_int_equal(lease.attempt, 7);
	run_await(w, id, "failed", 10000);
}

static void losses_count_for_life_whatever_lies_between(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "life", "");
	struct lease lease;

	for (int i = 0; i < 2; i++) {
		lose(w, "life");
		lease = work_lease(work_claim(w, "w", "life", ""));
		work_move(w, &lease, "requires_action");
		expect_ok(w, "runs.submit_tool_outputs",
			"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':''}]}",
			id);
	}
	lease = work_lease(work_claim(w, "w", "life", ",'lease_ms':100"));
	assert_int_equal(lease.attempt, 5);
	run_await(w, id, "failed", 10000);
}

static void a_cancelling_run_stays_so_when_its_lease_runs_out(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "cancelling", 2000);

	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", lease.run);
	work_sleep_past(lease.expires_ms);
	while (!history_count(
		history_since(w, 0, ",'run_id':'%s'", lease.run), "thread.run.lease_lost")) {
		assert_true(unix_ms() < lease.expires_ms + 10000);
		pause_ms(50);
	}
	expect_fields(run_get(w, lease.run), "{'status':'cancelling'}");
	work_expect_over(w, &lease, "lease_lost");
	expect_error(w, "runs.update", "lease_lost", "lease",
		"{'run_id':'%s','lease':'%s','status':'cancelled'}", lease.run, lease.token);
	work_expect_none(w, "cancelling");
	/* Nobody's now, so anybody may confirm it. */
	expect_fields(run_move(w, lease.run, "cancelled"), "{'status':'cancelled'}");
	history_expect(w, 0, lease.run,
		CREATED CLAIMED "; thread.run.cancelling in_progress cancelling client"
				"; thread.run.lease_lost cancelling cancelling daemon"
				"; thread.run.cancelled cancelling cancelled client");
}

static void heartbeats_keep_a_lease(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "keep", 2000);
	json_int_t until = lease.expires_ms + 2000;

	while (unix_ms() < until) {
		work_beat(w, &lease, "");
		pause_ms(200);
	}
	expect_fields(work_move(w, &lease, "completed"), "{'status':'completed'}");
	history_expect(
		w, 0, lease.run, CREATED CLAIMED "; thread.run.completed in_progress completed w");
}

static void a_heartbeat_lengthens_and_shortens_a_lease(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "length", 2000);
	json_int_t short_ms;

	work_beat(w, &lease, ",'lease_ms':60000");
	work_sleep_past(lease.expires_ms + 500);
	expect_fields(run_get(w, lease.run), "{'status':'in_progress'}");
	short_ms = number(work_beat(w, &lease, ",'lease_ms':300"), "lease.expires_ms");
	assert_true(short_ms < unix_ms() + 5000);
	work_await_loss(w, &lease);
	assert_in_range(number(only_change(w, lease.run, "thread.run.lease_lost"), "at_ms"),
		short_ms, short_ms + 3000);
}

static void a_lease_that_ended_otherwise_does_not_run_out(void **state)
{
	struct wire *w = wire_of(state);
	struct lease leases[4];
	static const char *const ends[] = {"requires_action", "completed", "failed"};

	for (int i = 0; i < 4; i++) {
		leases[i] = work_take(w, "otherwise", 3000);
	}
	for (int i = 0; i < 3; i++) {
		work_move(w, &leases[i], ends[i]);
	}
	work_release(w, &leases[3]);
	work_sleep_past(leases[3].expires_ms + 1000);
	for (int i = 0; i < 3; i++) {
		expect_fields(run_get(w, leases[i].run), "{'status':'%s'}", ends[i]);
	}
	assert_int_equal(history_count(history_since(w, 0, ",'thread_id':'otherwise'"),
				 "thread.run.lease_lost"),
		0);
}

static void the_lease_of_the_next_worker_counts_alone(void **state)
{
	struct wire *w = wire_of(state);
	struct lease first = work_take(w, "next", 2000), second;

	work_release(w, &first);
	second = work_lease(work_claim(w, "w", "next", ",'lease_ms':60000"));
	assert_string_equal(second.run, first.run);
	work_sleep_past(first.expires_ms + 1000);
	expect_fields(work_beat(w, &second, ""), "{'status':'in_progress'}");
}

static void a_deleted_run_s_lease_does_not_run_out(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "deleted", 1000);

	expect_ok(w, "runs.delete", "{'run_id':'%s'}", lease.run);
	work_sleep_past(lease.expires_ms + 500);
	work_expect_none(w, "deleted");
	assert_int_equal(history_count(history_since(w, 0, ",'run_id':'%s'", lease.run),
				 "thread.run.lease_lost"),
		0);
}

static void a_run_that_was_leased_in_vain_keeps_its_place(void **state)
{
	struct wire *w = wire_of(state);
	struct lease first = work_take(w, "place", SHORT_MS);

	work_new(w, "place", "");
	work_await_loss(w, &first);
	assert_string_equal(work_lease(work_claim(w, "w", "place", "")).run, first.run);
}

/* Claim the runs of work_new_many(), and then let all leases end soon. */
static void lease_many(struct wire *w, const char *name, int n)
{
	json_t *beats = json_array();

	for (int i = 0; i < n; i++) {
		struct lease lease = work_lease(work_claim(w, "w", name, ",'lease_ms':60000"));

		json_array_append_new(beats,
			codec_parse("['runs.heartbeat',{'run_id':'%s','lease':'%s','lease_ms':%d}]",
				lease.run, lease.token, 100 + i));
	}
	expect_ok_take(w, "batch", json_pack("{sb so}", "atomic", 1, "requests", beats));
}

static void many_leases_run_out_together(void **state)
{
	enum { MANY = 100 };
	struct wire *w = wire_of(state);
	json_t *changes;

	work_new_many(w, "many", MANY);
	lease_many(w, "many", MANY);
	for (int i = 0; i < MANY; i++) {
		char id[16];

		snprintf(id, sizeof(id), "many_%d", i);
		run_await(w, id, "queued", 10000);
	}
	changes = history_since(w, 0, ",'thread_id':'many'");
	assert_int_equal(history_count(changes, "thread.run.lease_lost"), MANY);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(
			work_lease(work_claim(w, "w", "many", ",'lease_ms':60000")).attempt, 2);
	}
	work_expect_none(w, "many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_whose_lease_runs_out_is_queued_again),
		cmocka_unit_test(a_lease_runs_out_at_its_time),
		cmocka_unit_test(the_third_loss_fails_the_run_with_its_steps),
		cmocka_unit_test(a_release_is_no_loss),
		cmocka_unit_test(losses_count_for_life_whatever_lies_between),
		cmocka_unit_test(a_cancelling_run_stays_so_when_its_lease_runs_out),
		cmocka_unit_test(heartbeats_keep_a_lease),
		cmocka_unit_test(a_heartbeat_lengthens_and_shortens_a_lease),
		cmocka_unit_test(a_lease_that_ended_otherwise_does_not_run_out),
		cmocka_unit_test(the_lease_of_the_next_worker_counts_alone),
		cmocka_unit_test(a_deleted_run_s_lease_does_not_run_out),
		cmocka_unit_test(a_run_that_was_leased_in_vain_keeps_its_place),
		cmocka_unit_test(many_leases_run_out_together),
	};

	return cmocka_run_group_tests_name("lease loss", tests, fixture_start, fixture_stop);
}
