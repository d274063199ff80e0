#include "tests/support/cmocka_all.h"

#include "proto/mp.h"
#include "tests/unit/bytes.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPTH 32

#define SCAN(literal) mp_scan(GUARDED(literal), DEPTH)

static enum mp_fault scan_buf(struct buf *b)
{
	enum mp_fault fault = mp_scan(guarded_slice(buf_slice(b)), DEPTH);

	buf_finish(b);
	return fault;
}

static void whole_values_are_well_formed(void **state)
{
	assert_int_equal(SCAN("\xc0"), MP_OK);
	assert_int_equal(SCAN("\x90"), MP_OK);
	assert_int_equal(SCAN("\x80"), MP_OK);
	assert_int_equal(SCAN("\x92\x01\x92\x02\xa1x"), MP_OK);
	assert_int_equal(SCAN("\x82\xa1"
			      "a\x80\xa1"
			      "b\x93\xc0\xc2\xc3"),
		MP_OK);
	assert_int_equal(SCAN("\xdd\x00\x00\x00\x01\xdf\x00\x00\x00\x00"), MP_OK);
	assert_int_equal(SCAN("\xc4\x01\xff"), MP_OK);
	assert_int_equal(SCAN("\xd4\x01\xff"), MP_OK);
}

static void nothing_is_truncated(void **state)
{
	assert_int_equal(mp_scan(slice_of(NULL, 0), DEPTH), MP_FAULT_TRUNCATED);
	assert_int_equal(SCAN(""), MP_FAULT_TRUNCATED);
}

static void bytes_behind_the_value_are_refused(void **state)
{
	assert_int_equal(SCAN("\xc0\xc0"), MP_FAULT_TRAILING);
	assert_int_equal(SCAN("\x90\xc1"), MP_FAULT_TRAILING);
	assert_int_equal(SCAN("\x91\x01\x00"), MP_FAULT_TRAILING);
	assert_int_equal(SCAN("\xa1"
			      "ab"),
		MP_FAULT_TRAILING);
}

static void the_byte_c1_is_refused_anywhere(void **state)
{
	assert_int_equal(SCAN("\xc1"), MP_FAULT_RESERVED);
	assert_int_equal(SCAN("\x92\x01\xc1"), MP_FAULT_RESERVED);
	assert_int_equal(SCAN("\x81\xa1"
			      "a\xc1"),
		MP_FAULT_RESERVED);
	assert_int_equal(SCAN("\x81\xc1\x01"), MP_FAULT_RESERVED);
}

static void more_items_than_bytes_are_refused(void **state)
{
	assert_int_equal(SCAN("\xdd\xff\xff\xff\xff"), MP_FAULT_COUNT);
	assert_int_equal(SCAN("\xdf\xff\xff\xff\xff"), MP_FAULT_COUNT);
	assert_int_equal(SCAN("\xdf\x80\x00\x00\x00"), MP_FAULT_COUNT); /* 2^32 tokens */
	assert_int_equal(SCAN("\xdc\xff\xff\x01\x01"), MP_FAULT_COUNT);
	assert_int_equal(SCAN("\xde\xff\xff\xa1"
			      "a"),
		MP_FAULT_COUNT);
	assert_int_equal(SCAN("\x94\x01\x02\x03"), MP_FAULT_COUNT);
	assert_int_equal(SCAN("\x82\xa0\xc0\xa0"), MP_FAULT_COUNT);
	assert_int_equal(SCAN("\x92\x01\xdd\x7f\xff\xff\xff"), MP_FAULT_COUNT);
}

/* Levels of arrays, or of maps, or both by turns, the innermost one empty. */
static enum mp_fault scan_nested(unsigned int levels, bool arrays, bool maps, unsigned int depth)
{
	struct buf b = {0};
	enum mp_fault fault;

	for (unsigned int i = 0; i < levels; i++) {
		bool inner = i + 1 == levels;

		if (arrays && (!maps || i % 2)) {
			mp_put_array(&b, !inner);
		} else {
			mp_put_map(&b, !inner);
			if (!inner) {
				mp_put_cstr(&b, "k");
			}
		}
	}
	fault = mp_scan(guarded_slice(buf_slice(&b)), depth);
	buf_finish(&b);
	return fault;
}

