/* Frames that are no requests: each is answered, none does harm. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
	const char *data;
	size_t len;
};

/* clang-format off */
#define B(literal) {literal, sizeof(literal) - 1}
/* [0, 1, "server.info", ... */
#define INFO "\x94\x00\x01\xabserver.info"
/* clang-format on */

static const struct bytes unreadable[] = {
	B(""),
	B("\xc1"),
	B("\x94"),
	B("\x94\x00\x01"),
	B("\x94\x00\x01\xabserver"),
	B(INFO),
	B(INFO "\x91"),
	B(INFO "\x91\x81\xa1k"),
	B(INFO "\x90\x00"),
	B(INFO "\x90\xc1"),
	B(INFO "\x91\xc1"),
	B("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	B("{\"jsonrpc\": \"2.0\"}"),
	B("\x00"),
	B("\x80"),
	B("\xc0"),
	B("\xa5hello"),
	/* Counts beyond their bytes. */
	B("\xdd\xff\xff\xff\xff"),
	B("\xdf\xff\xff\xff\xff"),
	B("\xdb\xff\xff\xff\xff"),
	B("\xc6\xff\xff\xff\xff"),
	B("\xc9\xff\xff\xff\xff\x00"),
	B("\xdc\xff\xff"),
	B(INFO "\xdd\xff\xff\xff\xff"),
	B(INFO "\x91\xdf\x7f\xff\xff\xff"),
	B(INFO "\x91\x81\xa1k\xdb\x7f\xff\xff\xff"),
	B(INFO "\x91\x81\xa1k\xdd\x00\x00\x00\x02\x01"),
};

static const struct bytes no_requests[] = {
	B("\x90"),
	B("\x93\x00\x01\xabserver.info"),
	B("\x95\x00\x01\xabserver.info\x90\x90"),
	B("\x94\x01\x01\xabserver.info\x90"),
	B("\x94\x02\x01\xabserver.info\x90"),
	B("\x94\xff\x01\xabserver.info\x90"),
	B("\x94\xa1x\x01\xabserver.info\x90"),
	B("\x94\x00\xff\xabserver.info\x90"),
	B("\x94\x00\xa1x\xabserver.info\x90"),
	B("\x94\x00\xc0\xabserver.info\x90"),
	B("\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xabserver.info\x90"),
	B("\x94\x00\x01\x05\x90"),
	B("\x94\x00\x01\xc0\x90"),
	B("\x94\x00\x01\xc4\x0bserver.info\x90"),
};

static const struct bytes no_params[] = {
	B(INFO "\xc0"),
	B(INFO "\x80"),
	B(INFO "\x05"),
	B(INFO "\x91\x05"),
	B(INFO "\x91\xc0"),
	B(INFO "\x91\x90"),
	B(INFO "\x91\xa1x"),
	B(INFO "\x92\x80\x80"),
	/* A key that is no string. */
	B(INFO "\x91\x81\x01\x02"),
	B(INFO "\x91\x81\xc0\x02"),
	B(INFO "\x91\x81\xc4\x01k\x02"),
};

static const struct bytes bad_text[] = {
	B(INFO "\x91\x82\xa1k\x01\xa1k\x02"),
	B(INFO "\x91\x81\xa1k\x82\xa1j\x01\xa1j\x01"),
	B(INFO "\x91\x83\xa1k\x01\xa1j\x01\xd9\x01k\x02"),
	B("\x94\x00\x01\xa1\xff\x90"),
	B(INFO "\x91\x81\xa1\x80\x01"),
	B(INFO "\x91\x81\xa1k\xa2\xc0\x80"),
	B(INFO "\x91\x81\xa1k\xa3\xed\xa0\x80"),
	B(INFO "\x91\x81\xa1k\xa4\xf4\x90\x80\x80"),
	B(INFO "\x91\x81\xa1k\xa2\xe2\x82"),
	B(INFO "\x91\x81\xa1k\xa1\xbf"),
	B(INFO "\x91\x81\xa1k\x91\xa5\xf8\x88\x80\x80\x80"),
};

static json_t *exchange(struct wire *w, const struct bytes *bytes)
{
	json_t *reply = wire_exchange(w, bytes->data, bytes->len);

	if (!reply) {
		fail_msg("a frame of %zu bytes was not answered", bytes->len);
	}
	return reply;
}

/* Every frame is refused with @codes; its msgid comes back as 0, or as sent if @or_one. */
static void expect_refused(
	struct wire *w, const struct bytes *frames, size_t n, const char *codes, bool or_one)
{
	for (size_t i = 0; i < n; i++) {
		json_t *reply = exchange(w, &frames[i]);
		json_int_t msgid = json_integer_value(json_array_get(reply, 1));
		char what[40];

		snprintf(what, sizeof(what), "frame %zu of its table", i);
		check_error(what, json_array_get(reply, 2), codes, NULL);
		assert_true(json_is_null(json_array_get(reply, 3)));
		assert_true(msgid == 0 || (or_one && msgid == 1));
	}
}

static void what_cannot_be_read_is_answered_with_msgid_zero(void **state)
{
	expect_refused(wire_of(state), unreadable, sizeof(unreadable) / sizeof(*unreadable),
		"invalid_frame", false);
}

static void what_is_no_request_is_an_invalid_frame(void **state)
{
	expect_refused(wire_of(state), no_requests, sizeof(no_requests) / sizeof(*no_requests),
		"invalid_frame", true);
}

static void params_are_one_map(void **state)
{
	expect_refused(wire_of(state), no_params, sizeof(no_params) / sizeof(*no_params),
		"invalid_frame|invalid_params", true);
}

static void keys_stand_once_and_text_is_utf8(void **state)
{
	expect_refused(wire_of(state), bad_text, sizeof(bad_text) / sizeof(*bad_text),
		"invalid_frame", true);
}

static void no_params_may_be_an_empty_list_or_an_empty_map(void **state)
{
	static const struct bytes good[] = {B(INFO "\x90"), B(INFO "\x91\x80"),
		B(INFO "\xdc\x00\x00"), B("\xdc\x00\x04\x00\xcc\x01\xd9\x0bserver.info\x90")};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		json_t *reply = exchange(wire_of(state), &good[i]);

		assert_int_equal(json_integer_value(json_array_get(reply, 1)), 1);
		assert_true(json_is_null(json_array_get(reply, 2)));
		assert_true(json_is_object(json_array_get(reply, 3)));
	}
}

