#include "tests/support/cmocka_all.h"

#include "proto/mp.h"
#include "tests/unit/bytes.h"

#include <math.h>

#define BYTES(s)                                                                                   \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

static const struct row {
	struct slice bytes; /* the token; of an array or a map, its header */
	struct mp want;
} rows[] = {
	{BYTES("\xc0"), {.type = MP_NIL}},
	{BYTES("\xc2"), {.type = MP_BOOL, .b = false}},
	{BYTES("\xc3"), {.type = MP_BOOL, .b = true}},
	{BYTES("\x00"), {.type = MP_INT, .i = 0}},
	{BYTES("\x7f"), {.type = MP_INT, .i = 127}},
	{BYTES("\xe0"), {.type = MP_INT, .i = -32}},
	{BYTES("\xff"), {.type = MP_INT, .i = -1}},
	{BYTES("\xcc\xff"), {.type = MP_INT, .i = 255}},
	{BYTES("\xcd\xff\xfe"), {.type = MP_INT, .i = 65534}},
	{BYTES("\xce\xff\xff\xff\xfe"), {.type = MP_INT, .i = 4294967294}},
	{BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), {.type = MP_INT, .i = INT64_MAX}},
	{BYTES("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), {.type = MP_UINT, .u = 1ull << 63}},
	{BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), {.type = MP_UINT, .u = UINT64_MAX}},
	{BYTES("\xd0\x80"), {.type = MP_INT, .i = -128}},
	{BYTES("\xd0\x7f"), {.type = MP_INT, .i = 127}},
	{BYTES("\xd1\x80\x00"), {.type = MP_INT, .i = -32768}},
	{BYTES("\xd2\x80\x00\x00\x00"), {.type = MP_INT, .i = INT32_MIN}},
	{BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), {.type = MP_INT, .i = INT64_MIN}},
	{BYTES("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), {.type = MP_INT, .i = INT64_MAX}},
	{BYTES("\xca\x3f\xc0\x00\x00"), {.type = MP_FLOAT, .f = 1.5}},
	{BYTES("\xca\xff\x80\x00\x00"), {.type = MP_FLOAT, .f = -INFINITY}},
	{BYTES("\xcb\xc0\x04\x00\x00\x00\x00\x00\x00"), {.type = MP_FLOAT, .f = -2.5}},
	{BYTES("\xa0"), {.type = MP_STR, .str = BYTES("")}},
	{BYTES("\xa3"
	       "abc"),
		{.type = MP_STR, .str = BYTES("abc")}},
	{BYTES("\xd9\x03"
	       "abc"),
		{.type = MP_STR, .str = BYTES("abc")}},
	{BYTES("\xda\x00\x03"
	       "abc"),
		{.type = MP_STR, .str = BYTES("abc")}},
	{BYTES("\xdb\x00\x00\x00\x03"
	       "abc"),
		{.type = MP_STR, .str = BYTES("abc")}},
	{BYTES("\xc4\x02\x00\xff"), {.type = MP_BIN, .str = BYTES("\x00\xff")}},
	{BYTES("\xc5\x00\x02\x00\xff"), {.type = MP_BIN, .str = BYTES("\x00\xff")}},
	{BYTES("\xc6\x00\x00\x00\x00"), {.type = MP_BIN, .str = BYTES("")}},
	{BYTES("\xc7\x00\x05"), {.type = MP_EXT, .str = BYTES("\x05")}},
	{BYTES("\xc8\x00\x01\x05x"), {.type = MP_EXT, .str = BYTES("\x05x")}},
	{BYTES("\xc9\x00\x00\x00\x02\x05xy"), {.type = MP_EXT, .str = BYTES("\x05xy")}},
	{BYTES("\xd4\x05"
	       "1"),
		{.type = MP_EXT,
			.str = BYTES("\x05"
				     "1")}},
	{BYTES("\xd5\x05"
	       "12"),
		{.type = MP_EXT,
			.str = BYTES("\x05"
				     "12")}},
	{BYTES("\xd6\x05"
	       "1234"),
		{.type = MP_EXT,
			.str = BYTES("\x05"
				     "1234")}},
	{BYTES("\xd7\x05"
	       "12345678"),
		{.type = MP_EXT,
			.str = BYTES("\x05"
				     "12345678")}},
	{BYTES("\xd8\x05"
	       "0123456789abcdef"),
		{.type = MP_EXT,
			.str = BYTES("\x05"
				     "0123456789abcdef")}},
	{BYTES("\x90"), {.type = MP_ARRAY, .n = 0}},
	{BYTES("\x9f"), {.type = MP_ARRAY, .n = 15}},
	{BYTES("\xdc\xff\xff"), {.type = MP_ARRAY, .n = 65535}},
	{BYTES("\xdd\xff\xff\xff\xff"), {.type = MP_ARRAY, .n = UINT32_MAX}},
	{BYTES("\x80"), {.type = MP_MAP, .n = 0}},
	{BYTES("\x8f"), {.type = MP_MAP, .n = 15}},
	{BYTES("\xde\x01\x00"), {.type = MP_MAP, .n = 256}},
	{BYTES("\xdf\xff\xff\xff\xff"), {.type = MP_MAP, .n = UINT32_MAX}},
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

static void assert_token(const struct mp *got, const struct mp *want)
{
	assert_int_equal(got->type, want->type);
	switch (want->type) {
	case MP_NIL:
		break;
	case MP_BOOL:
		assert_int_equal(got->b, want->b);
		break;
	case MP_INT:
	case MP_UINT:
		assert_true(got->u == want->u);
		break;
	case MP_FLOAT:
		assert_memory_equal(&got->f, &want->f, sizeof(double));
		break;
	case MP_ARRAY:
	case MP_MAP:
		assert_int_equal(got->n, want->n);
		break;
	default:
		assert_bytes(got->str, want->str);
		break;
	}
}

static void every_format_is_read_with_its_value(void **state)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		struct slice in = guarded_slice(rows[i].bytes);
		const uint8_t *end = in.ptr + in.len;
		struct mp t;

		assert_true(mp_read(&in, &t));
		assert_ptr_equal(in.ptr, end);
		assert_int_equal(in.len, 0);
		assert_token(&t, &rows[i].want);
	}
}

