/*
 * librunstore, the part for those who execute runs and those who follow them: claims and leases,
 * waiting, watching. Included by <runstore.h>, whose rules on results, threads and memory hold
 * here.
 *
 * Calls that wait have connections of their own, up to 256 of a handle, and keep no other call from
 * going ahead.
 */
#ifndef RUNSTORE_WORK_H
#define RUNSTORE_WORK_H

#include "runstore.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Executing runs. A worker claims queued runs, oldest first, each exactly once and under a lease: a
 * token that ends after lease_ms unless it is heartbeat. While it holds, steps and changes of the
 * run other than its metadata need the token (the member `lease` of the parameters); when it is
 * lost the run goes to another worker, and what the first one still writes is refused with
 * RUNSTORE_E_LEASE_LOST.
 */
struct runstore_lease;

struct runstore_claim {
	const char *worker;		  /* needed: 1 to 256 characters, told in changes */
	const int64_t *lease_ms;	  /* 100 to 3,600,000; NULL: 30,000 */
	const char *const *assistant_ids; /* only runs of these, at most 64; NULL: of any */
	size_t n_assistant_ids;
	const char *thread_id; /* only runs of this thread; NULL: of any */
	int64_t wait_ms;       /* how long to wait for one; below 0: for ever */
	bool heartbeat;	       /* a thread of the library's own holds the lease until it is freed */
};

/*
 * Claim a run. *@lease is NULL when there was none within wait_ms. A wait is asked of the daemon in
 * pieces of at most 5 s, so that a worker that dies while it waits is forgotten soon. Freed with
 * runstore_lease_free(). With heartbeat, RUNSTORE_E_INTERNAL also when there can be no thread; the
 * run is then given back. RUNSTORE_E_UNAVAILABLE when the daemon is away for longer than the
 * handle's connect_timeout_ms, however long is left: a run may then have been claimed, and is lost
 * in its time. RUNSTORE_E_OVERLOADED when it still has no room for those who wait at the end.
 *
 * The thread sends a heartbeat every third of lease_ms over a connection of its own, and goes on
 * trying while the daemon is away, until the lease is lost or given back. It takes no signals.
 */
RUNSTORE_API int runstore_claim(struct runstore *rs, const struct runstore_claim *params,
	struct runstore_lease **lease, struct runstore_error *error);

/* What was claimed. All is the lease's and lives as long. */
RUNSTORE_API const struct runstore_run *runstore_lease_run(const struct runstore_lease *lease);
RUNSTORE_API const char *runstore_lease_token(const struct runstore_lease *lease);
RUNSTORE_API const char *runstore_lease_worker(const struct runstore_lease *lease);
RUNSTORE_API int64_t runstore_lease_attempt(const struct runstore_lease *lease); /* from 1 */

/* A map of what the run was created with that has no place in it; empty for none. */
RUNSTORE_API struct runstore_value runstore_lease_hints(const struct runstore_lease *lease);

/*
 * How it stands, as the last heartbeat told: when the lease ends (Unix milliseconds), the status of
 * the run (RUNSTORE_RUN_CANCELLING after a cancel, which the worker confirms with cancelled), and
 * whether the lease was refused, was given back or its time is over, time asleep included. A run
 * that the worker has ended counts as lost from the next heartbeat on. Any thread; asks nobody.
 */
RUNSTORE_API int64_t runstore_lease_expires_ms(struct runstore_lease *lease);
RUNSTORE_API enum runstore_run_status runstore_lease_status(struct runstore_lease *lease);
RUNSTORE_API bool runstore_lease_lost(struct runstore_lease *lease);

/*
 * Hold the lease for another lease_ms. RUNSTORE_E_LEASE_LOST; RUNSTORE_E_NOT_FOUND when the run was
 * deleted. Any thread.
 */
RUNSTORE_API int runstore_lease_heartbeat(
	struct runstore_lease *lease, struct runstore_error *error);

/*
 * Give the run back to the queue, which is no loss. RUNSTORE_E_LEASE_LOST, RUNSTORE_E_NOT_FOUND,
 * RUNSTORE_E_INVALID_TRANSITION when it is being cancelled. The lease is still to be freed.
 */
RUNSTORE_API int runstore_lease_release(struct runstore_lease *lease, struct runstore_error *error);

/*
 * End the heartbeats, within a quarter of a second, and free. A run that was neither ended nor
 * released is lost in its time.
 */
RUNSTORE_API void runstore_lease_free(struct runstore_lease *lease);

