#include "tests/support/cmocka_all.h"

#include "tests/unit/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIXED_SEED UINT64_C(20260826)

struct slice guarded(const void *bytes, size_t len)
{
	static uint8_t *end;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	assert_true(len <= GUARDED_MAX);
	if (!end) {
		uint8_t *map = mmap(NULL, GUARDED_MAX + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_ptr_not_equal(map, MAP_FAILED);
		end = map + GUARDED_MAX;
		assert_int_equal(mprotect(end, page, PROT_NONE), 0);
	}
	if (len) {
		memmove(end - len, bytes, len);
	}
	return slice_of(end - len, len);
}

static void hex(struct slice s, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < s.len && n + 4 < size; i++) {
		n += (size_t)snprintf(out + n, size - n, "%02x ", s.ptr[i]);
	}
}

void assert_bytes(struct slice got, struct slice want)
{
	char a[600], b[600];

	if (!slice_eq(got, want)) {
		hex(got, a, sizeof(a));
		hex(want, b, sizeof(b));
		fail_msg("%zu bytes: %s\nshould be %zu: %s", got.len, a, want.len, b);
	}
}

struct rng rng_start(void)
{
	const char *text = getenv("TEST_SEED");
	struct rng rng = {text ? strtoull(text, NULL, 0) : FIXED_SEED};

	print_message("# TEST_SEED=%llu\n", (unsigned long long)rng.state);
	return rng;
}

/* SplitMix64. */
uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)(rng_next(rng) % n);
}

bool rng_once_in(struct rng *rng, uint32_t n)
{
	return !rng_below(rng, n);
}
