/* A fuzz target, for libFuzzer and for the replay of its corpus. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As assert(), but never compiled away. */
#define require(condition) require_at((condition), #condition, __FILE__, __LINE__)

static inline void require_at(int holds, const char *condition, const char *file, int line)
{
	if (!holds) {
		fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
		abort();
	}
}

#endif
