/* Filling in the caller's struct runstore_error. */
#pragma once

#include "client/runstore.h"
#include "proto/buf.h"

/*
 * Fill in @error, which may be NULL, and return @code, so that `return fail(…)` refuses. @param
 * may be NULL.
 */
int fail(struct runstore_error *error, int code, const char *param, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Out of memory. */
int fail_memory(struct runstore_error *error);

/* What the daemon said: an encoded map {type, code, message, param}. Returns its code. */
int fail_reply(struct runstore_error *error, struct slice refusal);

/* What a buffer's error means: -EMSGSIZE is a request that is too large. */
int fail_buf(struct runstore_error *error, const struct buf *b);
