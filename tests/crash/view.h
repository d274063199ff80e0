/* What is stored, taken from the data directory of a daemon that does not run. */
#ifndef TEST_VIEW_H
#define TEST_VIEW_H

#include "ledger.h"

#include <jansson.h>

struct view {
	json_t *runs; /* arrays of objects, in the order of their keys */
	json_t *steps;
};

/* Also lets the store check itself: fails the test when it finds a problem. */
void view_read(struct view *view, const char *data_dir);
void view_finish(struct view *view);

/*
 * Everything of @writer that was acknowledged is there, and nothing else but what the message
 * that it waits for may have done. @ledger is a copy.
 */
void view_expect(const struct view *view, unsigned int writer, const struct ledger *ledger);

/* Every run and step is of a writer below @n_writers. */
void view_expect_writers(const struct view *view, unsigned int n_writers);

#endif
