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
	IDEMPOTENCY_RUN = 1, /* what is the id of the run that was the reply; so of the others */
	IDEMPOTENCY_STEP = 2,
	IDEMPOTENCY_DATA = 3,  /* the reply itself */
	IDEMPOTENCY_BATCH = 4, /* a batch, whose requests have records of their own */
	IDEMPOTENCY_CLAIM = 5, /* the id of the run and its lease */
	IDEMPOTENCY_THREAD = 6,
	IDEMPOTENCY_MESSAGE = 7,
	IDEMPOTENCY_ASSISTANT = 8,
};

struct idempotency {
	uint64_t hash;
	enum idempotency_kind kind;
	struct slice what; /* borrowed from the transaction when read */
};

/*
 * The key of the table for a caller's @key: that of a request, or of the request @member of a
 * batch. So a caller's key that looks like another's with a number behind it is not that.
 */
struct key idempotency_key(struct slice key);
struct key idempotency_member_key(struct slice key, uint32_t member);

/* False when nothing was done under @key in the last 24 hours. */
bool idempotency_find(struct txn *txn, struct slice key, struct idempotency *out);

void idempotency_put(struct txn *txn, struct slice key, const struct idempotency *record);

/*
 * Remove expired records among the next @n from where the last call stopped; @at, the writer's,
 * starts as {0}. At least two looks for each record that is added (txn->n_keys) keep the table at
 * a small multiple of what 24 hours bring.
 */
void idempotency_sweep(struct txn *txn, struct key *at, unsigned int n);

/* FNV-1a (64 bits) over method and params, eight bytes at a time. */
uint64_t idempotency_hash(struct slice method, struct slice params);
