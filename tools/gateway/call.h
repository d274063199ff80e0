/* A request on its way: what was asked, taken apart, and how it is answered. */
#pragma once

#include "proto/buf.h"
#include "tools/gateway/exchange.h"
#include "tools/gateway/gateway.h"
#include "tools/gateway/route.h"

struct call {
	struct pool_job job;
	const struct gateway *gw;
	struct exchange *x;
	const struct route *route;
	char ids[PATH_IDS][65]; /* of the path, "" where there are fewer */
	const char *key;	/* the idempotency key, or NULL */
	struct buf body;	/* an encoded map */
	struct pairs query;
	struct runstore_error error; /* when a handler refuses */
};

/*
 * Take the request apart and have it handled, on a thread of the pool where that may take a while.
 * The exchange's reference is taken over. Called by the server's thread.
 */
void call_submit(const struct gateway *gw, struct exchange *x, enum route_id route,
	const struct slice ids[static PATH_IDS], struct slice body, const char *query);

/* Append the path's ids to @out under their names. */
void call_put_ids(const struct call *call, struct pairs *out);

/*
 * Append the members of the encoded map @map that @fields names; those of @own are the handler's.
 * Anything else is RUNSTORE_E_UNKNOWN_PARAM, with @path before its name in the error's param.
 */
int call_put_fields(struct call *call, struct slice map, const char *path,
	const char *const *fields, const char *const *own, struct pairs *out);

/* The member @name of the body, where that is a boolean; RUNSTORE_E_INVALID_PARAMS where not. */
int call_flag(struct call *call, const char *name, bool *out);

/* Append the idempotency key, if there is one. */
void call_put_key(const struct call *call, struct pairs *out);

/* Ask the daemon. The reply is for runstore_reply_free(). */
int call_ask(struct call *call, const char *method, const struct pairs *params,
	struct runstore_reply **reply);

/* Answer with a value as JSON. Returns 0 or RUNSTORE_E_INTERNAL. */
int call_answer(struct call *call, struct runstore_value value);
