/* Inputs that end where readable memory ends, and random numbers that can be had again. */
#ifndef TEST_UNIT_BYTES_H
#define TEST_UNIT_BYTES_H

#include "proto/buf.h"

#define GUARDED_MAX (16u << 20)

/*
 * A copy of up to GUARDED_MAX bytes whose last one is followed by a page that cannot be read, with
 * or without a sanitizer. Valid until the next call.
 */
struct slice guarded(const void *bytes, size_t len);

static inline struct slice guarded_slice(struct slice s)
{
	return guarded(s.ptr, s.len);
}

#define GUARDED(literal) guarded((literal), sizeof(literal) - 1)

/* Fails the test unless the two are the same bytes; shows both in hex. */
void assert_bytes(struct slice got, struct slice want);

struct rng {
	uint64_t state;
};

/* Begin at the seed that $TEST_SEED holds, else at a fixed one; it is printed. */
struct rng rng_start(void);

uint64_t rng_next(struct rng *rng);

/* 0 to @n - 1. */
uint32_t rng_below(struct rng *rng, uint32_t n);

/* True once in @n times. */
bool rng_once_in(struct rng *rng, uint32_t n);

#endif
