/*
 * Pages of lists: one seek to where a page begins, at any depth, then a walk. A list is the
 * positions (created_at, seq) under one key prefix, or under several that are merged.
 */
#pragma once

#include "daemon/store/store.h"

#define PAGE_MAX 100
#define PAGE_PREFIXES 16

struct page {
	unsigned int limit; /* 1 to PAGE_MAX */
	bool descending;
	bool after_given;
	bool before_given;
	uint8_t low[POSITION_BYTES]; /* positions between these two, both exclusive */
	uint8_t high[POSITION_BYTES];
};

void page_init(struct page *page, unsigned int limit, bool descending);

/* Drop the object at @position and all before it, or all after it, in the list's order. */
void page_after(struct page *page, struct slice position);
void page_before(struct page *page, struct slice position);

/* Keep what was created later, or earlier, than this second. */
void page_created_after(struct page *page, int64_t created_at);
void page_created_before(struct page *page, int64_t created_at);

struct page_source {
	enum table table;
	const struct key *prefixes;
	unsigned int n_prefixes; /* at most PAGE_PREFIXES */

	/*
	 * What a row of the table means: false to leave it out, else *object is the bytes to show.
	 * NULL: the row's value.
	 */
	bool (*object)(void *context, struct slice key, struct slice value, struct slice *object);
	void *context;
};

struct page_result {
	struct slice objects[PAGE_MAX]; /* in the list's order, borrowed from the transaction */
	unsigned int n;
	bool has_more;
};

/*
 * Read a page, of no more than @max_bytes in all: what does not fit is left for the next page.
 * Not even one object may have fitted: then n is 0 and has_more is true. The transaction fails
 * with -ECANCELED when txn->stopping becomes true.
 */
void page_read(struct txn *txn, const struct page *page, const struct page_source *source,
	size_t max_bytes, struct page_result *out);
