#include "tests/bench/samples.h"
#include "tests/bench/process.h"

void samples_add(struct samples *s, double us)
{
	size_t at = atomic_fetch_add(&s->n, 1);

	if (at < SAMPLES_MAX) {
		s->us[at] = us;
	}
}

void samples_result(struct samples *s, double seconds, struct result *out)
{
	size_t n = s->n, kept = n < SAMPLES_MAX ? n : SAMPLES_MAX;

	if (!kept) {
		die("no request was answered in time: give more --seconds");
	}
	out->rate = (double)n / seconds;
	out->p50_us = median(s->us, kept);
	out->p99_us = s->us[kept * 99 / 100]; /* median() has sorted them */
}
