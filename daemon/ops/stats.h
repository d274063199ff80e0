/* What the daemon counts of itself. Written by any thread, read by server.stats. */
#pragma once

#include "proto/buf.h"
#include "proto/methods.h"

struct stats;

/* NULL when memory runs out. */
struct stats *stats_create(void);
void stats_destroy(struct stats *stats);

/* A request of @method was answered @ns nanoseconds after it was received. */
void stats_request(struct stats *stats, enum method_id method, uint64_t ns, bool refused);

/* @requests were committed together, in @ns. */
void stats_commit(struct stats *stats, unsigned int requests, uint64_t ns);

/* The requests that wait for the writer or for its commit changed by @delta. */
void stats_queue(struct stats *stats, int delta);

/* So many requests are parked. */
void stats_parked(struct stats *stats, unsigned int n);

/* Append the pairs queue_depth, commits, batch_size, commit_us, methods: 5 pairs of a map. */
void stats_encode(struct stats *stats, struct buf *out);