static void any_msgid_of_32_bits_comes_back(void **state)
{
	static const struct {
		struct bytes frame;
		json_int_t msgid;
	} rows[] = {
		{B("\x94\x00\x00\xabserver.info\x90"), 0},
		{B("\x94\x00\xce\xff\xff\xff\xff\xabserver.info\x90"), 4294967295},
		{B("\x94\x00\xce\x80\x00\x00\x00\xabserver.info\x90"), 2147483648},
		{B("\x94\x00\xcd\xff\xff\xa5no.no\x90"), 65535},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *reply = exchange(wire_of(state), &rows[i].frame);

		assert_int_equal(json_integer_value(json_array_get(reply, 1)), rows[i].msgid);
	}
}

static void an_unknown_method_is_named_so(void **state)
{
	static const char *const methods[] = {"", "runs", "runs.", "runs.get ", "RUNS.GET",
		"runs.fly", "server.info.pid", "__proto__"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		expect_error(w, methods[i], "unknown_method", NULL, NULL);
		expect_error(w, methods[i], "unknown_method", NULL, "{'run_id':1}");
	}
	expect_error(w, repeated(w, "x", 100000), "unknown_method", NULL, NULL);
}

/* A server.info whose unknown param makes the frame @depth levels deep. */
static json_t *deep_info(struct wire *w, int depth)
{
	size_t lists = (size_t)depth - 3;

	return codec_parse("{'x':%s%s}", repeated(w, "[", lists), repeated(w, "]", lists));
}

static void thirty_two_levels_are_read_and_one_more_is_too_large(void **state)
{
	struct wire *w = wire_of(state);

	expect_error_take(w, "server.info", "unknown_param", "x", deep_info(w, 32));
	expect_error_take(w, "server.info", "too_large", NULL, deep_info(w, 33));
}

/* A runs.create whose tool's parameters make its frame @depth levels deep. */
static json_t *deep_create(struct wire *w, int depth)
{
	size_t lists = (size_t)depth - 7;

	return codec_parse("{'thread_id':'t_deep','assistant_id':'a','id':'deep','tools':"
			   "[{'type':'function','function':{'name':'n','parameters':{'p':%s%s}}}]}",
		repeated(w, "[", lists), repeated(w, "]", lists));
}

/* Whatever depth an object may have: no reply that holds it is deeper than 32 levels. */
static void the_deepest_run_can_be_read_in_every_reply(void **state)
{
	struct wire *w = wire_of(state);
	const json_t *error;
	int depth = 33;
	json_t *run;

	do {
		depth--;
		assert_true(depth >= 24);
		error = field(wire_call_take(w, "runs.create", deep_create(w, depth)), "error");
	} while (!json_is_null(error));
	print_message("# the deepest runs.create that is accepted has %d levels\n", depth);
	run = run_get(w, "deep");
	expect_same(field(expect_ok(w, "runs.list", "{'thread_id':'t_deep'}"), "data[0]"), run);
	expect_same(field(expect_ok(w, "batch", "{'requests':[['runs.get',{'run_id':'deep'}]]}"),
			    "results[0][1]"),
		run);
	expect_same(
		field(expect_ok(w, "batch", "{'requests':[['runs.list',{'thread_id':'t_deep'}]]}"),
			"results[0][1].data[0]"),
		run);
}

static void a_frame_of_nothing_but_depth_is_answered(void **state)
{
	struct wire *w = wire_of(state);
	struct bytes deep = {.len = 1000000};
	char *data = malloc(deep.len);

	assert_non_null(data);
	memset(data, 0x91, deep.len);
	deep.data = data;
	expect_refused(w, &deep, 1, "too_large|invalid_frame", false);
	memset(data, 0x81, deep.len);
	expect_refused(w, &deep, 1, "too_large|invalid_frame", false);
	free(data);
}

