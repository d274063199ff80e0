/* Do the store's replies, and what it holds, say what a book says? */
#ifndef TEST_VERDICT_H
#define TEST_VERDICT_H

#include "book.h"
#include "shelf.h"

/*
 * NULL when the reply, {error, result}, agrees with what is to be answered, or what is wrong. The
 * book learns what only the store knew.
 */
const char *verdict_of(struct book *book, const char *method, const json_t *params,
	const struct book_answer *answer, const json_t *reply);

/* The same of all that is stored. Nothing may be due. */
const char *verdict_of_store(struct book *book, struct shelf *shelf);

#endif
