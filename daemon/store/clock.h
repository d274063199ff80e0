/*
 * Two clocks. Wall time is what objects and changes carry; it may be set while the daemon runs, by
 * an hour or by years. Steady time is what deadlines and leases are measured by: it begins as the
 * wall time of the store's first start and from then on only runs. Within one boot of the system it
 * follows CLOCK_BOOTTIME, also while no daemon runs; over a boot it follows the wall clock, less
 * what that was ahead of it when last looked at.
 */
#pragma once

#include "proto/slice.h"

struct steady {
	char boot_id[40];  /* of the boot that offset_ms belongs to */
	int64_t offset_ms; /* steady time less CLOCK_BOOTTIME */
	int64_t ahead_ms;  /* wall time less steady time, when last looked at */
};

#define STEADY_BYTES 56

int64_t clock_wall_ms(void);

int64_t steady_now_ms(const struct steady *steady);

/* Go on from what was remembered, STEADY_BYTES, or begin anew from anything else. */
void steady_init(struct steady *steady, struct slice remembered);

/* What is to be remembered now. */
struct steady steady_look(const struct steady *steady);
void steady_write(const struct steady *steady, uint8_t out[static STEADY_BYTES]);

/* Is @now, from steady_look(), worth to be remembered in place of @before? */
bool steady_differs(const struct steady *now, const struct steady *before);
