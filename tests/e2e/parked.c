/* Requests that are parked: claims that wait, clients that go, many at once. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"
#include "pending.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>

#define AT_ONCE_MS 5000
#define WAKE_MS 10000

/* A claim for the assistant @name, by the worker `parked`, on a connection of its own. */
static void park_claim(struct wire *other, void **state, const char *name, const char *members)
{
	const struct fixture *fixture = *state;

	wire_open(other, fixture->daemon.url, WIRE_TIMEOUT_MS);
	pending_send(other, "runs.claim",
		"{'worker':'parked','assistant_ids':['%s'],'wait_ms':30000%s}", name, members);
}

/* The claim on @other is given @run. Closes it. */
static struct lease expect_given(struct wire *other, const char *run)
{
	json_t *claim = pending_result(other, WAKE_MS);
	struct lease lease;

	work_check(claim, "parked");
	lease = work_lease(claim);
	assert_string_equal(lease.run, run);
	wire_close(other);
	return lease;
}

static void a_claim_of_nothing_is_nil_after_its_wait(void **state)
{
	struct wire *w = wire_of(state);
	long began = clock_ms();

	work_check_none(work_try(w, "w", "nothing", ",'wait_ms':400"));
	assert_in_range(clock_ms() - began, 380, AT_ONCE_MS);
}

static void a_claim_does_not_wait_for_what_is_there(void **state)
{
	struct wire *w = wire_of(state);
	long began = clock_ms();

	work_new(w, "there", "");
	work_claim(w, "w", "there", ",'wait_ms':9000");
	assert_in_range(clock_ms() - began, 0, AT_ONCE_MS);
}

static void a_new_run_ends_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;
	struct lease lease;

	park_claim(&other, state, "new", "");
	pending_settle();
	lease = expect_given(&other, work_new(w, "new", ""));
	assert_int_equal(lease.attempt, 1);
	/* The lease is as long as asked for from when it was given. */
	assert_true(lease.expires_ms > unix_ms() + 20000);
	work_move(w, &lease, "completed");
}

static void a_run_of_another_assistant_does_not_end_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;

	park_claim(&other, state, "mine", "");
	pending_settle();
	work_new(w, "theirs", "");
	assert_null(pending_poll(&other, 300));
	expect_given(&other, work_new(w, "mine", ""));
	work_claim(w, "w", "theirs", "");
}

static void a_released_run_ends_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;
	struct lease lease = work_take(w, "release", 60000);

	park_claim(&other, state, "release", "");
	pending_settle();
	work_release(w, &lease);
	assert_int_equal(expect_given(&other, lease.run).attempt, 2);
}

static void a_lost_run_ends_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;
	struct lease lease = work_take(w, "lost", 1500);

	park_claim(&other, state, "lost", "");
	assert_int_equal(expect_given(&other, lease.run).attempt, 2);
	assert_true(unix_ms() >= lease.expires_ms);
}

static void outputs_end_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;
	struct lease lease = work_take(w, "outputs", 60000);

	work_move(w, &lease, "requires_action");
	park_claim(&other, state, "outputs", "");
	pending_settle();
	expect_ok(w, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'o'}]}",
		lease.run);
	assert_int_equal(expect_given(&other, lease.run).attempt, 2);
}

static void an_imported_run_ends_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;

	park_claim(&other, state, "import", "");
	pending_settle();
	import_one(w, run_object("{'id':'imp','status':'queued','assistant_id':'import'}"));
	expect_given(&other, "imp");
}

static void runs_of_one_batch_go_to_the_claims_that_wait(void **state)
{
	enum { CLAIMS = 8 };
	struct wire *w = wire_of(state), others[CLAIMS];
	bool given[CLAIMS] = {false};

	for (int i = 0; i < CLAIMS; i++) {
		park_claim(&others[i], state, "share", "");
	}
	pending_settle();
	work_new_many(w, "share", CLAIMS);
	for (int i = 0; i < CLAIMS; i++) {
		json_t *claim = pending_result(&others[i], WAKE_MS);
		int n;

		work_check(claim, "parked");
		assert_int_equal(sscanf(text(claim, "run.id"), "share_%d", &n), 1);
		assert_in_range(n, 0, CLAIMS - 1);
		assert_false(given[n]);
		given[n] = true;
		wire_close(&others[i]);
	}
	work_expect_none(w, "share");
}

