/* runs.wait: what it waits for, for how long, and what it answers. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "pending.h"
#include "work.h"

#include <stdio.h>
#include <string.h>

/* What comes at once, and what wakes, comes within these. */
#define AT_ONCE_MS 5000
#define WAKE_MS 10000
#define SEQ "%" JSON_INTEGER_FORMAT

/* A second connection, which is parked. */
struct waiter {
	struct wire wire;
	char run[80];
};

static void park(struct waiter *waiter, void **state, const char *run, const char *members)
{
	const struct fixture *fixture = *state;

	snprintf(waiter->run, sizeof(waiter->run), "%s", run);
	wire_open(&waiter->wire, fixture->daemon.url, WIRE_TIMEOUT_MS);
	pending_send(
		&waiter->wire, "runs.wait", "{'run_id':'%s','timeout_ms':60000%s}", run, members);
}

/* The waiter must wake and be given its run in @status. */
static void expect_woken(struct waiter *waiter, struct wire *w, const char *status)
{
	json_t *run = pending_result(&waiter->wire, WAKE_MS);

	expect_names(run, run_names);
	expect_fields(run, "{'id':'%s','status':'%s'}", waiter->run, status);
	expect_same(run, run_get(w, waiter->run));
	wire_close(&waiter->wire);
}

/* The answer comes at once although it may take a while. */
static json_t *wait_no_time(struct wire *w, const char *run, const char *members)
{
	long began = clock_ms();
	json_t *result =
		expect_ok(w, "runs.wait", "{'run_id':'%s','timeout_ms':9000%s}", run, members);

	assert_in_range(clock_ms() - began, 0, AT_ONCE_MS);
	return result;
}

/* The condition is not met: the answer is the run as it is, and comes after the timeout. */
static void wait_in_vain(struct wire *w, const char *run, const char *members)
{
	long began = clock_ms();
	json_t *result =
		expect_ok(w, "runs.wait", "{'run_id':'%s','timeout_ms':400%s}", run, members);

	assert_in_range(clock_ms() - began, 380, AT_ONCE_MS);
	expect_same(result, run_get(w, run));
}

static void a_terminal_run_is_answered_at_once(void **state)
{
	static const char *const members[] = {"", ",'until':'terminal'", ",'until':'action'",
		",'until':null", ",'thread_id':'t_ended'"};
	struct wire *w = wire_of(state);

	for (int i = 4; i < N_STATUSES; i++) {
		const char *run = run_in(w, "t_ended", run_statuses[i]);

		for (size_t j = 0; j < sizeof(members) / sizeof(*members); j++) {
			expect_same(wait_no_time(w, run, members[j]), run_get(w, run));
		}
	}
}

static void an_active_run_is_answered_at_the_timeout(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < 4; i++) {
		wait_in_vain(w, run_in(w, "t_active", run_statuses[i]), "");
	}
	wait_in_vain(w, run_in(w, "t_active", "queued"), ",'until':'action'");
	wait_in_vain(w, run_in(w, "t_active", "in_progress"), ",'until':'action'");
	wait_in_vain(w, run_in(w, "t_active", "in_progress"), ",'until':'change'");
}

static void requires_action_is_an_action(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_action", "requires_action");

	expect_fields(wait_no_time(w, run, ",'until':'action'"), "{'status':'requires_action'}");
}

static void a_timeout_of_zero_does_not_wait(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_zero");
	long began = clock_ms();

	expect_same(
		expect_ok(w, "runs.wait", "{'run_id':'%s','timeout_ms':0}", run), run_get(w, run));
	assert_in_range(clock_ms() - began, 0, AT_ONCE_MS);
}

static void its_end_wakes_the_waiter(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 4; i < N_STATUSES; i++) {
		const char *run = run_in(w, "t_end", "in_progress");
		struct waiter terminal, action;

		if (!strcmp(run_statuses[i], "cancelled")) {
			run_move(w, run, "cancelling");
		}
		park(&terminal, state, run, "");
		park(&action, state, run, ",'until':'action'");
		pending_settle();
		run_move(w, run, run_statuses[i]);
		expect_woken(&terminal, w, run_statuses[i]);
		expect_woken(&action, w, run_statuses[i]);
	}
}

static void requires_action_wakes_who_waits_for_an_action(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_wake", "in_progress");
	struct waiter action, terminal;

	park(&action, state, run, ",'until':'action'");
	park(&terminal, state, run, ",'until':'terminal'");
	pending_settle();
	run_move(w, run, "requires_action");
	expect_woken(&action, w, "requires_action");
	assert_null(pending_poll(&terminal.wire, 200));
	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", run);
	expect_woken(&terminal, w, "cancelled");
}

