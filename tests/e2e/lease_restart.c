/* Leases outlive the daemon, and those that ran out without it are lost when it is back. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#define LONG_MS 60000

/* How a daemon goes and comes back. */
typedef void go_fn(struct fixture *fixture);

static void lease_survives(struct fixture *fixture, go_fn *go)
{
	struct lease lease = work_take(&fixture->wire, "survive", LONG_MS);
	json_int_t began;
	json_t *beat;

	go(fixture);
	fixture_resume(fixture);
	expect_fields(run_get(&fixture->wire, lease.run), "{'status':'in_progress'}");
	work_expect_none(&fixture->wire, "survive");
	expect_error(&fixture->wire, "runs.update", "lease_lost", "lease",
		"{'run_id':'%s','status':'completed'}", lease.run);
	began = unix_ms();
	beat = work_beat(&fixture->wire, &lease, "");
	expect_fields(beat, "{'status':'in_progress','lease.worker':'w'}");
	/* What the claim asked for is known as well. */
	assert_in_range(number(beat, "lease.expires_ms"), began + LONG_MS - 1000,
		unix_ms() + LONG_MS + 1000);
	work_step(&fixture->wire, &lease);
	work_move(&fixture->wire, &lease, "failed");
}

static void a_lease_survives_a_stop(void **state)
{
	lease_survives(*state, fixture_halt);
}

static void a_lease_survives_a_crash(void **state)
{
	lease_survives(*state, fixture_crash);
}

static void a_lease_survives_its_serving_process(void **state)
{
	struct fixture *fixture = *state;
	struct lease lease = work_take(&fixture->wire, "process", LONG_MS);
	pid_t server = fixture_server(fixture);

	daemon_kill_child(&fixture->daemon, server);
	fixture_await_service(fixture, server, 10000);
	work_beat(&fixture->wire, &lease, "");
	work_move(&fixture->wire, &lease, "completed");
}

/* What @run is must be known to the first request. */
static void lease_is_lost_while(struct fixture *fixture, go_fn *go)
{
	struct lease lease = work_take(&fixture->wire, "away", 1000);

	go(fixture);
	work_sleep_past(lease.expires_ms);
	fixture_resume(fixture);
	expect_fields(run_get(&fixture->wire, lease.run), "{'status':'queued'}");
	history_expect(&fixture->wire, 0, lease.run,
		"thread.run.created nil queued client; "
		"thread.run.in_progress queued in_progress w; "
		"thread.run.lease_lost in_progress queued daemon");
	work_expect_over(&fixture->wire, &lease, "lease_lost");
	assert_int_equal(work_lease(work_claim(&fixture->wire, "w", "away", "")).attempt, 2);
	expect_ok(&fixture->wire, "threads.delete", "{'thread_id':'away'}");
}

static void a_lease_that_ran_out_while_stopped_is_lost_before_the_first_answer(void **state)
{
	lease_is_lost_while(*state, fixture_halt);
}

static void a_lease_that_ran_out_while_killed_is_lost_before_the_first_answer(void **state)
{
	lease_is_lost_while(*state, fixture_crash);
}

static void the_first_request_can_claim_what_was_lost(void **state)
{
	struct fixture *fixture = *state;
	struct lease lease = work_take(&fixture->wire, "first", 500);

	fixture_crash(fixture);
	work_sleep_past(lease.expires_ms);
	fixture_resume(fixture);
	assert_string_equal(
		work_lease(work_claim(&fixture->wire, "w2", "first", "")).run, lease.run);
}

static void a_heartbeat_s_new_end_survives(void **state)
{
	struct fixture *fixture = *state;
	struct lease lease = work_take(&fixture->wire, "renewed", 1000);

	work_beat(&fixture->wire, &lease, ",'lease_ms':60000");
	fixture_crash(fixture);
	work_sleep_past(lease.expires_ms);
	fixture_resume(fixture);
	expect_fields(run_get(&fixture->wire, lease.run), "{'status':'in_progress'}");
	work_beat(&fixture->wire, &lease, "");
}

static void losses_are_counted_over_restarts(void **state)
{
	static go_fn *const goes[] = {fixture_halt, fixture_crash, fixture_halt};
	struct fixture *fixture = *state;
	struct lease lease = {0};

	work_new(&fixture->wire, "count", "");
	for (int i = 0; i < 3; i++) {
		lease = work_lease(work_claim(&fixture->wire, "w", "count", ",'lease_ms':500"));
		assert_int_equal(lease.attempt, i + 1);
		goes[i](fixture);
		work_sleep_past(lease.expires_ms);
		fixture_resume(fixture);
	}
	expect_fields(run_get(&fixture->wire, lease.run),
		"{'status':'failed','last_error.code':'server_error'}");
	work_expect_none(&fixture->wire, "count");
}

static void a_lease_runs_out_after_a_restart_as_before(void **state)
{
	struct fixture *fixture = *state;
	struct lease lease = work_take(&fixture->wire, "after", 4000);

	fixture_crash(fixture);
	fixture_resume(fixture);
	work_await_loss(&fixture->wire, &lease);
	assert_true(unix_ms() >= lease.expires_ms);
}

static void a_released_run_s_old_token_is_not_revived(void **state)
{
	struct fixture *fixture = *state;
	struct lease lease = work_take(&fixture->wire, "revived", LONG_MS);

	work_release(&fixture->wire, &lease);
	fixture_crash(fixture);
	fixture_resume(fixture);
	work_expect_over(&fixture->wire, &lease, "lease_lost");
	assert_int_equal(work_lease(work_claim(&fixture->wire, "w", "revived", "")).attempt, 2);
	work_expect_over(&fixture->wire, &lease, "lease_lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_survives_a_stop),
		cmocka_unit_test(a_lease_survives_a_crash),
		cmocka_unit_test(a_lease_survives_its_serving_process),
		cmocka_unit_test(
			a_lease_that_ran_out_while_stopped_is_lost_before_the_first_answer),
		cmocka_unit_test(a_lease_that_ran_out_while_killed_is_lost_before_the_first_answer),
		cmocka_unit_test(the_first_request_can_claim_what_was_lost),
		cmocka_unit_test(a_heartbeat_s_new_end_survives),
		cmocka_unit_test(losses_are_counted_over_restarts),
		cmocka_unit_test(a_lease_runs_out_after_a_restart_as_before),
		cmocka_unit_test(a_released_run_s_old_token_is_not_revived),
	};

	return cmocka_run_group_tests_name("lease restart", tests, fixture_start, fixture_stop);
}
