/* Claims that compete: every run goes to one of them. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "work.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { CLAIMERS = 8, RUNS = 200 };

/* A worker on a thread and a connection of its own. */
struct claimer {
	pthread_t thread;
	const char *url;
	const char *name; /* of the assistant whose runs it claims */
	const char *members;
	bool lets_go; /* of every other run at its first attempt; those it keeps it completes */
	int claimed[RUNS];
	int completed[RUNS];
};

/* The number at the end of an id of work_new_many(). */
static int index_of(const char *id)
{
	int i = -1;

	assert_int_equal(sscanf(strrchr(id, '_'), "_%d", &i), 1);
	assert_in_range(i, 0, RUNS - 1);
	return i;
}

static void work_on(struct claimer *claimer, struct wire *w, const struct lease *lease)
{
	int i = index_of(lease->run);

	if (i % 2 && lease->attempt == 1) {
		work_release(w, lease);
	} else {
		work_move(w, lease, "completed");
		claimer->completed[i]++;
	}
}

/* Claim until there is nothing. A check that fails here ends the process. */
static void *claim_all(void *arg)
{
	struct claimer *claimer = arg;
	struct wire wire;

	wire_open(&wire, claimer->url, WIRE_TIMEOUT_MS);
	for (;;) {
		json_t *claim = work_try(&wire, "racer", claimer->name, claimer->members);
		struct lease lease;

		if (json_is_null(claim)) {
			break;
		}
		work_check(claim, "racer");
		lease = work_lease(claim);
		claimer->claimed[index_of(lease.run)]++;
		if (claimer->lets_go) {
			work_on(claimer, &wire, &lease);
		}
	}
	wire_close(&wire);
	return NULL;
}

static void start(
	struct claimer *claimers, const struct fixture *fixture, const struct claimer *like)
{
	for (int i = 0; i < CLAIMERS; i++) {
		claimers[i] = *like;
		claimers[i].url = fixture->daemon.url;
		assert_int_equal(
			pthread_create(&claimers[i].thread, NULL, claim_all, &claimers[i]), 0);
	}
}

static void join(struct claimer *claimers)
{
	for (int i = 0; i < CLAIMERS; i++) {
		assert_int_equal(pthread_join(claimers[i].thread, NULL), 0);
	}
}

static int times_claimed(const struct claimer *claimers, int run)
{
	int n = 0;

	for (int i = 0; i < CLAIMERS; i++) {
		n += claimers[i].claimed[run];
	}
	return n;
}

static void expect_each_once(const struct claimer *claimers)
{
	for (int run = 0; run < RUNS; run++) {
		assert_int_equal(times_claimed(claimers, run), 1);
	}
}

/* What the history says of the runs of @name. */
static void expect_events(struct wire *w, const char *name, const char *event, int n)
{
	json_t *changes = history_since(w, 0, ",'thread_id':'%s'", name);

	assert_int_equal(history_count(changes, event), n);
}

static void eight_claimers_get_each_of_two_hundred_runs_once(void **state)
{
	struct fixture *fixture = *state;
	const struct claimer like = {.name = "race", .members = ""};
	struct claimer claimers[CLAIMERS];

	work_new_many(&fixture->wire, "race", RUNS);
	start(claimers, fixture, &like);
	join(claimers);
	expect_each_once(claimers);
	expect_events(&fixture->wire, "race", "thread.run.in_progress", RUNS);
}

static void parked_claimers_get_each_run_that_comes_once(void **state)
{
	struct fixture *fixture = *state;
	const struct claimer like = {.name = "come", .members = ",'wait_ms':3000"};
	struct claimer claimers[CLAIMERS];
	long began = clock_ms();

	start(claimers, fixture, &like);
	for (int i = 0; i < RUNS; i++) {
		char members[32];

		snprintf(members, sizeof(members), ",'id':'come_%d'", i);
		work_new(&fixture->wire, "come", members);
	}
	print_message("# %d runs were created in %ld ms\n", RUNS, clock_ms() - began);
	join(claimers);
	expect_each_once(claimers);
	expect_events(&fixture->wire, "come", "thread.run.in_progress", RUNS);
}

static void what_one_lets_go_another_one_completes(void **state)
{
	struct fixture *fixture = *state;
	const struct claimer like = {.name = "pass", .members = ",'wait_ms':1000", .lets_go = true};
	struct claimer claimers[CLAIMERS];

	work_new_many(&fixture->wire, "pass", RUNS);
	start(claimers, fixture, &like);
	join(claimers);
	for (int run = 0; run < RUNS; run++) {
		int completed = 0;

		for (int i = 0; i < CLAIMERS; i++) {
			completed += claimers[i].completed[run];
		}
		assert_int_equal(completed, 1);
		assert_int_equal(times_claimed(claimers, run), 1 + run % 2);
	}
	expect_events(&fixture->wire, "pass", "thread.run.in_progress", RUNS + RUNS / 2);
	expect_events(&fixture->wire, "pass", "thread.run.queued", RUNS / 2);
	expect_events(&fixture->wire, "pass", "thread.run.completed", RUNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_claimers_get_each_of_two_hundred_runs_once),
		cmocka_unit_test(parked_claimers_get_each_run_that_comes_once),
		cmocka_unit_test(what_one_lets_go_another_one_completes),
	};

	return cmocka_run_group_tests_name("claims race", tests, fixture_start, fixture_stop);
}
