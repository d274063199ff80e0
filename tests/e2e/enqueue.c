/* on_active enqueue: a run is claimed only after the earlier ones of its thread have ended. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"
#include "pending.h"
#include "work.h"

#include <stdio.h>

#define LEASE ",'lease_ms':60000"

/* A run of the assistant @name in the thread @name that is to wait for those before it. */
static const char *enqueue(struct wire *w, const char *name)
{
	return text(
		expect_ok(w, "runs.create",
			"{'thread_id':'%s','assistant_id':'%s','on_active':'enqueue'}", name, name),
		"id");
}

static struct lease claim_next(struct wire *w, const char *name, const char *id)
{
	struct lease lease = work_lease(work_claim(w, "w", name, LEASE));

	assert_string_equal(lease.run, id);
	return lease;
}

static void submit(struct wire *w, const char *run)
{
	expect_ok(w, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'o'}]}", run);
}

static void enqueued_runs_go_one_after_the_other(void **state)
{
	struct wire *w = wire_of(state);
	const char *ids[4];

	for (int i = 0; i < 4; i++) {
		ids[i] = enqueue(w, "order");
	}
	for (int i = 0; i < 4; i++) {
		struct lease lease = claim_next(w, "order", ids[i]);

		work_expect_none(w, "order");
		work_move(w, &lease, "completed");
	}
	work_expect_none(w, "order");
}

static void it_waits_for_the_run_that_was_there(void **state)
{
	struct wire *w = wire_of(state);
	const char *first = work_new(w, "first", ""), *second = enqueue(w, "first");
	struct lease lease = claim_next(w, "first", first);

	work_expect_none(w, "first");
	work_move(w, &lease, "failed");
	claim_next(w, "first", second);
}

static void a_held_run_is_passed_over_for_another_thread_s(void **state)
{
	struct wire *w = wire_of(state);
	const char *first = work_new(w, "other", ""), *held = enqueue(w, "other"), *elsewhere;

	claim_next(w, "other", first);
	elsewhere = text(
		expect_ok(w, "runs.create",
			"{'thread_id':'other_2','assistant_id':'other','on_active':'enqueue'}"),
		"id");
	claim_next(w, "other", elsewhere);
	expect_fields(run_get(w, held), "{'status':'queued','started_at':null}");
}

static void every_end_of_the_run_before_it_frees_it(void **state)
{
	static const char *const ends[] = {"completed", "incomplete", "failed", "expired"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		const char *held;
		struct lease lease;

		work_new(w, "status", "");
		held = enqueue(w, "status");
		lease = work_lease(work_claim(w, "w", "status", LEASE));
		work_expect_none(w, "status");
		work_move(w, &lease, ends[i]);
		lease = claim_next(w, "status", held);
		work_move(w, &lease, "completed");
	}
}

static void a_cancelling_run_holds_it_until_it_is_cancelled(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "cancel", 60000);
	const char *held = enqueue(w, "cancel");

	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", lease.run);
	work_expect_none(w, "cancel");
	work_move(w, &lease, "cancelled");
	claim_next(w, "cancel", held);
}

static void a_run_that_awaits_outputs_keeps_its_place(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "outputs", 60000);
	const char *held = enqueue(w, "outputs");

	work_move(w, &lease, "requires_action");
	work_expect_none(w, "outputs");
	submit(w, lease.run);
	lease = claim_next(w, "outputs", lease.run);
	work_expect_none(w, "outputs");
	work_move(w, &lease, "completed");
	claim_next(w, "outputs", held);
}

static void a_released_or_lost_run_keeps_its_place(void **state)
{
	struct wire *w = wire_of(state);
	const char *first = enqueue(w, "place"), *held = enqueue(w, "place");
	struct lease lease = claim_next(w, "place", first);

	work_release(w, &lease);
	lease = work_lease(work_claim(w, "w", "place", ",'lease_ms':100"));
	assert_string_equal(lease.run, first);
	work_await_loss(w, &lease);
	lease = claim_next(w, "place", first);
	work_expect_none(w, "place");
	work_move(w, &lease, "completed");
	claim_next(w, "place", held);
}

