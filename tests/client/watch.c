/* Watching: each change once, in order, whatever happens to the daemon. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_RESTARTS = 20, N_SEEN = 20000 };

static struct runstore_watch *open_watch(
	struct store *s, const struct runstore_watch_options *options)
{
	struct runstore_watch *watch = NULL;

	OK(s, runstore_watch_open(s->rs, options, &watch, &s->error));
	return watch;
}

static const struct runstore_change *next(struct store *s, struct runstore_watch *watch)
{
	const struct runstore_change *change = NULL;

	OK(s, runstore_watch_next(watch, 10000, &change, &s->error));
	assert_non_null(change);
	return change;
}

static void expect_none(struct store *s, struct runstore_watch *watch, int timeout_ms)
{
	const struct runstore_change *change = (void *)s;

	OK(s, runstore_watch_next(watch, timeout_ms, &change, &s->error));
	assert_null(change);
}

static void cancel(struct store *s, const struct runstore_run *run)
{
	OK(s, runstore_run_cancel(s->rs, NULL, run->id, NULL, &s->error));
}

static void a_change_is_seen_with_all_that_is_told_of_it(void **state)
{
	struct store *s = *state;
	struct runstore_watch *watch = open_watch(s, NULL);
	struct runstore_run *run = store_run(s, "w_form");
	const struct runstore_change *change = next(s, watch);
	int64_t seq = change->seq;

	assert_string_equal(change->event, "thread.run.created");
	assert_string_equal(change->thread_id, "w_form");
	assert_string_equal(change->run_id, run->id);
	assert_null(change->step_id);
	assert_null(change->from);
	assert_string_equal(change->to, "queued");
	assert_string_equal(change->by, "client");
	assert_true(change->at_ms / 1000 >= run->created_at);
	assert_null(change->object.data);
	assert_false(change->truncated);
	cancel(s, run);
	change = next(s, watch);
	assert_int_equal(change->seq, seq + 1);
	assert_string_equal(change->to, "cancelled");
	assert_int_equal(runstore_watch_seq(watch), seq + 1);
	expect_none(s, watch, 0);
	expect_none(s, watch, 200);
	runstore_watch_close(watch);
	runstore_run_free(run);
}

static void a_watch_begins_where_it_is_told(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "w_since");
	struct runstore_watch *watch, *again;
	int64_t since = 0;

	watch = open_watch(s, &(struct runstore_watch_options){.since = &since});
	assert_int_equal(next(s, watch)->seq, 1);
	since = 1;
	again = open_watch(s, &(struct runstore_watch_options){.since = &since});
	assert_int_equal(next(s, again)->seq, 2);
	runstore_watch_close(watch);
	runstore_watch_close(again);
	runstore_run_free(run);
}

static void a_position_that_is_yet_to_come_is_refused(void **state)
{
	struct store *s = *state;
	struct runstore_watch *watch = NULL;
	const int64_t since = INT64_C(1) << 40;

	assert_int_equal(
		runstore_watch_open(s->rs, &(struct runstore_watch_options){.since = &since},
			&watch, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_null(watch);
}

static void a_thread_or_a_run_can_be_watched_alone(void **state)
{
	struct store *s = *state;
	struct runstore_watch *thread =
		open_watch(s, &(struct runstore_watch_options){.thread_id = "w_one"});
	struct runstore_run *run = store_run(s, "w_one"), *other = store_run(s, "w_one_other");
	struct runstore_run *third = store_run(s, "w_one");
	struct runstore_watch *alone =
		open_watch(s, &(struct runstore_watch_options){.run_id = run->id});
	struct runstore_watch *both = open_watch(
		s, &(struct runstore_watch_options){.run_id = run->id, .thread_id = "w_one"});

	cancel(s, other);
	cancel(s, third);
	cancel(s, run);
	assert_string_equal(next(s, alone)->run_id, run->id);
	assert_string_equal(next(s, both)->run_id, run->id);
	assert_string_equal(next(s, thread)->run_id, run->id);
	assert_string_equal(next(s, thread)->run_id, third->id);
	assert_string_equal(next(s, thread)->run_id, third->id);
	assert_string_equal(next(s, thread)->run_id, run->id);
	expect_none(s, alone, 100);
	expect_none(s, both, 100);
	expect_none(s, thread, 1500);
	runstore_watch_close(thread);
	runstore_watch_close(alone);
	runstore_watch_close(both);
	runstore_run_free(run);
	runstore_run_free(other);
	runstore_run_free(third);
}

static void objects_are_as_each_change_left_them(void **state)
{
	struct store *s = *state;
	struct runstore_watch *watch =
		open_watch(s, &(struct runstore_watch_options){.objects = true});
	struct runstore_run *run = store_run(s, "w_objects"), *seen = NULL;

	cancel(s, run);
	OK(s, runstore_run_read(next(s, watch)->object, &seen, &s->error));
	assert_int_equal(seen->status, RUNSTORE_RUN_QUEUED);
	runstore_run_free(seen);
	OK(s, runstore_run_read(next(s, watch)->object, &seen, &s->error));
	assert_int_equal(seen->status, RUNSTORE_RUN_CANCELLED);
	runstore_run_free(seen);
	runstore_run_free(run);
	runstore_watch_close(watch);
}

/* Writes runs until it is told to stop. */
struct author {
	struct runstore *rs;
	_Atomic bool stop;
	_Atomic int n_failed;
};

static void *write_runs(void *argument)
{
	struct author *a = argument;

	while (!a->stop) {
		struct runstore_error error;

		a->n_failed += runstore_run_create(a->rs,
				       &(struct runstore_run_create){.thread_id = "w_restarts",
					       .assistant_id = "a",
					       .on_active = "parallel"},
				       NULL, &error) != 0;
		pause_ms(1);
	}
	return NULL;
}

