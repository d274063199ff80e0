/* A store in a temporary directory, without a daemon, and with a clock that the test sets. */
#ifndef TEST_SHELF_H
#define TEST_SHELF_H

#include <jansson.h>

#include "daemon/store/store.h"

struct shelf {
	char dir[40];
	struct store *store;
	int64_t now_ms;	  /* of the next transaction, Unix milliseconds */
	int64_t ahead_ms; /* wall time less steady time */
	struct txn txn;
	struct buf events;
	struct arena arena; /* of the transaction */
	json_t *kept;
};

/* Setup and teardown of a test. The clock begins in the year 2023. */
int shelf_start(void **state);
int shelf_stop(void **state);

void shelf_reopen(struct shelf *shelf);

/* Begin shelf->txn, at the time of the clock, and commit it or give it up. */
void shelf_begin(struct shelf *shelf);
void shelf_commit(struct shelf *shelf);
void shelf_abort(struct shelf *shelf);

/*
 * One call in shelf->txn, which is under way. Returns {error, result}, which is the shelf's; fails
 * the test when the transaction cannot go on.
 */
json_t *shelf_try(struct shelf *shelf, const char *method, const json_t *params);

/*
 * One call that must succeed, in a transaction of its own; params as codec_parse() takes them. The
 * result is the shelf's.
 */
json_t *shelf_call(struct shelf *shelf, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));

/* What check_store() finds is printed, and nothing must be. In a transaction of its own. */
void shelf_check(struct shelf *shelf);

/* Rows of a table, in a transaction of its own. */
uint64_t shelf_count(struct shelf *shelf, enum table table);

#endif
