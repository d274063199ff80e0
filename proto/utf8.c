#include "proto/utf8.h"

/* Well-formed byte sequences: The Unicode Standard, table 3-7. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t n;

	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		lo = p[0] == 0xe0 ? 0xa0 : lo;
		hi = p[0] == 0xed ? 0x9f : hi;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		lo = p[0] == 0xf0 ? 0x90 : lo;
		hi = p[0] == 0xf4 ? 0x8f : hi;
	} else {
		return 0;
	}
	if (left < n || p[1] < lo || p[1] > hi) {
		return 0;
	}
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return n;
}

bool utf8_valid(struct slice s)
{
	size_t i = 0;

	while (i < s.len) {
		uint64_t word;
		size_t n;

		if (s.len - i >= sizeof(word)) {
			memcpy(&word, s.ptr + i, sizeof(word));
			if (!(word & 0x8080808080808080u)) {
				i += sizeof(word);
				continue;
			}
		}
		if (s.ptr[i] < 0x80) {
			i++;
			continue;
		}
		n = utf8_sequence(s.ptr + i, s.len - i);
		if (!n) {
			return false;
		}
		i += n;
	}
	return true;
}

size_t utf8_length(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		n += (s.ptr[i] & 0xc0) != 0x80;
	}
	return n;
}

struct slice utf8_cut(struct slice s, size_t max)
{
	if (s.len <= max) {
		return s;
	}
	while (max && (s.ptr[max] & 0xc0) == 0x80) {
		max--;
	}
	return slice_of(s.ptr, max);
}
