/* The buffer and the arena. */
#include "tests/support/cmocka_all.h"

#include "proto/arena.h"
#include "proto/buf.h"
#include "tests/unit/bytes.h"

#include <errno.h>
#include <stdalign.h>

static void what_is_appended_stands_in_order(void **state)
{
	struct buf b = {0};
	uint8_t *at;

	for (int i = 0; i < 3000; i++) {
		buf_append(&b, "abc", 3);
		buf_append(&b, NULL, 0);
	}
	at = buf_extend(&b, 2);
	assert_non_null(at);
	memcpy(at, "yz", 2);
	assert_int_equal(b.len, 9002);
	assert_int_equal(buf_error(&b), 0);
	for (int i = 0; i < 3000; i++) {
		assert_memory_equal(b.ptr + 3 * i, "abc", 3);
	}
	assert_memory_equal(b.ptr + 9000, "yz", 2);
	buf_finish(&b);
	assert_null(b.ptr);
	assert_int_equal(b.len, 0);
}

static void a_limit_is_kept_and_remembered_once_it_was_passed(void **state)
{
	struct buf b = {.limit = 5};

	buf_append(&b, "abc", 3);
	buf_append(&b, "def", 3);
	assert_int_equal(buf_error(&b), -EMSGSIZE);
	buf_append(&b, "d", 1);
	assert_null(buf_extend(&b, 1));
	assert_bytes(buf_slice(&b), SLICE_LIT("abc"));
	buf_truncate(&b, 2);
	assert_int_equal(buf_error(&b), 0);
	buf_append(&b, "xyz", 3);
	assert_int_equal(buf_error(&b), 0);
	assert_bytes(buf_slice(&b), SLICE_LIT("abxyz"));
	assert_null(buf_extend(&b, SIZE_MAX));
	buf_finish(&b);
}

static void a_reset_keeps_memory_up_to_what_is_asked(void **state)
{
	struct buf b = {0};
	uint8_t *ptr;

	buf_extend(&b, 1000);
	ptr = b.ptr;
	buf_reset(&b, b.cap);
	assert_ptr_equal(b.ptr, ptr);
	assert_int_equal(b.len, 0);
	buf_reset(&b, b.cap - 1);
	assert_null(b.ptr);
	assert_int_equal(b.cap, 0);
	buf_append(&b, "x", 1);
	assert_bytes(buf_slice(&b), SLICE_LIT("x"));
	buf_finish(&b);
}

static void truncating_to_more_than_there_is_keeps_all(void **state)
{
	struct buf b = {0};

	buf_append(&b, "abc", 3);
	buf_truncate(&b, 10);
	assert_bytes(buf_slice(&b), SLICE_LIT("abc"));
	buf_truncate(&b, 0);
	assert_int_equal(b.len, 0);
	buf_finish(&b);
}

static void an_arenas_memory_is_aligned_and_stays_where_it_is(void **state)
{
	struct arena a = {0};
	uint8_t *at[500];

	for (size_t i = 0; i < 500; i++) {
		at[i] = i % 2 ? arena_alloc(&a, i * 7) : arena_zalloc(&a, i * 7);
		assert_non_null(at[i]);
		assert_int_equal((uintptr_t)at[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k < i * 7 && i % 2 == 0; k++) {
			assert_int_equal(at[i][k], 0);
		}
		memset(at[i], (int)(i & 0xff), i * 7);
	}
	for (size_t i = 0; i < 500; i++) {
		for (size_t k = 0; k < i * 7; k++) {
			assert_int_equal(at[i][k], i & 0xff);
		}
	}
	arena_finish(&a);
	assert_null(a.chunk);
	arena_finish(&a);
}

static void a_copy_in_an_arena_is_never_absent(void **state)
{
	struct slice empty, copy;
	struct arena a = {0};

	empty = arena_dup(&a, slice_of(NULL, 0));
	assert_non_null(empty.ptr);
	assert_int_equal(empty.len, 0);
	copy = arena_dup(&a, GUARDED("hello"));
	assert_bytes(copy, SLICE_LIT("hello"));
	arena_finish(&a);
}

static void slices_compare_as_bytes(void **state)
{
	assert_true(slice_eq(slice_of(NULL, 0), SLICE_LIT("")));
	assert_true(slice_eq(SLICE_LIT("ab"), slice_of("abc", 2)));
	assert_false(slice_eq(SLICE_LIT("ab"), SLICE_LIT("abc")));
	assert_true(slice_is(SLICE_LIT("ab"), "ab"));
	assert_false(slice_is(SLICE_LIT("ab\0"), "ab"));
	assert_true(slice_cmp(SLICE_LIT("ab"), SLICE_LIT("abc")) < 0);
	assert_true(slice_cmp(SLICE_LIT("b"), SLICE_LIT("abc")) > 0);
	assert_true(slice_cmp(SLICE_LIT("\xff"), SLICE_LIT("a")) > 0);
	assert_int_equal(slice_cmp(slice_of(NULL, 0), SLICE_LIT("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_appended_stands_in_order),
		cmocka_unit_test(a_limit_is_kept_and_remembered_once_it_was_passed),
		cmocka_unit_test(a_reset_keeps_memory_up_to_what_is_asked),
		cmocka_unit_test(truncating_to_more_than_there_is_keeps_all),
		cmocka_unit_test(an_arenas_memory_is_aligned_and_stays_where_it_is),
		cmocka_unit_test(a_copy_in_an_arena_is_never_absent),
		cmocka_unit_test(slices_compare_as_bytes),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