/* Through requires_action and on in one transaction, so that nobody sees it there. */
static void pass_action(struct wire *w, const char *run)
{
	expect_ok(w, "batch",
		"{'atomic':true,'requests':["
		"['runs.update',{'run_id':'%s','status':'requires_action'%s}],"
		"['runs.submit_tool_outputs',{'run_id':'%s','tool_outputs':["
		"{'tool_call_id':'call_1','output':'o'}]}],"
		"['runs.update',{'run_id':'%s','status':'in_progress'}]]}",
		run, status_demands("requires_action"), run, run);
}

/* Again and again, lest it happens once and before the request is parked. */
static void an_action_that_passed_wakes_all_the_same(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_pass", "in_progress");
	struct waiter waiter;
	json_t *reply = NULL;

	park(&waiter, state, run, ",'until':'action'");
	pending_settle();
	for (int i = 0; i < 40 && !reply; i++) {
		pass_action(w, run);
		reply = pending_poll(&waiter.wire, 100);
	}
	assert_non_null(reply);
	expect_fields(reply, "{'error':null,'result.id':'%s'}", run);
	wire_close(&waiter.wire);
}

static void a_change_after_since_seq_is_answered_at_once(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_since");
	char members[64];

	expect_fields(wait_no_time(w, run, ",'until':'change','since_seq':0"), "{'id':'%s'}", run);
	snprintf(members, sizeof(members), ",'until':'change','since_seq':" SEQ, history_last(w));
	wait_in_vain(w, run, members);
	run_move(w, run, "in_progress");
	expect_fields(wait_no_time(w, run, members), "{'status':'in_progress'}");
}

static void a_change_of_a_step_is_one_of_its_run(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_step", "in_progress"), *step;
	char members[64];

	snprintf(members, sizeof(members), ",'until':'change','since_seq':" SEQ, history_last(w));
	step = step_new(w, run);
	wait_no_time(w, run, members);
	snprintf(members, sizeof(members), ",'until':'change','since_seq':" SEQ, history_last(w));
	wait_in_vain(w, run, members);
	expect_ok(w, "steps.update", "{'run_id':'%s','step_id':'%s','status':'completed'}", run,
		step);
	wait_no_time(w, run, members);
}

static void the_next_change_wakes_the_waiter(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_next", "in_progress");
	struct waiter waiter;
	char members[64];

	snprintf(members, sizeof(members), ",'until':'change','since_seq':" SEQ, history_last(w));
	park(&waiter, state, run, members);
	pending_settle();
	expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'k':'v'}}", run);
	expect_woken(&waiter, w, "in_progress");
	snprintf(members, sizeof(members), ",'until':'change','since_seq':" SEQ, history_last(w));
	park(&waiter, state, run, members);
	pending_settle();
	step_new(w, run);
	expect_woken(&waiter, w, "in_progress");
}

/* Changes go on until one falls after the arrival of the request. */
static void without_since_seq_the_change_after_its_arrival_wakes_it(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_arrival");
	struct waiter waiter;
	json_t *reply = NULL;

	park(&waiter, state, run, ",'until':'change'");
	pending_settle();
	for (int i = 0; i < 40 && !reply; i++) {
		expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'n':'%d'}}", run, i);
		reply = pending_poll(&waiter.wire, 100);
	}
	assert_non_null(reply);
	expect_fields(reply, "{'error':null,'result.id':'%s'}", run);
	wire_close(&waiter.wire);
}

static void changes_of_other_runs_wake_nobody(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_other", "in_progress");
	const char *other = run_in(w, "t_other", "in_progress");
	struct waiter change, terminal;
	char members[64];

	snprintf(members, sizeof(members), ",'until':'change','since_seq':" SEQ, history_last(w));
	park(&change, state, run, members);
	park(&terminal, state, run, "");
	pending_settle();
	step_new(w, other);
	run_move(w, other, "failed");
	assert_null(pending_poll(&change.wire, 300));
	assert_null(pending_poll(&terminal.wire, 0));
	run_move(w, run, "failed");
	expect_woken(&change, w, "failed");
	expect_woken(&terminal, w, "failed");
}

static void what_the_daemon_does_wakes_too(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease;
	const char *run;
	char members[64];

	run = text(expect_ok(w, "runs.create",
			   "{'thread_id':'t_daemon','assistant_id':'a','expires_in':1}"),
		"id");
	expect_fields(wait_no_time(w, run, ""), "{'status':'expired'}");
	lease = work_take(w, "t_lost", 2000);
	snprintf(members, sizeof(members), ",'until':'change','since_seq':" SEQ, history_last(w));
	expect_fields(wait_no_time(w, lease.run, members), "{'status':'queued'}");
}