static void thirty_two_levels_are_taken_and_no_more(void **state)
{
	assert_int_equal(scan_nested(32, true, false, 32), MP_OK);
	assert_int_equal(scan_nested(33, true, false, 32), MP_FAULT_DEPTH);
	assert_int_equal(scan_nested(32, false, true, 32), MP_OK);
	assert_int_equal(scan_nested(33, false, true, 32), MP_FAULT_DEPTH);
	assert_int_equal(scan_nested(32, true, true, 32), MP_OK);
	assert_int_equal(scan_nested(33, true, true, 32), MP_FAULT_DEPTH);
	assert_int_equal(scan_nested(100000, true, false, 32), MP_FAULT_DEPTH);
}

static void no_asked_depth_passes_the_scanners_own_limit(void **state)
{
	assert_int_equal(scan_nested(64, true, false, 1000), MP_OK);
	assert_int_equal(scan_nested(65, true, false, 1000), MP_FAULT_DEPTH);
	assert_int_equal(scan_nested(65, true, true, UINT32_MAX), MP_FAULT_DEPTH);
}

static void depth_counts_levels_and_not_containers(void **state)
{
	struct buf b = {0};

	mp_put_array(&b, 1000);
	for (int i = 0; i < 1000; i++) {
		mp_put_array(&b, 1);
		mp_put_map(&b, 0);
	}
	assert_int_equal(mp_scan(guarded_slice(buf_slice(&b)), 3), MP_OK);
	assert_int_equal(mp_scan(guarded_slice(buf_slice(&b)), 2), MP_FAULT_DEPTH);
	buf_finish(&b);
	assert_int_equal(mp_scan(GUARDED("\x01"), 0), MP_OK);
	assert_int_equal(mp_scan(GUARDED("\x90"), 0), MP_FAULT_DEPTH);
}

static void keys_that_are_no_strings_are_refused(void **state)
{
	assert_int_equal(SCAN("\x81\x01\x02"), MP_FAULT_KEY);
	assert_int_equal(SCAN("\x81\xc0\x02"), MP_FAULT_KEY);
	assert_int_equal(SCAN("\x81\xc4\x01"
			      "a\x02"),
		MP_FAULT_KEY);
	assert_int_equal(SCAN("\x81\x90\x02"), MP_FAULT_KEY);
	assert_int_equal(SCAN("\x81\xa1"
			      "a\x81\x80\x02"),
		MP_FAULT_KEY);
}

static void the_same_key_twice_is_refused_however_it_is_encoded(void **state)
{
	assert_int_equal(SCAN("\x82\xa1"
			      "a\x01\xa1"
			      "a\x02"),
		MP_FAULT_DUPLICATE);
	assert_int_equal(SCAN("\x82\xa1"
			      "a\x01\xd9\x01"
			      "a\x02"),
		MP_FAULT_DUPLICATE);
	assert_int_equal(SCAN("\x82\xda\x00\x01"
			      "a\x01\xdb\x00\x00\x00\x01"
			      "a\x02"),
		MP_FAULT_DUPLICATE);
	assert_int_equal(SCAN("\x82\xa0\x01\xd9\x00\x02"), MP_FAULT_DUPLICATE);
	assert_int_equal(SCAN("\x82\xa1"
			      "a\x01\xa1"
			      "b\x02"),
		MP_OK);
	assert_int_equal(SCAN("\x82\xa1"
			      "a\x01\xa2"
			      "aa\x02"),
		MP_OK);
	assert_int_equal(SCAN("\x82\xa1"
			      "a\x01\xa1"
			      "A\x02"),
		MP_OK);
	assert_int_equal(SCAN("\x82\xa2"
			      "a\x00\x01\xa1"
			      "a\x02"),
		MP_OK);
}

