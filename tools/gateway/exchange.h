/*
 * One HTTP request and its answer. It is made when the head of the request has come, handed to a
 * thread of the pool when all of it has, and answered once, from any thread: at once, later (a held
 * request), or by and by (a stream). While it waits for its answer it has no thread.
 *
 * References: who keeps an exchange beyond the call that gave it takes one. The client may go at
 * any time; then answers go nowhere, and that is no error.
 */
#pragma once

#include "client/runstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct exchange;

struct exchange *exchange_ref(struct exchange *x);
void exchange_unref(struct exchange *x);

/* A header of the request, or NULL; the exchange's, and @name in any case. */
const char *exchange_request_header(const struct exchange *x, const char *name);

/* Is the client still there, as far as the server knows? */
bool exchange_alive(struct exchange *x);

/* Add a header to the answer that is to come; copied. */
void exchange_add_header(struct exchange *x, const char *name, const char *value);

/* Answer with a JSON text from malloc(), which is the exchange's from then on. */
void exchange_answer_take(struct exchange *x, unsigned int status, char *json);

/* Answer with an error: its code says the status. */
void exchange_answer_error(struct exchange *x, const struct runstore_error *error);

/* The body of an answer that comes by and by, of type text/event-stream. */
struct exchange_source {
	/*
	 * Copy up to @size bytes to @out. Returns how many; 0 when there is nothing yet, and
	 * exchange_more() will tell when there is; EXCHANGE_END at the end. Called by one thread at
	 * a time, the server's: it must not block.
	 */
	ssize_t (*read)(void *context, char *out, size_t size);
	/* It is read no more: the end was reached, or the client has gone. Called once. */
	void (*close)(void *context);
	void *context;
};

#define EXCHANGE_END (-1)

void exchange_answer_stream(struct exchange *x, const struct exchange_source *source);

/* There is more to read, or the end. Any thread, also after the answer is over. */
void exchange_more(struct exchange *x);
