/* What of claims others need: which run one would get, and how one is answered. */
#pragma once

#include "daemon/ops/op.h"
#include "daemon/store/ready.h"

/* The run that a claim with these parameters gets now; false when there is none. */
bool leases_find(struct txn *txn, const struct slice *args, struct key *run_key);

/*
 * Append the result of a claim, with the run as it is now and @lease as the worker is told it.
 * Returns 0, E_NOT_FOUND or E_TOO_LARGE.
 */
int leases_put_claim(struct op *op, struct slice run_id, struct slice lease);
