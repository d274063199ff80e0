/* Iterators and batches against a real daemon. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_STEPS 230

/* A run with @n steps, msg_0 first. */
static struct runstore_run *run_with_steps(struct store *s, const char *thread, int n)
{
	struct runstore_run *run = store_working_run(s, thread);
	struct runstore_batch *batch = NULL;
	char params[256];

	OK(s, runstore_batch_open(&batch, &s->error));
	for (int i = 0; i < n; i++) {
		snprintf(params, sizeof(params),
			"{\"run_id\":\"%s\",\"type\":\"message_creation\",\"step_details\":{"
			"\"type\":"
			"\"message_creation\",\"message_creation\":{\"message_id\":\"msg_%d\"}}}",
			run->id, i);
		OK(s, runstore_batch_add_json(batch, "steps.create", params, &s->error));
	}
	OK(s, runstore_batch_run(s->rs, batch, true, &s->error));
	runstore_batch_close(batch);
	return run;
}

static int message_number(const struct runstore_step *step)
{
	char *text = runstore_value_json(step->step_details);
	int number = -1;

	sscanf(strstr(text, "msg_"), "msg_%d", &number);
	free(text);
	return number;
}

static void expect_steps(struct store *s, const char *run_id, const struct runstore_step_list *list,
	int first, int n, int by)
{
	const struct runstore_step *step;
	struct runstore_steps *steps = NULL;
	int seen = 0;

	OK(s, runstore_steps_open(s->rs, run_id, list, &steps, &s->error));
	while (true) {
		OK(s, runstore_steps_next(steps, &step, &s->error));
		if (!step) {
			break;
		}
		assert_int_equal(message_number(step), first + seen * by);
		seen++;
	}
	assert_int_equal(seen, n);
	OK(s, runstore_steps_next(steps, &step, &s->error));
	assert_null(step);
	runstore_steps_close(steps);
}

static void steps_come_in_order_over_all_pages(void **state)
{
	static const enum runstore_step_status open[] = {RUNSTORE_STEP_IN_PROGRESS};
	static const enum runstore_step_status done[] = {RUNSTORE_STEP_COMPLETED};
	struct store *s = *state;
	struct runstore_run *run = run_with_steps(s, "t_pages", N_STEPS);

	expect_steps(s, run->id, NULL, N_STEPS - 1, N_STEPS, -1);
	expect_steps(s, run->id, &(struct runstore_step_list){.page.order = RUNSTORE_ORDER_ASC}, 0,
		N_STEPS, 1);
	expect_steps(s, run->id,
		&(struct runstore_step_list){
			.page = {.order = RUNSTORE_ORDER_ASC, .page_size = 7, .max = 100}},
		0, 100, 1);
	expect_steps(s, run->id,
		&(struct runstore_step_list){
			.statuses = open, .n_statuses = 1, .page.page_size = 23},
		N_STEPS - 1, N_STEPS, -1);
	expect_steps(s, run->id, &(struct runstore_step_list){.statuses = done, .n_statuses = 1}, 0,
		0, 1);
	expect_steps(s, run->id, &(struct runstore_step_list){.type = RUNSTORE_STEP_TOOL_CALLS}, 0,
		0, 1);
	runstore_run_free(run);
}

static void a_list_begins_behind_its_cursor(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_after");
	struct runstore_step *first = store_step(s, run->id, "msg_0");
	struct runstore_step *second = store_step(s, run->id, "msg_1");

	expect_steps(s, run->id,
		&(struct runstore_step_list){
			.page = {.order = RUNSTORE_ORDER_ASC, .after = first->id}},
		1, 1, 1);
	expect_steps(s, run->id, &(struct runstore_step_list){.page.after = first->id}, 0, 0, 1);
	runstore_step_free(first);
	runstore_step_free(second);
	runstore_run_free(run);
}