static void the_third_loss_of_one_frees_the_next(void **state)
{
	struct wire *w = wire_of(state);
	const char *first = enqueue(w, "third"), *held = enqueue(w, "third");

	for (int i = 0; i < 3; i++) {
		struct lease lease =
			work_lease(work_claim(w, "w", "third", ",'lease_ms':100,'wait_ms':20000"));

		assert_string_equal(lease.run, first);
	}
	assert_string_equal(
		work_lease(work_claim(w, "w", "third", LEASE ",'wait_ms':20000")).run, held);
	expect_fields(run_get(w, first), "{'status':'failed'}");
}

static void parallel_runs_are_not_held_but_hold(void **state)
{
	struct wire *w = wire_of(state);
	struct lease first = work_take(w, "parallel", 60000), second;
	const char *beside = work_new(w, "parallel", ""), *held = enqueue(w, "parallel");
	const char *later = work_new(w, "parallel", "");

	second = claim_next(w, "parallel", beside);
	claim_next(w, "parallel", later);
	work_expect_none(w, "parallel");
	work_move(w, &first, "completed");
	work_expect_none(w, "parallel");
	work_move(w, &second, "completed");
	/* What came after it does not hold it. */
	claim_next(w, "parallel", held);
}

static void a_deleted_run_holds_nothing(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "delete", 60000);
	const char *second = enqueue(w, "delete"), *third = enqueue(w, "delete");

	expect_ok(w, "runs.delete", "{'run_id':'%s'}", second);
	work_expect_none(w, "delete");
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", lease.run);
	claim_next(w, "delete", third);
}

static void a_held_run_can_be_cancelled(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "held", 60000);
	const char *second = enqueue(w, "held"), *third = enqueue(w, "held");

	expect_fields(
		expect_ok(w, "runs.cancel", "{'run_id':'%s'}", second), "{'status':'cancelled'}");
	work_expect_none(w, "held");
	work_move(w, &lease, "completed");
	claim_next(w, "held", third);
}

static void a_held_run_expires_at_its_time(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "expire", 60000);
	const char *id = text(expect_ok(w, "runs.create",
				      "{'thread_id':'expire','assistant_id':'expire',"
				      "'on_active':'enqueue','expires_in':1}"),
		"id");

	run_await(w, id, "expired", 10000);
	work_move(w, &lease, "completed");
	work_expect_none(w, "expire");
}

static void a_held_run_is_not_begun_by_an_update(void **state)
{
	struct wire *w = wire_of(state);
	const char *first = work_new(w, "update", ""), *held = enqueue(w, "update");

	expect_error(w, "runs.update", "run_active", "status",
		"{'run_id':'%s','status':'in_progress'}", held);
	expect_fields(run_get(w, held), "{'status':'queued','started_at':null}");
	expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'k':'v'}}", held);
	run_move(w, first, "in_progress");
	run_move(w, first, "completed");
	expect_fields(run_move(w, held, "in_progress"), "{'status':'in_progress'}");
}

static void an_enqueued_run_that_is_alone_is_begun_as_any(void **state)
{
	struct wire *w = wire_of(state);

	expect_fields(run_move(w, enqueue(w, "alone"), "in_progress"), "{'status':'in_progress'}");
	expect_error(w, "runs.create", "run_active", NULL,
		"{'thread_id':'alone','assistant_id':'alone'}");
}

/* A claim for @name that is parked is given @held when @method ends the run that holds it. */
static void expect_woken(struct fixture *fixture, const char *name, const char *held,
	const char *method, const char *params)
{
	struct wire other;
	json_t *claim;

	wire_open(&other, fixture->daemon.url, WIRE_TIMEOUT_MS);
	pending_send(&other, "runs.claim",
		"{'worker':'parked','assistant_ids':['%s'],'wait_ms':30000}", name);
	pending_settle();
	expect_ok(&fixture->wire, method, "%s", params);
	claim = pending_result(&other, 10000);
	work_check(claim, "parked");
	assert_string_equal(text(claim, "run.id"), held);
	wire_close(&other);
}

static void the_completion_of_one_wakes_the_claim_for_the_next(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "completion", 60000);
	const char *held = enqueue(w, "completion");
	char params[256];

	snprintf(params, sizeof(params), "{'run_id':'%s','lease':'%s','status':'completed'}",
		lease.run, lease.token);
	expect_woken(*state, "completion", held, "runs.update", params);
}

static void the_deletion_of_one_wakes_the_claim_for_the_next(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "deletion", 60000);
	const char *held = enqueue(w, "deletion");
	char params[128];

	snprintf(params, sizeof(params), "{'run_id':'%s'}", lease.run);
	expect_woken(*state, "deletion", held, "runs.delete", params);
}

