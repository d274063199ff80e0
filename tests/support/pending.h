/* Requests whose replies are taken later: what a caller does who is parked. */
#ifndef TEST_PENDING_H
#define TEST_PENDING_H

#include "wire.h"

/* Send the request and come back. A wire has one request at a time. */
void pending_send(struct wire *wire, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The reply to the last pending_send() on @wire as {error, result}, borrowed from it; NULL when
 * none has come within @timeout_ms: the request is then still pending.
 */
json_t *pending_poll(struct wire *wire, int timeout_ms);

/* Its result; the test fails when the reply is an error or does not come in time. */
json_t *pending_result(struct wire *wire, int timeout_ms);

/* Its error, by the rules of check_error(). */
json_t *pending_error(struct wire *wire, int timeout_ms, const char *code, const char *param);

/*
 * Nothing tells from outside that a request is parked. This gives the daemon time to read what was
 * sent; no test of what must happen fails if it does not suffice, except those of a stop.
 */
void pending_settle(void);

#endif
