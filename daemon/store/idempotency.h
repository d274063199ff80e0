/*
 * What was done under an idempotency key, so that a request that comes again applies nothing
 * twice. Records are kept for 24 hours; the contract's word for the same request is that method
 * and params are the same bytes, of which a 64-bit hash is kept.
 */
#pragma once

#include "daemon/store/store.h"

#define IDEMPOTENCY_KEPT_MS (24LL * 3600 * 1000)

/* Stored: never renumber. */
enum idempotency_kind {
	IDEMPOTENCY_RUN = 1, /* what is the id of the run that was the reply */
	IDEMPOTENCY_STEP = 2,
	IDEMPOTENCY_DATA = 3, /* the reply itself */
};

struct idempotency {
	uint64_t hash;
	enum idempotency_kind kind;
	struct slice what; /* borrowed from the transaction when read */
};

/* False when nothing was done under @key in the last 24 hours. */
bool idempotency_find(struct txn *txn, struct slice key, struct idempotency *out);

void idempotency_put(struct txn *txn, struct slice key, const struct idempotency *record);

/*
 * Remove expired records among the next @n from where the last call stopped; @at, the writer's,
 * starts as {0}. Two looks for each record that is added keep the table bounded.
 */
void idempotency_sweep(struct txn *txn, struct key *at, unsigned int n);

/* FNV-1a (64 bits) over method and params, eight bytes at a time. */
uint64_t idempotency_hash(struct slice method, struct slice params);
