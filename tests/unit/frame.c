#include "tests/support/cmocka_all.h"

#include "proto/bounds.h"
#include "proto/frame.h"
#include "tests/unit/bytes.h"

#define REFUSED(literal, code_, msgid_) refused(GUARDED(literal), (code_), (msgid_))

static void refused(struct slice bytes, int code, uint32_t msgid)
{
	struct request_frame f = {.msgid = 99, .method = SLICE_LIT("x")};
	struct problem p = {0};

	assert_int_equal(frame_read_request(bytes, &f, &p), code);
	assert_int_equal(p.code, code);
	assert_int_equal(f.msgid, msgid);
	assert_true(strlen(p.message) > 10);
	assert_string_equal(p.param, "");
}

static void a_request_is_read_as_it_was_written(void **state)
{
	static const uint32_t msgids[] = {0, 1, 127, 128, 65536, UINT32_MAX};

	for (size_t i = 0; i < sizeof(msgids) / sizeof(*msgids); i++) {
		struct request_frame f;
		struct buf b = {0};
		struct problem p;

		frame_write_request(&b, msgids[i], SLICE_LIT("runs.get"),
			SLICE_LIT("\x81\xa6run_id\xa1"
				  "7"));
		assert_int_equal(frame_read_request(guarded_slice(buf_slice(&b)), &f, &p), 0);
		assert_int_equal(f.msgid, msgids[i]);
		assert_bytes(f.method, SLICE_LIT("runs.get"));
		assert_bytes(f.params, SLICE_LIT("\x81\xa6run_id\xa1"
						 "7"));
		buf_finish(&b);
	}
}

static void a_request_without_params_has_an_empty_map(void **state)
{
	struct request_frame f;
	struct problem p;

	assert_int_equal(frame_read_request(GUARDED("\x94\x00\x05\xa1m\x90"), &f, &p), 0);
	assert_int_equal(f.msgid, 5);
	assert_bytes(f.params, SLICE_LIT("\x80"));
	assert_int_equal(frame_read_request(GUARDED("\x94\x00\x05\xa1m\x91\x80"), &f, &p), 0);
	assert_bytes(f.params, SLICE_LIT("\x80"));
}

static void a_request_in_long_encodings_is_read(void **state)
{
	struct request_frame f;
	struct problem p;

	assert_int_equal(frame_read_request(
				 GUARDED("\xdd\x00\x00\x00\x04\xd3\x00\x00\x00\x00\x00\x00\x00\x00"
					 "\xcf\x00\x00\x00\x00\xff\xff\xff\xff\xdb\x00\x00\x00\x01m"
					 "\xdc\x00\x01\xdf\x00\x00\x00\x00"),
				 &f, &p),
		0);
	assert_int_equal(f.msgid, UINT32_MAX);
	assert_bytes(f.method, SLICE_LIT("m"));
	assert_bytes(f.params, SLICE_LIT("\xdf\x00\x00\x00\x00"));
}

static void bytes_that_are_no_msgpack_are_refused_with_msgid_0(void **state)
{
	REFUSED("", E_INVALID_FRAME, 0);
	REFUSED("\xc1", E_INVALID_FRAME, 0);
	REFUSED("GET / HTTP/1.1\r\n", E_INVALID_FRAME, 0);
	REFUSED("\xdd\xff\xff\xff\xff", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\x07\xa1m\x91\x80\x00", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\x07\xa1m\x91\x81\xa1k", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\x07\xa1\xff\x90", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\x07\xa1m\x91\x82\xa1k\x01\xa1k\x02", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\x07\xa1m\x91\x81\x01\x02", E_INVALID_FRAME, 0);
}

static void every_cut_of_a_request_is_refused(void **state)
{
	static const char whole[] = "\x94\x00\x07\xa8runs.get\x91\x81\xa6run_id\xa1"
				    "7";

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		refused(guarded(whole, len), E_INVALID_FRAME, 0);
	}
}

static void msgpack_that_is_no_request_is_refused_with_msgid_0(void **state)
{
	REFUSED("\x01", E_INVALID_FRAME, 0);
	REFUSED("\x80", E_INVALID_FRAME, 0);
	REFUSED("\x90", E_INVALID_FRAME, 0);
	REFUSED("\x93\x00\x07\xa1m", E_INVALID_FRAME, 0);
	REFUSED("\x95\x00\x07\xa1m\x90\xc0", E_INVALID_FRAME, 0);
	REFUSED("\x94\x01\x07\xa1m\x90", E_INVALID_FRAME, 0); /* a reply */
	REFUSED("\x93\x02\xa1m\x90", E_INVALID_FRAME, 0);     /* a notification */
	REFUSED("\x94\xa1x\x07\xa1m\x90", E_INVALID_FRAME, 0);
}

static void a_msgid_beyond_32_bits_is_refused(void **state)
{
	REFUSED("\x94\x00\xff\xa1m\x90", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa1m\x90", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1m\x90", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\xca\x00\x00\x00\x00\xa1m\x90", E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\xa1"
		"7\xa1m\x90",
		E_INVALID_FRAME, 0);
	REFUSED("\x94\x00\xc0\xa1m\x90", E_INVALID_FRAME, 0);
}

static void what_is_wrong_behind_the_msgid_is_answered_to_it(void **state)
{
	REFUSED("\x94\x00\x07\x01\x90", E_INVALID_FRAME, 7);
	REFUSED("\x94\x00\x07\xc4\x01m\x90", E_INVALID_FRAME, 7);
	REFUSED("\x94\x00\x07\xa1m\xc0", E_INVALID_FRAME, 7);
	REFUSED("\x94\x00\x07\xa1m\x80", E_INVALID_FRAME, 7);
	REFUSED("\x94\x00\x07\xa1m\x92\x80\x80", E_INVALID_FRAME, 7);
	REFUSED("\x94\x00\x07\xa1m\x91\xc0", E_INVALID_FRAME, 7);
	REFUSED("\x94\x00\x07\xa1m\x91\x90", E_INVALID_FRAME, 7);
}

