/* What changes.list tells of the past. */
#ifndef TEST_HISTORY_H
#define TEST_HISTORY_H

#include "wire.h"

/* The seq of the store's last change. */
json_int_t history_last(struct wire *wire);

/*
 * All changes after @after as an array, page by page. @members is NULL, or a filter or
 * `'objects':true` as in `,'run_id':'r'`. Their seqs must grow.
 */
json_t *history_since(struct wire *wire, json_int_t after, const char *members, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The changes of @run_id and its steps after @after as text, borrowed from the wire: `event from to
 * by` each, with nil for null, joined by "; ".
 */
const char *history_text(struct wire *wire, json_int_t after, const char *run_id);

/* That text must be this. */
void history_expect(struct wire *wire, json_int_t after, const char *run_id, const char *expected);

/* The last @event in @changes; there must be one. */
json_t *history_find(const json_t *changes, const char *event);

/* How many of @changes are @event. */
int history_count(const json_t *changes, const char *event);

#endif