/* runs.create in thread t_raw with one more member, packed by @pack. */
static json_t *create_with(struct wire *w, const char *member, void (*pack)(msgpack_packer *))
{
	msgpack_sbuffer frame;
	msgpack_packer packer;
	json_t *reply;

	msgpack_sbuffer_init(&frame);
	msgpack_packer_init(&packer, &frame, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 0);
	msgpack_pack_int(&packer, 1);
	codec_pack_text(&packer, "runs.create");
	msgpack_pack_array(&packer, 1);
	msgpack_pack_map(&packer, 4);
	codec_pack_text(&packer, "thread_id");
	codec_pack_text(&packer, "t_raw");
	codec_pack_text(&packer, "assistant_id");
	codec_pack_text(&packer, "a");
	codec_pack_text(&packer, "on_active");
	codec_pack_text(&packer, "parallel");
	codec_pack_text(&packer, member);
	pack(&packer);
	reply = wire_exchange(w, frame.data, frame.size);
	msgpack_sbuffer_destroy(&frame);
	assert_non_null(reply);
	return reply;
}

static void pack_nan(msgpack_packer *packer)
{
	msgpack_pack_double(packer, (double)NAN);
}

static void pack_infinity(msgpack_packer *packer)
{
	msgpack_pack_double(packer, (double)INFINITY);
}

static void pack_half(msgpack_packer *packer)
{
	msgpack_pack_float(packer, 0.5F);
}

static void pack_bin(msgpack_packer *packer)
{
	msgpack_pack_bin(packer, 1);
	msgpack_pack_bin_body(packer, "x", 1);
}

static void pack_ext(msgpack_packer *packer)
{
	msgpack_pack_ext(packer, 1, 5);
	msgpack_pack_ext_body(packer, "x", 1);
}

static void pack_huge(msgpack_packer *packer)
{
	msgpack_pack_uint64(packer, UINT64_MAX);
}

static void values_that_json_has_not_are_refused(void **state)
{
	static const struct {
		const char *member;
		void (*pack)(msgpack_packer *);
	} rows[] = {{"temperature", pack_nan}, {"temperature", pack_infinity}, {"model", pack_bin},
		{"instructions", pack_ext}, {"metadata", pack_ext}, {"id", pack_bin},
		{"max_prompt_tokens", pack_nan}, {"expires_in", pack_huge}};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *reply = create_with(w, rows[i].member, rows[i].pack);

		check_error(rows[i].member, json_array_get(reply, 2),
			"invalid_params|invalid_frame|invalid_id", NULL);
	}
	expect_error(w, "runs.list", "not_found", NULL, "{'thread_id':'t_raw'}");
}

static void a_single_precision_float_is_a_number(void **state)
{
	json_t *reply = create_with(wire_of(state), "temperature", pack_half);

	expect_fields(json_array_get(reply, 3), "{'temperature':0.5}");
}

static void changed_and_cut_frames_are_all_answered(void **state)
{
	struct wire *w = wire_of(state);
	pid_t server = fixture_server(*state);
	msgpack_sbuffer frame;
	json_t *params =
		codec_parse("{'thread_id':'t_fuzz','assistant_id':'a','metadata':{'k':'v'},"
			    "'tools':[{'type':'function','function':{'name':'n'}}]}");

	srand(1);
	msgpack_sbuffer_init(&frame);
	codec_pack_request(&frame, 1, "runs.create", params);
	json_decref(params);
	for (int i = 0; i < 3000; i++) {
		char changed[256];
		struct bytes bytes = {changed, frame.size - (i % 3 ? 0 : (size_t)rand() % 20)};

		assert_true(frame.size <= sizeof(changed));
		memcpy(changed, frame.data, frame.size);
		for (int j = rand() % 4; j >= 0; j--) {
			changed[(size_t)rand() % frame.size] = (char)rand();
		}
		exchange(w, &bytes);
	}
	msgpack_sbuffer_destroy(&frame);
	assert_int_equal(fixture_server(*state), server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_read_is_answered_with_msgid_zero),
		cmocka_unit_test(what_is_no_request_is_an_invalid_frame),
		cmocka_unit_test(params_are_one_map),
		cmocka_unit_test(keys_stand_once_and_text_is_utf8),
		cmocka_unit_test(no_params_may_be_an_empty_list_or_an_empty_map),
		cmocka_unit_test(any_msgid_of_32_bits_comes_back),
		cmocka_unit_test(an_unknown_method_is_named_so),
		cmocka_unit_test(thirty_two_levels_are_read_and_one_more_is_too_large),
		cmocka_unit_test(the_deepest_run_can_be_read_in_every_reply),
		cmocka_unit_test(a_frame_of_nothing_but_depth_is_answered),
		cmocka_unit_test(values_that_json_has_not_are_refused),
		cmocka_unit_test(a_single_precision_float_is_a_number),
		cmocka_unit_test(changed_and_cut_frames_are_all_answered),
	};

	return cmocka_run_group_tests_name("frames", tests, fixture_start, fixture_stop);
}
