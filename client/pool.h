/* The sockets of a handle, handed out one by one. */
#pragma once

#include "client/socket.h"

#include <pthread.h>

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct socket *sockets;
	bool *busy;
	int n;
};

/* 0 or -ENOMEM. No socket is opened. */
int pool_init(struct pool *p, int n);
void pool_finish(struct pool *p);

/*
 * A socket for the caller alone, one that is open if there is one; NULL when none came free until
 * @deadline_ms of the monotonic clock. It goes back with pool_give().
 */
struct socket *pool_take(struct pool *p, int64_t deadline_ms);
void pool_give(struct pool *p, struct socket *s);