/* Notes the numbers that it sees, up to the one that it is told. */
struct reader {
	struct store *s;
	struct runstore_watch *watch;
	int pause_every;      /* changes; 0: it is quick */
	_Atomic int64_t last; /* 0: not known yet */
	int64_t seqs[N_SEEN];
	int n;
	pthread_t thread;
};

static void *read_changes(void *argument)
{
	struct reader *r = argument;
	long end = clock_ms() + 60000;

	while ((!r->last || runstore_watch_seq(r->watch) < r->last) && clock_ms() < end &&
		r->n < N_SEEN) {
		const struct runstore_change *change = NULL;
		struct runstore_error error;

		if (!runstore_watch_next(r->watch, 500, &change, &error) && change) {
			r->seqs[r->n++] = change->seq;
			if (r->pause_every && r->n % r->pause_every == 0) {
				pause_ms(20);
			}
		}
	}
	return NULL;
}

static void start_reader(struct reader *r, struct store *s, int pause_every, const int64_t *since)
{
	r->s = s;
	r->pause_every = pause_every;
	r->watch = open_watch(s, &(struct runstore_watch_options){.since = since});
	assert_int_equal(pthread_create(&r->thread, NULL, read_changes, r), 0);
}

static void end_reader(struct reader *r, int64_t first, int64_t last)
{
	r->last = last;
	pthread_join(r->thread, NULL);
	assert_int_equal(r->n, last - first + 1);
	for (int i = 0; i < r->n; i++) {
		assert_int_equal(r->seqs[i], first + i);
	}
	runstore_watch_close(r->watch);
}

static int64_t last_seq(struct store *s)
{
	struct runstore_reply *reply = NULL;
	int64_t seq = 0;

	OK(s, runstore_call(s->rs, "server.info", NULL, 0, &reply, &s->error));
	runstore_value_integer(
		runstore_value_member(runstore_reply_value(reply), "last_seq"), &seq);
	runstore_reply_free(reply);
	return seq;
}

static void restart(struct store *s, int i)
{
	if (i % 2) {
		daemon_stop(&s->daemon, SIGTERM);
	} else if (i % 4) {
		daemon_kill(&s->daemon);
	} else {
		daemon_kill_child(&s->daemon, daemon_child(&s->daemon));
		return;
	}
	daemon_start(&s->daemon, s->daemon.args);
}

static void all_watchers_see_the_same_over_twenty_restarts(void **state)
{
	struct store *s = *state;
	static struct reader quick, slow, late;
	struct author author = {.rs = s->rs};
	const int64_t before = last_seq(s);
	pthread_t thread;
	int64_t last;

	start_reader(&quick, s, 0, NULL);
	start_reader(&slow, s, 10, NULL);
	pthread_create(&thread, NULL, write_runs, &author);
	for (int i = 0; i < N_RESTARTS; i++) {
		pause_ms(100 + 13 * (i % 5));
		restart(s, i);
	}
	author.stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(author.n_failed, 0);
	last = last_seq(s);
	start_reader(&late, s, 0, &before);
	printf("# %d changes over %d restarts\n", (int)(last - before), N_RESTARTS);
	assert_true(last > before + N_RESTARTS);
	end_reader(&quick, before + 1, last);
	end_reader(&slow, before + 1, last);
	end_reader(&late, before + 1, last);
}

static void a_daemon_that_is_away_is_told_and_the_watch_goes_on(void **state)
{
	struct store *s = *state;
	struct runstore_watch *watch = open_watch(s, NULL);
	const struct runstore_change *change;
	struct runstore_run *run;

	daemon_stop(&s->daemon, SIGTERM);
	assert_int_equal(
		runstore_watch_next(watch, 1500, &change, &s->error), RUNSTORE_E_UNAVAILABLE);
	daemon_start(&s->daemon, s->daemon.args);
	run = store_run(s, "w_away");
	assert_string_equal(next(s, watch)->run_id, run->id);
	runstore_watch_close(watch);
	runstore_run_free(run);
}

static void changes_that_are_no_longer_kept_are_told(void **state)
{
	static const char *const args[] = {"--changes-max", "50", NULL};
	struct store *s = *state;
	struct runstore_watch *watch;
	struct runstore_run *run = NULL;
	const int64_t since = 0;
	int64_t first;

	daemon_stop(&s->daemon, SIGTERM);
	daemon_start(&s->daemon, args);
	for (int i = 0; i < 200; i++) {
		runstore_run_free(run);
		run = store_run(s, "w_kept");
	}
	watch = open_watch(s, &(struct runstore_watch_options){.since = &since});
	first = next(s, watch)->seq;
	assert_true(first > 1);
	runstore_watch_close(watch);
	watch = open_watch(s, &(struct runstore_watch_options){.since = &since});
	assert_true(next(s, watch)->truncated);
	assert_false(next(s, watch)->truncated);
	runstore_watch_close(watch);
	runstore_run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_seen_with_all_that_is_told_of_it),
		cmocka_unit_test(a_watch_begins_where_it_is_told),
		cmocka_unit_test(a_position_that_is_yet_to_come_is_refused),
		cmocka_unit_test(a_thread_or_a_run_can_be_watched_alone),
		cmocka_unit_test(objects_are_as_each_change_left_them),
		cmocka_unit_test(all_watchers_see_the_same_over_twenty_restarts),
		cmocka_unit_test(a_daemon_that_is_away_is_told_and_the_watch_goes_on),
		cmocka_unit_test(changes_that_are_no_longer_kept_are_told),
	};

	return cmocka_run_group_tests(tests, store_start, store_stop);
}
