/* What leaves for the daemon, and what a reply is taken for. */
#include "cmocka_all.h"

#include "proto/bounds.h"
#include "proto/frame.h"
#include "tests/client/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void answer_garbage(struct slice request, int n, struct buf *out)
{
	buf_append(out, "\xc1garbage", 8);
}

static void answer_another(struct slice request, int n, struct buf *out)
{
	frame_begin_result(out, 123456);
	mp_put_nil(out);
}

static void every_write_gets_a_key_of_its_own_and_no_read_does(void **state)
{
	struct fixture *f = begin(fake_echo, NULL);
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
	struct fixture *f = begin(answer_garbage, NULL);
	char *out;

	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_INVALID_FRAME);
	f->fake.answer = answer_another;
	assert_int_equal(call(f, "runs.get", NULL, &out), RUNSTORE_E_INVALID_FRAME);
	f->fake.answer = fake_echo;
	assert_int_equal(call(f, "runs.get", NULL, &out), 0);
	free(out);
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
		cmocka_unit_test(every_write_gets_a_key_of_its_own_and_no_read_does),
		cmocka_unit_test(a_request_over_16_mib_is_not_sent),
		cmocka_unit_test(params_that_are_no_map_are_not_sent),
		cmocka_unit_test(a_refusal_comes_with_all_it_says),
		cmocka_unit_test(a_code_of_a_newer_daemon_keeps_its_name),
		cmocka_unit_test(a_reply_that_is_none_is_told),
		cmocka_unit_test(urls_that_cannot_be_are_refused_at_once),
		cmocka_unit_test(the_default_url_follows_the_environment),
		cmocka_unit_test(options_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
