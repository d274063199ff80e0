/* What a handle is, and a call in the terms of the library's own files. */
#pragma once

#include "client/params.h"
#include "client/pool.h"
#include "client/runstore.h"
#include "proto/ulid.h"

struct runstore {
	char *url;
	int timeout_ms;
	int connect_timeout_ms;
	int attempts;
	struct pool pool;
	struct pool waiting;  /* for requests that the daemon is asked to wait with */
	pthread_mutex_t lock; /* for what follows */
	struct ulid_state ulid;
	uint32_t msgid;
};

struct runstore_reply {
	void *message; /* nanomsg's memory */
	struct slice result;
};

/* How much patience a call has, and where it goes. */
struct call_terms {
	int timeout_ms; /* in all, what the method itself waits not counted */
	int connect_timeout_ms;
	int attempts;
	struct socket *socket; /* the caller's own, or NULL for one of the handle's */
};

/* Those that the handle was opened with. */
struct call_terms handle_terms(const struct runstore *rs);

/* Write a fresh idempotency key. 0, or RUNSTORE_E_INTERNAL. */
int handle_make_key(
	struct runstore *rs, char out[static ULID_LENGTH + 1], struct runstore_error *error);

/* runstore_call() on other terms than the handle's. */
int handle_call_on(struct runstore *rs, const struct call_terms *terms, const char *method,
	const struct params *params, struct runstore_reply **reply, struct runstore_error *error);

/* runstore_call() with @params in a buffer, whose error is looked at first. */
int handle_call(struct runstore *rs, const char *method, const struct buf *params,
	struct runstore_reply **reply, struct runstore_error *error);
