/* Several calls in one message. */
#pragma once

#include "daemon/rpc/call.h"

struct batch {
	struct call *calls;
	uint32_t n;
	uint64_t hash; /* of all of it */
	bool atomic;
	bool writes; /* does one of them? */
};

/*
 * Take apart the `requests` of a prepared batch call and prepare each. Returns 0, a code that @p
 * then holds when the batch as such makes no sense, or -ENOMEM.
 */
int batch_prepare(
	struct batch *batch, const struct call *call, struct arena *arena, struct problem *p);

/*
 * Run the calls one after the other and append {results: [[error, result], ...]} to @out. @key is
 * the batch's idempotency key; each call goes under that and its number. As call_run().
 */
int batch_run(const struct batch *batch, struct txn *txn, const struct service *service,
	struct slice key, struct buf *out, struct problem *p);
