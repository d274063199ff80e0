/* Runs requests that only read, each on a snapshot of its own. One for each thread that reads. */
#pragma once

#include "daemon/rpc/request.h"

struct reader {
	struct store *store;
	const struct service *service;
	const atomic_bool *stopping; /* scans give up when it becomes true */
	struct kv_txn *kv;
};

/* Returns 0 or -errno. */
int reader_init(struct reader *reader, struct store *store, const struct service *service,
	const atomic_bool *stopping);
void reader_finish(struct reader *reader);

/* Run a prepared request; afterwards it has its reply, or is to be parked. */
void reader_run(struct reader *reader, struct request *request);
