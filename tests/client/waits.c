/* Waiting for runs, through the library. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What another thread does to a run after a while. */
struct deed {
	struct store *s;
	char run_id[80];
	int after_ms;
	void (*what)(struct deed *deed);
	pthread_t thread;
};

static void *do_deed(void *argument)
{
	struct deed *deed = argument;

	pause_ms(deed->after_ms);
	deed->what(deed);
	return NULL;
}

static void plan(struct deed *deed, struct store *s, const struct runstore_run *run, int after_ms,
	void (*what)(struct deed *deed))
{
	*deed = (struct deed){.s = s, .after_ms = after_ms, .what = what};
	strcpy(deed->run_id, run->id);
	assert_int_equal(pthread_create(&deed->thread, NULL, do_deed, deed), 0);
}

static void cancel(struct deed *deed)
{
	runstore_run_cancel(deed->s->rs, NULL, deed->run_id, NULL, NULL);
}

static void delete (struct deed *deed)
{
	runstore_run_delete(deed->s->rs, NULL, deed->run_id, NULL);
}

static void rename_it(struct deed *deed)
{
	runstore_run_update(deed->s->rs, deed->run_id,
		&(struct runstore_run_update){.metadata = "{\"k\":\"v\"}"}, NULL, NULL);
}

static void ask_for_outputs(struct deed *deed)
{
	static const char action[] =
		"{\"type\":\"submit_tool_outputs\",\"submit_tool_outputs\":{\"tool_calls\":[{"
		"\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
		"\"{}\"}}]}}";

	runstore_run_update(deed->s->rs, deed->run_id,
		&(struct runstore_run_update){
			.status = RUNSTORE_RUN_REQUIRES_ACTION, .required_action = action},
		NULL, NULL);
}

static struct runstore_run *wait_for(struct store *s, const struct runstore_run *run,
	enum runstore_until until, int64_t timeout_ms)
{
	struct runstore_run *seen = NULL;

	OK(s, runstore_wait(s->rs, run->id,
		      &(struct runstore_wait){.until = until, .timeout_ms = &timeout_ms}, &seen,
		      &s->error));
	return seen;
}

static void the_end_is_waited_for(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "q_end"), *seen;
	struct deed deed;

	plan(&deed, s, run, 300, cancel);
	seen = wait_for(s, run, RUNSTORE_UNTIL_TERMINAL, -1);
	assert_int_equal(seen->status, RUNSTORE_RUN_CANCELLED);
	pthread_join(deed.thread, NULL);
	runstore_run_free(seen);
	OK(s, runstore_wait(s->rs, run->id, NULL, &seen, &s->error));
	assert_int_equal(seen->status, RUNSTORE_RUN_CANCELLED);
	runstore_run_free(seen);
	runstore_run_free(run);
}

static void an_action_is_waited_for(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "q_action"), *seen;
	struct deed deed;

	plan(&deed, s, run, 300, ask_for_outputs);
	seen = wait_for(s, run, RUNSTORE_UNTIL_ACTION, 10000);
	assert_int_equal(seen->status, RUNSTORE_RUN_REQUIRES_ACTION);
	pthread_join(deed.thread, NULL);
	runstore_run_free(seen);
	runstore_run_free(run);
}

static void a_change_is_waited_for(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "q_change"), *seen;
	struct deed deed;

	plan(&deed, s, run, 300, rename_it);
	seen = wait_for(s, run, RUNSTORE_UNTIL_CHANGE, 10000);
	assert_int_equal(runstore_value_count(seen->metadata), 1);
	pthread_join(deed.thread, NULL);
	runstore_run_free(seen);
	runstore_run_free(run);
}

static void a_change_that_was_counts_from_a_number_on(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "q_since"), *seen = NULL;
	const int64_t since = 0, long_ms = 60000;
	long began = clock_ms();

	OK(s, runstore_wait(s->rs, run->id,
		      &(struct runstore_wait){.until = RUNSTORE_UNTIL_CHANGE,
			      .since_seq = &since,
			      .timeout_ms = &long_ms},
		      &seen, &s->error));
	assert_true(clock_ms() - began < 10000);
	runstore_run_free(seen);
	runstore_run_free(run);
}

static void time_runs_out(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "q_time"), *seen;
	long began = clock_ms();

	seen = wait_for(s, run, RUNSTORE_UNTIL_TERMINAL, 300);
	assert_int_equal(seen->status, RUNSTORE_RUN_QUEUED);
	assert_true(clock_ms() - began >= 300);
	runstore_run_free(seen);
	runstore_run_free(run);
}

