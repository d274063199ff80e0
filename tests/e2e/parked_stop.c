/* A stop answers who is parked; a crash leaves it to the next process. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "pending.h"
#include "work.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SEQ "%" JSON_INTEGER_FORMAT
#define WAKE_MS 10000
#define STOP_MS 5000
/* What the daemon has sent is here, but may not have been read yet. */
#define SENT_MS 2000

static void open_other(struct wire *other, const struct fixture *fixture)
{
	wire_open(other, fixture->daemon.url, WIRE_TIMEOUT_MS);
	expect_ok(other, "server.info", NULL);
}

/* A claim, a wait and a list, none of which will come to anything. */
static void park_one_of_each(
	struct wire *others, const struct fixture *fixture, const char *run, json_int_t last)
{
	for (int i = 0; i < 3; i++) {
		open_other(&others[i], fixture);
	}
	pending_send(&others[0], "runs.claim",
		"{'worker':'w','assistant_ids':['nobody'],'wait_ms':60000}");
	pending_send(&others[1], "runs.wait", "{'run_id':'%s','timeout_ms':60000}", run);
	pending_send(&others[2], "changes.list", "{'after':" SEQ ",'wait_ms':60000}", last);
	pending_settle();
}

static void stop_with(struct fixture *fixture, int signal)
{
	struct wire *w = &fixture->wire, others[3];
	json_t *run = json_incref(run_get(w, run_in(w, "t_stop", "in_progress")));
	json_int_t last = history_last(w);
	long began;

	park_one_of_each(others, fixture, text(run, "id"), last);
	wire_close(w);
	began = clock_ms();
	daemon_stop(&fixture->daemon, signal);
	assert_in_range(clock_ms() - began, 0, STOP_MS);
	print_message("# stopped after %ld ms\n", clock_ms() - began);
	work_check_none(pending_result(&others[0], SENT_MS));
	expect_same(pending_result(&others[1], SENT_MS), run);
	expect_fields(pending_result(&others[2], SENT_MS),
		"{'changes':[],'last_seq':" SEQ ",'truncated':false}", last);
	json_decref(run);
	for (int i = 0; i < 3; i++) {
		wire_close(&others[i]);
	}
}

static void sigterm_answers_who_is_parked(void **state)
{
	stop_with(*state, SIGTERM);
}

static void sigint_answers_who_is_parked(void **state)
{
	stop_with(*state, SIGINT);
}

static void a_stop_answers_all_of_many(void **state)
{
	enum { MANY = 100 };
	struct fixture *fixture = *state;
	struct wire *wires = calloc(MANY, sizeof(*wires));
	int n = 0;

	assert_non_null(wires);
	work_new_many(&fixture->wire, "many", MANY);
	for (int i = 0; i < MANY; i++) {
		open_other(&wires[i], fixture);
		pending_send(&wires[i], "runs.wait", "{'run_id':'many_%d','timeout_ms':60000}", i);
	}
	pending_settle();
	fixture_halt(fixture);
	for (int i = 0; i < MANY; i++) {
		expect_fields(pending_result(&wires[i], SENT_MS),
			"{'id':'many_%d','status':'queued'}", i);
		wire_close(&wires[i]);
		n++;
	}
	assert_int_equal(n, MANY);
	free(wires);
}

/* What a stop answered with nil must not have been claimed all the same. */
static void a_claim_that_a_stop_answered_claimed_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct wire other;

	open_other(&other, fixture);
	pending_send(&other, "runs.claim", "{'worker':'w','wait_ms':60000}");
	pending_settle();
	fixture_halt(fixture);
	work_check_none(pending_result(&other, SENT_MS));
	wire_close(&other);
	fixture_resume(fixture);
	work_new(&fixture->wire, "stopped", "");
	assert_int_equal(work_lease(work_claim(&fixture->wire, "w", "stopped", "")).attempt, 1);
}

/* REQ asks again when its connection is back. */
static void who_was_parked_is_served_by_the_next_process(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire, others[3];
	const char *run = run_in(w, "t_next", "in_progress");
	json_int_t last = history_last(w);
	pid_t server = fixture_server(fixture);
	char id[80];

	snprintf(id, sizeof(id), "%s", run);
	park_one_of_each(others, fixture, id, last);
	daemon_kill_child(&fixture->daemon, server);
	fixture_await_service(fixture, server, WAKE_MS);
	run_move(w, id, "completed");
	expect_fields(pending_result(&others[1], WAKE_MS), "{'id':'%s','status':'completed'}", id);
	expect_fields(pending_result(&others[2], WAKE_MS),
		"{'changes[0].run_id':'%s','changes[0].to':'completed'}", id);
	work_new(w, "nobody", "");
	work_check(pending_result(&others[0], WAKE_MS), "w");
	for (int i = 0; i < 3; i++) {
		wire_close(&others[i]);
	}
}

/* Each of those who wait would have to look through all of it. */
static void a_stop_does_not_go_through_what_happened_meanwhile(void **state)
{
	enum { N_WAITS = 300, N_BATCHES = 60, N_CHANGES = 1000 };
	static struct wire waits[N_WAITS];
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	const char *run = strdup(run_new(w, "quiet")), *other = strdup(run_new(w, "busy"));

	for (int i = 0; i < N_WAITS; i++) {
		wire_open(&waits[i], fixture->daemon.url, WIRE_TIMEOUT_MS);
		pending_send(&waits[i], "runs.wait", "{'run_id':'%s','timeout_ms':60000}", run);
	}
	pending_settle();
	for (int i = 0; i < N_BATCHES; i++) {
		json_t *requests = json_array();

		for (int k = 0; k < N_CHANGES; k++) {
			json_array_append_new(
				requests, json_pack("[s{sss{ss}}]", "runs.update", "run_id", other,
						  "metadata", "k", k % 2 ? "a" : "b"));
		}
		expect_ok_take(w, "batch", json_pack("{so}", "requests", requests));
		json_array_clear(w->kept);
	}
	wire_close(w);
	daemon_stop(&fixture->daemon, SIGTERM);
	for (int i = 0; i < N_WAITS; i++) {
		expect_fields(pending_result(&waits[i], WIRE_TIMEOUT_MS), "{'id':'%s'}", run);
		wire_close(&waits[i]);
	}
	free((void *)run);
	free((void *)other);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(sigterm_answers_who_is_parked),
		ALONE(sigint_answers_who_is_parked),
		ALONE(a_stop_answers_all_of_many),
		ALONE(a_claim_that_a_stop_answered_claimed_nothing),
		ALONE(a_stop_does_not_go_through_what_happened_meanwhile),
		ALONE(who_was_parked_is_served_by_the_next_process),
	};

	return cmocka_run_group_tests_name("parked stop", tests, NULL, NULL);
}
