/* One method call: its parameters checked, then run in a transaction. */
#pragma once

#include "daemon/ops/op.h"

struct call {
	const struct method *method; /* NULL when there is none of that name */
	struct slice *args;	     /* N_PARAMS of them; NULL when they were refused */
	uint64_t hash;		     /* of method and params, for idempotency */
	struct problem *problem;     /* why it was refused; NULL when it was not */
};

/*
 * Look up and check a call; no lock and no transaction is needed. What is kept is in @arena and
 * in @params. Returns 0, also when the call is refused (call->problem), or -ENOMEM.
 */
int call_prepare(struct call *call, struct arena *arena, struct slice method, struct slice params);

/* Refuse a call that was prepared. Returns 0 or -ENOMEM. */
int call_refuse(
	struct call *call, struct arena *arena, int code, const char *param, const char *why);

/*
 * Run a prepared call and append its result to @out. @key is the idempotency key that it goes
 * under, ptr NULL for none. Returns 0, a code of the contract that @p then holds (@out is as it
 * was, and nothing of the call was changed), OP_PARK when it is to wait as @wait now says, which
 * may be NULL, or -errno: the transaction cannot go on.
 */
int call_run(const struct call *call, struct txn *txn, const struct service *service,
	struct slice key, struct op_wait *wait, struct buf *out, struct problem *p);
