/* Times that children take, in memory that they share with this process. */
#pragma once

#include "tests/bench/rounds.h"

#include <stdatomic.h>

#define SAMPLES_MAX (1 << 16)

struct samples {
	atomic_size_t n; /* those beyond SAMPLES_MAX are only counted */
	double us[SAMPLES_MAX];
};

/* From any thread and process. */
void samples_add(struct samples *s, double us);

/* Their rate in that time, and what they come to; fails when there are none. Sorts them. */
void samples_result(struct samples *s, double seconds, struct result *out);
