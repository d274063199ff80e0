/* What becomes of a call when replies are lost and daemons come and go. */
#include "cmocka_all.h"

#include "daemon.h"
#include "proto/frame.h"
#include "tests/client/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct runstore_options hasty = {
	.timeout_ms = 900, .connect_timeout_ms = 100, .attempts = 3};

static void drop_the_first(struct slice request, int n, struct buf *out)
{
	if (n > 1) {
		fake_echo(request, n, out);
	}
}

static void answer_nothing(struct slice request, int n, struct buf *out)
{
}

static void answer_after_a_while(struct slice request, int n, struct buf *out)
{
	pause_ms(600);
	fake_echo(request, n, out);
}

static struct slice key_of(const struct buf *request)
{
	struct slice key = {NULL, 0};
	struct request_frame frame;
	struct problem p;

	assert_int_equal(frame_read_request(buf_slice(request), &frame, &p), 0);
	mp_get_str(mp_lookup(frame.params, "idempotency_key"), &key);
	return key;
}

static void a_lost_reply_is_asked_for_again_with_the_same_bytes(void **state)
{
	struct fixture *f = begin(drop_the_first, &hasty);
	char *out = NULL;

	assert_int_equal(call(f, "runs.create", "{\"thread_id\":\"t\"}", &out), 0);
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, 2);
	assert_true(slice_eq(buf_slice(&f->fake.requests[0]), buf_slice(&f->fake.requests[1])));
	assert_int_equal(key_of(&f->fake.requests[0]).len, 26);
	free(out);
	end(f);
}

static void silence_ends_with_the_timeout_and_leaves_the_output_alone(void **state)
{
	struct fixture *f = begin(answer_nothing, &hasty);
	char *out = (char *)f;
	long start = clock_ms();
	long took;

	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_UNAVAILABLE);
	took = clock_ms() - start;
	assert_ptr_equal(out, f);
	assert_true(took >= 800 && took < 2500);
	assert_string_equal(f->error.name, "unavailable");
	assert_non_null(strstr(f->error.message, "outcome is unknown"));
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, 3);
	end(f);
}

static void nobody_there_is_told_soon(void **state)
{
	struct fixture *f = begin(fake_echo, &hasty);
	long start;
	char *out;

	fake_stop(&f->fake);
	start = clock_ms();
	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_UNAVAILABLE);
	assert_true(clock_ms() - start < 600);
	assert_non_null(strstr(f->error.message, f->fake.url));
	assert_non_null(strstr(f->error.message, "runstored"));
	assert_int_equal(f->fake.n, 0);
	end(f);
}

static void *start_later(void *fake)
{
	pause_ms(400);
	fake_start(fake);
	return NULL;
}

static void a_daemon_that_is_back_in_time_is_waited_for(void **state)
{
	struct fixture *f = begin(fake_echo, &(struct runstore_options){.timeout_ms = 8000});
	pthread_t thread;
	char *out = NULL;

	assert_int_equal(call(f, "runs.get", NULL, &out), 0);
	free(out);
	fake_stop(&f->fake);
	pthread_create(&thread, NULL, start_later, &f->fake);
	assert_int_equal(call(f, "runs.get", NULL, &out), 0);
	free(out);
	pthread_join(thread, NULL);
	end(f);
}

struct stopping {
	struct fake *fake;
	bool again;
};

static void *stop_soon(void *argument)
{
	struct stopping *s = argument;

	pause_ms(200);
	fake_stop(s->fake);
	if (s->again) {
		pause_ms(200);
		s->fake->answer = fake_echo;
		fake_start(s->fake);
	}
	return NULL;
}

static void a_daemon_that_goes_away_meanwhile_is_noticed(void **state)
{
	struct fixture *f = begin(answer_nothing,
		&(struct runstore_options){.timeout_ms = 20000, .connect_timeout_ms = 200});
	struct stopping stopping = {&f->fake, false};
	long start = clock_ms();
	pthread_t thread;
	char *out;

	pthread_create(&thread, NULL, stop_soon, &stopping);
	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_UNAVAILABLE);
	assert_true(clock_ms() - start < 3000);
	pthread_join(thread, NULL);
	end(f);
}

static void a_request_survives_a_restart_under_way(void **state)
{
	struct fixture *f = begin(answer_nothing, &(struct runstore_options){.timeout_ms = 20000});
	struct stopping stopping = {&f->fake, true};
	long start = clock_ms();
	pthread_t thread;
	char *out = NULL;

	pthread_create(&thread, NULL, stop_soon, &stopping);
	assert_int_equal(call(f, "runs.get", "{\"run_id\":\"x\"}", &out), 0);
	assert_true(clock_ms() - start < 3000);
	assert_string_equal(out, "{\"run_id\":\"x\"}");
	free(out);
	pthread_join(thread, NULL);
	end(f);
}