static void a_token_that_is_cut_is_not_read_and_moves_nothing(void **state)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		for (size_t len = 0; len < rows[i].bytes.len; len++) {
			struct slice in = guarded(rows[i].bytes.ptr, len), before = in;
			struct mp t;

			assert_false(mp_read(&in, &t));
			assert_ptr_equal(in.ptr, before.ptr);
			assert_int_equal(in.len, before.len);
		}
	}
}

static void a_body_longer_than_memory_is_not_read(void **state)
{
	static const struct slice heads[] = {
		BYTES("\xdb\xff\xff\xff\xff"
		      "abc"),
		BYTES("\xc6\xff\xff\xff\xff"
		      "abc"),
		BYTES("\xc9\xff\xff\xff\xff\x01"
		      "abc"),
		BYTES("\xc7\x03\x01"
		      "ab"),
	};
	struct mp t;

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		struct slice in = guarded_slice(heads[i]);

		assert_false(mp_read(&in, &t));
		assert_int_equal(in.len, heads[i].len);
	}
}

static void only_the_byte_c1_begins_no_token(void **state)
{
	uint8_t bytes[40] = {0};
	struct mp t;

	for (unsigned int head = 0; head < 256; head++) {
		struct slice in;

		bytes[0] = (uint8_t)head;
		in = guarded(bytes, sizeof(bytes));
		assert_int_equal(mp_read(&in, &t), head != 0xc1);
	}
}

static void integers_are_put_in_their_shortest_form(void **state)
{
	static const struct {
		int64_t v;
		size_t len;
	} cases[] = {{0, 1}, {127, 1}, {128, 2}, {255, 2}, {256, 3}, {65535, 3}, {65536, 5},
		{UINT32_MAX, 5}, {INT64_C(1) << 32, 9}, {INT64_MAX, 9}, {-1, 1}, {-32, 1}, {-33, 2},
		{-128, 2}, {-129, 3}, {-32768, 3}, {-32769, 5}, {INT32_MIN, 5},
		{(int64_t)INT32_MIN - 1, 9}, {INT64_MIN, 9}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = {0};
		int64_t v;

		mp_put_int(&b, cases[i].v);
		assert_int_equal(b.len, cases[i].len);
		assert_true(mp_get_int(buf_slice(&b), &v));
		assert_true(v == cases[i].v);
		if (v >= 0) {
			mp_put_uint(&b, (uint64_t)v);
			assert_int_equal(b.len, 2 * cases[i].len);
			assert_memory_equal(b.ptr, b.ptr + cases[i].len, cases[i].len);
		}
		buf_finish(&b);
	}
}

