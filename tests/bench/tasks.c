#include "tests/bench/tasks.h"
#include "proto/frame.h"
#include "proto/mp.h"
#include "tests/bench/process.h"
#include "tests/bench/requests.h"

#include <stdio.h>
#include <unistd.h>

#define WORKER "worker of the benchmark"
#define WAIT_MS 60000

void task_run_id(uint64_t number, char id[static TASK_ID_MAX])
{
	snprintf(id, TASK_ID_MAX, "run_%026llu", (unsigned long long)number);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	mp_put_cstr(out, name);
	mp_put_cstr(out, text);
}

/* Processes count for themselves: what tells their keys apart is the process. */
static void put_key(struct buf *out)
{
	uint8_t key[REQUEST_KEY_BYTES];

	request_key(key, (unsigned int)getpid());
	mp_put_cstr(out, "idempotency_key");
	mp_put_str(out, slice_of(key, sizeof(key)));
}

/* Takes the memory of @params. */
static void make_frame(struct buf *out, const char *method, struct buf *params)
{
	buf_truncate(out, 0);
	frame_write_request(out, 1, slice_str(method), buf_slice(params));
	if (buf_error(params) || buf_error(out)) {
		child_die("out of memory");
	}
	buf_finish(params);
}

static void put_run(struct buf *out, const struct task_run *run, bool keyed)
{
	mp_put_map(out, 5 + (run->id != NULL) + keyed);
	if (run->id) {
		put_text(out, "id", run->id);
	}
	put_text(out, "thread_id", run->thread_id);
	put_text(out, "assistant_id", run->assistant_id);
	put_text(out, "on_active", run->on_active);
	put_text(out, "model", "gpt-4o-mini");
	put_text(out, "instructions", "You answer briefly and cite the line you rely on.");
	if (keyed) {
		put_key(out);
	}
}

void task_create(struct buf *out, const struct task_run *run)
{
	struct buf params = {0};

	put_run(&params, run, true);
	make_frame(out, "runs.create", &params);
}

void task_claim(struct buf *out, const char *assistant_id, unsigned int wait_ms)
{
	struct buf params = {0};

	mp_put_map(&params, wait_ms ? 4 : 3);
	put_text(&params, "worker", WORKER);
	mp_put_cstr(&params, "assistant_ids");
	mp_put_array(&params, 1);
	mp_put_cstr(&params, assistant_id);
	if (wait_ms) {
		mp_put_cstr(&params, "wait_ms");
		mp_put_uint(&params, wait_ms);
	}
	put_key(&params);
	make_frame(out, "runs.claim", &params);
}

void task_wait(struct buf *out, const char *run_id)
{
	struct buf params = {0};

	mp_put_map(&params, 3);
	put_text(&params, "run_id", run_id);
	put_text(&params, "until", "terminal");
	mp_put_cstr(&params, "timeout_ms");
	mp_put_uint(&params, WAIT_MS);
	make_frame(out, "runs.wait", &params);
}

void task_get(struct buf *out, const char *run_id)
{
	struct buf params = {0};

	mp_put_map(&params, 1);
	put_text(&params, "run_id", run_id);
	make_frame(out, "runs.get", &params);
}

void task_update(struct buf *out, struct slice run_id, const char *status, struct slice lease)
{
	struct buf params = {0};

	mp_put_map(&params, lease.ptr ? 4 : 3);
	mp_put_cstr(&params, "run_id");
	mp_put_str(&params, run_id);
	put_text(&params, "status", status);
	if (lease.ptr) {
		mp_put_cstr(&params, "lease");
		mp_put_str(&params, lease);
	}
	put_key(&params);
	make_frame(out, "runs.update", &params);
}

void task_bare(struct buf *out, const char *method)
{
	struct buf params = {0};

	mp_put_map(&params, 0);
	make_frame(out, method, &params);
}

void task_batch(struct buf *out, uint32_t n,
	void (*put)(const void *context, uint32_t i, struct buf *out), const void *context)
{
	struct buf params = {0};

	mp_put_map(&params, 2);
	mp_put_cstr(&params, "requests");
	mp_put_array(&params, n);
	for (uint32_t i = 0; i < n; i++) {
		put(context, i, &params);
	}
	put_key(&params);
	make_frame(out, "batch", &params);
}

void task_put_create(struct buf *out, const struct task_run *run)
{
	mp_put_array(out, 2);
	mp_put_cstr(out, "runs.create");
	put_run(out, run, false);
}

void task_put_update(struct buf *out, const char *run_id, const char *status)
{
	mp_put_array(out, 2);
	mp_put_cstr(out, "runs.update");
	mp_put_map(out, 2);
	put_text(out, "run_id", run_id);
	put_text(out, "status", status);
}
