/*
 * Threads that may block, for what asks the daemon. Jobs are done in their order of submission, one
 * a thread.
 */
#pragma once

struct pool;

struct pool_job {
	void (*run)(struct pool_job *job); /* the job is the callee's from then on */
	struct pool_job *next;		   /* the pool's while it is queued */
};

/* Returns 0 or -errno. */
int pool_open(struct pool **out, unsigned int n_threads);

/* Jobs that wait are still done; none may be submitted from then on but by jobs. */
void pool_close(struct pool *pool);

/* Never blocks, never fails: the memory of a queued job is the submitter's. */
void pool_submit(struct pool *pool, struct pool_job *job);
