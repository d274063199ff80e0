/* What holds a thread: its oldest run that has not ended, and what stands behind that. */
#pragma once

#include "proto/status.h"
#include "tools/cli/cli.h"

enum why_fate {
	WHY_GONE,   /* it has ended since it was listed */
	WHY_WAITS,  /* it is held back until the runs before it have ended */
	WHY_BESIDE, /* it does not wait */
};

struct why_one {
	char id[65];
	enum why_fate fate;
};

struct why {
	struct cli *cli;
	const char *thread;
	struct why_one *runs;	      /* under way; the first is the one that holds the thread */
	size_t n;		      /* 0: the thread is free */
	struct runstore_batch *batch; /* what @run and @lease are borrowed from */
	struct slice run;	      /* the first */
	struct slice lease;	      /* what runs.lease says of it */
	enum run_status status;
	int64_t since; /* its last change of status, Unix seconds */
};

/* For a person, or as JSON. 0, or an exit code after a message. */
int why_show(const struct why *w);
