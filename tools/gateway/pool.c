#include "tools/gateway/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct pool_job *first, *last;
	unsigned int idle; /* threads that wait */
	unsigned int n_threads;
	bool closed;
	pthread_t threads[];
};

static struct pool_job *take(struct pool *pool)
{
	struct pool_job *job;

	pthread_mutex_lock(&pool->lock);
	while (!pool->first && !pool->closed) {
		pool->idle++;
		pthread_cond_wait(&pool->filled, &pool->lock);
		pool->idle--;
	}
	job = pool->first;
	if (job) {
		pool->first = job->next;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *work(void *arg)
{
	struct pool_job *job;

	while ((job = take(arg))) {
		job->run(job);
	}
	return NULL;
}

int pool_open(struct pool **out, unsigned int n_threads)
{
	struct pool *pool = calloc(1, sizeof(*pool) + n_threads * sizeof(pool->threads[0]));

	if (!pool) {
		return -ENOMEM;
	}
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->filled, NULL);
	while (pool->n_threads < n_threads) {
		int r = pthread_create(&pool->threads[pool->n_threads], NULL, work, pool);

		if (r) {
			pool_close(pool);
			return -r;
		}
		pool->n_threads++;
	}
	*out = pool;
	return 0;
}

void pool_close(struct pool *pool)
{
	if (!pool) {
		return;
	}
	pthread_mutex_lock(&pool->lock);
	pool->closed = true;
	pthread_cond_broadcast(&pool->filled);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned int i = 0; i < pool->n_threads; i++) {
		pthread_join(pool->threads[i], NULL);
	}
	pthread_cond_destroy(&pool->filled);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void pool_submit(struct pool *pool, struct pool_job *job)
{
	bool wake;

	job->next = NULL;
	pthread_mutex_lock(&pool->lock);
	if (pool->first) {
		pool->last->next = job;
	} else {
		pool->first = job;
	}
	pool->last = job;
	wake = pool->idle;
	pthread_mutex_unlock(&pool->lock);
	if (wake) {
		pthread_cond_signal(&pool->filled);
	}
}
