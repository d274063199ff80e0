/* The table of figures: rows are collected, then printed as text or as JSON. */
#pragma once

#include "tests/bench/rounds.h"

#include <stdbool.h>

enum unit { UNIT_US, UNIT_MS, UNIT_PER_SECOND, UNIT_MIB, UNIT_BYTES, UNIT_PERCENT };

enum goal {
	GOAL_NONE,
	GOAL_RATIO_MAX, /* to the floor */
	GOAL_RATIO_MIN,
	GOAL_VALUE_MIN,
	GOAL_VALUE_MAX,
};

struct row {
	char name[64];
	unsigned int n_clients; /* 0: does not apply */
	enum unit unit;
	double value;
	double p99_us; /* of one request; 0: does not apply */
	const char *floor_name;
	double floor; /* 0: there is none */
	double floor_p99_us;
	struct spread ratio; /* of the rounds */
	enum goal goal;
	double limit;
};

void report_add(const struct row *row);

/*
 * A row out of two phases: the times of @measured to those of @floor, or its rate to that. The
 * caller fills in the rest.
 */
struct row report_compare(
	const struct phase *measured, const struct phase *floor, enum figure figure);

size_t report_count(void);

void report_print(bool json);
