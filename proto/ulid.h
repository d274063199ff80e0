/*
 * ULIDs: 48 bits of Unix milliseconds and 80 random bits in 26 characters of Crockford's base 32,
 * sorted as text as by time. Source: github.com/ulid/spec
 */
#pragma once

#include <stdint.h>

#define ULID_LENGTH 26

/* Where the last one was; each owner (a thread, a writer) keeps its own. Start from zeroes. */
struct ulid_state {
	uint64_t ms;
	uint8_t random[10];
};

/*
 * Write the next ULID to @out, with a final NUL. Each is greater than the one before from the
 * same state, also when @now_ms stands still or goes back: the random part is then counted up.
 * Returns 0, or -errno when the system has no random bytes to give.
 */
int ulid_next(struct ulid_state *state, uint64_t now_ms, char out[static ULID_LENGTH + 1]);
