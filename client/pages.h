/* A list, object after object, page after page. */
#pragma once

#include "client/request.h"

struct pages {
	struct request request;	      /* the filters; without order, limit and cursor */
	struct runstore_page page;    /* after is not used: it is in @after */
	char after[65];		      /* the cursor of the next page, "" at the start */
	struct runstore_reply *reply; /* the page at hand */
	struct slice rest;	      /* its objects that were not given yet */
	uint32_t n_rest;
	bool more; /* there are pages to fetch */
	int64_t n_given;
};

/* @p comes cleared, its request with handle and method; check the page's numbers. */
int pages_init(struct pages *p, const struct runstore_page *page, struct runstore_error *error);
void pages_finish(struct pages *p);

/* The next object, borrowed from the page at hand; ptr NULL behind the last. */
int pages_next(struct pages *p, struct slice *object, struct runstore_error *error);
