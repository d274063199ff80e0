/* Every index against its table. */
#pragma once

#include "daemon/store/store.h"

struct check {
	uint64_t runs;
	uint64_t steps;
	uint64_t threads;
	uint64_t messages;
	uint64_t assistants;
	unsigned int n_problems;

	/* Told of each of the first 100 problems, in words. */
	void (*problem)(void *context, const char *what);
	void *context;
};

/* Look through the whole store; the counts are filled in. @txn may be of either kind. */
void check_store(struct txn *txn, struct check *check);
