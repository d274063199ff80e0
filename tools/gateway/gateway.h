/* What all parts of a gateway share; made by main, and the same for its whole life. */
#pragma once

#include "client/runstore.h"
#include "tools/gateway/pool.h"

struct holds;
struct hub;
struct metrics;
struct options;
struct quick;
struct streams;

struct gateway {
	const struct options *options;
	struct runstore *rs; /* for calls from the threads of the pool */
	struct quick *quick; /* for those from the server's */
	struct pool *pool;
	struct hub *hub;
	struct holds *holds;
	struct streams *streams;
	struct metrics *metrics;
};
