#include "tests/bench/requests.h"
#include "proto/frame.h"
#include "proto/mp.h"
#include "tests/bench/process.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

void request_key(uint8_t *at, unsigned int client)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	static atomic_uint_fast64_t counter;
	uint64_t count = ++counter, ms;
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	for (int i = 9; i >= 0; i--, ms >>= 5) {
		at[i] = (uint8_t)digits[ms & 31];
	}
	for (int i = 21; i >= 10; i--, count >>= 5) {
		at[i] = (uint8_t)digits[count & 31];
	}
	for (int i = 25; i >= 22; i--, client >>= 5) {
		at[i] = (uint8_t)digits[client & 31];
	}
}

static struct frames make_frames(size_t n)
{
	struct frames frames = {.list = calloc(n, sizeof(struct frame)), .n = n};

	if (!frames.list) {
		die("out of memory");
	}
	return frames;
}

void frames_free(struct frames *frames)
{
	for (size_t i = 0; i < frames->n; i++) {
		free(frames->list[i].bytes);
	}
	free(frames->list);
	*frames = (struct frames){0};
}

/* Takes the memory of @params. */
static void set_frame(
	struct frames *frames, size_t i, const char *method, struct buf *params, bool keyed)
{
	struct buf out = {0};

	frame_write_request(&out, 1, slice_str(method), buf_slice(params));
	if (buf_error(params) || buf_error(&out)) {
		die("out of memory");
	}
	buf_finish(params);
	frames->list[i] = (struct frame){.bytes = out.ptr,
		.len = out.len,
		.key_at = keyed ? out.len - REQUEST_KEY_BYTES : 0};
	frames->largest = out.len > frames->largest ? out.len : frames->largest;
}

/* The same numbers every time, so that runs of the benchmark compare. */
static uint32_t random_below(uint32_t n)
{
	static uint64_t state = UINT64_C(0x853c49e6748fea9b);

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(((state >> 33) * n) >> 31);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	mp_put_cstr(out, name);
	mp_put_cstr(out, text);
}

static void put_run_id(struct buf *out, uint32_t run)
{
	char id[CONTENT_ID_MAX];

	content_run_id(run, id);
	put_text(out, "run_id", id);
}

/* The key comes last in the frame, where set_frame() looks for it. */
static void put_key(struct buf *out)
{
	uint8_t key[REQUEST_KEY_BYTES];

	request_key(key, 0);
	mp_put_cstr(out, "idempotency_key");
	mp_put_str(out, slice_of(key, sizeof(key)));
}

struct frames request_run_gets(const struct content *c, size_t n)
{
	struct frames frames = make_frames(n);

	for (size_t i = 0; i < n; i++) {
		struct buf params = {0};

		mp_put_map(&params, 1);
		put_run_id(&params, random_below(c->n_runs));
		set_frame(&frames, i, "runs.get", &params, false);
	}
	return frames;
}

struct frames request_step_gets(const struct content *c, size_t n)
{
	struct frames frames = make_frames(n);

	for (size_t i = 0; i < n; i++) {
		uint32_t run = random_below(c->n_runs);
		char id[CONTENT_ID_MAX];
		struct buf params = {0};

		content_step_id(c, run, random_below(c->steps_per_run), id);
		mp_put_map(&params, 2);
		put_run_id(&params, run);
		put_text(&params, "step_id", id);
		set_frame(&frames, i, "steps.get", &params, false);
	}
	return frames;
}

struct frames request_step_lists(const struct content *c, size_t n, unsigned int limit)
{
	struct frames frames = make_frames(n);

	for (size_t i = 0; i < n; i++) {
		struct buf params = {0};

		mp_put_map(&params, 2);
		put_run_id(&params, random_below(c->n_runs));
		mp_put_cstr(&params, "limit");
		mp_put_uint(&params, limit);
		set_frame(&frames, i, "steps.list", &params, false);
	}
	return frames;
}

