/* Calls against a server that misbehaves on purpose. */
#include "cmocka_all.h"

#include "daemon.h"
#include "proto/bounds.h"
#include "proto/frame.h"
#include "tests/client/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void answer_garbage(struct slice request, int n, struct buf *out)
{
	buf_append(out, "\xc1garbage", 8);
}

static void answer_another(struct slice request, int n, struct buf *out)
{
	frame_begin_result(out, 123456);
	mp_put_nil(out);
}

static void answer_after_a_while(struct slice request, int n, struct buf *out)
{
	pause_ms(600);
	fake_echo(request, n, out);
}

static void refuse(struct slice request, int n, struct buf *out)
{
	struct request_frame frame;
	struct problem p;

	assert_int_equal(frame_read_request(request, &frame, &p), 0);
	problem_set(&p, E_NOT_FOUND, "run_id", "No run found with id '%s'.", "x");
	frame_write_error(out, frame.msgid, &p);
}

static void refuse_in_new_words(struct slice request, int n, struct buf *out)
{
	static const char type[] = "invalid_request_error";

	mp_put_array(out, 4);
	mp_put_int(out, 1);
	mp_put_int(out, 1);
	mp_put_map(out, 3);
	mp_put_cstr(out, "type");
	mp_put_cstr(out, type);
	mp_put_cstr(out, "code");
	mp_put_cstr(out, "of_the_future");
	mp_put_cstr(out, "message");
	mp_put_cstr(out, "No.");
	mp_put_nil(out);
}

struct fixture {
	struct fake fake;
	struct runstore *rs;
	struct runstore_error error;
};

static struct fixture *begin(fake_answer *answer, const struct runstore_options *options)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_init(&f->fake, answer);
	fake_start(&f->fake);
	f->rs = fake_open(&f->fake, options);
	return f;
}

static void end(struct fixture *f)
{
	runstore_close(f->rs);
	fake_finish(&f->fake);
	free(f);
}

static int call(struct fixture *f, const char *method, const char *json, char **out)
{
	return runstore_call_json(f->rs, method, json, out, &f->error);
}

static void a_lost_reply_is_asked_for_again_with_the_same_bytes(void **state)
{
	struct fixture *f = begin(drop_the_first, &hasty);
	struct request_frame frame;
	struct problem p;
	struct slice key;
	char *out = NULL;

	assert_int_equal(call(f, "runs.create", "{\"thread_id\":\"t\"}", &out), 0);
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, 2);
	assert_true(slice_eq(buf_slice(&f->fake.requests[0]), buf_slice(&f->fake.requests[1])));
	assert_int_equal(frame_read_request(buf_slice(&f->fake.requests[0]), &frame, &p), 0);
	assert_true(mp_get_str(mp_lookup(frame.params, "idempotency_key"), &key));
	assert_int_equal(key.len, 26);
	free(out);
	end(f);
}

static void every_write_gets_a_key_of_its_own_and_no_read_does(void **state)
{
	struct fixture *f = begin(fake_echo, &hasty);
	char *first = NULL, *second = NULL, *given = NULL, *read = NULL, *batch = NULL;

	assert_int_equal(call(f, "runs.cancel", "{\"run_id\":\"r\"}", &first), 0);
	assert_int_equal(call(f, "runs.cancel", "{\"run_id\":\"r\"}", &second), 0);
	assert_non_null(strstr(first, "\"idempotency_key\":\"01"));
	assert_true(strcmp(first, second) < 0);
	assert_int_equal(call(f, "runs.cancel", "{\"idempotency_key\":\"mine\"}", &given), 0);
	assert_string_equal(given, "{\"idempotency_key\":\"mine\"}");
	assert_int_equal(call(f, "runs.list", NULL, &read), 0);
	assert_string_equal(read, "{}");
	assert_int_equal(call(f, "batch", "{\"requests\":[]}", &batch), 0);
	assert_non_null(strstr(batch, "idempotency_key"));
	free(first);
	free(second);
	free(given);
	free(read);
	free(batch);
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

static void a_request_over_16_mib_is_not_sent(void **state)
{
	struct fixture *f = begin(fake_echo, NULL);
	size_t size = MAX_MESSAGE;
	char *text = malloc(size + 32);
	char *out;

	sprintf(text, "{\"x\":\"");
	memset(text + 6, 'x', size);
	strcpy(text + 6 + size, "\"}");
	assert_int_equal(call(f, "runs.get", text, &out), RUNSTORE_E_TOO_LARGE);
	assert_int_equal(call(f, "runs.create", text, &out), RUNSTORE_E_TOO_LARGE);
	/* With the frame around it this one is just within bounds. */
	strcpy(text + 6 + size - 32, "\"}");
	assert_int_equal(call(f, "runs.get", text, &out), 0);
	free(out);
	free(text);
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, 1);
	end(f);
}

