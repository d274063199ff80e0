/* Who executes runs: runs.lease for many of them in one request. */
#pragma once

#include "tools/cli/cli.h"

#define LEASES_MOST 1000

/*
 * Ask for the runs @ids, LEASES_MOST at most: the results are those of @batch, by index. 0, or an
 * exit code after a message.
 */
int leases_ask(struct cli *cli, struct runstore_batch *batch, const struct slice *ids, size_t n);

/* The lease of the run @index, {run_id, status, lease, ...}; ptr NULL when the run is gone. */
struct slice leases_result(const struct runstore_batch *batch, size_t index);
