/* A thread that tells when time is over. */
#pragma once

#include <stdint.h>

struct timers;

/* In its owner's memory; to be cancelled before that is freed. Start from zeroes. */
struct timer {
	/*
	 * Its time has come. Returns when it is to ring again, in milliseconds of the monotonic
	 * clock, 0 for not. Called by the thread, under its lock: it must not block, nor set or
	 * cancel.
	 */
	int64_t (*ring)(struct timer *t);
	int64_t at_ms;		   /* the timers', as what follows; 0: it is not set */
	struct timer *next, *prev; /* by time */
};

/* Returns 0 or -errno. */
int timers_open(struct timers **out);

/* None may be set. */
void timers_close(struct timers *ts);

/* Let it ring at @at_ms, and no longer when it was to before. */
void timers_set(struct timers *ts, struct timer *t, int64_t at_ms);

/* After the return it does not ring. */
void timers_cancel(struct timers *ts, struct timer *t);
