/* Runs expire at their second, with their steps, asked or not, running or not. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <string.h>
#include <time.h>

static const char *short_ttl[] = {"--run-ttl", "1", NULL};
static const char *no_ttl[] = {"--run-ttl", "0", NULL};

/* A run that expires a second after its creation, brought to @status. */
static const char *short_run(struct wire *w, const char *status)
{
	const char *id = text(expect_ok(w, "runs.create",
				      "{'thread_id':'t','assistant_id':'a','expires_in':1,"
				      "'on_active':'parallel'}"),
		"id");

	if (strcmp(status, "queued") != 0) {
		run_move(w, id, "in_progress");
	}
	return id;
}

/* Returns when the second @at has begun and a part of it has passed. */
static void wait_until(json_int_t at)
{
	struct timespec now;

	do {
		pause_ms(50);
		clock_gettime(CLOCK_REALTIME, &now);
	} while (now.tv_sec < at || now.tv_nsec < 500000000);
}

static void expect_expired(struct wire *w, const char *run, const char *step)
{
	json_t *got = run_get(w, run);

	expect_fields(got, "{'status':'expired','expires_at':null,'required_action':null,"
			   "'completed_at':null,'failed_at':null,'cancelled_at':null}");
	got = step_get(w, run, step);
	expect_fields(got, "{'status':'expired','completed_at':null,'failed_at':null,"
			   "'cancelled_at':null,'last_error':null}");
	expect_now(got, "expired_at");
}

static void a_run_expires_at_its_second_with_its_open_steps(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = short_run(w, "in_progress");
	const char *step = step_new(w, id);

	wait_until(number(run_get(w, id), "expires_at"));
	expect_expired(w, id, step);
}

static void every_active_status_expires(void **state)
{
	struct wire *w = wire_of(state);
	const char *ids[4];

	ids[0] = short_run(w, "queued");
	for (int i = 1; i < 4; i++) {
		ids[i] = short_run(w, "in_progress");
		if (i > 1) {
			run_move(w, ids[i], run_statuses[i]);
		}
	}
	wait_until(time(NULL) + 1);
	for (int i = 0; i < 4; i++) {
		expect_fields(run_get(w, ids[i]),
			"{'status':'expired','expires_at':null,'required_action':null}");
	}
}

static void a_finished_run_does_not_expire(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = short_run(w, "in_progress");
	json_t *run = run_move(w, id, "completed");

	wait_until(number(run, "created_at") + 1);
	expect_same(run_get(w, id), run);
}

static void an_expired_run_refuses_its_executor(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = short_run(w, "in_progress");
	const char *step = step_new(w, id);

	run_await(w, id, "expired", 3000);
	expect_error(w, "runs.update", "invalid_transition", NULL,
		"{'run_id':'%s','status':'completed'}", id);
	expect_error(w, "steps.update", "invalid_transition", NULL,
		"{'run_id':'%s','step_id':'%s','status':'completed'}", id, step);
}

static void an_expired_run_makes_room_in_its_thread(void **state)
{
	static const char create[] = "{'thread_id':'t_room','assistant_id':'a','expires_in':1}";
	struct wire *w = wire_of(state);
	json_t *run = expect_ok(w, "runs.create", create);

	expect_error(w, "runs.create", "run_active", NULL, create);
	wait_until(number(run, "expires_at"));
	expect_ok(w, "runs.create", create);
}

static void lists_show_it_expired(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = text(expect_ok(w, "runs.create",
				      "{'thread_id':'t_list','assistant_id':'a','expires_in':1}"),
		"id");

	run_await(w, id, "expired", 3000);
	expect_list(
		expect_ok(w, "runs.list", "{'thread_id':'t_list','status':'expired'}"), id, false);
	expect_list(
		expect_ok(w, "runs.list", "{'thread_id':'t_list','status':'queued'}"), "", false);
}

static void run_ttl_sets_the_default(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run = run_get(w, run_new(w, "t"));

	assert_int_equal(number(run, "expires_at"), number(run, "created_at") + 1);
	run = expect_ok(
		w, "runs.create", "{'thread_id':'t_long','assistant_id':'a','expires_in':100}");
	assert_int_equal(number(run, "expires_at"), number(run, "created_at") + 100);
	wait_until(number(run, "created_at") + 1);
	expect_fields(run_get(w, text(run, "id")), "{'status':'queued'}");
}

static void run_ttl_zero_means_never(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t");

	expect_fields(run_get(w, id), "{'expires_at':null}");
	expect_fields(run_move(w, id, "in_progress"), "{'expires_at':null}");
}

static void what_fell_due_while_stopped_is_expired_before_the_first_answer(void **state)
{
	struct fixture *fixture = *state;
	const char *ids[2] = {short_run(&fixture->wire, "in_progress"), NULL};
	json_t *kept = json_incref(run_get(&fixture->wire, ids[0]));
	const char *step = step_new(&fixture->wire, ids[0]);
	char run[80];
	char open[80];

	snprintf(run, sizeof(run), "%s", ids[0]);
	snprintf(open, sizeof(open), "%s", step);
	fixture_halt(fixture);
	wait_until(number(kept, "expires_at"));
	json_decref(kept);
	fixture_resume(fixture);
	expect_expired(&fixture->wire, run, open);
}

static void what_fell_due_while_killed_is_expired_before_the_first_answer(void **state)
{
	struct fixture *fixture = *state;
	json_t *run = run_get(&fixture->wire, short_run(&fixture->wire, "queued"));
	json_int_t due = number(run, "expires_at");
	char id[80];

	snprintf(id, sizeof(id), "%s", text(run, "id"));
	fixture_crash(fixture);
	wait_until(due);
	fixture_resume(fixture);
	expect_fields(run_get(&fixture->wire, id), "{'status':'expired','expires_at':null}");
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
#define WITH(args, test)                                                                           \
	cmocka_unit_test_prestate_setup_teardown(test, fixture_start, fixture_stop, args)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(a_run_expires_at_its_second_with_its_open_steps),
		ALONE(every_active_status_expires),
		ALONE(a_finished_run_does_not_expire),
		ALONE(an_expired_run_refuses_its_executor),
		ALONE(an_expired_run_makes_room_in_its_thread),
		ALONE(lists_show_it_expired),
		WITH(short_ttl, run_ttl_sets_the_default),
		WITH(no_ttl, run_ttl_zero_means_never),
		ALONE(what_fell_due_while_stopped_is_expired_before_the_first_answer),
		ALONE(what_fell_due_while_killed_is_expired_before_the_first_answer),
	};

	return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
