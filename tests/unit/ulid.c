#include "tests/support/cmocka_all.h"

#include "proto/slice.h"
#include "proto/ulid.h"

#include <stdio.h>
#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The time and the random bytes that stand in a ULID's text. */
static struct ulid_state decode(const char *text)
{
	uint8_t bytes[17] = {0}; /* 130 bits at the end of 136 */
	struct ulid_state s = {0};

	for (unsigned int i = 0; i < ULID_LENGTH; i++) {
		unsigned int v = (unsigned int)(strchr(alphabet, text[i]) - alphabet);

		for (unsigned int k = 0; k < 5; k++) {
			unsigned int bit = 6 + 5 * i + k;

			bytes[bit / 8] |= (uint8_t)((v >> (4 - k) & 1) << (7 - bit % 8));
		}
	}
	for (int i = 1; i < 7; i++) {
		s.ms = s.ms << 8 | bytes[i];
	}
	memcpy(s.random, bytes + 7, sizeof(s.random));
	return s;
}

static void it_is_26_characters_of_crockfords_alphabet(void **state)
{
	struct ulid_state s = {0};
	char text[ULID_LENGTH + 1];

	for (uint64_t ms = 1; ms < 2000; ms++) {
		assert_int_equal(ulid_next(&s, ms, text), 0);
		assert_int_equal(strlen(text), ULID_LENGTH);
		assert_int_equal(strspn(text, alphabet), ULID_LENGTH);
	}
}

static void the_first_ten_characters_are_the_time(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} known[] = {
		{UINT64_C(1469918176385), "01ARYZ6S41"}, /* of the specification */
		{UINT64_C(1), "0000000001"},
		{UINT64_C(32), "0000000010"},
		{(UINT64_C(1) << 48) - 1, "7ZZZZZZZZZ"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct ulid_state s = {0};
		char text[ULID_LENGTH + 1];

		assert_int_equal(ulid_next(&s, known[i].ms, text), 0);
		assert_memory_equal(text, known[i].text, 10);
	}
}

static void the_text_is_the_state(void **state)
{
	struct ulid_state s = {0}, got;
	char text[ULID_LENGTH + 1];

	for (uint64_t ms = 1700000000000; ms < 1700000000500; ms++) {
		assert_int_equal(ulid_next(&s, ms, text), 0);
		got = decode(text);
		assert_true(got.ms == ms);
		assert_memory_equal(got.random, s.random, sizeof(s.random));
	}
}

static void within_a_millisecond_it_grows_by_one(void **state)
{
	struct ulid_state s = {.ms = 5, .random = {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe}};
	char text[ULID_LENGTH + 1];

	assert_int_equal(ulid_next(&s, 5, text), 0);
	assert_string_equal(text, "00000000050000000000001ZZZ");
	assert_int_equal(ulid_next(&s, 5, text), 0);
	assert_string_equal(text, "00000000050000000000002000");
}

static void it_grows_as_text_whatever_the_clock_does(void **state)
{
	static const int steps[] = {0, 0, 0, 1, 0, -5000, 3, 0, 10000, -1};
	struct ulid_state s = {0};
	char text[ULID_LENGTH + 1], before[ULID_LENGTH + 1] = "";
	uint64_t ms = 1700000000000;

	for (int i = 0; i < 50000; i++) {
		ms += (uint64_t)(int64_t)steps[i % 10];
		assert_int_equal(ulid_next(&s, ms, text), 0);
		assert_true(strcmp(before, text) < 0);
		memcpy(before, text, sizeof(text));
	}
}

static void a_random_part_that_runs_over_takes_the_next_millisecond(void **state)
{
	struct ulid_state s = {.ms = 1700000000000};
	char text[ULID_LENGTH + 1], before[ULID_LENGTH + 1];

	memset(s.random, 0xff, sizeof(s.random));
	s.random[9] = 0xfe;
	assert_int_equal(ulid_next(&s, 1700000000000, before), 0);
	assert_string_equal(before + 10, "ZZZZZZZZZZZZZZZZ");
	assert_int_equal(ulid_next(&s, 1700000000000, text), 0);
	assert_true(strcmp(before, text) < 0);
	assert_true(decode(text).ms == 1700000000001);
	memcpy(before, text, sizeof(text));
	assert_int_equal(ulid_next(&s, 1700000000000, text), 0);
	assert_true(strcmp(before, text) < 0);
}

static void a_new_millisecond_has_random_bits_with_room_above(void **state)
{
	uint8_t ones[10] = {0}, zeroes[10] = {0};
	struct ulid_state s = {0};
	char text[ULID_LENGTH + 1];

	for (uint64_t ms = 1; ms <= 200; ms++) {
		assert_int_equal(ulid_next(&s, ms, text), 0);
		for (int i = 0; i < 10; i++) {
			ones[i] |= s.random[i];
			zeroes[i] |= (uint8_t)~s.random[i];
		}
	}
	assert_memory_equal(ones, "\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10);
	assert_memory_equal(zeroes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_26_characters_of_crockfords_alphabet),
		cmocka_unit_test(the_first_ten_characters_are_the_time),
		cmocka_unit_test(the_text_is_the_state),
		cmocka_unit_test(within_a_millisecond_it_grows_by_one),
		cmocka_unit_test(it_grows_as_text_whatever_the_clock_does),
		cmocka_unit_test(a_random_part_that_runs_over_takes_the_next_millisecond),
		cmocka_unit_test(a_new_millisecond_has_random_bits_with_room_above),
	};

	return cmocka_run_group_tests_name("ulid", tests, NULL, NULL);
}
