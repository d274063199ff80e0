/* The serving process is killed again and again under writing clients. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define N_THREADS 4
#define N_WRITES 120
#define N_KILLS 5

struct writer {
	struct runstore *rs;
	struct runstore_error error;
	pthread_t thread;
	int id;
	int failed;
};

/* Each run says in its metadata which write it was. */
static void *write_runs(void *argument)
{
	struct writer *w = argument;

	for (int i = 0; i < N_WRITES && !w->failed; i++) {
		char metadata[64];

		snprintf(metadata, sizeof(metadata), "{\"n\":\"%d\"}", w->id * N_WRITES + i);
		w->failed = runstore_run_create(w->rs,
			&(struct runstore_run_create){
				.thread_id = "t_kills",
				.assistant_id = "a",
				.on_active = "parallel",
				.metadata = metadata,
			},
			NULL, &w->error);
	}
	return NULL;
}

static pid_t server_pid(struct store *s)
{
	struct runstore_reply *reply = NULL;
	int64_t pid = 0;

	OK(s, runstore_call(s->rs, "server.info", NULL, 0, &reply, &s->error));
	assert_true(runstore_value_integer(
		runstore_value_member(runstore_reply_value(reply), "pid"), &pid));
	runstore_reply_free(reply);
	return (pid_t)pid;
}

/* How often each write is in the store. */
static void count_writes(struct store *s, int *counts)
{
	const struct runstore_run *run;
	struct runstore_runs *runs = NULL;

	OK(s, runstore_runs_open(s->rs, &(struct runstore_run_list){.thread_id = "t_kills"}, &runs,
		      &s->error));
	while (true) {
		char *number;

		OK(s, runstore_runs_next(runs, &run, &s->error));
		if (!run) {
			break;
		}
		number = runstore_value_string(runstore_value_member(run->metadata, "n"));
		assert_non_null(number);
		counts[atoi(number)]++;
		free(number);
	}
	runstore_runs_close(runs);
}

static void every_write_is_applied_once_across_kills(void **state)
{
	struct store *s = *state;
	struct writer writers[N_THREADS];
	int counts[N_THREADS * N_WRITES] = {0};

	for (int i = 0; i < N_THREADS; i++) {
		writers[i] = (struct writer){.rs = s->rs, .id = i};
		pthread_create(&writers[i].thread, NULL, write_runs, &writers[i]);
	}
	for (int i = 0; i < N_KILLS; i++) {
		pause_ms(30 + 17 * i);
		daemon_kill_child(&s->daemon, server_pid(s));
	}
	for (int i = 0; i < N_THREADS; i++) {
		pthread_join(writers[i].thread, NULL);
		if (writers[i].failed) {
			fail_msg("a write failed: %s", writers[i].error.message);
		}
	}
	count_writes(s, counts);
	for (int i = 0; i < N_THREADS * N_WRITES; i++) {
		assert_int_equal(counts[i], 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_write_is_applied_once_across_kills),
	};

	return cmocka_run_group_tests(tests, store_start, store_stop);
}
