/*
 * Exchanges without a server: what tools/gateway/exchange.h promises, for tests that ask what was
 * answered. A test that uses it is linked with it in place of the server's.
 */
#pragma once

#include "tools/gateway/exchange.h"

/* A new one, with one reference. */
struct exchange *desk_open(void);

/* Was it answered within @timeout_ms? */
bool desk_await(struct exchange *x, int timeout_ms);

/* The answer: 0 while there is none, 200 for a stream; what the test's errors say otherwise. */
unsigned int desk_status(struct exchange *x);
int desk_code(struct exchange *x);	    /* RUNSTORE_E_*, 0 without an error */
const char *desk_param(struct exchange *x); /* of the error */
const char *desk_body(struct exchange *x);
const char *desk_header(struct exchange *x, const char *name);

/*
 * Read the stream until its text has @part in it or, for NULL, to its end. Returns all text so far,
 * the exchange's, or NULL when that did not come within @timeout_ms.
 */
const char *desk_read(struct exchange *x, const char *part, int timeout_ms);

/* The same, but no more than @size bytes at once, and only once. Returns what read returned. */
ssize_t desk_read_once(struct exchange *x, size_t size);

/* Has its end been read? */
bool desk_ended(struct exchange *x);

/* The client goes: a stream is closed. Unreferenced too. */
void desk_leave(struct exchange *x);

/* How many exchanges there are; and those that a failed test left do not count. */
int desk_count(void);
void desk_clear(void);
