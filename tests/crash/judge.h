/* The journals of the workers, held against each other and against the feed. */
#ifndef TEST_JUDGE_H
#define TEST_JUDGE_H

#include "course.h"
#include "crew.h"

struct judge {
	const struct crew *crew;
	const struct courses *courses;
	const struct entry **entries; /* of all journals, by run, attempt and time */
	size_t n;
	const struct entry **lost; /* claims without an answer; of each worker one at most */
	size_t n_lost;
	bool clock_was_set; /* Unix time cannot be compared with monotonic time */
};

/* The crew has finished its work. Both live as long as the judge. */
void judge_open(struct judge *judge, const struct crew *crew, const struct courses *courses);
void judge_close(struct judge *judge);

/* Each of these fails the test at the first finding. */
void judge_leases(const struct judge *judge);
void judge_writes(const struct judge *judge);

/* Why a write was refused, and how many were. */
struct refusals {
	size_t slept;	  /* sent when its lease had surely run out */
	size_t given_up;  /* sent after the worker had given up the lease itself */
	size_t overtaken; /* the lease ran out while it was on its way */
};

void judge_refusals(const struct judge *judge, struct refusals *out);

/* How long it took, without the outages, from the end of a lost lease until */
enum wait {
	NOTICED, /* its loss was in the feed */
	CLAIMED, /* the next worker had the run */
	SERVED,	 /* the same, since that worker had asked, if that was later */
	N_WAITS,
};

struct delays {
	int64_t *us[N_WAITS]; /* in ascending order, each */
	size_t n;
	size_t n_unsure; /* left out: a heartbeat was under way that may have moved the end */
};

/*
 * Of the runs from number @first on, before @end: for workers that were killed before the end of
 * the lease, or those that were not.
 */
void judge_delays(
	const struct judge *judge, uint32_t first, uint32_t end, bool killed, struct delays *out);
void judge_delays_finish(struct delays *delays);

#endif