static void the_expiry_of_one_wakes_the_claim_for_the_next(void **state)
{
	struct wire *w = wire_of(state);
	const char *held;

	work_new(w, "wake", ",'expires_in':3");
	work_claim(w, "w", "wake", LEASE);
	held = enqueue(w, "wake");
	assert_string_equal(
		work_lease(work_claim(w, "w", "wake", LEASE ",'wait_ms':20000")).run, held);
}

static void a_held_run_is_held_after_a_restart(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	struct lease lease = work_take(w, "restart", 60000);
	char held[80];

	snprintf(held, sizeof(held), "%s", enqueue(w, "restart"));
	fixture_crash(fixture);
	fixture_resume(fixture);
	work_expect_none(w, "restart");
	expect_error(w, "runs.update", "run_active", "status",
		"{'run_id':'%s','status':'in_progress'}", held);
	fixture_halt(fixture);
	fixture_resume(fixture);
	work_expect_none(w, "restart");
	work_move(w, &lease, "completed");
	claim_next(w, "restart", held);
}

/* Its end comes with the start itself. */
static void what_expired_while_killed_holds_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	json_int_t due;
	char held[80];

	work_new(w, "away", ",'expires_in':3");
	work_claim(w, "w", "away", LEASE);
	snprintf(held, sizeof(held), "%s", enqueue(w, "away"));
	due = unix_ms() + 3000;
	fixture_crash(fixture);
	work_sleep_past(due);
	fixture_resume(fixture);
	claim_next(w, "away", held);
}

static void many_enqueued_runs_of_many_threads_go_in_their_order(void **state)
{
	enum { THREADS = 10, EACH = 5 };
	struct wire *w = wire_of(state);
	int next[THREADS] = {0};

	for (int i = 0; i < THREADS * EACH; i++) {
		expect_ok(w, "runs.create",
			"{'id':'mix_%d_%d','thread_id':'mix_%d','assistant_id':'mix',"
			"'on_active':'enqueue'}",
			i % THREADS, i / THREADS, i % THREADS);
	}
	for (int round = 0; round < EACH; round++) {
		struct lease leases[THREADS];

		for (int i = 0; i < THREADS; i++) {
			int thread, at;

			leases[i] = work_lease(work_claim(w, "w", "mix", LEASE));
			assert_int_equal(sscanf(leases[i].run, "mix_%d_%d", &thread, &at), 2);
			assert_int_equal(at, next[thread]++);
			assert_int_equal(at, round);
		}
		work_expect_none(w, "mix");
		for (int i = 0; i < THREADS; i++) {
			work_move(w, &leases[i], "completed");
		}
	}
	work_expect_none(w, "mix");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enqueued_runs_go_one_after_the_other),
		cmocka_unit_test(it_waits_for_the_run_that_was_there),
		cmocka_unit_test(a_held_run_is_passed_over_for_another_thread_s),
		cmocka_unit_test(every_end_of_the_run_before_it_frees_it),
		cmocka_unit_test(a_cancelling_run_holds_it_until_it_is_cancelled),
		cmocka_unit_test(a_run_that_awaits_outputs_keeps_its_place),
		cmocka_unit_test(a_released_or_lost_run_keeps_its_place),
		cmocka_unit_test(the_third_loss_of_one_frees_the_next),
		cmocka_unit_test(parallel_runs_are_not_held_but_hold),
		cmocka_unit_test(a_deleted_run_holds_nothing),
		cmocka_unit_test(a_held_run_can_be_cancelled),
		cmocka_unit_test(a_held_run_expires_at_its_time),
		cmocka_unit_test(a_held_run_is_not_begun_by_an_update),
		cmocka_unit_test(an_enqueued_run_that_is_alone_is_begun_as_any),
		cmocka_unit_test(the_completion_of_one_wakes_the_claim_for_the_next),
		cmocka_unit_test(the_deletion_of_one_wakes_the_claim_for_the_next),
		cmocka_unit_test(the_expiry_of_one_wakes_the_claim_for_the_next),
		cmocka_unit_test(a_held_run_is_held_after_a_restart),
		cmocka_unit_test(what_expired_while_killed_holds_nothing),
		cmocka_unit_test(many_enqueued_runs_of_many_threads_go_in_their_order),
	};

	return cmocka_run_group_tests_name("enqueue", tests, fixture_start, fixture_stop);
}
