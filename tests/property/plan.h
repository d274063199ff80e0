/* Random requests and random time, as a book's state suggests them. */
#ifndef TEST_PLAN_H
#define TEST_PLAN_H

#include "book.h"
#include "dice.h"

struct plan {
	struct dice dice;
	const struct book *book;
	unsigned int serial;
	json_t *keyed; /* the last claim that had a key: it may have got nothing */
};

void plan_finish(struct plan *plan);

/* The next request, [method, params]. The caller frees it. */
json_t *plan_next(struct plan *plan);

/* By how much time goes on now, in ms: also to just before, and just at, what falls due. */
int64_t plan_time(struct plan *plan);

/* By how much the wall clock is set; 0 mostly. */
int64_t plan_clock_set(struct plan *plan);

#endif
