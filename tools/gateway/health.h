/* /healthz and /metrics. */
#pragma once

#include "tools/gateway/exchange.h"
#include "tools/gateway/gateway.h"

/* Is the path of @n bytes one of them? */
bool health_serves(const char *path, size_t n);

/* Answer it, on a thread of the pool; any other method than GET is refused. */
void health_submit(const struct gateway *gw, struct exchange *x, const char *path, size_t n);
