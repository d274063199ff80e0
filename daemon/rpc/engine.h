/*
 * From the socket to the reply. One thread receives, and runs by itself what is bounded: gets and
 * pages, on a snapshot. What may take long goes to a few workers, what writes to the writer.
 */
#pragma once

#include "daemon/rpc/writer.h"

struct engine;

struct engine_options {
	struct writer_options writer;
	unsigned int n_workers;
};

/* Returns 0 or -errno. Nothing is received before engine_run(). */
int engine_create(struct engine **out, const struct engine_options *options);

/* Start to receive. Returns 0 or -errno. */
int engine_run(struct engine *engine);

/* Receive no more, answer what was received, end all threads, free. */
void engine_stop(struct engine *engine);
