#include "daemon/rpc/engine.h"
#include "daemon/log.h"
#include "daemon/rpc/reader.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define RECEIVE_MS 100
#define LANE_MAX 4096
#define LANE_MAX_BYTES (256u << 20)
#define LARGE_FRAME (256u << 10) /* bytes whose validation alone would hold up the others */
#define MAX_WORKERS 64

/*
 * Who does a request: the receiver itself what is bounded; a worker for what is larger (frames to
 * validate, batches of reads); other workers for scans, which may take seconds.
 */
enum lane_id { LANE_LARGE, LANE_SCAN, N_LANES, LANE_RECEIVER };

struct lane {
	struct engine *engine;
	enum lane_id id;
	struct queue queue;
};

struct engine {
	struct engine_options o;
	struct writer *writer;
	struct lot *lot;
	struct lane lanes[N_LANES];
	pthread_t receiver;
	pthread_t waker;
	pthread_t workers[MAX_WORKERS];
	unsigned int n_started;
	bool receiving;
	bool waking;
	atomic_bool stopping;
};

static void answer(struct engine *e, struct request *request)
{
	request_answer(request, e->o.writer.net, e->o.writer.service->stats);
}

static void hand_over(struct engine *e, struct request *request, bool accepted)
{
	if (!accepted) {
		request_refuse(request, E_OVERLOADED, "Too many requests are waiting: try again.");
		answer(e, request);
	}
}

static void finish(struct engine *e, struct request *request)
{
	lot_finish_request(e->lot, request, e->o.writer.net, e->o.writer.service->stats);
}

static enum lane_id lane_of(const struct engine *e, const struct request *request)
{
	if (!request->prepared) {
		return request->message.len > LARGE_FRAME ? LANE_LARGE : LANE_RECEIVER;
	}
	if (request_scans(request, store_last_seq(e->o.writer.store))) {
		return LANE_SCAN;
	}
	return request_bounded(request) ? LANE_RECEIVER : LANE_LARGE;
}

/* Is that the lane @here, or one that whoever is @here can do as well? */
static bool done_here(enum lane_id wanted, enum lane_id here)
{
	return wanted == here || wanted == LANE_RECEIVER;
}

static void handle(
	struct engine *e, struct reader *reader, struct request *request, enum lane_id here)
{
	enum lane_id lane = lane_of(e, request);

	if (!request->prepared && done_here(lane, here)) {
		if (!request_prepare(request)) {
			answer(e, request);
			return;
		}
		if (request_writes(request)) {
			hand_over(e, request, writer_push(e->writer, request));
			return;
		}
		lane = lane_of(e, request);
	}
	if (!done_here(lane, here)) {
		hand_over(e, request, queue_push(&e->lanes[lane].queue, request));
		return;
	}
	reader_run(reader, request);
	finish(e, request);
}

static void receive(struct engine *e, struct reader *reader)
{
	struct net_message message;
	struct request *request;
	int r;

	r = net_receive(e->o.writer.net, RECEIVE_MS, &message);
	if (r) {
		if (r != -EAGAIN) {
			log_write(LOG_LEVEL_WARNING, "event=receive_failed error=%d", -r);
			usleep(RECEIVE_MS * 1000);
		}
		return;
	}
	request = request_create(&message);
	if (!request) {
		log_write(LOG_LEVEL_ERROR, "event=out_of_memory");
		net_forget(&message);
		return;
	}
	handle(e, reader, request, LANE_RECEIVER);
}

static void open_reader(struct engine *e, struct reader *reader, const atomic_bool *stopping)
{
	if (reader_init(reader, e->o.writer.store, e->o.writer.service, stopping)) {
		log_write(LOG_LEVEL_ERROR, "event=no_reader");
		_exit(EXIT_FAILURE);
	}
}

static void *receiver_main(void *context)
{
	struct engine *e = context;
	struct reader reader;

	open_reader(e, &reader, &e->stopping);
	while (!e->stopping) {
		receive(e, &reader);
	}
	reader_finish(&reader);
	return NULL;
}

static void *worker_main(void *context)
{
	struct lane *lane = context;
	struct reader reader;
	unsigned int n;

	open_reader(lane->engine, &reader, &lane->engine->stopping);
	while (!queue_ended(&lane->queue)) {
		struct request *request =
			queue_take(&lane->queue, 1, clock_ns() + 60000000000u, &n);

		if (request) {
			handle(lane->engine, &reader, request, lane->id);
		}
	}
	reader_finish(&reader);
	return NULL;
}

/* Runs again what was parked; also at the end, when everybody is answered. */
static void *waker_main(void *context)
{
	struct engine *e = context;
	struct request *request;
	struct reader reader;

	open_reader(e, &reader, NULL);
	while ((request = lot_next(e->lot))) {
		if (request->call.method->access == ACCESS_WRITE) {
			request_answer_nil(request); /* a claim whose time is over */
		} else {
			reader_run(&reader, request);
		}
		finish(e, request);
	}
	reader_finish(&reader);
	return NULL;
}

static void finish_lanes(struct engine *e)
{
	for (unsigned int i = 0; i < N_LANES; i++) {
		queue_finish(&e->lanes[i].queue);
	}
}

int engine_create(struct engine **out, const struct engine_options *o)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e) {
		return -ENOMEM;
	}
	e->o = *o;
	e->o.n_workers = o->n_workers < MAX_WORKERS - 1 ? o->n_workers : MAX_WORKERS - 1;
	for (unsigned int i = 0; i < N_LANES; i++) {
		e->lanes[i].engine = e;
		e->lanes[i].id = (enum lane_id)i;
		queue_init(&e->lanes[i].queue, LANE_MAX, LANE_MAX_BYTES);
	}
	e->lot = lot_create(o->writer.service->stats);
	e->o.writer.lot = e->lot;
	e->o.writer.stopping = &e->stopping;
	r = e->lot ? writer_start(&e->writer, &e->o.writer) : -ENOMEM;
	if (r) {
		lot_destroy(e->lot);
		finish_lanes(e);
		free(e);
		return r;
	}
	*out = e;
	return 0;
}

static int start_worker(struct engine *e, enum lane_id lane)
{
	int r = -pthread_create(&e->workers[e->n_started], NULL, worker_main, &e->lanes[lane]);

	e->n_started += !r;
	return r;
}

int engine_run(struct engine *e)
{
	int r;

	r = start_worker(e, LANE_LARGE);
	for (unsigned int i = 0; i < e->o.n_workers && !r; i++) {
		r = start_worker(e, LANE_SCAN);
	}
	if (!r) {
		r = -pthread_create(&e->waker, NULL, waker_main, e);
		e->waking = !r;
	}
	if (!r) {
		r = -pthread_create(&e->receiver, NULL, receiver_main, e);
		e->receiving = !r;
	}
	return r;
}

void engine_stop(struct engine *e)
{
	if (!e) {
		return;
	}
	e->stopping = true;
	if (e->receiving) {
		pthread_join(e->receiver, NULL);
	}
	for (unsigned int i = 0; i < N_LANES; i++) {
		queue_close(&e->lanes[i].queue);
	}
	for (unsigned int i = 0; i < e->n_started; i++) {
		pthread_join(e->workers[i], NULL);
	}
	writer_stop(e->writer);
	lot_close(e->lot);
	if (e->waking) {
		pthread_join(e->waker, NULL);
	}
	lot_destroy(e->lot);
	finish_lanes(e);
	free(e);
}
