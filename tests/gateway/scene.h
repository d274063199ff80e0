/* A daemon, and what a gateway makes of those who wait, without a server. */
#pragma once

#include "tests/gateway/desk.h"
#include "tools/gateway/gateway.h"
#include "tools/gateway/hold.h"
#include "tools/gateway/hub.h"
#include "tools/gateway/stream.h"
#include "wire.h"

#include "fixture.h"

struct scene {
	struct fixture *fixture; /* the daemon, and a connection of the test's own */
	struct wire *wire;
	struct gateway gw;
};

/*
 * For each test. The gateway's parts are opened with the daemon there. The test's initial state is
 * the daemon's further arguments, or NULL.
 */
int scene_start(void **state);

/* All is closed, within 5 s, and no exchange is left. */
int scene_stop(void **state);

/* The daemon stops, and is started again on the same data. */
void scene_halt(struct scene *s);
void scene_resume(struct scene *s);

/* hold_run() and stream_open() on a thread of the pool. */
struct exchange *scene_hold(struct scene *s, const char *run_id, int64_t max_ms);
struct exchange *scene_stream(struct scene *s, const struct stream_options *options);