static void one_run_goes_to_one_of_the_claims_that_wait(void **state)
{
	struct wire *w = wire_of(state), others[3];
	int n = 0;

	for (int i = 0; i < 3; i++) {
		park_claim(&others[i], state, "one", "");
	}
	pending_settle();
	work_new(w, "one", "");
	for (int i = 0; i < 3; i++) {
		n += pending_poll(&others[i], i ? 300 : 1000) != NULL;
	}
	assert_int_equal(n, 1);
	for (int i = 0; i < 3; i++) {
		wire_close(&others[i]);
	}
}

/* Nobody hears the answer: the run is another's after its lease at the latest. */
static void a_run_that_went_to_a_client_that_is_gone_comes_back(void **state)
{
	struct wire *w = wire_of(state), other;
	const char *run;
	struct lease lease;
	long began;

	park_claim(&other, state, "gone", ",'lease_ms':500");
	pending_settle();
	wire_close(&other);
	run = work_new(w, "gone", "");
	began = clock_ms();
	lease = work_lease(work_claim(w, "w", "gone", ",'wait_ms':9000"));
	assert_in_range(clock_ms() - began, 0, 500 + 2000);
	assert_string_equal(lease.run, run);
	assert_in_range(lease.attempt, 1, 2);
	work_move(w, &lease, "completed");
}

/* What a client does that lost its connection: it asks again, the first one still being there. */
static void a_claim_sent_again_while_parked_claims_once(void **state)
{
	static const char key[] = ",'idempotency_key':'again','lease_ms':60000";
	struct wire *w = wire_of(state), first, second;
	struct lease lease;

	park_claim(&first, state, "again", key);
	pending_settle();
	wire_close(&first);
	park_claim(&second, state, "again", key);
	pending_settle();
	work_new_many(w, "again", 2);
	lease = expect_given(&second, "again_0");
	assert_int_equal(lease.attempt, 1);
	work_beat(w, &lease, "");
	pending_settle();
	expect_fields(run_get(w, "again_1"), "{'status':'queued'}");
}

static void a_closed_wait_hinders_nobody(void **state)
{
	const struct fixture *fixture = *state;
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_closed", "in_progress");

	for (int i = 0; i < 20; i++) {
		struct wire wait, list;

		wire_open(&wait, fixture->daemon.url, WIRE_TIMEOUT_MS);
		wire_open(&list, fixture->daemon.url, WIRE_TIMEOUT_MS);
		pending_send(&wait, "runs.wait", "{'run_id':'%s','timeout_ms':60000}", run);
		pending_send(&list, "changes.list", "{'run_id':'none','wait_ms':60000}");
		pause_ms(10);
		wire_close(&wait);
		wire_close(&list);
	}
	run_move(w, run, "completed");
	expect_fields(expect_ok(w, "runs.wait", "{'run_id':'%s'}", run), "{'status':'completed'}");
}

enum { MANY = 200 };

static struct wire *park_many(const struct fixture *fixture, const char *name)
{
	struct wire *wires = calloc(MANY, sizeof(*wires));

	assert_non_null(wires);
	for (int i = 0; i < MANY; i++) {
		wire_open(&wires[i], fixture->daemon.url, WIRE_TIMEOUT_MS);
		pending_send(
			&wires[i], "runs.wait", "{'run_id':'%s_%d','timeout_ms':60000}", name, i);
	}
	pending_settle();
	return wires;
}

static void cancel_many(struct wire *w, const char *name, int from, int to)
{
	json_t *requests = json_array();

	for (int i = from; i < to; i++) {
		json_array_append_new(
			requests, codec_parse("['runs.cancel',{'run_id':'%s_%d'}]", name, i));
	}
	expect_ok_take(w, "batch", json_pack("{so}", "requests", requests));
}

