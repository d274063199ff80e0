/* The query of a request's target, as parameters of a method of the daemon. */
#pragma once

#include "client/runstore.h"
#include "proto/buf.h"

enum query_kind {
	QUERY_TEXT,
	QUERY_INTEGER,
	QUERY_TEXTS, /* one or several: key=, key[]= */
	QUERY_PAIRS, /* key[name]= */
};

struct query_key {
	const char *name;
	enum query_kind kind;
};

/* Pairs of a map that are being written. */
struct pairs {
	struct buf bytes;
	uint32_t n;
};

void pairs_finish(struct pairs *p);

/* Begin one: its value is to be written to p->bytes next. */
void pairs_begin(struct pairs *p, const char *name);
void pairs_text(struct pairs *p, const char *name, struct slice text);
void pairs_value(struct pairs *p, const char *name, struct slice value);

/* Append them as a map. */
void pairs_write(const struct pairs *p, struct buf *out);

/*
 * Append what the query says (behind the question mark; NULL for none) to @out, by the table @keys,
 * which ends with a NULL. Percent-encoding is undone, in keys too, and a plus is a space. A key
 * that is not in the table is RUNSTORE_E_UNKNOWN_PARAM; one that is given twice and may not be, and
 * what is no UTF-8 or has a NUL, RUNSTORE_E_INVALID_PARAMS; with the key as the error's param.
 */
int query_read(const char *query, const struct query_key *keys, struct pairs *out,
	struct runstore_error *error);

/*
 * Undo the percent-encoding of @n bytes in place, @plus telling whether a plus is a space; returns
 * how many they become, or -1 for what is no encoding.
 */
long query_decode(char *text, size_t n, bool plus);
