/* Claims and leases, through the library. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A heartbeat is a commit, and a disk that is busy may take longer over one than a short lease
 * lasts. What is on the disk is not what is tested here.
 */
static const char *const unsynced[] = {"--sync", "interval:1000", NULL};

static int start(void **state)
{
	struct store *s;

	store_start(state);
	s = *state;
	daemon_stop(&s->daemon, SIGTERM);
	daemon_start(&s->daemon, unsynced);
	return 0;
}

static struct runstore_lease *claim(
	struct store *s, const char *thread, int64_t lease_ms, bool heartbeat)
{
	struct runstore_lease *lease = NULL;

	OK(s, runstore_claim(s->rs,
		      &(struct runstore_claim){.worker = "w",
			      .thread_id = thread,
			      .lease_ms = &lease_ms,
			      .wait_ms = 10000,
			      .heartbeat = heartbeat},
		      &lease, &s->error));
	assert_non_null(lease);
	return lease;
}

/* Wait until @what of the lease is true. */
static void await(struct runstore_lease *lease, bool (*what)(struct runstore_lease *lease))
{
	long end = clock_ms() + 10000;

	while (!what(lease)) {
		assert_true(clock_ms() < end);
		pause_ms(10);
	}
}

static bool is_cancelling(struct runstore_lease *lease)
{
	return runstore_lease_status(lease) == RUNSTORE_RUN_CANCELLING;
}

static int complete(struct store *s, struct runstore_lease *lease)
{
	const struct runstore_run_update end = {
		.status = RUNSTORE_RUN_COMPLETED, .lease = runstore_lease_token(lease)};

	return runstore_run_update(s->rs, runstore_lease_run(lease)->id, &end, NULL, &s->error);
}

static void a_claim_gives_the_run_and_a_lease(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = NULL;
	struct runstore_lease *lease;
	char *hints;

	OK(s, runstore_run_create(s->rs,
		      &(struct runstore_run_create){.thread_id = "l_form",
			      .assistant_id = "a",
			      .reasoning_effort = "low"},
		      &run, &s->error));
	lease = claim(s, "l_form", 20000, false);
	assert_string_equal(runstore_lease_run(lease)->id, run->id);
	assert_int_equal(runstore_lease_run(lease)->status, RUNSTORE_RUN_IN_PROGRESS);
	assert_string_equal(runstore_lease_worker(lease), "w");
	assert_int_equal(runstore_lease_attempt(lease), 1);
	assert_int_equal(runstore_lease_status(lease), RUNSTORE_RUN_IN_PROGRESS);
	assert_false(runstore_lease_lost(lease));
	hints = runstore_value_json(runstore_lease_hints(lease));
	assert_string_equal(hints, "{\"reasoning_effort\":\"low\"}");
	OK(s, complete(s, lease));
	free(hints);
	runstore_run_free(run);
	runstore_lease_free(lease);
}

