/* Those who wait and those who hold leases, many at a time, while the daemon comes and goes. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define LIMIT_MS 20000 /* for what must happen soon, on whatever machine */
#define N_WAITERS 12
#define N_CLAIMANTS 8

static int start(void **state)
{
	struct store *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	daemon_init(&s->daemon);
	daemon_start(&s->daemon, NULL);
	OK(s, runstore_open(&s->rs, s->daemon.url,
		      &(struct runstore_options){.connect_timeout_ms = LIMIT_MS}, &s->error));
	*state = s;
	return 0;
}

static void restart(struct store *s, int times)
{
	for (int i = 0; i < times; i++) {
		pause_ms(200);
		if (i % 2) {
			daemon_kill(&s->daemon);
		} else {
			daemon_stop(&s->daemon, SIGTERM);
		}
		daemon_start(&s->daemon, NULL);
	}
	pause_ms(200);
}

struct waiter {
	pthread_t thread;
	struct runstore *rs;
	const char *run_id;
	enum runstore_until until;
	enum runstore_run_status status; /* at the end */
	int r;
};

static void *wait_for_ever(void *argument)
{
	struct waiter *w = argument;
	struct runstore_run *run = NULL;

	w->r = runstore_wait(w->rs, w->run_id,
		&(struct runstore_wait){.until = w->until, .timeout_ms = &(int64_t){-1}}, &run,
		NULL);
	w->status = w->r ? RUNSTORE_RUN_UNKNOWN : run->status;
	runstore_run_free(run);
	return NULL;
}

static void begin_wait(struct waiter *w, struct store *s, const struct runstore_run *run, int until)
{
	*w = (struct waiter){.rs = s->rs, .run_id = run->id, .until = (enum runstore_until)until};
	assert_int_equal(pthread_create(&w->thread, NULL, wait_for_ever, w), 0);
}

static void end_wait(struct waiter *w, enum runstore_run_status status)
{
	pthread_join(w->thread, NULL);
	assert_int_equal(w->r, 0);
	assert_int_equal(w->status, status);
}

static void waiting_keeps_no_other_call_from_its_turn(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_many");
	struct waiter waiters[N_WAITERS];
	long start_ms;

	for (int i = 0; i < N_WAITERS; i++) {
		begin_wait(&waiters[i], s, run, RUNSTORE_UNTIL_TERMINAL);
	}
	pause_ms(300);
	start_ms = clock_ms();
	OK(s, runstore_run_cancel(s->rs, NULL, run->id, NULL, &s->error));
	assert_true(clock_ms() - start_ms < 10000);
	for (int i = 0; i < N_WAITERS; i++) {
		end_wait(&waiters[i], RUNSTORE_RUN_CANCELLED);
	}
	runstore_run_free(run);
}

/* A daemon that stops answers those who wait, though nothing has happened. */
static void a_restart_does_not_end_a_wait(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_restart");
	struct waiter waiters[3];

	for (int until = 0; until <= RUNSTORE_UNTIL_CHANGE; until++) {
		begin_wait(&waiters[until], s, run, until);
	}
	restart(s, 3);
	OK(s, runstore_run_cancel(s->rs, NULL, run->id, NULL, &s->error));
	for (int until = 0; until <= RUNSTORE_UNTIL_CHANGE; until++) {
		end_wait(&waiters[until], RUNSTORE_RUN_CANCELLED);
	}
	runstore_run_free(run);
}

struct claimant {
	pthread_t thread;
	struct runstore *rs;
	const char *thread_id;
	struct runstore_lease *lease;
	int r;
};

static void *claim_for_ever(void *argument)
{
	struct claimant *c = argument;

	c->r = runstore_claim(c->rs,
		&(struct runstore_claim){
			.worker = "w",
			.thread_id = c->thread_id,
			.wait_ms = -1,
			.heartbeat = true,
		},
		&c->lease, NULL);
	return NULL;
}

static void begin_claim(struct claimant *c, struct store *s, const char *thread_id)
{
	*c = (struct claimant){.rs = s->rs, .thread_id = thread_id};
	assert_int_equal(pthread_create(&c->thread, NULL, claim_for_ever, c), 0);
}

static void of_many_who_claim_each_gets_another_run(void **state)
{
	struct store *s = *state;
	struct claimant c[N_CLAIMANTS];

	for (int i = 0; i < N_CLAIMANTS; i++) {
		begin_claim(&c[i], s, "t_claims");
	}
	restart(s, 3);
	for (int i = 0; i < N_CLAIMANTS; i++) {
		runstore_run_free(store_run(s, "t_claims"));
	}
	for (int i = 0; i < N_CLAIMANTS; i++) {
		pthread_join(c[i].thread, NULL);
		assert_int_equal(c[i].r, 0);
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(runstore_lease_run(c[i].lease)->id,
				runstore_lease_run(c[k].lease)->id);
		}
	}
	for (int i = 0; i < N_CLAIMANTS; i++) {
		runstore_lease_free(c[i].lease);
	}
}

static struct runstore_lease *claim_new(
	struct store *s, const char *thread_id, int64_t lease_ms, bool heartbeat)
{
	struct runstore_lease *lease = NULL;

	runstore_run_free(store_run(s, thread_id));
	OK(s, runstore_claim(s->rs,
		      &(struct runstore_claim){
			      .worker = "w",
			      .thread_id = thread_id,
			      .lease_ms = &lease_ms,
			      .heartbeat = heartbeat,
		      },
		      &lease, &s->error));
	assert_non_null(lease);
	return lease;
}

static void a_lease_that_ends_while_no_daemon_runs_is_lost(void **state)
{
	struct store *s = *state;
	struct runstore_lease *lease = claim_new(s, "t_away", 800, true);
	long deadline = clock_ms() + LIMIT_MS;

	daemon_kill(&s->daemon);
	while (!runstore_lease_lost(lease)) {
		assert_true(clock_ms() < deadline);
		pause_ms(5);
	}
	runstore_lease_free(lease);
	daemon_start(&s->daemon, NULL);
}

static void a_lease_is_freed_at_once_while_no_daemon_runs(void **state)
{
	struct store *s = *state;
	struct runstore_lease *lease = claim_new(s, "t_freed", 30000, true);
	struct runstore_lease *beating = claim_new(s, "t_freed", 1500, true);
	long start_ms;

	daemon_kill(&s->daemon);
	pause_ms(700);
	start_ms = clock_ms();
	runstore_lease_free(lease);
	runstore_lease_free(beating);
	assert_true(clock_ms() - start_ms < 5000);
	daemon_start(&s->daemon, NULL);
}

static void what_was_given_back_is_lost(void **state)
{
	struct store *s = *state;

	for (int heartbeat = 0; heartbeat < 2; heartbeat++) {
		struct runstore_lease *lease = claim_new(s, "t_back", 30000, heartbeat);

		OK(s, runstore_lease_release(lease, &s->error));
		assert_true(runstore_lease_lost(lease));
		assert_int_equal(runstore_lease_release(lease, &s->error), RUNSTORE_E_LEASE_LOST);
		runstore_lease_free(lease);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_keeps_no_other_call_from_its_turn),
		cmocka_unit_test(a_restart_does_not_end_a_wait),
		cmocka_unit_test(of_many_who_claim_each_gets_another_run),
		cmocka_unit_test(a_lease_that_ends_while_no_daemon_runs_is_lost),
		cmocka_unit_test(a_lease_is_freed_at_once_while_no_daemon_runs),
		cmocka_unit_test(what_was_given_back_is_lost),
	};

	return cmocka_run_group_tests(tests, start, store_stop);
}
