#include "daemon/rpc/queue.h"

#include <errno.h>
#include <time.h>

void queue_init(struct queue *q, unsigned int max, size_t max_bytes)
{
	pthread_condattr_t attr;

	*q = (struct queue){.max = max, .max_bytes = max_bytes};
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attr);
	pthread_condattr_destroy(&attr);
}

void queue_finish(struct queue *q)
{
	struct request *request = q->first;

	while (request) {
		struct request *next = request->next;

		request_destroy(request);
		request = next;
	}
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
}

bool queue_push(struct queue *q, struct request *request)
{
	bool room;

	pthread_mutex_lock(&q->lock);
	room = q->n < q->max && q->bytes + request->message.len <= q->max_bytes && !q->closed;
	if (room) {
		request->next = NULL;
		*q->last = request;
		q->last = &request->next;
		q->n++;
		q->bytes += request->message.len;
		if (q->n >= q->want) {
			pthread_cond_signal(&q->changed);
		}
	}
	pthread_mutex_unlock(&q->lock);
	return room;
}

/* Wait until @n requests are there, the queue is closed, or @until_ns has come. */
static void wait_for(struct queue *q, unsigned int n, uint64_t until_ns)
{
	struct timespec t = {.tv_sec = (time_t)(until_ns / 1000000000u),
		.tv_nsec = (long)(until_ns % 1000000000u)};
	int r = 0;

	while (q->n < n && !q->closed && r != ETIMEDOUT) {
		r = pthread_cond_timedwait(&q->changed, &q->lock, &t);
	}
}

void queue_gather(struct queue *q, unsigned int more, uint64_t until_ns, uint64_t wait_ns)
{
	pthread_mutex_lock(&q->lock);
	more += q->n;
	wait_for(q, 1, until_ns);
	if (q->n && q->n < more && wait_ns) {
		q->want = more;
		wait_for(q, more, clock_ns() + wait_ns);
		q->want = 0;
	}
	pthread_mutex_unlock(&q->lock);
}

struct request *queue_take(struct queue *q, unsigned int max, uint64_t until_ns, unsigned int *n)
{
	struct request *first, **end;

	pthread_mutex_lock(&q->lock);
	wait_for(q, 1, until_ns);
	first = q->first;
	end = &q->first;
	for (*n = 0; *n < max && *end; ++*n) {
		q->bytes -= (*end)->message.len;
		end = &(*end)->next;
	}
	q->first = *end;
	if (!q->first) {
		q->last = &q->first;
	}
	q->n -= *n;
	*end = NULL;
	pthread_mutex_unlock(&q->lock);
	return *n ? first : NULL;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

bool queue_ended(struct queue *q)
{
	bool ended;

	pthread_mutex_lock(&q->lock);
	ended = q->closed && !q->first;
	pthread_mutex_unlock(&q->lock);
	return ended;
}
