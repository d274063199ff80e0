/* A client made of a bare nanomsg REQ socket and msgpack-c: what any stranger could write. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include <stdarg.h>
#include <stdint.h>

#include "codec.h"

#define WIRE_TIMEOUT_MS 10000

/*
 * All JSON that the calls below return is borrowed: it belongs to the wire and lives until
 * wire_close().
 */
struct wire {
	char url[128];
	int socket;
	int timeout_ms;
	uint32_t msgid;
	json_t *kept;
};

void wire_open(struct wire *wire, const char *url, int timeout_ms);
void wire_close(struct wire *wire);

/* Makes @value belong to the wire. Returns it. */
json_t *wire_keep(struct wire *wire, json_t *value);

/*
 * Send @len bytes as one message. Returns the reply as an array [1, msgid, error, result], or NULL
 * when none came in time; the wire is then open anew. Fails the test if it has another shape,
 * cannot be read or is larger than a message may be.
 */
json_t *wire_exchange(struct wire *wire, const void *frame, size_t len);

/*
 * Call @method; params are JSON as codec_parse() takes it, NULL sends `[]`.
 * Returns {error, result}; the try form returns NULL when no answer came in time.
 */
json_t *wire_call(struct wire *wire, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));
json_t *wire_try(struct wire *wire, const char *method);

/* The same with a value. Takes @params. */
json_t *wire_call_take(struct wire *wire, const char *method, json_t *params);

/* The result of a call that must succeed. */
json_t *expect_ok(struct wire *wire, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));
json_t *expect_ok_take(struct wire *wire, const char *method, json_t *params);

/*
 * The call must be refused with @code, or one of several as in `a|b`, and a message; @param NULL
 * takes any, a trailing `*` stands for anything. Returns the error.
 */
json_t *expect_error(struct wire *wire, const char *method, const char *code, const char *param,
	const char *params, ...) __attribute__((format(printf, 5, 6)));
json_t *expect_error_take(
	struct wire *wire, const char *method, const char *code, const char *param, json_t *params);

/* The rules of expect_error() for an error that is at hand. @what names it in the output. */
void check_error(const char *what, const json_t *error, const char *code, const char *param);

#endif