static void runs_are_filtered(void **state)
{
	static const enum runstore_run_status statuses[] = {
		RUNSTORE_RUN_IN_PROGRESS, RUNSTORE_RUN_COMPLETED};
	struct store *s = *state;
	struct runstore_run *queued = store_run(s, "t_filter");
	struct runstore_run *working = store_working_run(s, "t_filter");
	const struct runstore_run *run;
	struct runstore_runs *runs = NULL;

	OK(s, runstore_runs_open(s->rs,
		      &(struct runstore_run_list){.thread_id = "t_filter",
			      .statuses = statuses,
			      .n_statuses = 2,
			      .assistant_id = "asst_1",
			      .created_after = &(int64_t){1}},
		      &runs, &s->error));
	OK(s, runstore_runs_next(runs, &run, &s->error));
	assert_string_equal(run->id, working->id);
	OK(s, runstore_runs_next(runs, &run, &s->error));
	assert_null(run);
	runstore_runs_close(runs);
	runstore_run_free(queued);
	runstore_run_free(working);
}

/* The ids of the runs of @thread, oldest first. */
static void list_ids(struct store *s, const char *thread, char ids[][65], int n)
{
	const struct runstore_run *run;
	struct runstore_runs *runs = NULL;

	OK(s, runstore_runs_open(s->rs,
		      &(struct runstore_run_list){
			      .thread_id = thread, .page.order = RUNSTORE_ORDER_ASC},
		      &runs, &s->error));
	for (int i = 0; i < n; i++) {
		OK(s, runstore_runs_next(runs, &run, &s->error));
		snprintf(ids[i], 65, "%s", run->id);
	}
	runstore_runs_close(runs);
}

static void a_cursor_that_is_deleted_meanwhile_does_not_end_the_list(void **state)
{
	struct store *s = *state;
	const struct runstore_run *run;
	struct runstore_runs *runs = NULL;
	char ids[6][65];

	for (int i = 0; i < 6; i++) {
		runstore_run_free(store_run(s, "t_cursor"));
	}
	list_ids(s, "t_cursor", ids, 6);
	OK(s, runstore_runs_open(s->rs,
		      &(struct runstore_run_list){.thread_id = "t_cursor",
			      .page = {.order = RUNSTORE_ORDER_ASC, .page_size = 3}},
		      &runs, &s->error));
	for (int i = 0; i < 6; i++) {
		OK(s, runstore_runs_next(runs, &run, &s->error));
		assert_string_equal(run->id, ids[i]);
		if (i == 2) {
			OK(s, runstore_run_delete(s->rs, NULL, ids[2], &s->error));
			OK(s, runstore_run_delete(s->rs, NULL, ids[1], &s->error));
		}
	}
	OK(s, runstore_runs_next(runs, &run, &s->error));
	assert_null(run);
	runstore_runs_close(runs);
}

static void threads_are_listed_with_their_counts(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = run_with_steps(s, "t_counts", 3);
	const struct runstore_thread *thread;
	struct runstore_threads *threads = NULL;
	bool found = false;

	OK(s, runstore_threads_open(
		      s->rs, &(struct runstore_page){.page_size = 2}, &threads, &s->error));
	while (!runstore_threads_next(threads, &thread, &s->error) && thread) {
		if (!strcmp(thread->id, "t_counts")) {
			found = true;
			assert_int_equal(thread->runs, 1);
			assert_int_equal(thread->steps, 3);
			assert_string_equal(thread->active_run_id, run->id);
			assert_int_equal(thread->created_at, run->created_at);
		}
	}
	assert_true(found);
	runstore_threads_close(threads);
	runstore_run_free(run);
}