static void params_that_are_no_map_are_not_sent(void **state)
{
	struct fixture *f = begin(fake_echo, NULL);
	struct runstore_reply *reply = NULL;
	char deep[80] = "{\"a\":";
	char *out;

	assert_int_equal(call(f, "x", "[]", &out), RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(call(f, "x", "1", &out), RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(call(f, "x", "{", &out), RUNSTORE_E_INVALID_PARAMS);
	assert_int_equal(
		runstore_call(f->rs, "x", "\x81", 1, &reply, &f->error), RUNSTORE_E_INVALID_PARAMS);
	memset(deep + 5, '[', 30);
	memset(deep + 35, ']', 30);
	strcpy(deep + 65, "}");
	assert_int_equal(call(f, "x", deep, &out), RUNSTORE_E_TOO_LARGE);
	assert_null(reply);
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, 0);
	end(f);
}

static void a_refusal_comes_with_all_it_says(void **state)
{
	struct fixture *f = begin(refuse, NULL);
	char *out;

	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_NOT_FOUND);
	assert_int_equal(f->error.code, RUNSTORE_E_NOT_FOUND);
	assert_string_equal(f->error.name, "not_found");
	assert_string_equal(f->error.type, "invalid_request_error");
	assert_string_equal(f->error.message, "No run found with id 'x'.");
	assert_string_equal(f->error.param, "run_id");
	assert_int_equal(
		runstore_call_json(f->rs, "runs.get", NULL, &out, NULL), RUNSTORE_E_NOT_FOUND);
	end(f);
}

static void a_code_of_a_newer_daemon_keeps_its_name(void **state)
{
	struct fixture *f = begin(refuse_in_new_words, NULL);
	char *out;

	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_INVALID_PARAMS);
	assert_string_equal(f->error.name, "of_the_future");
	assert_string_equal(f->error.message, "No.");
	assert_string_equal(f->error.param, "");
	end(f);
}

static void a_reply_that_is_none_is_told(void **state)
{
	struct fixture *f = begin(answer_garbage, &hasty);
	char *out;

	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_INVALID_FRAME);
	f->fake.answer = answer_another;
	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_INVALID_FRAME);
	f->fake.answer = fake_echo;
	assert_int_equal(call(f, "runs.get", NULL, &out), 0);
	free(out);
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

static void expect_no_handle(const char *url, const char *in_message)
{
	struct runstore *rs = NULL;
	struct runstore_error error = {0};

	assert_int_equal(runstore_open(&rs, url, NULL, &error), RUNSTORE_E_INVALID_PARAMS);
	assert_null(rs);
	if (!strstr(error.message, in_message)) {
		fail_msg("%s", error.message);
	}
}

static void urls_that_cannot_be_are_refused_at_once(void **state)
{
	char path[160] = "ipc://";

	memset(path + 6, 'x', 108);
	expect_no_handle("", "neither");
	expect_no_handle("/tmp/rpc.sock", "neither");
	expect_no_handle("http://localhost", "neither");
	expect_no_handle("ipc://", "no place");
	expect_no_handle(path, "107");
}

static void expect_url(const char *expected)
{
	struct runstore *rs = NULL;

	assert_int_equal(runstore_open(&rs, NULL, NULL, NULL), 0);
	assert_string_equal(runstore_url(rs), expected);
	runstore_close(rs);
}

static void the_default_url_follows_the_environment(void **state)
{
	setenv("RUNSTORE_URL", "tcp://127.0.0.1:4711", 1);
	setenv("RUNSTORE_DIR", "/d", 1);
	setenv("XDG_STATE_HOME", "/x", 1);
	setenv("HOME", "/h", 1);
	expect_url("tcp://127.0.0.1:4711");
	setenv("RUNSTORE_URL", "", 1);
	expect_url("ipc:///d/rpc.sock");
	unsetenv("RUNSTORE_DIR");
	expect_url("ipc:///x/runstore/rpc.sock");
	unsetenv("XDG_STATE_HOME");
	expect_url("ipc:///h/.local/state/runstore/rpc.sock");
}

static void options_that_cannot_be_are_refused(void **state)
{
	static const struct runstore_options wrong[] = {
		{.timeout_ms = -1}, {.attempts = -1}, {.connections = -1}, {.connections = 257}};
	struct runstore *rs = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(runstore_open(&rs, "ipc:///tmp/x", &wrong[i], NULL),
			RUNSTORE_E_INVALID_PARAMS);
	}
	assert_null(rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_reply_is_asked_for_again_with_the_same_bytes),
		cmocka_unit_test(every_write_gets_a_key_of_its_own_and_no_read_does),
		cmocka_unit_test(silence_ends_with_the_timeout_and_leaves_the_output_alone),
		cmocka_unit_test(nobody_there_is_told_soon),
		cmocka_unit_test(a_daemon_that_is_back_in_time_is_waited_for),
		cmocka_unit_test(a_daemon_that_goes_away_meanwhile_is_noticed),
		cmocka_unit_test(a_request_survives_a_restart_under_way),
		cmocka_unit_test(a_request_over_16_mib_is_not_sent),
		cmocka_unit_test(params_that_are_no_map_are_not_sent),
		cmocka_unit_test(a_refusal_comes_with_all_it_says),
		cmocka_unit_test(a_code_of_a_newer_daemon_keeps_its_name),
		cmocka_unit_test(a_reply_that_is_none_is_told),
		cmocka_unit_test(what_a_call_asks_the_daemon_to_wait_is_added),
		cmocka_unit_test(sixteen_threads_share_a_handle),
		cmocka_unit_test(a_call_waits_for_a_connection_no_longer_than_its_timeout),
		cmocka_unit_test(urls_that_cannot_be_are_refused_at_once),
		cmocka_unit_test(the_default_url_follows_the_environment),
		cmocka_unit_test(options_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