static void two_hundred_waits_each_wake_with_their_run(void **state)
{
	struct wire *w = wire_of(state), *wires;
	long began;

	work_new_many(w, "many", MANY);
	wires = park_many(*state, "many");
	began = clock_ms();
	run_get(w, "many_0");
	assert_in_range(clock_ms() - began, 0, AT_ONCE_MS);
	/* Half of them together, the last ones one by one. */
	cancel_many(w, "many", 50, 150);
	assert_null(pending_poll(&wires[0], 0));
	cancel_many(w, "many", 0, 50);
	for (int i = MANY - 1; i >= 150; i--) {
		cancel_many(w, "many", i, i + 1);
	}
	for (int i = 0; i < MANY; i++) {
		expect_fields(pending_result(&wires[i], WAKE_MS),
			"{'id':'many_%d','status':'cancelled'}", i);
		wire_close(&wires[i]);
	}
	free(wires);
}

static void two_hundred_waits_for_one_run_all_wake(void **state)
{
	struct wire *w = wire_of(state), *wires;

	work_new_many(w, "single", 1);
	wires = calloc(MANY, sizeof(*wires));
	assert_non_null(wires);
	for (int i = 0; i < MANY; i++) {
		const struct fixture *fixture = *state;

		wire_open(&wires[i], fixture->daemon.url, WIRE_TIMEOUT_MS);
		pending_send(&wires[i], "runs.wait", "{'run_id':'single_0','timeout_ms':60000}");
	}
	pending_settle();
	cancel_many(w, "single", 0, 1);
	for (int i = 0; i < MANY; i++) {
		expect_fields(pending_result(&wires[i], WAKE_MS), "{'status':'cancelled'}");
		wire_close(&wires[i]);
	}
	free(wires);
}

/* While the daemon is busy with one write, a claim and then a run for it come in. */
static void a_claim_and_a_run_that_come_together_find_each_other(void **state)
{
	const struct fixture *fixture = *state;
	struct wire busy, claimer, creator;

	wire_open(&busy, fixture->daemon.url, WIRE_TIMEOUT_MS);
	wire_open(&claimer, fixture->daemon.url, WIRE_TIMEOUT_MS);
	wire_open(&creator, fixture->daemon.url, WIRE_TIMEOUT_MS);
	for (int i = 0; i < 100; i++) {
		pending_send(&busy, "runs.create",
			"{'thread_id':'busy','assistant_id':'busy','on_active':'parallel'}");
		pending_send(&claimer, "runs.claim",
			"{'worker':'parked','assistant_ids':['together'],'wait_ms':20000}");
		pending_send(&creator, "runs.create",
			"{'thread_id':'together','assistant_id':'together',"
			"'on_active':'parallel'}");
		pending_result(&busy, WAKE_MS);
		pending_result(&creator, WAKE_MS);
		work_check(pending_result(&claimer, WAKE_MS), "parked");
	}
	wire_close(&busy);
	wire_close(&claimer);
	wire_close(&creator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_of_nothing_is_nil_after_its_wait),
		cmocka_unit_test(a_claim_does_not_wait_for_what_is_there),
		cmocka_unit_test(a_new_run_ends_the_wait),
		cmocka_unit_test(a_run_of_another_assistant_does_not_end_the_wait),
		cmocka_unit_test(a_released_run_ends_the_wait),
		cmocka_unit_test(a_lost_run_ends_the_wait),
		cmocka_unit_test(outputs_end_the_wait),
		cmocka_unit_test(an_imported_run_ends_the_wait),
		cmocka_unit_test(runs_of_one_batch_go_to_the_claims_that_wait),
		cmocka_unit_test(one_run_goes_to_one_of_the_claims_that_wait),
		cmocka_unit_test(a_run_that_went_to_a_client_that_is_gone_comes_back),
		cmocka_unit_test(a_claim_and_a_run_that_come_together_find_each_other),
		cmocka_unit_test(a_claim_sent_again_while_parked_claims_once),
		cmocka_unit_test(a_closed_wait_hinders_nobody),
		cmocka_unit_test(two_hundred_waits_each_wake_with_their_run),
		cmocka_unit_test(two_hundred_waits_for_one_run_all_wake),
	};

	return cmocka_run_group_tests_name("parked", tests, fixture_start, fixture_stop);
}
