/* A daemon, the workers that execute its runs, and the killing of both. */
#ifndef TEST_CREW_H
#define TEST_CREW_H

#include "dice.h"
#include "fixture.h"
#include "journal.h"

#include <sys/types.h>

enum { N_PLACES = 16, MAX_WORKERS = 8192, MAX_OUTAGES = 2048, LEASE_MS = 500 };

struct outage {
	int64_t from_us; /* monotonic */
	int64_t to_us;
};

/* At each place there is one worker at a time; each has a number of its own, from 1. */
struct crew {
	struct fixture *fixture;
	struct dice dice;
	struct journal *journals[N_PLACES];
	pid_t pids[N_PLACES];
	uint32_t workers[N_PLACES];
	int64_t killed_us[MAX_WORKERS]; /* by the worker's number; 0: was not */
	uint32_t n_workers;
	struct outage outages[MAX_OUTAGES]; /* times in which no daemon was known to serve */
	size_t n_outages;
	unsigned int n_server_kills; /* of the process that serves */
	unsigned int n_crashes;	     /* of all of the daemon */
	uint32_t n_runs;	     /* created; their numbers are 1 to that */
	int64_t ahead_us;	     /* Unix time less monotonic time */
};

/* A group's setup and teardown. */
int crew_start(void **state);
int crew_stop(void **state);

/* Queue @n runs more. */
void crew_add_runs(struct crew *crew, uint32_t n);

/*
 * A worker at every place, whose claims wait for some time up to @wait_ms; later, another one at
 * the place of one that is killed.
 */
void crew_go_to_work(struct crew *crew, uint32_t wait_ms);
void crew_kill_worker(struct crew *crew);

/* Kill the worker who was told that he has the run. Returns whether there is one. */
bool crew_kill_holder(struct crew *crew, uint32_t run);

/* Kill the process that serves, or all of the daemon; return when it serves again. */
void crew_kill_server(struct crew *crew);
void crew_kill_daemon(struct crew *crew);

/* Fails the test when a worker has ended: it does when it finds something wrong. */
void crew_expect_at_work(struct crew *crew);

/* Wait until every run has ended, at most @limit_ms. */
void crew_await_ends(struct crew *crew, int limit_ms);

/* There are no runs left. Let the workers end, or end those that wait. */
void crew_go_home(struct crew *crew);
void crew_send_home(struct crew *crew);

/* How many workers were killed. */
unsigned int crew_n_killed(const struct crew *crew);

/* How much of the time from @from_us to @to_us no daemon was known to serve. */
int64_t crew_outage_us(const struct crew *crew, int64_t from_us, int64_t to_us);

/* Unix time now less monotonic time now: another than crew->ahead_us if the clock was set. */
int64_t crew_look_ahead(void);

#endif
