#include "tests/support/cmocka_all.h"

#include "proto/utf8.h"
#include "tests/unit/bytes.h"

#define TEXT(s)                                                                                    \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

static const struct row {
	struct slice text;
	size_t characters;
} good[] = {
	{TEXT(""), 0},
	{TEXT("a"), 1},
	{TEXT("\x00\x01\x7f"), 3},
	{TEXT("\xc2\x80"), 1},
	{TEXT("\xdf\xbf"), 1},
	{TEXT("\xe0\xa0\x80"), 1},
	{TEXT("\xec\xbf\xbf"), 1},
	{TEXT("\xed\x9f\xbf"), 1},
	{TEXT("\xee\x80\x80"), 1},
	{TEXT("\xef\xbf\xbf"), 1},
	{TEXT("\xf0\x90\x80\x80"), 1},
	{TEXT("\xf3\xbf\xbf\xbf"), 1},
	{TEXT("\xf4\x8f\xbf\xbf"), 1},
	{TEXT("gr\xc3\xbc\xc3\x9f dich, \xf0\x9f\x8c\x8d"), 12},
};

static const struct slice bad[] = {
	TEXT("\x80"), /* a tail with no head */
	TEXT("\xbf"),
	TEXT("\xc3\xbc\xbc"),
	TEXT("\xc0\x80"), /* overlong */
	TEXT("\xc0\xaf"),
	TEXT("\xc1\xbf"),
	TEXT("\xe0\x80\x80"),
	TEXT("\xe0\x9f\xbf"),
	TEXT("\xf0\x80\x80\x80"),
	TEXT("\xf0\x8f\xbf\xbf"),
	TEXT("\xed\xa0\x80"), /* surrogates */
	TEXT("\xed\xbf\xbf"),
	TEXT("\xed\xa0\xbd\xed\xb8\x80"),
	TEXT("\xf4\x90\x80\x80"), /* above U+10FFFF */
	TEXT("\xf5\x80\x80\x80"),
	TEXT("\xf8\x88\x80\x80\x80"),
	TEXT("\xfc\x84\x80\x80\x80\x80"),
	TEXT("\xfe"),
	TEXT("\xff"),
	TEXT("\xc2"), /* cut */
	TEXT("\xe0\xa0"),
	TEXT("\xf0\x90\x80"),
	TEXT("\xc2"
	     "a"), /* a head with a wrong tail */
	TEXT("\xe1\x80"
	     "a"),
	TEXT("\xe1"
	     "a\x80"),
	TEXT("\xf1\x80\x80"
	     "a"),
	TEXT("\xf1\x80"
	     "a\x80"),
	TEXT("\xe1\x80\xc0"),
};

#define N_OF(array) (sizeof(array) / sizeof(*(array)))

static void well_formed_text_is_taken_and_counted_in_characters(void **state)
{
	for (size_t i = 0; i < N_OF(good); i++) {
		assert_true(utf8_valid(guarded_slice(good[i].text)));
		assert_int_equal(utf8_length(guarded_slice(good[i].text)), good[i].characters);
	}
}

static void malformed_text_is_refused(void **state)
{
	for (size_t i = 0; i < N_OF(bad); i++) {
		if (utf8_valid(guarded_slice(bad[i]))) {
			fail_msg("row %zu was taken", i);
		}
	}
}

/* Plain text is skipped by words of eight bytes: every place in a word has its turn. */
static void malformed_text_is_refused_wherever_it_stands(void **state)
{
	char text[64];

	for (size_t i = 0; i < N_OF(bad); i++) {
		for (size_t before = 0; before < 20; before++) {
			for (size_t after = 0; after < 20; after++) {
				size_t len = before + bad[i].len + after;

				memset(text, 'x', sizeof(text));
				memcpy(text + before, bad[i].ptr, bad[i].len);
				assert_false(utf8_valid(guarded(text, len)));
			}
		}
	}
}

static void well_formed_text_is_taken_wherever_it_stands(void **state)
{
	char text[64];

	for (size_t i = 0; i < N_OF(good); i++) {
		for (size_t before = 0; before < 20; before++) {
			for (size_t after = 0; after < 20; after++) {
				size_t len = before + good[i].text.len + after;

				memset(text, 'x', sizeof(text));
				memcpy(text + before, good[i].text.ptr, good[i].text.len);
				assert_true(utf8_valid(guarded(text, len)));
			}
		}
	}
}

/* The same question put another way: decode, then look at the number. */
static bool valid_by_value(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t v = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	if (n == 1) {
		return p[0] < 0x80;
	}
	if ((uint8_t)(p[0] & (0xff00u >> (n + 1))) != (uint8_t)(0xff00u >> n)) {
		return false;
	}
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return false;
		}
		v = v << 6 | (p[i] & 0x3f);
	}
	return v >= least[n] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

static void every_head_and_second_byte_is_judged_by_its_value(void **state)
{
	for (unsigned int a = 0xc0; a < 0x100; a++) {
		for (unsigned int b = 0; b < 0x100; b++) {
			const uint8_t p[4] = {(uint8_t)a, (uint8_t)b, 0x80, 0xbf};

			for (size_t n = 2; n <= 4; n++) {
				bool whole = valid_by_value(p, n);

				/* A tail that is plain text follows a shorter sequence. */
				if (n == 2 && b < 0x80) {
					whole = false;
				}
				assert_int_equal(utf8_valid(guarded(p, n)), whole);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_text_is_taken_and_counted_in_characters),
		cmocka_unit_test(malformed_text_is_refused),
		cmocka_unit_test(malformed_text_is_refused_wherever_it_stands),
		cmocka_unit_test(well_formed_text_is_taken_wherever_it_stands),
		cmocka_unit_test(every_head_and_second_byte_is_judged_by_its_value),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