static void what_a_call_asks_the_daemon_to_wait_is_added(void **state)
{
	struct fixture *f = begin(
		answer_after_a_while, &(struct runstore_options){.timeout_ms = 300, .attempts = 1});
	char *out = NULL;

	assert_int_equal(call(f, "x", NULL, &out), RUNSTORE_E_UNAVAILABLE);
	pause_ms(700);
	assert_int_equal(call(f, "x", "{\"wait_ms\":2000}", &out), 0);
	free(out);
	end(f);
}

static void a_batch_whose_outcome_is_unknown_keeps_its_key(void **state)
{
	struct fixture *f =
		begin(answer_nothing, &(struct runstore_options){.timeout_ms = 300, .attempts = 1});
	struct runstore_batch *batch = NULL;

	assert_int_equal(runstore_batch_open(&batch, NULL), 0);
	assert_int_equal(runstore_batch_add_json(batch, "runs.cancel", "{}", NULL), 0);
	assert_int_equal(
		runstore_batch_run(f->rs, batch, false, &f->error), RUNSTORE_E_UNAVAILABLE);
	f->fake.answer = fake_echo;
	assert_int_equal(runstore_batch_run(f->rs, batch, false, &f->error), 0);
	assert_int_equal(runstore_batch_run(f->rs, batch, false, &f->error), 0);
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, 3);
	assert_true(slice_eq(key_of(&f->fake.requests[0]), key_of(&f->fake.requests[1])));
	assert_false(slice_eq(key_of(&f->fake.requests[1]), key_of(&f->fake.requests[2])));
	runstore_batch_close(batch);
	end(f);
}

#define N_THREADS 16
#define N_CALLS 200

struct worker {
	struct runstore *rs;
	pthread_t thread;
	int id;
	int wrong;
};

static void *call_often(void *argument)
{
	struct worker *w = argument;

	for (int i = 0; i < N_CALLS; i++) {
		char text[64], *out = NULL;

		snprintf(text, sizeof(text), "{\"x\":[%d,%d]}", w->id, i);
		if (runstore_call_json(w->rs, "x", text, &out, NULL) || strcmp(out, text) != 0) {
			w->wrong++;
		}
		free(out);
	}
	return NULL;
}

static void sixteen_threads_share_a_handle(void **state)
{
	struct fixture *f = begin(fake_echo, NULL);
	struct worker workers[N_THREADS];

	for (int i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){.rs = f->rs, .id = i};
		pthread_create(&workers[i].thread, NULL, call_often, &workers[i]);
	}
	for (int i = 0; i < N_THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].wrong, 0);
	}
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, N_THREADS * N_CALLS);
	end(f);
}

static void *call_once(void *rs)
{
	char *out = NULL;

	runstore_call_json(rs, "x", NULL, &out, NULL);
	free(out);
	return NULL;
}

static void a_call_waits_for_a_connection_no_longer_than_its_timeout(void **state)
{
	struct fixture *f = begin(answer_nothing,
		&(struct runstore_options){.timeout_ms = 1000, .attempts = 1, .connections = 1});
	struct runstore_error error = {0};
	pthread_t thread;
	long start;
	char *out;

	pthread_create(&thread, NULL, call_once, f->rs);
	pause_ms(200);
	start = clock_ms();
	/* The other gives up first: then this one has its turn, but hardly any time. */
	assert_int_equal(
		runstore_call_json(f->rs, "x", NULL, &out, &error), RUNSTORE_E_UNAVAILABLE);
	assert_true(clock_ms() - start < 1500);
	pthread_join(thread, NULL);
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_reply_is_asked_for_again_with_the_same_bytes),
		cmocka_unit_test(silence_ends_with_the_timeout_and_leaves_the_output_alone),
		cmocka_unit_test(nobody_there_is_told_soon),
		cmocka_unit_test(a_daemon_that_is_back_in_time_is_waited_for),
		cmocka_unit_test(a_daemon_that_goes_away_meanwhile_is_noticed),
		cmocka_unit_test(a_request_survives_a_restart_under_way),
		cmocka_unit_test(what_a_call_asks_the_daemon_to_wait_is_added),
		cmocka_unit_test(a_batch_whose_outcome_is_unknown_keeps_its_key),
		cmocka_unit_test(sixteen_threads_share_a_handle),
		cmocka_unit_test(a_call_waits_for_a_connection_no_longer_than_its_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
