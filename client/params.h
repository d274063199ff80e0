/* Parameter structures to MessagePack maps, by tables of their members. */
#pragma once

#include "client/runstore.h"
#include "proto/mp.h"

enum param_kind {
	PARAM_TEXT,	   /* const char * */
	PARAM_JSON,	   /* const char *, JSON text */
	PARAM_INTEGER,	   /* const int64_t * */
	PARAM_NUMBER,	   /* const double * */
	PARAM_BOOL,	   /* const bool * */
	PARAM_RUN_STATUS,  /* enum, 0: not given */
	PARAM_STEP_STATUS, /* enum, 0: not given */
	PARAM_STEP_TYPE,   /* enum, 0: not given */
};

struct param_row {
	const char *name;
	enum param_kind kind;
	size_t offset;
};

#define PARAM_ROW(type, member, kind)                                                              \
	{                                                                                          \
#member, kind, offsetof(struct type, member)                                       \
	}

/* A map that is being written: how many pairs it will have is known only at its end. */
struct params {
	struct buf pairs;
	uint32_t n;
};

void params_finish(struct params *p);

/* One pair each; text that is NULL is not given. */
void params_text(struct params *p, const char *name, const char *text);
void params_integer(struct params *p, const char *name, int64_t value);

/*
 * The names of @n numbers of the enum @kind as an array; none are not given.
 * RUNSTORE_E_INVALID_PARAMS for a number that is none.
 */
int params_enums(struct params *p, const char *name, enum param_kind kind, const void *numbers,
	size_t n, struct runstore_error *error);

/* A pair whose value the caller writes to p->pairs next. */
void params_begin(struct params *p, const char *name);

/*
 * The members of the structure at @from that are given. RUNSTORE_E_INVALID_PARAMS for text that is
 * no JSON or an enum's number that is none, RUNSTORE_E_INTERNAL without memory.
 */
int params_rows(struct params *p, const struct param_row *rows, size_t n, const void *from,
	struct runstore_error *error);

/* Append the map. */
void params_write(const struct params *p, struct buf *out);
