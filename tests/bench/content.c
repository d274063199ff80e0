#include "tests/bench/content.h"
#include "proto/mp.h"

#include <stdio.h>

#define FIRST_SECOND 1750000000
#define STEPS_A_SECOND 200

static uint32_t live(const struct content *c)
{
	return c->n_runs < CONTENT_LIVE ? c->n_runs : CONTENT_LIVE;
}

uint64_t content_steps(const struct content *c)
{
	return (uint64_t)c->n_runs * c->steps_per_run;
}

void content_run_id(uint32_t run, char id[static CONTENT_ID_MAX])
{
	snprintf(id, CONTENT_ID_MAX, "run_%026u", run);
}

static void step_id(uint64_t number, char id[static CONTENT_ID_MAX])
{
	snprintf(id, CONTENT_ID_MAX, "step_%026llu", (unsigned long long)number);
}

/* Threads are named by their users: without any order. */
static void thread_id(uint32_t run, char id[static CONTENT_ID_MAX])
{
	uint64_t mixed = (run / 4 + 1) * UINT64_C(0x9e3779b97f4a7c15);

	mixed ^= mixed >> 29;
	mixed *= UINT64_C(0xbf58476d1ce4e5b9);
	snprintf(id, CONTENT_ID_MAX, "thread_%016llx", (unsigned long long)mixed);
}

static uint32_t run_of(const struct content *c, uint64_t number)
{
	uint64_t group = number / ((uint64_t)live(c) * c->steps_per_run);

	return (uint32_t)(group * live(c) + number % live(c));
}

void content_step_id(
	const struct content *c, uint32_t run, uint32_t at, char id[static CONTENT_ID_MAX])
{
	uint64_t group = run / live(c);

	step_id((group * c->steps_per_run + at) * live(c) + run % live(c), id);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	mp_put_cstr(out, name);
	mp_put_cstr(out, text);
}

static void put_number(struct buf *out, const char *name, uint64_t v)
{
	mp_put_cstr(out, name);
	mp_put_uint(out, v);
}

static void put_usage(struct buf *out)
{
	mp_put_cstr(out, "usage");
	mp_put_map(out, 3);
	put_number(out, "prompt_tokens", 1200);
	put_number(out, "completion_tokens", 300);
	put_number(out, "total_tokens", 1500);
}

static void put_owner(struct buf *out, uint32_t run)
{
	char id[CONTENT_ID_MAX];

	thread_id(run, id);
	put_text(out, "thread_id", id);
	put_text(out, "assistant_id", "asst_benchmark");
}

void content_put_run(const struct content *c, uint32_t run, struct buf *out)
{
	bool open = run >= c->n_runs;
	char id[CONTENT_ID_MAX];

	content_run_id(run, id);
	mp_put_map(out, open ? 8 : 10);
	put_text(out, "id", id);
	put_text(out, "object", "thread.run");
	put_number(out, "created_at", FIRST_SECOND + run);
	put_owner(out, run);
	put_text(out, "status", open ? "in_progress" : "completed");
	put_text(out, "model", "gpt-4o-mini");
	put_text(out, "instructions", "You answer briefly and cite the line you rely on.");
	if (!open) {
		put_number(out, "completed_at", FIRST_SECOND + run + 60);
		put_usage(out);
	}
}

static void put_details(struct buf *out)
{
	mp_put_cstr(out, "step_details");
	mp_put_map(out, 2);
	put_text(out, "type", "message_creation");
	mp_put_cstr(out, "message_creation");
	mp_put_map(out, 1);
	put_text(out, "message_id", "msg_01JABCDEFGHJKMNPQRSTVWXYZ0");
}

void content_put_step(const struct content *c, uint64_t number, struct buf *out)
{
	uint32_t run = run_of(c, number);
	char id[CONTENT_ID_MAX];

	mp_put_map(out, 11);
	step_id(number, id);
	put_text(out, "id", id);
	put_text(out, "object", "thread.run.step");
	put_number(out, "created_at", FIRST_SECOND + number / STEPS_A_SECOND);
	put_owner(out, run);
	content_run_id(run, id);
	put_text(out, "run_id", id);
	put_text(out, "type", "message_creation");
	put_text(out, "status", "completed");
	put_details(out);
	put_number(out, "completed_at", FIRST_SECOND + number / STEPS_A_SECOND + 3);
	put_usage(out);
}
