/*
 * Requests about runs that are made on the way, for children of the benchmark alone. Each makes
 * @out one frame; writes have an idempotency key of their own.
 */
#pragma once

#include "proto/buf.h"

#define TASK_ID_MAX 40

/* Ids that grow with @number, as those that are issued. */
void task_run_id(uint64_t number, char id[static TASK_ID_MAX]);

struct task_run {
	const char *id; /* NULL: the daemon is to issue one */
	const char *thread_id;
	const char *assistant_id;
	const char *on_active;
};

void task_create(struct buf *out, const struct task_run *run);
void task_claim(struct buf *out, const char *assistant_id, unsigned int wait_ms);
void task_wait(struct buf *out, const char *run_id);
void task_get(struct buf *out, const char *run_id);

/* @lease is a token, or ptr NULL. */
void task_update(struct buf *out, struct slice run_id, const char *status, struct slice lease);

/* One without parameters. */
void task_bare(struct buf *out, const char *method);

/* A batch of @n requests; @put appends each with one of those below. */
void task_batch(struct buf *out, uint32_t n,
	void (*put)(const void *context, uint32_t i, struct buf *out), const void *context);
void task_put_create(struct buf *out, const struct task_run *run);
void task_put_update(struct buf *out, const char *run_id, const char *status);
