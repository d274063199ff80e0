/*
 * Stale runs: under way (in_progress or cancelling), and no worker holds a lease on them, so nobody
 * is bound to end them before they expire.
 */
#pragma once

#include "tools/cli/cli.h"

/* What of a page of runs is stale. */
struct stale_page {
	struct buf data;   /* an encoded array of runs */
	uint32_t n;	   /* how many */
	bool more;	   /* there was one more than was asked for */
	struct slice last; /* id of the last one, borrowed from the page */
};

/* The statuses that such runs have, up to a NULL. */
extern const char *const stale_statuses[];

/*
 * Look at the encoded array @runs, of at most 100, for @most at most. @page is the caller's to
 * finish. 0, or an exit code after a message.
 */
int stale_find(struct cli *cli, struct slice runs, uint32_t most, struct stale_page *page);

void stale_finish(struct stale_page *page);
