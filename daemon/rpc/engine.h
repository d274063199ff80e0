/*
 * From the socket to the reply. One thread receives, and runs by itself what is bounded: gets and
 * pages, on a snapshot. What is larger goes to a worker, what may look at any number of
 * objects to others, what writes to the writer. What waits for something stands in the lot.
 */
#pragma once

#include "daemon/rpc/writer.h"

struct engine;

struct engine_options {
	struct writer_options writer;
	unsigned int n_workers; /* that scan, besides one for large frames and batches */
};

/* Returns 0 or -errno. Nothing is received before engine_run(). */
int engine_create(struct engine **out, const struct engine_options *options);

/* Start to receive. Returns 0 or -errno. */
int engine_run(struct engine *engine);

/* Receive no more, answer what was received, end all threads, free. */
void engine_stop(struct engine *engine);
