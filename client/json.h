/* JSON text to MessagePack and back. Members keep their order in both directions. */
#pragma once

#include "client/runstore.h"
#include "proto/mp.h"

/* Levels of nesting that are read and written. */
#define JSON_DEPTH 64

/*
 * Append the value that the @len bytes at @text are. RUNSTORE_E_INVALID_PARAMS, with @param and
 * the position in the message; RUNSTORE_E_TOO_LARGE where it is nested deeper than JSON_DEPTH;
 * RUNSTORE_E_INTERNAL without memory. @out may then hold a part.
 * A buffer's own limit is not looked at.
 */
int json_read(const char *text, size_t len, const char *param, struct buf *out,
	struct runstore_error *error);

/*
 * Append @value as compact JSON, without a final NUL. The same errors: for bytes that are not one
 * value, and for what JSON cannot say.
 */
int json_write(struct slice value, struct buf *out, struct runstore_error *error);
