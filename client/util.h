/* Small things that several files of the library need. */
#pragma once

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
