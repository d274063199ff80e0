/* What became of every run, as the feed of changes tells it, and whether that was allowed. */
#ifndef TEST_COURSE_H
#define TEST_COURSE_H

#include "wire.h"

#include <stdbool.h>

enum tenure_end { HELD, LOST, GIVEN_BACK, ASKED, ENDED };

/* The time between a claim and the end of its lease. */
struct tenure {
	uint32_t worker; /* by number, as in a journal */
	enum tenure_end end;
	int64_t from_ms; /* Unix time, by at_ms of the changes; the end is 0 when HELD */
	int64_t to_ms;
	uint32_t n_steps; /* made by the worker itself */
};

/* The attempts are counted from 1; 0 is for what no worker did. */
struct course_step {
	char id[72];
	uint32_t made_in;
	uint32_t ended_in;
	int64_t made_ms;
	int64_t ended_ms; /* 0 while it is open */
};

struct course {
	const char *status; /* NULL: there is no such run */
	struct tenure *tenures;
	size_t n_tenures;
	struct course_step *steps;
	size_t n_steps;
	unsigned int n_losses;
	unsigned int n_ends; /* changes to a terminal status */
};

struct courses {
	struct course *runs; /* by their numbers, 1 to n; the place 0 is not used */
	uint32_t n;
	uint64_t n_changes;
	uint64_t n_tenures;
	uint64_t n_ends[ENDED + 1]; /* of tenures */
	uint32_t n_given_up;	    /* runs that failed for their third loss */
	uint32_t oldest;	    /* no run before this one is queued */
};

/*
 * Read the whole feed of a store that has runs 1 to @n, made in this order, and nothing else. Fails
 * the test at the first change that the lifecycle forbids there or that is by somebody else than
 * the one who held the run's lease, when a run is claimed while an older one is queued, and when a
 * seq is left out.
 */
void courses_read(struct courses *courses, struct wire *wire, uint32_t n);
void courses_finish(struct courses *courses);

/* The @attempt at @run; NULL when there was none. */
const struct tenure *course_tenure(const struct courses *courses, uint32_t run, uint32_t attempt);

const struct course_step *course_step(const struct courses *courses, uint32_t run, const char *id);

#endif