static void keys_of_different_maps_may_be_the_same(void **state)
{
	assert_int_equal(SCAN("\x82\xa1"
			      "a\x81\xa1"
			      "b\x01\xa1"
			      "b\x02"),
		MP_OK);
	assert_int_equal(SCAN("\x81\xa1"
			      "a\x81\xa1"
			      "a\x81\xa1"
			      "a\x01"),
		MP_OK);
	assert_int_equal(SCAN("\x92\x81\xa1"
			      "a\x01\x81\xa1"
			      "a\x01"),
		MP_OK);
	assert_int_equal(SCAN("\x82\xa1"
			      "a\x81\xa1"
			      "b\x01\xa1"
			      "a\x02"),
		MP_FAULT_DUPLICATE);
	assert_int_equal(SCAN("\x81\xa1"
			      "x\x82\xa1"
			      "a\x01\xa1"
			      "a\x02"),
		MP_FAULT_DUPLICATE);
}

static void put_key(struct buf *b, uint32_t i)
{
	char key[16];

	snprintf(key, sizeof(key), "k%u", i);
	mp_put_cstr(b, key);
}

/* @n keys with a map in every value; key @second is put again in the place of @first. */
static enum mp_fault scan_keys(uint32_t n, uint32_t first, uint32_t second)
{
	struct buf b = {0};

	mp_put_map(&b, n);
	for (uint32_t i = 0; i < n; i++) {
		put_key(&b, i == first ? second : i);
		mp_put_map(&b, 2);
		mp_put_cstr(&b, "k0");
		mp_put_nil(&b);
		mp_put_cstr(&b, "k1");
		mp_put_map(&b, 0);
	}
	return scan_buf(&b);
}

static void a_key_twice_is_found_among_few_and_many(void **state)
{
	static const uint32_t sizes[] = {2, 3, 11, 12, 13, 14, 100, 1000, 20000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint32_t n = sizes[i];

		assert_int_equal(scan_keys(n, n, n), MP_OK);
		assert_int_equal(scan_keys(n, 0, n - 1), MP_FAULT_DUPLICATE);
		assert_int_equal(scan_keys(n, n - 1, 0), MP_FAULT_DUPLICATE);
		assert_int_equal(scan_keys(n, n / 2, n / 2 - 1), MP_FAULT_DUPLICATE);
	}
}

static void bad_utf8_is_refused_in_keys_and_values_but_not_in_binary(void **state)
{
	assert_int_equal(SCAN("\xa1\xff"), MP_FAULT_UTF8);
	assert_int_equal(SCAN("\x81\xa1\x80\x01"), MP_FAULT_UTF8);
	assert_int_equal(SCAN("\x81\xa1k\xa2\xc0\x80"), MP_FAULT_UTF8);
	assert_int_equal(SCAN("\xd9\x03\xed\xa0\x80"), MP_FAULT_UTF8);
	assert_int_equal(SCAN("\xc4\x01\xff"), MP_OK);
	assert_int_equal(SCAN("\xd5\x01\xff\xff"), MP_OK);
}

static void every_fault_has_a_text_of_its_own(void **state)
{
	for (int i = MP_OK; i <= MP_FAULT_MEMORY; i++) {
		assert_non_null(mp_fault_text((enum mp_fault)i));
		assert_true(strlen(mp_fault_text((enum mp_fault)i)) > 5);
		for (int k = MP_OK; k < i; k++) {
			assert_string_not_equal(
				mp_fault_text((enum mp_fault)i), mp_fault_text((enum mp_fault)k));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_values_are_well_formed),
		cmocka_unit_test(nothing_is_truncated),
		cmocka_unit_test(bytes_behind_the_value_are_refused),
		cmocka_unit_test(the_byte_c1_is_refused_anywhere),
		cmocka_unit_test(more_items_than_bytes_are_refused),
		cmocka_unit_test(thirty_two_levels_are_taken_and_no_more),
		cmocka_unit_test(no_asked_depth_passes_the_scanners_own_limit),
		cmocka_unit_test(depth_counts_levels_and_not_containers),
		cmocka_unit_test(keys_that_are_no_strings_are_refused),
		cmocka_unit_test(the_same_key_twice_is_refused_however_it_is_encoded),
		cmocka_unit_test(keys_of_different_maps_may_be_the_same),
		cmocka_unit_test(a_key_twice_is_found_among_few_and_many),
		cmocka_unit_test(bad_utf8_is_refused_in_keys_and_values_but_not_in_binary),
		cmocka_unit_test(every_fault_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests_name("mp_scan", tests, NULL, NULL);
}
