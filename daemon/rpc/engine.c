#include "daemon/rpc/engine.h"
#include "daemon/log.h"
#include "daemon/rpc/reader.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define RECEIVE_MS 100
#define LONG_QUEUE_MAX 4096
#define LONG_QUEUE_MAX_BYTES (256u << 20)
#define LARGE_FRAME (256u << 10) /* bytes whose validation alone would hold up the others */
#define MAX_WORKERS 64

struct engine {
	struct engine_options o;
	struct writer *writer;
	struct queue long_queue;
	pthread_t receiver;
	pthread_t workers[MAX_WORKERS];
	unsigned int n_started;
	bool receiving;
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

static bool is_long(const struct request *request)
{
	return request->prepared ? !request_writes(request) && request_long(request)
				 : request->message.len > LARGE_FRAME;
}

/* @here: by a worker, which does itself what takes long. */
static void handle(struct engine *e, struct reader *reader, struct request *request, bool here)
{
	if (!here && is_long(request)) {
		hand_over(e, request, queue_push(&e->long_queue, request));
		return;
	}
	if (!request->prepared && !request_prepare(request)) {
		answer(e, request);
		return;
	}
	if (request_writes(request)) {
		hand_over(e, request, writer_push(e->writer, request));
	} else if (!here && is_long(request)) {
		hand_over(e, request, queue_push(&e->long_queue, request));
	} else {
		reader_run(reader, request);
		answer(e, request);
	}
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
		}
		return;
	}
	request = request_create(&message);
	if (!request) {
		log_write(LOG_LEVEL_ERROR, "event=out_of_memory");
		net_forget(&message);
		return;
	}
	handle(e, reader, request, false);
}

static void *receiver_main(void *context)
{
	struct engine *e = context;
	struct reader reader;

	if (reader_init(&reader, e->o.writer.store, e->o.writer.service)) {
		log_write(LOG_LEVEL_ERROR, "event=no_reader");
		_Exit(EXIT_FAILURE);
	}
	while (!e->stopping) {
		receive(e, &reader);
	}
	reader_finish(&reader);
	return NULL;
}

static void *worker_main(void *context)
{
	struct engine *e = context;
	struct reader reader;
	unsigned int n;

	if (reader_init(&reader, e->o.writer.store, e->o.writer.service)) {
		log_write(LOG_LEVEL_ERROR, "event=no_reader");
		_Exit(EXIT_FAILURE);
	}
	while (!queue_ended(&e->long_queue)) {
		struct request *request =
			queue_take(&e->long_queue, 1, clock_ns() + 60000000000u, &n);

		if (request) {
			handle(e, &reader, request, true);
		}
	}
	reader_finish(&reader);
	return NULL;
}

int engine_create(struct engine **out, const struct engine_options *o)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e) {
		return -ENOMEM;
	}
	e->o = *o;
	e->o.n_workers = o->n_workers < MAX_WORKERS ? o->n_workers : MAX_WORKERS;
	queue_init(&e->long_queue, LONG_QUEUE_MAX, LONG_QUEUE_MAX_BYTES);
	r = writer_start(&e->writer, &o->writer);
	if (r) {
		queue_finish(&e->long_queue);
		free(e);
		return r;
	}
	*out = e;
	return 0;
}

int engine_run(struct engine *e)
{
	int r = 0;

	while (!r && e->n_started < e->o.n_workers) {
		r = -pthread_create(&e->workers[e->n_started], NULL, worker_main, e);
		e->n_started += !r;
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
	queue_close(&e->long_queue);
	for (unsigned int i = 0; i < e->n_started; i++) {
		pthread_join(e->workers[i], NULL);
	}
	writer_stop(e->writer);
	queue_finish(&e->long_queue);
	free(e);
}
