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
	int64_t run_ttl;	/* seconds, 0 for never */
	bool strict_assistants; /* refuse runs of assistants that are not in the store */
	const char *data;
	const char *listen;
	const char *events;
	int64_t started_ms;
	struct stats *stats;
};

/* Which changes are to wake a request that is parked. */
struct op_wake {
	struct slice run_id;	/* of this run, the text of P_run_id; ptr NULL: of any */
	struct slice thread_id; /* of this thread, the text of P_thread_id; ptr NULL: of any */
	unsigned int
		statuses; /* only when the run comes to one of these (bits), or is gone; 0: any */
};

/* Of a method that waits: how it stands with the request, besides its parameters. */
struct op_wait {
	int64_t left_ms; /* for which it may still be parked; 0: it is to answer now; below 0: it
			    was not run yet */
	uint64_t seq;	 /* changes up to this one have been looked at; 0: it was not run yet */
	struct op_wake wake;
};

/* The request is to be parked and run again: for this long, or until it is woken. */
#define OP_PARK 1000000

struct op {
	struct txn *txn;
	const struct slice *args; /* canonical values by enum param; ptr NULL: not given */
	struct buf *out;	  /* takes the result, one encoded value */
	struct problem *problem;
	const struct service *service;
	struct op_wait *wait; /* NULL: it cannot be parked */
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

/*
 * May what asks to execute @run do so? Without a lease it is refused while somebody holds one, and
 * with one unless that is it. What it then changes is said to be by the lease's worker. Returns 0,
 * E_LEASE_LOST, or -ENOMEM.
 */
int op_check_lease(struct op *op, const struct run *run);

/*
 * The id of a new object: that of the parameter `id` unless @ids, a table by id, has it; else one
 * is issued with @prefix. Returns 0, E_ID_CONFLICT, which calls it a @kind, or -ENOMEM.
 */
int op_new_id(
	struct op *op, enum table ids, const char *prefix, const char *kind, struct slice *out);

/* Refuse the parameter @p where it is the number of a change that is still to come. */
int op_check_seq(struct op *op, enum param p, const char *name);

/* Refuse with run_active when the thread has a run that has not ended; else 0. */
int op_thread_busy(struct op *op, struct slice thread_id, const char *param);

/* Refuse because the result does not fit into the reply. */
int op_reply_full(struct op *op);

/*
 * Park the request, to be woken by changes that its snapshot has not, unless its time is over. How
 * long that is its parameter @p says, or else @otherwise. Returns OP_PARK or 0.
 */
int op_park(struct op *op, enum param p, int64_t otherwise, const struct op_wake *wake);

/* Append a whole encoded value as the result. Returns 0 or E_TOO_LARGE. */
int op_result(struct op *op, struct slice value);

/* Append {id, object, deleted: true} as the result. */
int op_result_deleted(struct op *op, struct slice id, const char *object);

/* The stored form of what @values make, in the arena. Returns 0, E_TOO_LARGE, or -ENOMEM. */
int op_encode(struct op *op, const struct schema *s, const struct slice *values, struct slice *out);

/* Encoded values in the arena; ptr NULL when memory runs out. */
struct slice value_take(struct arena *arena, struct buf *b); /* what @b holds; it is finished */
struct slice value_int(struct arena *arena, int64_t v);
struct slice value_text(struct arena *arena, struct slice text);
struct slice value_name(struct arena *arena, const char *name);
#define VALUE_NULL SLICE_LIT("\xc0")