static void strings_and_containers_are_put_in_their_shortest_form(void **state)
{
	static const struct {
		uint32_t n;
		size_t str, items; /* bytes of the header */
	} cases[] = {{0, 1, 1}, {15, 1, 1}, {16, 1, 3}, {31, 1, 3}, {32, 2, 3}, {255, 2, 3},
		{256, 3, 3}, {65535, 3, 3}, {65536, 5, 5}};
	static const char text[65536];
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice in;
		struct mp t;

		buf_reset(&b, SIZE_MAX);
		mp_put_str(&b, slice_of(text, cases[i].n));
		assert_int_equal(b.len, cases[i].str + cases[i].n);
		mp_put_array(&b, cases[i].n);
		mp_put_map(&b, cases[i].n);
		assert_int_equal(b.len, cases[i].str + cases[i].n + 2 * cases[i].items);
		in = buf_slice(&b);
		assert_true(mp_read(&in, &t));
		assert_token(&t,
			&(struct mp){.type = MP_STR, .str = {b.ptr + cases[i].str, cases[i].n}});
		assert_true(mp_read(&in, &t));
		assert_token(&t, &(struct mp){.type = MP_ARRAY, .n = cases[i].n});
		assert_true(mp_read(&in, &t));
		assert_token(&t, &(struct mp){.type = MP_MAP, .n = cases[i].n});
		assert_int_equal(in.len, 0);
	}
	buf_finish(&b);
}

static void constants_and_floats_are_read_back(void **state)
{
	struct buf b = {0};
	struct slice in;
	double f;
	bool v;

	mp_put_nil(&b);
	mp_put_bool(&b, true);
	mp_put_bool(&b, false);
	mp_put_double(&b, 0.1);
	mp_put_cstr(&b, "end");
	in = buf_slice(&b);
	assert_true(mp_is_nil(mp_value(&in)));
	assert_true(mp_get_bool(mp_value(&in), &v));
	assert_true(v);
	assert_true(mp_get_bool(mp_value(&in), &v));
	assert_false(v);
	assert_true(mp_get_double(mp_value(&in), &f));
	assert_memory_equal(&f, &(double){0.1}, sizeof(f));
	assert_bytes(in, SLICE_LIT("\xa3"
				   "end"));
	buf_finish(&b);
}

static void a_value_is_taken_with_all_that_is_in_it(void **state)
{
	struct slice in = GUARDED("\x82\xa1"
				  "a\x92\x01\x80\xa1"
				  "b\xd9\x01x\x07");
	struct slice value = mp_value(&in);

	assert_bytes(value, SLICE_LIT("\x82\xa1"
				      "a\x92\x01\x80\xa1"
				      "b\xd9\x01x"));
	assert_bytes(in, SLICE_LIT("\x07"));
}

static void a_value_that_is_cut_is_none(void **state)
{
	static const char whole[] = "\x82\xa1"
				    "a\x92\x01\x80\xa1"
				    "b\xd9\x01x";

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct slice in = guarded(whole, len);

		assert_null(mp_value(&in).ptr);
	}
}

static void getters_take_their_own_type_alone(void **state)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct mp *want = &rows[i].want;
		struct slice value = guarded_slice(rows[i].bytes), s;
		int64_t n;
		double f;
		bool v;

		assert_int_equal(mp_get_str(value, &s), want->type == MP_STR);
		assert_int_equal(mp_get_int(value, &n), want->type == MP_INT);
		assert_int_equal(mp_get_bool(value, &v), want->type == MP_BOOL);
		assert_int_equal(mp_is_nil(value), want->type == MP_NIL);
		assert_int_equal(mp_get_double(value, &f),
			want->type == MP_FLOAT || want->type == MP_INT || want->type == MP_UINT);
	}
	assert_false(mp_is_nil(slice_of(NULL, 0)));
}

static void a_map_is_searched_by_key(void **state)
{
	struct slice map = GUARDED("\x83\xa1"
				   "a\x81\xa1"
				   "b\x01\xd9\x01"
				   "b\x02\xa0\x03");

	assert_bytes(mp_lookup(map, "a"), SLICE_LIT("\x81\xa1"
						    "b\x01"));
	assert_bytes(mp_lookup(map, "b"), SLICE_LIT("\x02"));
	assert_bytes(mp_lookup(map, ""), SLICE_LIT("\x03"));
	assert_null(mp_lookup(map, "c").ptr);
	assert_null(mp_lookup(SLICE_LIT("\x91\xa1"
					"a"),
		"a")
			    .ptr);
	assert_null(mp_lookup(slice_of(NULL, 0), "a").ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_is_read_with_its_value),
		cmocka_unit_test(a_token_that_is_cut_is_not_read_and_moves_nothing),
		cmocka_unit_test(a_body_longer_than_memory_is_not_read),
		cmocka_unit_test(only_the_byte_c1_begins_no_token),
		cmocka_unit_test(integers_are_put_in_their_shortest_form),
		cmocka_unit_test(strings_and_containers_are_put_in_their_shortest_form),
		cmocka_unit_test(constants_and_floats_are_read_back),
		cmocka_unit_test(a_value_is_taken_with_all_that_is_in_it),
		cmocka_unit_test(a_value_that_is_cut_is_none),
		cmocka_unit_test(getters_take_their_own_type_alone),
		cmocka_unit_test(a_map_is_searched_by_key),
	};

	return cmocka_run_group_tests_name("mp_read", tests, NULL, NULL);
}
