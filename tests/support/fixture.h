/* What most tests begin with: a daemon of their own and one connection to it. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include "daemon.h"
#include "wire.h"

struct fixture {
	struct daemon daemon;
	struct wire wire;
	pid_t server; /* must serve to the end; 0 when the test means to kill it */
};

/*
 * Setup and teardown for a group or for a single test. As a test's initial state fixture_start()
 * takes the daemon's further arguments (const char *const *), or NULL.
 */
int fixture_start(void **state);
int fixture_stop(void **state);

static inline struct wire *wire_of(void **state)
{
	return &((struct fixture *)*state)->wire;
}

/* A daemon directory without a daemon. */
int fixture_prepare(void **state);

/* Start the daemon on its directory, with the arguments it had, and connect. */
void fixture_resume(struct fixture *fixture);

/* Stop it with SIGTERM, or kill it. */
void fixture_halt(struct fixture *fixture);
void fixture_crash(struct fixture *fixture);

/*
 * Ask server.info on fresh connections until one answers with a pid other than @not_pid. Returns
 * how many milliseconds that took; fails the test after @limit_ms. The wire is open anew, and from
 * here on the serving process may change.
 */
long fixture_await_service(struct fixture *fixture, pid_t not_pid, int limit_ms);

/* The pid of the process that serves. */
pid_t fixture_server(struct fixture *fixture);

#endif
