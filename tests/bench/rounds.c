#include "tests/bench/rounds.h"
#include "tests/bench/process.h"

#include <stdlib.h>

static unsigned int rounds;
static double phase_seconds;

void rounds_set(unsigned int n_rounds, double seconds)
{
	rounds = n_rounds < MAX_ROUNDS ? n_rounds : MAX_ROUNDS;
	phase_seconds = seconds;
}

unsigned int rounds_count(void)
{
	return rounds;
}

double rounds_seconds(void)
{
	return phase_seconds;
}

void rounds_run(const char *subject, struct phase *phases, size_t n_phases)
{
	for (unsigned int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < n_phases; i++) {
			struct phase *p = &phases[i];
			struct result *r = &p->results[round];

			check_interrupted();
			p->measure(p->what, phase_seconds, r);
			progress("%s, round %u of %u, %s: %.0f/s, %.1f us", subject, round + 1,
				rounds, p->name, r->rate, r->p50_us);
		}
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, size_t n)
{
	if (!n) {
		return 0;
	}
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double figure_of(const struct result *r, enum figure figure)
{
	switch (figure) {
	case FIGURE_RATE:
		return r->rate;
	case FIGURE_P50:
		return r->p50_us;
	default:
		return r->p99_us;
	}
}

double phase_median(const struct phase *phase, enum figure figure)
{
	double values[MAX_ROUNDS];

	for (unsigned int i = 0; i < rounds; i++) {
		values[i] = figure_of(&phase->results[i], figure);
	}
	return median(values, rounds);
}

struct spread phase_ratio(const struct phase *a, const struct phase *b, enum figure figure)
{
	double values[MAX_ROUNDS];
	struct spread s;

	for (unsigned int i = 0; i < rounds; i++) {
		double base = figure_of(&b->results[i], figure);

		values[i] = base > 0 ? figure_of(&a->results[i], figure) / base : 0;
	}
	s.median = median(values, rounds);
	s.low = values[0];
	s.high = values[rounds - 1];
	return s;
}

const struct phase *phase_faster(const struct phase *a, const struct phase *b)
{
	return phase_median(a, FIGURE_RATE) >= phase_median(b, FIGURE_RATE) ? a : b;
}

void phase_in_series(const struct phase *a, const struct phase *b, struct phase *out)
{
	for (unsigned int i = 0; i < rounds; i++) {
		const struct result *x = &a->results[i], *y = &b->results[i];

		out->results[i] = (struct result){
			.rate = 1 / (1 / x->rate + 1 / y->rate),
			.p50_us = x->p50_us + y->p50_us,
			.p99_us = x->p99_us + y->p99_us,
		};
	}
}
