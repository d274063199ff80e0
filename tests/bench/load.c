#include "tests/bench/load.h"
#include "tests/bench/client.h"
#include "tests/bench/process.h"

#include <nanomsg/nn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CLIENTS 64
#define MAX_SAMPLES (1 << 18)
#define WARM_UP 8

/* What one client saw. */
struct tally {
	uint64_t n;
	uint32_t ns[MAX_SAMPLES];
};

struct run {
	const struct load *load;
	uint64_t length_ns;
	pthread_barrier_t start;
	struct tally *tallies;
};

struct client {
	struct run *run;
	unsigned int number;
	int s;
	size_t at; /* the frame that comes next */
	uint8_t *keyed;
};

static void ask(struct client *c)
{
	const struct frames *frames = c->run->load->frames;
	const struct frame *frame = &frames->list[c->at % frames->n];
	struct slice bytes = slice_of(frame->bytes, frame->len), reply;

	if (frame->key_at) {
		memcpy(c->keyed, frame->bytes, frame->len);
		request_key(c->keyed + frame->key_at, c->number);
		bytes.ptr = c->keyed;
	}
	reply = client_call(c->s, bytes);
	nn_freemsg((void *)(uintptr_t)reply.ptr);
	c->at += c->run->load->n_clients;
}

static void ask_until(struct client *c, uint64_t deadline)
{
	struct tally *tally = &c->run->tallies[c->number];
	uint64_t before = now_ns(), now;

	for (;;) {
		ask(c);
		now = now_ns();
		if (now > deadline) {
			return;
		}
		if (tally->n < MAX_SAMPLES) {
			tally->ns[tally->n] = (uint32_t)(now - before);
		}
		tally->n++;
		before = now;
	}
}

static void *client_main(void *context)
{
	struct client *c = context;

	c->s = client_open(c->run->load->url);
	c->at = c->number;
	c->keyed = malloc(c->run->load->frames->largest);
	if (!c->keyed) {
		child_die("out of memory");
	}
	for (int i = 0; i < WARM_UP; i++) {
		ask(c);
	}
	pthread_barrier_wait(&c->run->start);
	ask_until(c, now_ns() + c->run->length_ns);
	client_close(c->s);
	free(c->keyed);
	return NULL;
}

static void run_clients(void *context)
{
	struct run *run = context;
	struct client clients[MAX_CLIENTS];
	pthread_t threads[MAX_CLIENTS];
	unsigned int n = run->load->n_clients;

	pthread_barrier_init(&run->start, NULL, n);
	for (unsigned int i = 0; i < n; i++) {
		clients[i] = (struct client){.run = run, .number = i};
		if (pthread_create(&threads[i], NULL, client_main, &clients[i])) {
			child_die("cannot start a thread");
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint64_t kept(const struct tally *tally)
{
	return tally->n < MAX_SAMPLES ? tally->n : MAX_SAMPLES;
}

static void percentiles(const struct run *run, struct result *out)
{
	uint64_t n = 0, at = 0;
	uint32_t *all;

	for (unsigned int i = 0; i < run->load->n_clients; i++) {
		n += kept(&run->tallies[i]);
	}
	all = malloc((n + 1) * sizeof(*all));
	if (!all || !n) {
		die("no request was answered in time: give more --seconds");
	}
	for (unsigned int i = 0; i < run->load->n_clients; i++) {
		const struct tally *tally = &run->tallies[i];

		memcpy(all + at, tally->ns, kept(tally) * sizeof(*all));
		at += kept(tally);
	}
	qsort(all, n, sizeof(*all), compare);
	out->p50_us = all[n / 2] / 1e3;
	out->p99_us = all[n * 99 / 100] / 1e3;
	free(all);
}

void load_measure(const void *what, double seconds, struct result *out)
{
	const struct load *load = what;
	size_t size = load->n_clients * sizeof(struct tally);
	struct run run = {.load = load,
		.length_ns = (uint64_t)(seconds * 1e9),
		.tallies = shared_alloc(size)};
	uint64_t n = 0;

	child_run(run_clients, &run);
	for (unsigned int i = 0; i < load->n_clients; i++) {
		n += run.tallies[i].n;
	}
	out->rate = (double)n * (load->each ? load->each : 1) / seconds;
	percentiles(&run, out);
	shared_free(run.tallies, size);
}

struct probe {
	const char *url;
	struct slice frame;
	size_t *reply_bytes;
};

static void probe(void *context)
{
	struct probe *p = context;
	int s = client_open(p->url);

	*p->reply_bytes = client_call(s, p->frame).len;
	client_close(s);
}

size_t load_reply_bytes(const char *url, const struct frames *frames)
{
	size_t *shared = shared_alloc(sizeof(*shared)), n;
	const struct frame *frame = &frames->list[0];
	uint8_t *bytes = malloc(frame->len);
	struct probe p = {url, slice_of(bytes, frame->len), shared};

	if (!bytes) {
		die("out of memory");
	}
	memcpy(bytes, frame->bytes, frame->len);
	if (frame->key_at) {
		request_key(bytes + frame->key_at, MAX_CLIENTS);
	}
	child_run(probe, &p);
	n = *shared;
	free(bytes);
	shared_free(shared, sizeof(*shared));
	return n;
}
