#include "tests/support/cmocka_all.h"

#include "proto/error.h"
#include "proto/utf8.h"
#include "tests/unit/bytes.h"

#include <stdio.h>

/* The contract's table of errors, written once more. */
static const struct row {
	int code;
	const char *name;
	const char *type;
	int http;
} rows[] = {
	{E_INVALID_PARAMS, "invalid_params", "invalid_request_error", 400},
	{E_UNKNOWN_PARAM, "unknown_param", "invalid_request_error", 400},
	{E_MISSING_PARAM, "missing_param", "invalid_request_error", 400},
	{E_INVALID_ID, "invalid_id", "invalid_request_error", 400},
	{E_NOT_FOUND, "not_found", "invalid_request_error", 404},
	{E_INVALID_TRANSITION, "invalid_transition", "invalid_request_error", 400},
	{E_EXPECTED_STATUS, "expected_status", "invalid_request_error", 400},
	{E_STEPS_IN_PROGRESS, "steps_in_progress", "invalid_request_error", 400},
	{E_RUN_ACTIVE, "run_active", "invalid_request_error", 400},
	{E_LEASE_LOST, "lease_lost", "invalid_request_error", 400},
	{E_ID_CONFLICT, "id_conflict", "invalid_request_error", 400},
	{E_IDEMPOTENCY_CONFLICT, "idempotency_conflict", "invalid_request_error", 400},
	{E_TOO_LARGE, "too_large", "invalid_request_error", 413},
	{E_UNKNOWN_METHOD, "unknown_method", "invalid_request_error", 404},
	{E_INVALID_FRAME, "invalid_frame", "invalid_request_error", 400},
	{E_UNAVAILABLE, "unavailable", "server_error", 503},
	{E_OVERLOADED, "overloaded", "server_error", 503},
	{E_READ_ONLY, "read_only", "server_error", 503},
	{E_STORE_FULL, "store_full", "server_error", 503},
	{E_IO_ERROR, "io_error", "server_error", 500},
	{E_INTERNAL, "internal", "server_error", 500},
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

static void every_code_has_the_contracts_name_type_and_status(void **state)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		assert_string_equal(error_name(rows[i].code), rows[i].name);
		assert_string_equal(error_type(rows[i].code), rows[i].type);
		assert_int_equal(error_http(rows[i].code), rows[i].http);
		assert_int_equal(error_from_name(slice_str(rows[i].name)), rows[i].code);
	}
}

static void codes_are_numbered_from_one_without_gaps(void **state)
{
	size_t n = 0;

#define ERR(name, number, code, type, http) n++;
#include "proto/errors.def"
#undef ERR
	assert_int_equal(n, N_ROWS);
	for (size_t i = 0; i < N_ROWS; i++) {
		assert_int_equal(rows[i].code, i + 1);
	}
}

static void a_number_that_is_no_code_is_internal(void **state)
{
	static const int numbers[] = {0, -5, 22, 4711};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		assert_string_equal(error_name(numbers[i]), "internal");
		assert_string_equal(error_type(numbers[i]), "server_error");
		assert_int_equal(error_http(numbers[i]), 500);
	}
}

static void an_unknown_name_has_no_number(void **state)
{
	assert_int_equal(error_from_name(SLICE_LIT("")), 0);
	assert_int_equal(error_from_name(SLICE_LIT("not_foun")), 0);
	assert_int_equal(error_from_name(SLICE_LIT("not_found ")), 0);
	assert_int_equal(error_from_name(SLICE_LIT("NOT_FOUND")), 0);
}

static void setting_a_problem_returns_its_code(void **state)
{
	struct problem p;

	assert_int_equal(problem_set(&p, E_NOT_FOUND, "run_id", "No run found with id '%s'.", "x"),
		E_NOT_FOUND);
	assert_int_equal(p.code, E_NOT_FOUND);
	assert_string_equal(p.message, "No run found with id 'x'.");
	assert_string_equal(p.param, "run_id");
	problem_set(&p, E_INTERNAL, NULL, "x");
	assert_string_equal(p.param, "");
}

