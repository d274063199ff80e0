/* A bounded queue of requests between threads. */
#pragma once

#include "daemon/rpc/request.h"

#include <pthread.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct request *first;
	struct request **last;
	unsigned int n;
	unsigned int max;
	size_t bytes; /* of the frames that wait */
	size_t max_bytes;
	unsigned int want; /* tell the taker once so many are there */
	bool closed;
};

void queue_init(struct queue *q, unsigned int max, size_t max_bytes);
void queue_finish(struct queue *q);

/* Add a request; false when the queue is full or closed. */
bool queue_push(struct queue *q, struct request *request);

/*
 * Take up to @max requests, waiting for the first until @until_ns of clock_ns(); NULL when none
 * came by then, or when the queue is closed and empty. @n tells how many are linked.
 */
struct request *queue_take(struct queue *q, unsigned int max, uint64_t until_ns, unsigned int *n);

/*
 * Wait as above for the first request, and then, at most @wait_ns more, until there are @more
 * besides those that are there when it is called. For a single taker.
 */
void queue_gather(struct queue *q, unsigned int more, uint64_t until_ns, uint64_t wait_ns);

/* Nothing more will be pushed. */
void queue_close(struct queue *q);

/* Closed, and all was taken? */
bool queue_ended(struct queue *q);
