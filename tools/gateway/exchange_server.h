/*
 * An exchange as the server has it. All but exchange_finish() are called by the thread of
 * libmicrohttpd that serves the connection.
 */
#pragma once

#include "proto/buf.h"
#include "tools/gateway/answer.h"
#include "tools/gateway/exchange.h"

#include <microhttpd.h>

/* @target as it came, path and query; copied. NULL without memory. One reference. */
struct exchange *exchange_create(const char *target, struct MHD_Connection *con);

const char *exchange_target(const struct exchange *x);

/* "GET" and so on, set once the head is there; a HEAD is a GET. */
const char *exchange_method(const struct exchange *x);
void exchange_set_method(struct exchange *x, const char *method);

/*
 * Append to the body. False when it becomes longer than @limit, or is refused already: all of it is
 * then dropped.
 */
bool exchange_receive(struct exchange *x, const char *data, size_t size, size_t limit);

/* Bytes of a body that was too long which came after that was known; 0: it was not. */
size_t exchange_dropped(const struct exchange *x);
struct slice exchange_body(const struct exchange *x);

/* As exchange_answer_take(), for a text of another type. */
void exchange_answer_text_take(
	struct exchange *x, unsigned int status, char *text, const char *type);

/* Answer with a refusal. */
void exchange_refuse(struct exchange *x, enum refusal refusal);

/* It will be answered by another thread: suspend the connection until then. */
void exchange_wait(struct exchange *x);

/* Send the answer if there is one: true, and *@r is what the handler returns. */
bool exchange_send(struct exchange *x, enum MHD_Result *r);

/* It is over, or the client has gone: nothing touches the connection any more. */
void exchange_over(struct exchange *x);

/* The status that was answered, 0 for none; when it began, by clock_ns(). */
unsigned int exchange_status(const struct exchange *x);
uint64_t exchange_began_ns(const struct exchange *x);

/* What it asks for, for the metrics: a number of the caller's, at first 0. */
void exchange_set_route(struct exchange *x, unsigned int route);
unsigned int exchange_route(const struct exchange *x);

/* Is it held, or answered by and by? How long that takes says nothing of how fast we are. */
bool exchange_waits(const struct exchange *x);
void exchange_set_waits(struct exchange *x);

/* The monotonic clock in nanoseconds. */
uint64_t clock_ns(void);