static void lists_that_cannot_be_are_refused(void **state)
{
	struct store *s = *state;
	const struct runstore_step *step = NULL;
	struct runstore_steps *steps = NULL;
	struct runstore_runs *runs = NULL;

	assert_int_equal(
		runstore_runs_open(s->rs, &(struct runstore_run_list){.page.page_size = 101}, &runs,
			&s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(runstore_runs_open(s->rs, &(struct runstore_run_list){.page.order = 3},
				 &runs, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(runstore_runs_open(s->rs, &(struct runstore_run_list){.metadata = "{"},
				 &runs, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(runstore_runs_open(s->rs, &(struct runstore_run_list){.page.after = ""},
				 &runs, &s->error),
		RUNSTORE_E_INVALID_ID);
	assert_null(runs);
	OK(s, runstore_steps_open(s->rs, "run_none", NULL, &steps, &s->error));
	assert_int_equal(runstore_steps_next(steps, &step, &s->error), RUNSTORE_E_NOT_FOUND);
	assert_null(step);
	runstore_steps_close(steps);
}

static void a_batch_gives_each_request_its_own_result(void **state)
{
	struct store *s = *state;
	struct runstore_batch *batch = NULL;
	struct runstore_value result;
	struct runstore_run *run = NULL;

	OK(s, runstore_batch_open(&batch, &s->error));
	OK(s, runstore_batch_add_json(batch, "runs.create",
		      "{\"thread_id\":\"t_batch\",\"assistant_id\":\"a\",\"id\":\"run_batch\"}",
		      &s->error));
	OK(s, runstore_batch_add_json(batch, "runs.get", "{\"run_id\":\"run_nix\"}", &s->error));
	OK(s, runstore_batch_add_json(batch, "runs.get", "{\"run_id\":\"run_batch\"}", &s->error));
	OK(s, runstore_batch_add(batch, "server.info", NULL, 0, &s->error));
	assert_int_equal(runstore_batch_count(batch), 4);
	assert_int_equal(
		runstore_batch_result(batch, 0, &result, &s->error), RUNSTORE_E_INVALID_PARAMS);
	OK(s, runstore_batch_run(s->rs, batch, false, &s->error));
	OK(s, runstore_batch_result(batch, 0, NULL, &s->error));
	assert_int_equal(runstore_batch_result(batch, 1, &result, &s->error), RUNSTORE_E_NOT_FOUND);
	assert_non_null(strstr(s->error.message, "run_nix"));
	OK(s, runstore_batch_result(batch, 2, &result, &s->error));
	OK(s, runstore_run_read(result, &run, &s->error));
	assert_string_equal(run->id, "run_batch");
	assert_int_equal(
		runstore_batch_result(batch, 4, &result, &s->error), RUNSTORE_E_INVALID_PARAMS);
	runstore_batch_clear(batch);
	assert_int_equal(runstore_batch_count(batch), 0);
	runstore_batch_close(batch);
	runstore_run_free(run);
}

static void an_atomic_batch_is_refused_as_a_whole(void **state)
{
	struct store *s = *state;
	struct runstore_batch *batch = NULL;

	OK(s, runstore_batch_open(&batch, &s->error));
	OK(s, runstore_batch_add_json(batch, "runs.create",
		      "{\"thread_id\":\"t_atomic\",\"assistant_id\":\"a\",\"id\":\"run_atomic\"}",
		      &s->error));
	OK(s, runstore_batch_add_json(batch, "runs.get", "{\"run_id\":\"run_nix\"}", &s->error));
	assert_int_equal(runstore_batch_run(s->rs, batch, true, &s->error), RUNSTORE_E_NOT_FOUND);
	assert_memory_equal(s->error.param, "requests[1]", 11);
	assert_int_equal(
		runstore_run_get(s->rs, NULL, "run_atomic", NULL, &s->error), RUNSTORE_E_NOT_FOUND);
	runstore_batch_close(batch);
}

static void a_batch_has_at_most_a_thousand_requests(void **state)
{
	struct store *s = *state;
	struct runstore_batch *batch = NULL;
	struct runstore_value result;

	OK(s, runstore_batch_open(&batch, &s->error));
	for (int i = 0; i < 1000; i++) {
		OK(s, runstore_batch_add(batch, "server.info", NULL, 0, &s->error));
	}
	assert_int_equal(
		runstore_batch_add(batch, "server.info", NULL, 0, &s->error), RUNSTORE_E_TOO_LARGE);
	assert_int_equal(
		runstore_batch_add_json(batch, "x", "[]", &s->error), RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(runstore_batch_count(batch), 1000);
	OK(s, runstore_batch_run(s->rs, batch, false, &s->error));
	OK(s, runstore_batch_result(batch, 999, &result, &s->error));
	runstore_batch_close(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_come_in_order_over_all_pages),
		cmocka_unit_test(a_list_begins_behind_its_cursor),
		cmocka_unit_test(runs_are_filtered),
		cmocka_unit_test(a_cursor_that_is_deleted_meanwhile_does_not_end_the_list),
		cmocka_unit_test(threads_are_listed_with_their_counts),
		cmocka_unit_test(lists_that_cannot_be_are_refused),
		cmocka_unit_test(a_batch_gives_each_request_its_own_result),
		cmocka_unit_test(an_atomic_batch_is_refused_as_a_whole),
		cmocka_unit_test(a_batch_has_at_most_a_thousand_requests),
	};

	return cmocka_run_group_tests(tests, store_start, store_stop);
}