/*
 * For who looks after a store: take a run from whoever holds it, and queue it again (it must be in
 * progress) or fail it with server_error and @message, which may be NULL. RUNSTORE_E_NOT_FOUND,
 * RUNSTORE_E_INVALID_TRANSITION. @thread_id and @run may be NULL.
 */
RUNSTORE_API int runstore_run_requeue(struct runstore *rs, const char *thread_id,
	const char *run_id, struct runstore_run **run, struct runstore_error *error);
RUNSTORE_API int runstore_run_fail(struct runstore *rs, const char *thread_id, const char *run_id,
	const char *message, struct runstore_run **run, struct runstore_error *error);

/*
 * Wait for a run, without polling.
 */
enum runstore_until {
	RUNSTORE_UNTIL_TERMINAL = 0, /* its end */
	RUNSTORE_UNTIL_ACTION,	     /* its end, or tool outputs are asked for */
	RUNSTORE_UNTIL_CHANGE,	     /* any change of it or of its steps and messages */
};

struct runstore_wait {
	const char *thread_id; /* may be NULL */
	enum runstore_until until;
	const int64_t *since_seq;  /* with CHANGE: one after this counts; NULL: the next one */
	const int64_t *timeout_ms; /* NULL: 30,000; below 0: for ever */
};

/*
 * 0 with the run as it is then, also when the time is over. RUNSTORE_E_NOT_FOUND, also when it is
 * deleted meanwhile; RUNSTORE_E_UNAVAILABLE and _OVERLOADED as in runstore_claim(). @params may be
 * NULL: until it has ended, or 30 s.
 */
RUNSTORE_API int runstore_wait(struct runstore *rs, const char *run_id,
	const struct runstore_wait *params, struct runstore_run **run,
	struct runstore_error *error);

/*
 * Watching. Changes come in their order, each once, without a gap, over restarts of the daemon too:
 * what it publishes tells that there is something, and what was missed is read from its feed.
 */
struct runstore_change {
	int64_t seq;   /* grows by one in the store */
	int64_t at_ms; /* Unix milliseconds */
	const char *event;
	const char *thread_id;	      /* NULL: a change of an assistant */
	const char *run_id;	      /* NULL: of a thread, an assistant, or a message of no run */
	const char *step_id;	      /* NULL: it is of no step */
	const char *message_id;	      /* NULL: it is of no message */
	const char *assistant_id;     /* NULL: it is of no assistant */
	const char *from;	      /* status; NULL: there is none, it was created */
	const char *to;		      /* status; NULL: there is none, it was deleted */
	const char *by;		      /* a worker's name, "client" or "daemon" */
	struct runstore_value object; /* as the change left it, if asked for; else absent; null
					 when it was deleted or is over 64 KiB */
	struct runstore_value value;  /* all of it */
	bool truncated; /* changes between the one before and this are no longer kept */
};

struct runstore_watch_options {
	const char *thread_id; /* only changes in this thread; NULL: in any */
	const char *run_id;    /* only those of this run, its steps and messages; NULL: of any */
	const int64_t *since;  /* begin behind this change, 0: with the oldest that is kept; NULL:
				  with the next one */
	bool objects;
	const char *events_url; /* NULL: where the daemon says */
};

struct runstore_watch;

/*
 * @options may be NULL. RUNSTORE_E_INVALID_PARAMS also for a `since` that is yet to come: the store
 * is not the one that it was. The handle must outlive the watch, which belongs to one thread at a
 * time and has one socket of its own. Freed with runstore_watch_close().
 */
RUNSTORE_API int runstore_watch_open(struct runstore *rs,
	const struct runstore_watch_options *options, struct runstore_watch **watch,
	struct runstore_error *error);

/*
 * The next change, or NULL when none came within @timeout_ms (below 0: wait for ever). It is the
 * watch's and lives until the following call. RUNSTORE_E_UNAVAILABLE, RUNSTORE_E_OVERLOADED when no
 * daemon answered, or it was stopping, at the end of that time (with a timeout below 0: for the
 * handle's connect_timeout_ms); the next call goes on where this one was. One that hangs is given a
 * second. RUNSTORE_E_INVALID_PARAMS as above.
 */
RUNSTORE_API int runstore_watch_next(struct runstore_watch *watch, int timeout_ms,
	const struct runstore_change **change, struct runstore_error *error);

/* The number of the last change that was looked at: `since` of a watch that is to go on here. */
RUNSTORE_API int64_t runstore_watch_seq(const struct runstore_watch *watch);

RUNSTORE_API void runstore_watch_close(struct runstore_watch *watch);

#ifdef __cplusplus
}
#endif

#endif
