/* JSON to MessagePack and back. */
#include "cmocka_all.h"

#include "client/runstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text after a round trip; for free(). */
static char *round_trip(const char *text)
{
	struct runstore_error error = {0};
	char *again = NULL;
	void *data = NULL;
	size_t size = 0;

	if (runstore_json_to_msgpack(text, &data, &size, &error)) {
		fail_msg("%s: %s", text, error.message);
	}
	if (runstore_msgpack_to_json(data, size, &again, &error)) {
		fail_msg("%s: %s", text, error.message);
	}
	free(data);
	return again;
}

static void expect_trip(const char *text, const char *expected)
{
	char *again = round_trip(text);

	assert_string_equal(again, expected);
	free(again);
}

static void values_come_back_as_they_were(void **state)
{
	static const char *const texts[] = {"null", "true", "false", "0", "-1", "127", "128",
		"65536", "9223372036854775807", "-9223372036854775808", "\"\"", "\"x\"", "[]", "{}",
		"[1,[2,[]],{\"a\":null}]", "{\"b\":1,\"a\":2,\"c\":{\"z\":1,\"y\":2}}", "1.0",
		"0.1", "-2.5", "1e+300", "1e-07", "0.2", "3.141592653589793",
		"\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\""};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		expect_trip(texts[i], texts[i]);
	}
}

static void space_goes_and_escapes_become_the_shortest(void **state)
{
	expect_trip(" { \"a\" : [ 1 , 2 ] }\n", "{\"a\":[1,2]}");
	expect_trip("\"\\u00fc\\/\\\"\\\\\"", "\"\xc3\xbc/\\\"\\\\\"");
	expect_trip("\"\\b\\t\\n\\f\\r\\u0001\\u0000\\u007f\"",
		"\"\\b\\t\\n\\f\\r\\u0001\\u0000\x7f\"");
	expect_trip("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"");
}

static void a_float_stays_a_float(void **state)
{
	struct runstore_error error;
	void *data;
	size_t size;

	expect_trip("1e2", "100.0");
	expect_trip("-0.0", "-0.0");
	assert_int_equal(runstore_json_to_msgpack("1.0", &data, &size, &error), 0);
	assert_int_equal(size, 9);
	assert_int_equal(*(unsigned char *)data, 0xcb);
	free(data);
}

static void the_members_keep_their_order(void **state)
{
	char text[4096] = "{";
	size_t len = 1;

	for (int i = 199; i >= 0; i--) {
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "\"k%d\":%d%s", i, i, i ? "," : "}");
	}
	expect_trip(text, text);
}

static void expect_refused(const char *text, const char *in_message)
{
	struct runstore_error error = {0};
	void *data = &error;
	size_t size = 4711;

	if (runstore_json_to_msgpack(text, &data, &size, &error) != RUNSTORE_E_INVALID_PARAMS) {
		fail_msg("taken: %s", text);
	}
	assert_int_equal(error.code, RUNSTORE_E_INVALID_PARAMS);
	assert_string_equal(error.name, "invalid_params");
	assert_string_equal(error.type, "invalid_request_error");
	if (!strstr(error.message, in_message)) {
		fail_msg("%s: %s", text, error.message);
	}
	assert_ptr_equal(data, &error);
	assert_int_equal(size, 4711);
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
	expect_refused("", "line 1");
	expect_refused("{\"a\":1,}", "line 1, column 8");
	expect_refused("{\n\"a\": nul\n}", "line 2");
	expect_refused("[1] 2", "line 1");
	expect_refused("{\"a\":1,\"a\":2}", "duplicate");
	expect_refused("'a'", "line 1");
	expect_refused("{a:1}", "line 1");
	expect_refused("\"\xff\"", "0xff");
	expect_refused("\"\\ud800\"", "line 1");
	expect_refused("18446744073709551616", "integer");
	expect_refused("1e999", "real");
	expect_refused("NaN", "line 1");
}

