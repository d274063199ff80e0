#include "client/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

int pool_init(struct pool *p, int n)
{
	pthread_condattr_t attributes;

	p->sockets = calloc((size_t)n, sizeof(*p->sockets));
	p->busy = calloc((size_t)n, sizeof(*p->busy));
	if (!p->sockets || !p->busy) {
		free(p->sockets);
		free(p->busy);
		return -ENOMEM;
	}
	p->n = n;
	for (int i = 0; i < n; i++) {
		p->sockets[i].fd = -1;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&p->freed, &attributes);
	pthread_condattr_destroy(&attributes);
	return 0;
}

void pool_finish(struct pool *p)
{
	for (int i = 0; i < p->n; i++) {
		socket_close(&p->sockets[i]);
	}
	pthread_cond_destroy(&p->freed);
	pthread_mutex_destroy(&p->lock);
	free(p->sockets);
	free(p->busy);
}

/* The open ones come first, so that no more are opened than are needed. */
static struct socket *pool_pick(struct pool *p)
{
	int pick = -1;

	for (int i = 0; i < p->n; i++) {
		if (!p->busy[i] && (pick < 0 || p->sockets[i].fd >= 0)) {
			pick = i;
			if (p->sockets[i].fd >= 0) {
				break;
			}
		}
	}
	if (pick < 0) {
		return NULL;
	}
	p->busy[pick] = true;
	return &p->sockets[pick];
}

struct socket *pool_take(struct pool *p, int64_t deadline_ms)
{
	struct timespec end = {
		.tv_sec = deadline_ms / 1000,
		.tv_nsec = deadline_ms % 1000 * 1000000,
	};
	struct socket *s;

	pthread_mutex_lock(&p->lock);
	while (!(s = pool_pick(p))) {
		if (pthread_cond_timedwait(&p->freed, &p->lock, &end) == ETIMEDOUT) {
			s = pool_pick(p);
			break;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return s;
}

void pool_give(struct pool *p, struct socket *s)
{
	pthread_mutex_lock(&p->lock);
	p->busy[s - p->sockets] = false;
	pthread_cond_signal(&p->freed);
	pthread_mutex_unlock(&p->lock);
}
