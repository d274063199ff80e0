/* What a request can be refused with. The codes are rows of errors.def. */
#pragma once

#include "proto/mp.h"

#include <stdarg.h>

enum error_code {
	E_NONE = 0,
#define ERR(name, number, code, type, http) E_##name = number,
#include "proto/errors.def"
#undef ERR
};

struct problem {
	int code;	   /* enum error_code */
	char message[480]; /* for a person, UTF-8 */
	char param[176];   /* path of the parameter at fault, "" for none */
	bool reply_full;   /* too_large, and it is the reply that would have been */
};

/* The code as it stands on the wire; "internal" for a number that is none. */
const char *error_name(int code);
const char *error_type(int code);
int error_http(int code);

/* The number of a code's name, 0 for an unknown one. */
int error_from_name(struct slice name);

/* Fill in @p (@param may be NULL) and return @code, so that `return problem_set(…)` refuses. */
int problem_set(struct problem *p, int code, const char *param, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int problem_vset(struct problem *p, int code, const char *param, const char *format, va_list ap)
	__attribute__((format(printf, 4, 0)));

/* Put @prefix before the param of @p: "requests[3]" makes "id" into "requests[3].id". */
void problem_prefix(struct problem *p, const char *prefix);

/* Append the map {type, code, message, param}. */
void problem_encode(const struct problem *p, struct buf *out);

/* Printable bytes of @s for a message: no more than 64 characters of it, cut at a character. */
const char *printable(struct slice s, char out[static 72]);