static void a_run_that_is_deleted_is_not_found(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "q_gone"), *seen = NULL;
	struct deed deed;

	plan(&deed, s, run, 300, delete);
	assert_int_equal(
		runstore_wait(s->rs, run->id, NULL, &seen, &s->error), RUNSTORE_E_NOT_FOUND);
	pthread_join(deed.thread, NULL);
	assert_null(seen);
	runstore_run_free(run);
}

struct waiter {
	struct store *s;
	struct runstore_run *run;
	struct runstore_run *seen;
	pthread_t thread;
};

static void *wait_for_change(void *argument)
{
	struct waiter *w = argument;

	w->seen = wait_for(w->s, w->run, RUNSTORE_UNTIL_CHANGE, 30000);
	return NULL;
}

/* A daemon that is stopped answers who waits with the run as it is: that is not what he waits for.
 */
static void a_stop_of_the_daemon_is_no_change(void **state)
{
	struct store *s = *state;
	struct waiter w = {.s = s, .run = store_working_run(s, "q_stop")};
	struct deed deed = {.s = s};

	pthread_create(&w.thread, NULL, wait_for_change, &w);
	pause_ms(500);
	daemon_stop(&s->daemon, SIGTERM);
	daemon_start(&s->daemon, s->daemon.args);
	pause_ms(1000);
	strcpy(deed.run_id, w.run->id);
	ask_for_outputs(&deed);
	pthread_join(w.thread, NULL);
	assert_non_null(w.seen);
	assert_int_equal(w.seen->status, RUNSTORE_RUN_REQUIRES_ACTION);
	runstore_run_free(w.seen);
	runstore_run_free(w.run);
}

static void *wait_for_action(void *argument)
{
	struct waiter *w = argument;

	w->seen = wait_for(w->s, w->run, RUNSTORE_UNTIL_ACTION, 30000);
	return NULL;
}

static void make_message(struct store *s, const struct runstore_run *run)
{
	char params[256], *result = NULL;

	snprintf(params, sizeof(params),
		"{\"thread_id\":\"%s\",\"run_id\":\"%s\",\"role\":\"assistant\","
		"\"content\":\"x\"}",
		run->thread_id, run->id);
	OK(s, runstore_call_json(s->rs, "messages.create", params, &result, &s->error));
	free(result);
}

/* Whoever is answered early looks into the feed, which has messages of the run, too. */
static void a_message_that_is_completed_is_no_end_of_its_run(void **state)
{
	struct store *s = *state;
	struct waiter w = {.s = s, .run = store_working_run(s, "q_says")};
	struct deed deed = {.s = s};

	pthread_create(&w.thread, NULL, wait_for_action, &w);
	pause_ms(500);
	make_message(s, w.run);
	daemon_stop(&s->daemon, SIGTERM);
	daemon_start(&s->daemon, s->daemon.args);
	pause_ms(1000);
	strcpy(deed.run_id, w.run->id);
	ask_for_outputs(&deed);
	pthread_join(w.thread, NULL);
	assert_non_null(w.seen);
	assert_int_equal(w.seen->status, RUNSTORE_RUN_REQUIRES_ACTION);
	runstore_run_free(w.seen);
	runstore_run_free(w.run);
}

/* The daemon's default wait is longer than the caller's patience with it. */
static void a_wait_without_a_time_is_not_given_up_early(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "q_long");
	const struct runstore_options hasty = {.timeout_ms = 1000};
	struct runstore *rs = NULL;
	struct deed deed;
	char params[100], *result = NULL;

	OK(s, runstore_open(&rs, runstore_url(s->rs), &hasty, &s->error));
	plan(&deed, s, run, 3000, cancel);
	snprintf(params, sizeof(params), "{\"run_id\":\"%s\"}", run->id);
	OK(s, runstore_call_json(rs, "runs.wait", params, &result, &s->error));
	assert_non_null(strstr(result, "\"cancelled\""));
	pthread_join(deed.thread, NULL);
	free(result);
	runstore_close(rs);
	runstore_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_is_waited_for),
		cmocka_unit_test(an_action_is_waited_for),
		cmocka_unit_test(a_change_is_waited_for),
		cmocka_unit_test(a_change_that_was_counts_from_a_number_on),
		cmocka_unit_test(time_runs_out),
		cmocka_unit_test(a_run_that_is_deleted_is_not_found),
		cmocka_unit_test(a_stop_of_the_daemon_is_no_change),
		cmocka_unit_test(a_message_that_is_completed_is_no_end_of_its_run),
		cmocka_unit_test(a_wait_without_a_time_is_not_given_up_early),
	};

	return cmocka_run_group_tests(tests, store_start, store_stop);
}
