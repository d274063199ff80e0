/*
 * What a handler gets, and what handlers share. A handler is pure: parameters and a transaction
 * in, a result out. It does all reads and checks, and writes its result, before its first put;
 * so when it refuses (a code of the contract, with op->problem filled in) nothing was changed.
 */
#pragma once

#include "daemon/store/runs.h"
#include "daemon/store/steps.h"
#include "proto/methods.h"

/* What is the same for all requests of a daemon. */
struct service {
	int64_t run_ttl; /* seconds, 0 for never */
	const char *data;
	const char *listen;
	const char *events;
	int64_t started_ms;
	struct stats *stats;
};

struct op {
	struct txn *txn;
	const struct slice *args; /* canonical values by enum param; ptr NULL: not given */
	struct buf *out;	  /* takes the result, one encoded value */
	struct problem *problem;
	const struct service *service;
};

#define METHOD(symbol, name, access, reply, flags, help) int op_##symbol(struct op *op);
#include "proto/methods.def"
#undef METHOD

static inline bool op_given(const struct op *op, enum param p)
{
	return op->args[p].ptr;
}

/* The text of a string parameter; ptr NULL when it is not given. */
struct slice op_text(const struct op *op, enum param p);
int64_t op_int(const struct op *op, enum param p, int64_t otherwise);
bool op_flag(const struct op *op, enum param p);

/* Now, in Unix seconds. */
static inline int64_t op_now(const struct op *op)
{
	return op->txn->now_ms / 1000;
}

/* Refuse with not_found: `No run found with id 'x'.` @kind as a person calls it. */
int op_not_found(struct op *op, const char *kind, struct slice id, const char *param);

/*
 * Find the run of the parameters run_id and thread_id: its stored bytes, borrowed, and its key.
 * Returns 0 or E_NOT_FOUND.
 */
int op_find_run(struct op *op, struct slice *bytes, struct key *key);

/*
 * Load the run of the parameters run_id and thread_id, or the step of step_id and these. Returns
 * 0, E_NOT_FOUND, or -errno.
 */
int op_load_run(struct op *op, struct run *run);
int op_load_step(struct op *op, struct run *run, struct step *step);

/* Refuse a lease that does not hold. */
int op_check_lease(struct op *op);

/* Refuse because the result does not fit into the reply. */
int op_reply_full(struct op *op);

/* Append a whole encoded value as the result. Returns 0 or E_TOO_LARGE. */
int op_result(struct op *op, struct slice value);

/* Append {id, object, deleted: true} as the result. */
int op_result_deleted(struct op *op, struct slice id, const char *object);

/* The stored form of what @values make, in the arena. Returns 0, E_TOO_LARGE, or -ENOMEM. */
int op_encode(struct op *op, const struct schema *s, const struct slice *values, struct slice *out);

/* Encoded values in the arena; ptr NULL when memory runs out. */
struct slice value_int(struct arena *arena, int64_t v);
struct slice value_text(struct arena *arena, struct slice text);
struct slice value_name(struct arena *arena, const char *name);
#define VALUE_NULL SLICE_LIT("\xc0")
