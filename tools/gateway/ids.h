/* Ids that the gateway issues. */
#pragma once

#include <stddef.h>

#define ID_SIZE 40 /* bytes of an id that is issued, with its NUL */

/* @prefix and a fresh ULID, in @out, which is returned. Any thread. */
char *ids_issue(const char *prefix, char out[static ID_SIZE]);

/*
 * @prefix and 26 characters that follow from @key and @role alone: the same request under the same
 * idempotency key names the same objects. (FNV-1a, 128 bits, in Crockford's base 32.)
 */
char *ids_derive(const char *prefix, const char *key, const char *role, char out[static ID_SIZE]);