static void a_message_that_is_too_long_is_cut_at_a_character(void **state)
{
	char text[1000];
	struct problem p;

	for (size_t shift = 0; shift < 4; shift++) {
		size_t n = shift;

		memset(text, 'x', shift);
		while (n + 5 < sizeof(text)) {
			memcpy(text + n, "\xf0\x9f\x8c\x8d", 5);
			n += 4;
		}
		problem_set(&p, E_INTERNAL, text, "%s", text);
		assert_true(utf8_valid(slice_str(p.message)));
		assert_true(utf8_valid(slice_str(p.param)));
		assert_true(strlen(p.message) + 4 >= sizeof(p.message) - 1);
		assert_true(strlen(p.param) + 4 >= sizeof(p.param) - 1);
		assert_memory_equal(p.message, text, strlen(p.message));
		assert_memory_equal(p.param, text, strlen(p.param));
	}
}

static void a_prefix_goes_before_the_param(void **state)
{
	struct problem p;

	problem_set(&p, E_INVALID_ID, "id", "x");
	problem_prefix(&p, "requests[3]");
	assert_string_equal(p.param, "requests[3].id");
	problem_set(&p, E_INVALID_ID, NULL, "x");
	problem_prefix(&p, "requests[3]");
	assert_string_equal(p.param, "requests[3]");
	problem_prefix(&p, "outer");
	assert_string_equal(p.param, "outer.requests[3]");
}

static void a_long_param_keeps_its_prefix_and_is_cut_at_a_character(void **state)
{
	char text[400];
	struct problem p;

	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t n = shift; n + 5 < sizeof(text); n += 4) {
			memcpy(text + n, "\xf0\x9f\x8c\x8d", 5);
		}
		problem_set(&p, E_INVALID_ID, text, "x");
		problem_prefix(&p, "requests[999]");
		assert_memory_equal(p.param, "requests[999].", 14);
		assert_true(utf8_valid(slice_str(p.param)));
		assert_memory_equal(p.param + 14, text, strlen(p.param) - 14);
	}
}

static void a_problem_is_encoded_as_a_map_of_four(void **state)
{
	struct buf b = {0};
	struct problem p;

	problem_set(&p, E_TOO_LARGE, "objects", "Too much.");
	problem_encode(&p, &b);
	assert_bytes(buf_slice(&b), SLICE_LIT("\x84\xa4type\xb5invalid_request_error"
					      "\xa4"
					      "code\xa9too_large\xa7message\xa9Too much."
					      "\xa5param\xa7objects"));
	buf_reset(&b, 0);
	problem_set(&p, E_IO_ERROR, NULL, "%s", "");
	problem_encode(&p, &b);
	assert_bytes(buf_slice(&b), SLICE_LIT("\x84\xa4type\xacserver_error\xa4"
					      "code\xa8io_error"
					      "\xa7message\xa0\xa5param\xc0"));
	buf_finish(&b);
}

static void what_is_shown_of_a_string_is_printable_and_short(void **state)
{
	char out[72], text[300];

	assert_string_equal(printable(SLICE_LIT(""), out), "");
	assert_string_equal(printable(SLICE_LIT("run 1"), out), "run 1");
	assert_string_equal(printable(SLICE_LIT("a\0b\nc\x1b[1m\x7f"), out), "a?b?c?[1m?");
	memset(text, 'x', sizeof(text));
	assert_int_equal(strlen(printable(slice_of(text, 64), out)), 64);
	assert_string_equal(printable(slice_of(text, 65), out) + 60, "xxxx...");
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t n = shift; n + 4 <= sizeof(text); n += 4) {
			memcpy(text + n, "\xf0\x9f\x8c\x8d", 4);
		}
		printable(guarded(text, sizeof(text) - 4), out);
		assert_true(utf8_valid(slice_str(out)));
		assert_true(strlen(out) >= 61 + 3);
		assert_string_equal(out + strlen(out) - 3, "...");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_the_contracts_name_type_and_status),
		cmocka_unit_test(codes_are_numbered_from_one_without_gaps),
		cmocka_unit_test(a_number_that_is_no_code_is_internal),
		cmocka_unit_test(an_unknown_name_has_no_number),
		cmocka_unit_test(setting_a_problem_returns_its_code),
		cmocka_unit_test(a_message_that_is_too_long_is_cut_at_a_character),
		cmocka_unit_test(a_prefix_goes_before_the_param),
		cmocka_unit_test(a_long_param_keeps_its_prefix_and_is_cut_at_a_character),
		cmocka_unit_test(a_problem_is_encoded_as_a_map_of_four),
		cmocka_unit_test(what_is_shown_of_a_string_is_printable_and_short),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
