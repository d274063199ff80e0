/*
 * Measuring in rounds: what is compared takes turns, A B A B, so that a noisy moment of the
 * machine meets both; medians of the rounds are reported, and ratios are of the same round.
 */
#pragma once

#include <stddef.h>

#define MAX_ROUNDS 64

struct result {
	double rate;   /* a second */
	double p50_us; /* of one */
	double p99_us;
};

/* One of those that take turns. */
struct phase {
	const char *name;
	void (*measure)(const void *what, double seconds, struct result *out);
	const void *what;
	struct result results[MAX_ROUNDS];
};

void rounds_set(unsigned int n_rounds, double seconds);
unsigned int rounds_count(void);

/* How long a phase lasts. */
double rounds_seconds(void);

/* Let each of @n_phases run once in every round. @subject is for the line of progress. */
void rounds_run(const char *subject, struct phase *phases, size_t n_phases);

enum figure { FIGURE_RATE, FIGURE_P50, FIGURE_P99 };

double phase_median(const struct phase *phase, enum figure figure);

struct spread {
	double median;
	double low;
	double high;
};

/* @a to @b, round by round. */
struct spread phase_ratio(const struct phase *a, const struct phase *b, enum figure figure);

/* The one with the higher rate. */
const struct phase *phase_faster(const struct phase *a, const struct phase *b);

/* What @a and @b allow one after the other: times added up, round by round. */
void phase_in_series(const struct phase *a, const struct phase *b, struct phase *out);

double median(double *values, size_t n);