static void set_page(
	const struct content *c, struct frames *frames, size_t i, uint32_t run, uint32_t depth)
{
	char id[CONTENT_ID_MAX];
	struct buf params = {0};

	content_step_id(c, run, depth - 1, id);
	mp_put_map(&params, 4);
	put_run_id(&params, run);
	mp_put_cstr(&params, "limit");
	mp_put_uint(&params, 100);
	put_text(&params, "order", "asc");
	put_text(&params, "after", id);
	set_frame(frames, i, "steps.list", &params, false);
}

struct frames request_page_at(const struct content *c, uint32_t depth)
{
	struct frames frames = make_frames(1);

	set_page(c, &frames, 0, 0, depth);
	return frames;
}

struct frames request_pages(const struct content *c, size_t n)
{
	uint32_t last = c->steps_per_run > 100 ? c->steps_per_run - 100 : 1;
	struct frames frames = make_frames(n);

	for (size_t i = 0; i < n; i++) {
		uint32_t run = random_below(c->n_runs);

		set_page(c, &frames, i, run, 1 + random_below(last));
	}
	return frames;
}

/* The pairs of a steps.create: what its object needs to come to about 500 bytes. */
static void put_new_step(struct buf *out, uint32_t run, bool keyed)
{
	mp_put_map(out, keyed ? 5 : 4);
	put_run_id(out, run);
	put_text(out, "type", "message_creation");
	mp_put_cstr(out, "step_details");
	mp_put_map(out, 2);
	put_text(out, "type", "message_creation");
	mp_put_cstr(out, "message_creation");
	mp_put_map(out, 1);
	put_text(out, "message_id", "msg_01JABCDEFGHJKMNPQRSTVWXYZ0");
	mp_put_cstr(out, "metadata");
	mp_put_map(out, 1);
	put_text(out, "source", "benchmark");
	if (keyed) {
		put_key(out);
	}
}

struct frames request_step_creates(const struct content *c, bool keyed)
{
	struct frames frames = make_frames(c->n_open);

	for (uint32_t i = 0; i < c->n_open; i++) {
		struct buf params = {0};

		put_new_step(&params, c->n_runs + i, keyed);
		set_frame(&frames, i, "steps.create", &params, keyed);
	}
	return frames;
}

struct frames request_batches(const struct content *c, size_t n, unsigned int size)
{
	struct frames frames = make_frames(n);

	for (size_t i = 0; i < n; i++) {
		struct buf params = {0};

		mp_put_map(&params, 2);
		mp_put_cstr(&params, "requests");
		mp_put_array(&params, size);
		for (unsigned int k = 0; k < size; k++) {
			mp_put_array(&params, 2);
			mp_put_cstr(&params, "steps.create");
			put_new_step(&params, c->n_runs + (uint32_t)(i + k) % c->n_open, false);
		}
		put_key(&params);
		set_frame(&frames, i, "batch", &params, true);
	}
	return frames;
}

struct frames request_bare(const char *method)
{
	struct frames frames = make_frames(1);
	struct buf params = {0};

	mp_put_map(&params, 0);
	set_frame(&frames, 0, method, &params, false);
	return frames;
}

struct frames request_run_creates(const char *assistant_id, size_t n)
{
	struct frames frames = make_frames(n);

	for (size_t i = 0; i < n; i++) {
		struct buf params = {0};

		mp_put_map(&params, 4);
		put_text(&params, "thread_id", "thread_created");
		put_text(&params, "assistant_id", assistant_id);
		put_text(&params, "on_active", "parallel");
		put_key(&params);
		set_frame(&frames, i, "runs.create", &params, true);
	}
	return frames;
}

struct frames request_claims(const char *assistant_id)
{
	struct frames frames = make_frames(1);
	struct buf params = {0};

	mp_put_map(&params, 2);
	put_text(&params, "worker", "worker");
	mp_put_cstr(&params, "assistant_ids");
	mp_put_array(&params, 1);
	mp_put_cstr(&params, assistant_id);
	set_frame(&frames, 0, "runs.claim", &params, false);
	return frames;
}
