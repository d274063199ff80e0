#include "tests/bench/client.h"
#include "tests/bench/content.h"
#include "tests/bench/process.h"

#include "proto/frame.h"
#include "proto/mp.h"

#include <nanomsg/nn.h>
#include <pthread.h>
#include <stdatomic.h>

#define CHUNK 1000
#define N_THREADS 2 /* one message is made while another is stored */
#define REPORT_EVERY 250000

struct import {
	const struct content *content;
	const char *url;
	atomic_uint_fast64_t next; /* objects that were shared out so far */
	uint64_t end;
	void (*put)(const struct content *c, uint64_t number, struct buf *out);
};

static void put_run(const struct content *c, uint64_t number, struct buf *out)
{
	content_put_run(c, (uint32_t)number, out);
}

static void make_frame(const struct import *im, uint64_t first, uint64_t n, struct buf *frame)
{
	struct buf params = {0};

	mp_put_map(&params, 1);
	mp_put_cstr(&params, "objects");
	mp_put_array(&params, (uint32_t)n);
	for (uint64_t i = 0; i < n; i++) {
		im->put(im->content, first + i, &params);
	}
	buf_truncate(frame, 0);
	frame_write_request(frame, 1, SLICE_LIT("objects.import"), buf_slice(&params));
	if (buf_error(&params) || buf_error(frame)) {
		child_die("out of memory");
	}
	buf_finish(&params);
}

static void *import_main(void *context)
{
	struct import *im = context;
	int s = client_open(im->url);
	struct buf frame = {0};
	uint64_t at;

	while ((at = atomic_fetch_add(&im->next, CHUNK)) < im->end) {
		uint64_t n = im->end - at < CHUNK ? im->end - at : CHUNK;
		struct slice reply;

		make_frame(im, at, n, &frame);
		reply = client_call(s, buf_slice(&frame));
		nn_freemsg((void *)(uintptr_t)reply.ptr);
		if (at && at % REPORT_EVERY < CHUNK) {
			progress("imported %llu of %llu", (unsigned long long)at,
				(unsigned long long)im->end);
		}
	}
	buf_finish(&frame);
	client_close(s);
	return NULL;
}

static void import_all(void *context)
{
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++) {
		if (pthread_create(&threads[i], NULL, import_main, context)) {
			child_die("cannot start a thread");
		}
	}
	for (int i = 0; i < N_THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
}

double content_import(const struct content *c, const char *url)
{
	struct import runs = {
		.content = c, .url = url, .end = (uint64_t)c->n_runs + c->n_open, .put = put_run};
	struct import steps = {
		.content = c, .url = url, .end = content_steps(c), .put = content_put_step};
	uint64_t start;

	child_run(import_all, &runs);
	start = now_ns();
	child_run(import_all, &steps);
	return (double)steps.end * 1e9 / (double)(now_ns() - start);
}
