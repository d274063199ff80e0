/* Small things that several files of the library need. */
#pragma once

#include "client/runstore.h"
#include "proto/buf.h"

#include <time.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Milliseconds of the monotonic clock. */
static inline int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Is it worth asking again? Nobody was there, or had no time; a daemon that stops says so too. */
static inline bool may_pass(int r)
{
	return r == RUNSTORE_E_UNAVAILABLE || r == RUNSTORE_E_OVERLOADED;
}

static inline void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* When a wait of @wait_ms that begins now is over; below 0: never. */
static inline int64_t end_after(int64_t wait_ms)
{
	int64_t now = now_ms();

	return wait_ms < 0 || wait_ms > INT64_MAX - now ? INT64_MAX : now + wait_ms;
}
