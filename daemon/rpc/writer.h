/*
 * The one thread that writes. It takes what waits in its queue into one transaction, commits, and
 * only then answers and publishes. While a commit waits for the disk the next batch gathers by
 * itself.
 */
#pragma once

#include "daemon/rpc/claims.h"
#include "daemon/rpc/queue.h"
#include "daemon/rpc/space.h"

struct writer;

struct writer_options {
	struct store *store;
	struct net *net;
	const struct service *service;
	struct lot *lot; /* where claims wait, and to whom changes are announced */
	const char *dir;
	const atomic_bool *stopping; /* when it becomes true, reads in batches give up */
	int64_t flush_ms; /* between flushes of a store opened with KV_SYNC_LAZY, 0 for none */
};

/*
 * Does what fell due while nobody was there, then starts the thread. Returns 0 or -errno;
 * -ECANCELED when a signal to stop came meanwhile (SIGTERM and SIGINT must be blocked).
 */
int writer_start(struct writer **out, const struct writer_options *options);

/* Hand over a prepared request. False when too many wait: the request is still the caller's. */
bool writer_push(struct writer *writer, struct request *request);

/* Write and answer what was handed over, then end the thread. */
void writer_stop(struct writer *writer);
