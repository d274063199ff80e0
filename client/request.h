/* A method whose parameters are made by tables and whose reply is an object or of no interest. */
#pragma once

#include "client/handle.h"
#include "client/params.h"

/* What the typed functions hand to one another. */
struct request {
	struct runstore *rs;
	const char *method;
	struct params params;
	struct runstore_error *error;
	int r; /* the first failure; what follows then does nothing */
};

void request_finish(struct request *q);

/* One more parameter; text that is NULL is not given. */
void request_text(struct request *q, const char *name, const char *text);

/* "what file searches found" for steps, when @content. */
void request_include(struct request *q, bool content);

#define REQUEST_ROWS(q, rows, from) request_rows(q, rows, sizeof(rows) / sizeof(*(rows)), from)
void request_rows(struct request *q, const struct param_row *rows, size_t n, const void *from);

/* Carry it out and keep the reply, for runstore_reply_free(). */
int request_call(struct request *q, struct runstore_reply **reply);

/* Carry it out. The object goes to @out unless that is NULL. */
int request_run(struct request *q, struct runstore_run **out);
int request_step(struct request *q, struct runstore_step **out);
int request_plain(struct request *q);
