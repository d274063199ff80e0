/* What a handle is, and a call in the terms of the library's own files. */
#pragma once

#include "client/pool.h"
#include "client/runstore.h"
#include "proto/buf.h"
#include "proto/ulid.h"

struct runstore {
	char *url;
	int timeout_ms;
	int connect_timeout_ms;
	int attempts;
	struct pool pool;
	pthread_mutex_t lock; /* for what follows */
	struct ulid_state ulid;
	uint32_t msgid;
};

struct runstore_reply {
	void *message; /* nanomsg's memory */
	struct slice result;
};

/* Write a fresh idempotency key. 0, or RUNSTORE_E_INTERNAL. */
int handle_make_key(
	struct runstore *rs, char out[static ULID_LENGTH + 1], struct runstore_error *error);

/* runstore_call() with @params in a buffer, whose error is looked at first. */
int handle_call(struct runstore *rs, const char *method, const struct buf *params,
	struct runstore_reply **reply, struct runstore_error *error);