static void whoever_waits_for_a_run_is_woken(void **state)
{
	enum { WAITERS = 10 };
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_all", "in_progress");
	struct waiter waiters[WAITERS];

	for (int i = 0; i < WAITERS; i++) {
		park(&waiters[i], state, run, i % 2 ? ",'until':'action'" : "");
	}
	pending_settle();
	run_move(w, run, "completed");
	for (int i = 0; i < WAITERS; i++) {
		expect_woken(&waiters[i], w, "completed");
	}
}

static void a_run_deleted_meanwhile_is_not_found(void **state)
{
	static const char *const untils[] = {"change", "action", "terminal"};
	struct wire *w = wire_of(state);

	for (int i = 0; i < 6; i++) {
		const char *run = run_in(w, "t_deleted", "in_progress");
		struct waiter waiter;
		char members[32];

		snprintf(members, sizeof(members), ",'until':'%s'", untils[i % 3]);
		park(&waiter, state, run, members);
		pending_settle();
		if (i < 3) {
			expect_ok(w, "runs.delete", "{'run_id':'%s'}", run);
		} else {
			expect_ok(w, "threads.delete", "{'thread_id':'t_deleted'}");
		}
		pending_error(&waiter.wire, WAKE_MS, "not_found", NULL);
		wire_close(&waiter.wire);
	}
}

static void a_wait_changes_nothing(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_nothing");
	const char *told = history_text(w, 0, run);

	wait_in_vain(w, run, "");
	history_expect(w, 0, run, told);
}

static void params_out_of_bounds_are_refused(void **state)
{
	static const char *const rows[][3] = {
		{"{}", "missing_param", "run_id"},
		{"{'run_id':'none'}", "not_found", NULL},
		{"{'run_id':'a b'}", "invalid_id", "run_id"},
		{"{'run_id':'%s','thread_id':'other'}", "not_found", NULL},
		{"{'run_id':'%s','until':'forever'}", "invalid_params", "until"},
		{"{'run_id':'%s','until':5}", "invalid_params", "until"},
		{"{'run_id':'%s','timeout_ms':-1}", "invalid_params", "timeout_ms"},
		{"{'run_id':'%s','timeout_ms':60001}", "invalid_params", "timeout_ms"},
		{"{'run_id':'%s','timeout_ms':'5'}", "invalid_params", "timeout_ms"},
		{"{'run_id':'%s','since_seq':-1}", "invalid_params", "since_seq"},
		{"{'run_id':'%s','since_seq':'0'}", "invalid_params", "since_seq"},
		{"{'run_id':'%s','until':'change','since_seq':99999999}", "invalid_params",
			"since_seq"},
		{"{'run_id':'%s','status':'queued'}", "unknown_param", "status"},
	};
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_params");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char params[128];

		snprintf(params, sizeof(params), rows[i][0], run);
		expect_error(w, "runs.wait", rows[i][1], rows[i][2], "%s", params);
	}
}

static void a_wait_is_not_made_in_a_batch(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_batch", "completed");
	json_t *reply = expect_ok(w, "batch",
		"{'requests':[['runs.get',{'run_id':'%s'}],['runs.wait',{'run_id':'%s'}]]}", run,
		run);

	check_error("the wait", field(reply, "results[1][0]"), "invalid_params", NULL);
	expect_error(w, "batch", "invalid_params", "requests[0]*",
		"{'atomic':true,'requests':[['runs.wait',{'run_id':'%s'}]]}", run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_run_is_answered_at_once),
		cmocka_unit_test(an_active_run_is_answered_at_the_timeout),
		cmocka_unit_test(requires_action_is_an_action),
		cmocka_unit_test(a_timeout_of_zero_does_not_wait),
		cmocka_unit_test(its_end_wakes_the_waiter),
		cmocka_unit_test(requires_action_wakes_who_waits_for_an_action),
		cmocka_unit_test(an_action_that_passed_wakes_all_the_same),
		cmocka_unit_test(a_change_after_since_seq_is_answered_at_once),
		cmocka_unit_test(a_change_of_a_step_is_one_of_its_run),
		cmocka_unit_test(the_next_change_wakes_the_waiter),
		cmocka_unit_test(without_since_seq_the_change_after_its_arrival_wakes_it),
		cmocka_unit_test(changes_of_other_runs_wake_nobody),
		cmocka_unit_test(what_the_daemon_does_wakes_too),
		cmocka_unit_test(whoever_waits_for_a_run_is_woken),
		cmocka_unit_test(a_run_deleted_meanwhile_is_not_found),
		cmocka_unit_test(a_wait_changes_nothing),
		cmocka_unit_test(params_out_of_bounds_are_refused),
		cmocka_unit_test(a_wait_is_not_made_in_a_batch),
	};

	return cmocka_run_group_tests_name("waits", tests, fixture_start, fixture_stop);
}