static void expect_too_deep(const char *text)
{
	struct runstore_error error = {0};
	void *data = NULL;
	size_t size = 0;

	assert_int_equal(
		runstore_json_to_msgpack(text, &data, &size, &error), RUNSTORE_E_TOO_LARGE);
	assert_non_null(strstr(error.message, "64 levels"));
	assert_null(data);
}

static char *nested(int levels)
{
	char *text = malloc((size_t)levels * 2 + 1);

	memset(text, '[', (size_t)levels);
	memset(text + levels, ']', (size_t)levels);
	text[2 * levels] = '\0';
	return text;
}

static void nesting_has_an_end(void **state)
{
	char *text = nested(64);

	expect_trip(text, text);
	free(text);
	text = nested(65);
	expect_too_deep(text);
	free(text);
	text = nested(100000);
	expect_too_deep(text);
	free(text);
}

static void expect_no_json(const char *bytes, size_t size)
{
	struct runstore_error error = {0};
	char *text = NULL;

	assert_int_equal(
		runstore_msgpack_to_json(bytes, size, &text, &error), RUNSTORE_E_INVALID_PARAMS);
	assert_null(text);
	assert_true(strlen(error.message) > 0);
}

static void what_json_cannot_say_is_refused(void **state)
{
	expect_no_json("\xc4\x01x", 3);			   /* binary */
	expect_no_json("\xd4\x01x", 3);			   /* extension */
	expect_no_json("\xcb\x7f\xf8\0\0\0\0\0\0", 9);	   /* NaN */
	expect_no_json("\xcb\x7f\xf0\0\0\0\0\0\0", 9);	   /* infinity */
	expect_no_json("\x81\x01\x01", 3);		   /* a key that is no string */
	expect_no_json("\xa1\xff", 2);			   /* no UTF-8 */
	expect_no_json("\x92\x01", 2);			   /* truncated */
	expect_no_json("\x01\x01", 2);			   /* trailing */
	expect_no_json("\xdd\xff\xff\xff\xff", 5);	   /* counts without end */
	expect_no_json("\x82\xa1\x61\x01\xa1\x61\x02", 7); /* a key twice */
	expect_no_json("", 0);
}

static void integers_beyond_63_bits_are_written(void **state)
{
	struct runstore_error error;
	char *text;

	assert_int_equal(
		runstore_msgpack_to_json("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, &text, &error),
		0);
	assert_string_equal(text, "18446744073709551615");
	free(text);
}

static void values_can_be_looked_into(void **state)
{
	struct runstore_value value, none = {NULL, 0};
	struct runstore_error error;
	int64_t number = 3;
	void *data;
	size_t size;
	char *text;

	assert_int_equal(
		runstore_json_to_msgpack("{\"a\":[1,\"two\",{\"b\":null}]}", &data, &size, &error),
		0);
	value = runstore_value_member((struct runstore_value){data, size}, "a");
	assert_int_equal(runstore_value_count(value), 3);
	assert_true(runstore_value_integer(runstore_value_item(value, 0), &number));
	assert_int_equal(number, 1);
	assert_false(runstore_value_integer(runstore_value_item(value, 1), &number));
	assert_int_equal(number, 1);
	text = runstore_value_string(runstore_value_item(value, 1));
	assert_string_equal(text, "two");
	free(text);
	text = runstore_value_json(runstore_value_item(value, 2));
	assert_string_equal(text, "{\"b\":null}");
	free(text);
	assert_null(runstore_value_item(value, 3).data);
	assert_null(runstore_value_member(value, "a").data);
	assert_null(runstore_value_member(none, "a").data);
	assert_int_equal(runstore_value_count(none), 0);
	assert_null(runstore_value_json(none));
	assert_null(runstore_value_string(none));
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_as_they_were),
		cmocka_unit_test(space_goes_and_escapes_become_the_shortest),
		cmocka_unit_test(a_float_stays_a_float),
		cmocka_unit_test(the_members_keep_their_order),
		cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(what_json_cannot_say_is_refused),
		cmocka_unit_test(integers_beyond_63_bits_are_written),
		cmocka_unit_test(values_can_be_looked_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
