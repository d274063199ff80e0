#include "tests/bench/workers.h"
#include "proto/mp.h"
#include "tests/bench/client.h"
#include "tests/bench/process.h"
#include "tests/bench/samples.h"
#include "tests/bench/tasks.h"

#include <pthread.h>
#include <stdio.h>

#define BATCH 500

struct fill {
	const struct workers_queue *queue;
	uint64_t series; /* so that threads are new every time */
	uint32_t at;
};

static void put_run(const void *context, uint32_t i, struct buf *out)
{
	const struct fill *f = context;
	bool apart = !f->queue->thread_id;
	char thread_id[TASK_ID_MAX];

	snprintf(thread_id, sizeof(thread_id), "thread_%llx_%u", (unsigned long long)f->series,
		f->at + i);
	task_put_create(out, &(struct task_run){
				     .thread_id = apart ? thread_id : f->queue->thread_id,
				     .assistant_id = f->queue->assistant_id,
				     .on_active = apart ? "parallel" : "enqueue",
			     });
}

static void fill(void *context)
{
	struct fill f = {.queue = context, .series = now_ns()};
	int s = client_open(f.queue->url);
	struct buf frame = {0};

	while (f.at < f.queue->n) {
		uint32_t n = f.queue->n - f.at < BATCH ? f.queue->n - f.at : BATCH;

		task_batch(&frame, n, put_run, &f);
		client_free(client_call(s, buf_slice(&frame)));
		f.at += n;
	}
	buf_finish(&frame);
	client_close(s);
}

void workers_fill(const struct workers_queue *queue)
{
	child_run(fill, (void *)(uintptr_t)queue);
}

struct crew {
	const struct workers *workers;
	uint64_t length_ns;
	pthread_barrier_t start;
	struct samples done; /* times of claims */
	_Atomic uint64_t ended_ns;
	uint64_t started_ns;
};

/* Claim a run and complete it. False when there is none; else @us is what the claim took. */
static bool do_one(int s, struct buf *frame, double *us)
{
	struct slice reply, claim, run_id, token;
	uint64_t before;

	task_claim(frame, WORKERS_ASSISTANT, 0);
	before = now_ns();
	reply = client_call(s, buf_slice(frame));
	*us = (double)(now_ns() - before) / 1e3;
	claim = client_result(reply);
	if (mp_is_nil(claim)) {
		client_free(reply);
		return false;
	}
	if (!mp_get_str(mp_lookup(mp_lookup(claim, "run"), "id"), &run_id) ||
		!mp_get_str(mp_lookup(mp_lookup(claim, "lease"), "token"), &token)) {
		child_die("a claim that has no run or no lease");
	}
	task_update(frame, run_id, "completed", token);
	client_free(reply);
	client_free(client_call(s, buf_slice(frame)));
	return true;
}

static void *worker_main(void *context)
{
	struct crew *crew = context;
	int s = client_open(crew->workers->url);
	struct buf frame = {0};
	uint64_t now, seen;
	double us;

	do_one(s, &frame, &us); /* warms up */
	if (pthread_barrier_wait(&crew->start) == PTHREAD_BARRIER_SERIAL_THREAD) {
		crew->started_ns = now_ns();
	}
	pthread_barrier_wait(&crew->start);
	while (now_ns() < crew->started_ns + crew->length_ns && do_one(s, &frame, &us)) {
		samples_add(&crew->done, us);
	}
	now = now_ns();
	seen = crew->ended_ns;
	while (seen < now && !atomic_compare_exchange_weak(&crew->ended_ns, &seen, now)) {
	}
	buf_finish(&frame);
	client_close(s);
	return NULL;
}

static void run_crew(void *context)
{
	struct crew *crew = context;
	pthread_t threads[WORKERS_MAX];
	unsigned int n = crew->workers->n;

	pthread_barrier_init(&crew->start, NULL, n);
	for (unsigned int i = 0; i < n; i++) {
		if (pthread_create(&threads[i], NULL, worker_main, crew)) {
			child_die("cannot start a thread");
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
	}
}

void workers_measure(const void *what, double seconds, struct result *out)
{
	const struct workers *workers = what;
	struct workers_queue queue = {.url = workers->url,
		.assistant_id = WORKERS_ASSISTANT,
		.n = workers->queue + workers->n - *workers->left};
	struct crew *crew = shared_alloc(sizeof(*crew));
	size_t done;

	workers_fill(&queue);
	crew->workers = workers;
	crew->length_ns = (uint64_t)(seconds * 1e9);
	child_run(run_crew, crew);
	done = crew->done.n;
	if (done > workers->queue) {
		die("%zu runs were claimed where %u were queued", done, workers->queue);
	}
	*workers->left = workers->queue - (uint32_t)done;
	samples_result(&crew->done, (double)(crew->ended_ns - crew->started_ns) / 1e9, out);
	shared_free(crew, sizeof(*crew));
}

struct one {
	const char *url;
	uint64_t length_ns;
	struct samples claims;
};

static void run_one(void *context)
{
	struct one *one = context;
	int s = client_open(one->url);
	uint64_t until = now_ns() + one->length_ns;
	struct buf frame = {0};
	double us;

	do {
		task_create(&frame, &(struct task_run){
					    .thread_id = "thread_one",
					    .assistant_id = WORKERS_ASSISTANT,
					    .on_active = "parallel",
				    });
		client_free(client_call(s, buf_slice(&frame)));
		if (!do_one(s, &frame, &us)) {
			child_die("a run that was queued cannot be claimed");
		}
		samples_add(&one->claims, us);
	} while (now_ns() < until);
	buf_finish(&frame);
	client_close(s);
}

void workers_measure_one(const void *what, double seconds, struct result *out)
{
	struct one *one = shared_alloc(sizeof(*one));

	one->url = what;
	one->length_ns = (uint64_t)(seconds * 1e9);
	child_run(run_one, one);
	samples_result(&one->claims, seconds, out);
	shared_free(one, sizeof(*one));
}