static void nest(struct buf *b, uint32_t msgid, int levels)
{
	mp_put_array(b, 4);
	mp_put_int(b, 0);
	mp_put_uint(b, msgid);
	mp_put_cstr(b, "m");
	mp_put_array(b, 1);
	mp_put_map(b, 1);
	mp_put_cstr(b, "k");
	for (int i = 4; i < levels; i++) {
		mp_put_array(b, 1);
	}
	mp_put_array(b, 0);
}

static void a_request_that_is_too_deep_is_answered_to_its_msgid(void **state)
{
	struct request_frame f;
	struct buf b = {0};
	struct problem p;

	nest(&b, 70000, MAX_DEPTH);
	assert_int_equal(frame_read_request(guarded_slice(buf_slice(&b)), &f, &p), 0);
	buf_reset(&b, 0);
	nest(&b, 70000, MAX_DEPTH + 1);
	refused(guarded_slice(buf_slice(&b)), E_TOO_LARGE, 70000);
	buf_reset(&b, 0);
	nest(&b, 70000, 100000);
	refused(guarded_slice(buf_slice(&b)), E_TOO_LARGE, 70000);
	buf_finish(&b);
}

static void what_is_too_deep_and_no_request_has_msgid_0(void **state)
{
	struct buf b = {0};

	for (int i = 0; i < 40; i++) {
		mp_put_array(&b, 1);
	}
	refused(guarded_slice(buf_slice(&b)), E_TOO_LARGE, 0);
	buf_finish(&b);
}

static void a_reply_with_a_result_is_read_as_it_was_written(void **state)
{
	struct reply_frame f;
	struct buf b = {0};

	frame_begin_result(&b, UINT32_MAX);
	mp_put_cstr(&b, "done");
	assert_int_equal(frame_read_reply(guarded_slice(buf_slice(&b)), &f), 0);
	assert_int_equal(f.msgid, UINT32_MAX);
	assert_null(f.error.ptr);
	assert_bytes(f.result, SLICE_LIT("\xa4"
					 "done"));
	buf_reset(&b, 0);
	frame_begin_result(&b, 1);
	mp_put_nil(&b);
	assert_int_equal(frame_read_reply(guarded_slice(buf_slice(&b)), &f), 0);
	assert_null(f.error.ptr);
	assert_bytes(f.result, SLICE_LIT("\xc0"));
	buf_finish(&b);
}

static void a_reply_that_refuses_is_read_as_it_was_written(void **state)
{
	struct reply_frame f;
	struct buf b = {0};
	struct problem p;

	problem_set(&p, E_NOT_FOUND, "run_id", "No run found with id 'x'.");
	frame_write_error(&b, 3, &p);
	assert_int_equal(frame_read_reply(guarded_slice(buf_slice(&b)), &f), 0);
	assert_int_equal(f.msgid, 3);
	assert_null(f.result.ptr);
	assert_bytes(mp_lookup(f.error, "code"), SLICE_LIT("\xa9not_found"));
	assert_bytes(mp_lookup(f.error, "param"), SLICE_LIT("\xa6run_id"));
	buf_finish(&b);
}

static void what_is_no_reply_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {{"", 0}, {"\x94\x00\x01\xc0\xc0", 5}, {"\x93\x01\x01\xc0", 4},
		{"\x94\x01\xff\xc0\xc0", 5}, {"\x94\x01\x01\xc0\xc1", 5}, {"\x94\x01\x01\xc0", 4},
		{"\x94\x01\x01\xc0\xc0\xc0", 6}, {"\x95\x01\x01\xc0\xc0\xc0", 6}};
	struct reply_frame f = {.msgid = 9};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(
			frame_read_reply(guarded(rows[i].bytes, rows[i].len), &f), E_INVALID_FRAME);
		assert_int_equal(f.msgid, 0);
		assert_null(f.result.ptr);
	}
}

static void an_event_begins_as_a_notification(void **state)
{
	struct buf b = {0};

	frame_begin_event(&b, SLICE_LIT("thread.run.queued"));
	assert_bytes(buf_slice(&b), SLICE_LIT("\x93\x02\xb1thread.run.queued\x91"));
	mp_put_map(&b, 0);
	assert_int_equal(mp_scan(buf_slice(&b), MAX_DEPTH), MP_OK);
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_as_it_was_written),
		cmocka_unit_test(a_request_without_params_has_an_empty_map),
		cmocka_unit_test(a_request_in_long_encodings_is_read),
		cmocka_unit_test(bytes_that_are_no_msgpack_are_refused_with_msgid_0),
		cmocka_unit_test(every_cut_of_a_request_is_refused),
		cmocka_unit_test(msgpack_that_is_no_request_is_refused_with_msgid_0),
		cmocka_unit_test(a_msgid_beyond_32_bits_is_refused),
		cmocka_unit_test(what_is_wrong_behind_the_msgid_is_answered_to_it),
		cmocka_unit_test(a_request_that_is_too_deep_is_answered_to_its_msgid),
		cmocka_unit_test(what_is_too_deep_and_no_request_has_msgid_0),
		cmocka_unit_test(a_reply_with_a_result_is_read_as_it_was_written),
		cmocka_unit_test(a_reply_that_refuses_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_reply_is_refused),
		cmocka_unit_test(an_event_begins_as_a_notification),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