static void there_may_be_none_to_claim(void **state)
{
	struct store *s = *state;
	struct runstore_lease *lease = (void *)s;
	long began = clock_ms();

	OK(s, runstore_claim(s->rs,
		      &(struct runstore_claim){
			      .worker = "w", .thread_id = "l_none", .wait_ms = 300},
		      &lease, &s->error));
	assert_null(lease);
	assert_true(clock_ms() - began >= 300);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct store *s = *state;
	struct runstore_lease *lease = NULL;
	const int64_t too_short = 99;

	assert_int_equal(runstore_claim(s->rs, &(struct runstore_claim){0}, &lease, &s->error),
		RUNSTORE_E_MISSING_PARAM);
	assert_int_equal(
		runstore_claim(s->rs, &(struct runstore_claim){.worker = ""}, &lease, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(runstore_claim(s->rs,
				 &(struct runstore_claim){.worker = "w", .lease_ms = &too_short},
				 &lease, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_string_equal(s->error.param, "lease_ms");
	assert_null(lease);
}

static void heartbeats_hold_a_short_lease(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "l_held");
	struct runstore_lease *lease = claim(s, "l_held", 600, true);
	int64_t first = runstore_lease_expires_ms(lease);

	pause_ms(2500);
	assert_false(runstore_lease_lost(lease));
	assert_true(runstore_lease_expires_ms(lease) > first + 1000);
	OK(s, complete(s, lease));
	runstore_lease_free(lease);
	runstore_run_free(run);
}

static void without_heartbeats_it_is_lost_and_another_gets_the_run(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "l_lost");
	struct runstore_lease *lease = claim(s, "l_lost", 300, false), *next;

	next = claim(s, "l_lost", 20000, false);
	assert_true(runstore_lease_lost(lease));
	assert_int_equal(runstore_lease_attempt(next), 2);
	assert_string_equal(runstore_lease_run(next)->id, run->id);
	assert_int_equal(runstore_lease_heartbeat(lease, &s->error), RUNSTORE_E_LEASE_LOST);
	assert_int_equal(complete(s, lease), RUNSTORE_E_LEASE_LOST);
	OK(s, complete(s, next));
	runstore_lease_free(lease);
	runstore_lease_free(next);
	runstore_run_free(run);
}

static void a_cancel_is_heard(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "l_cancel");
	struct runstore_lease *lease = claim(s, "l_cancel", 900, true);

	OK(s, runstore_run_cancel(s->rs, NULL, run->id, NULL, &s->error));
	await(lease, is_cancelling);
	assert_false(runstore_lease_lost(lease));
	assert_int_equal(runstore_lease_release(lease, &s->error), RUNSTORE_E_INVALID_TRANSITION);
	runstore_lease_free(lease);
	runstore_run_free(run);
}

static void a_run_that_is_taken_away_is_heard_of(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "l_taken"), *again = NULL;
	struct runstore_lease *lease = claim(s, "l_taken", 900, true);

	OK(s, runstore_run_requeue(s->rs, "l_taken", run->id, &again, &s->error));
	assert_int_equal(again->status, RUNSTORE_RUN_QUEUED);
	await(lease, runstore_lease_lost);
	runstore_run_free(again);
	OK(s, runstore_run_fail(s->rs, NULL, run->id, "no use", &again, &s->error));
	assert_int_equal(again->status, RUNSTORE_RUN_FAILED);
	assert_string_equal(again->last_error.message, "no use");
	runstore_lease_free(lease);
	runstore_run_free(again);
	runstore_run_free(run);
}

static void a_released_run_is_claimed_again(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "l_release");
	struct runstore_lease *lease = claim(s, "l_release", 20000, true), *next;

	OK(s, runstore_lease_release(lease, &s->error));
	next = claim(s, "l_release", 20000, false);
	assert_int_equal(runstore_lease_attempt(next), 2);
	OK(s, complete(s, next));
	runstore_lease_free(lease);
	runstore_lease_free(next);
	runstore_run_free(run);
}

static void heartbeats_outlast_a_restart_of_the_daemon(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "l_restart");
	struct runstore_lease *lease = claim(s, "l_restart", 3000, true);

	daemon_kill_child(&s->daemon, daemon_child(&s->daemon));
	pause_ms(4000);
	assert_false(runstore_lease_lost(lease));
	OK(s, complete(s, lease));
	runstore_lease_free(lease);
	runstore_run_free(run);
}

static void *claim_later(void *argument)
{
	struct store *s = argument;

	return claim(s, "l_wait", 20000, false);
}

/* Longer than the pieces in which the library waits. */
static void a_claim_waits_as_long_as_it_was_asked_to(void **state)
{
	struct store *s = *state;
	struct runstore_run *run;
	struct runstore_lease *lease;
	pthread_t thread;
	void *claimed;

	pthread_create(&thread, NULL, claim_later, s);
	pause_ms(6000);
	run = store_run(s, "l_wait");
	pthread_join(thread, &claimed);
	lease = claimed;
	assert_string_equal(runstore_lease_run(lease)->id, run->id);
	runstore_lease_free(lease);
	runstore_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_gives_the_run_and_a_lease),
		cmocka_unit_test(there_may_be_none_to_claim),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(heartbeats_hold_a_short_lease),
		cmocka_unit_test(without_heartbeats_it_is_lost_and_another_gets_the_run),
		cmocka_unit_test(a_cancel_is_heard),
		cmocka_unit_test(a_run_that_is_taken_away_is_heard_of),
		cmocka_unit_test(a_released_run_is_claimed_again),
		cmocka_unit_test(heartbeats_outlast_a_restart_of_the_daemon),
		cmocka_unit_test(a_claim_waits_as_long_as_it_was_asked_to),
	};

	return cmocka_run_group_tests(tests, start, store_stop);
}
