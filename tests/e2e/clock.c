/* The system's time is set while the daemon runs: leases and deadlines do not move with it. */
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "objects.h"
#include "work.h"

#define HOUR 3600

static int64_t *skew; /* seconds, in the file that the daemon looks at */
static char skew_path[] = "/tmp/runstore-skew-XXXXXX";

static void set_clock(int64_t seconds)
{
	*skew = seconds;
}

static int start(void **state)
{
	int fd = mkstemp(skew_path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*skew)), 0);
	skew = mmap(NULL, sizeof(*skew), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(skew != MAP_FAILED);
	close(fd);
	setenv("RUNSTORE_TEST_SKEW", skew_path, 1);
	return fixture_start(state);
}

static int stop(void **state)
{
	unlink(skew_path);
	return fixture_stop(state);
}

/* Each test begins with the right time. */
static int reset(void **state)
{
	set_clock(0);
	return 0;
}

static void the_daemon_sees_the_clock_of_the_test(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t was, is;

	was = number(run_get(w, work_new(w, "seen", "")), "created_at");
	set_clock(-HOUR);
	is = number(run_get(w, work_new(w, "seen", "")), "created_at");
	assert_true(is <= was - HOUR + 60);
}

static void a_lease_runs_out_at_its_time_when_the_clock_goes_back_an_hour(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "back", 500);
	json_t *claim;

	set_clock(-HOUR);
	claim = work_claim(w, "next", "back", ",'wait_ms':8000");
	assert_string_equal(text(claim, "run.id"), lease.run);
	assert_int_equal(number(claim, "lease.attempt"), 2);
}

static void a_lease_holds_when_the_clock_goes_forward_an_hour(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "forward", 60000);

	set_clock(HOUR);
	pause_ms(1500); /* the daemon looks at its deadlines once a second */
	work_expect_none(w, "forward");
	work_beat(w, &lease, "");
	work_move(w, &lease, "completed");
}

static void a_run_expires_at_its_time_whichever_way_the_clock_goes(void **state)
{
	struct wire *w = wire_of(state);
	const char *soon = work_new(w, "expire", ",'expires_in':2");
	const char *late = work_new(w, "expire", ",'expires_in':600");

	set_clock(-HOUR);
	run_await(w, soon, "expired", 8000);
	set_clock(HOUR);
	pause_ms(1500);
	expect_fields(run_get(w, late), "{'status':'queued'}");
}

static void nothing_falls_due_early_after_a_restart_with_another_time(void **state)
{
	struct fixture *f = *state;
	struct lease lease = work_take(&f->wire, "restart", 60000);
	const char *queued = strdup(work_new(&f->wire, "later", ",'expires_in':600"));

	fixture_halt(f);
	set_clock(2 * HOUR);
	fixture_resume(f);
	expect_fields(run_get(&f->wire, queued), "{'status':'queued'}");
	work_beat(&f->wire, &lease, "");
	fixture_crash(f);
	set_clock(-HOUR);
	fixture_resume(f);
	expect_fields(run_get(&f->wire, queued), "{'status':'queued'}");
	work_beat(&f->wire, &lease, "");
	free((void *)queued);
}

static void a_lease_that_ran_out_while_no_daemon_ran_is_lost_whatever_the_clock_says(void **state)
{
	struct fixture *f = *state;
	struct lease lease = work_take(&f->wire, "away", 300);

	fixture_halt(f);
	set_clock(-HOUR);
	pause_ms(400);
	fixture_resume(f);
	expect_fields(run_get(&f->wire, lease.run), "{'status':'queued'}");
}

static void an_enqueued_run_stands_behind_the_others_when_the_clock_went_back(void **state)
{
	struct wire *w = wire_of(state);
	const char *first = "clock_first", *second = "clock_second";

	expect_ok(w, "runs.create",
		"{'thread_id':'q','assistant_id':'q','on_active':'enqueue','id':'%s'}", first);
	set_clock(-HOUR);
	expect_ok(w, "runs.create",
		"{'thread_id':'q','assistant_id':'q','on_active':'enqueue','id':'%s'}", second);
	assert_string_equal(text(work_claim(w, "w", "q", ""), "run.id"), first);
	work_expect_none(w, "q");
}

static void what_a_worker_is_told_of_its_lease_is_the_time_of_its_clock(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t left;

	work_new(w, "told", "");
	set_clock(-HOUR);
	left = number(work_claim(w, "w", "told", ",'lease_ms':20000"), "lease.expires_ms") -
	       (unix_ms() - (json_int_t)HOUR * 1000);
	assert_true(left > 10000 && left <= 21000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_daemon_sees_the_clock_of_the_test, reset),
		cmocka_unit_test_setup(
			a_lease_runs_out_at_its_time_when_the_clock_goes_back_an_hour, reset),
		cmocka_unit_test_setup(a_lease_holds_when_the_clock_goes_forward_an_hour, reset),
		cmocka_unit_test_setup(
			a_run_expires_at_its_time_whichever_way_the_clock_goes, reset),
		cmocka_unit_test_setup(
			nothing_falls_due_early_after_a_restart_with_another_time, reset),
		cmocka_unit_test_setup(
			a_lease_that_ran_out_while_no_daemon_ran_is_lost_whatever_the_clock_says,
			reset),
		cmocka_unit_test_setup(
			an_enqueued_run_stands_behind_the_others_when_the_clock_went_back, reset),
		cmocka_unit_test_setup(
			what_a_worker_is_told_of_its_lease_is_the_time_of_its_clock, reset),
	};

	return cmocka_run_group_tests_name("clock", tests, start, stop);
}
