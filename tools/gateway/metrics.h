/* What is counted, and how it is told: Prometheus' text format, version 0.0.4. */
#pragma once

#include "proto/buf.h"
#include "tools/gateway/gateway.h"
#include "tools/gateway/route.h"

struct metrics;

/* NULL without memory. */
struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *m);

/*
 * A request of @route (N_ROUTES: of none) was answered with @status after @ns; 0: not at all. Of
 * one that waited the time is not counted.
 */
void metrics_request(
	struct metrics *m, unsigned int route, unsigned int status, uint64_t ns, bool waited);

/* Clients that came, or went. */
void metrics_connection(struct metrics *m, int delta);

/* Append all of it. @stats is the result of server.stats, ptr NULL when no daemon answers. */
void metrics_write(const struct gateway *gw, struct slice stats, struct buf *out);
