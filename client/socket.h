/* One REQ socket: one request at a time, and an end to waiting. */
#pragma once

#include "proto/slice.h"

#include <stdatomic.h>

struct socket {
	int fd;			 /* -1 while it is closed */
	int receive_ms;		 /* the receive timeout that is set */
	const atomic_bool *stop; /* NULL, or what ends all waiting when another thread sets it */
};

enum socket_result {
	SOCKET_OK,
	SOCKET_ABSENT, /* nobody is there; the request did not leave */
	SOCKET_LOST,   /* the connection broke and nobody came back */
	SOCKET_SILENT, /* connected, and no reply in time */
	SOCKET_BROKEN, /* nanomsg's errno is set */
};

/*
 * Send @frame to @url and wait for the reply until @deadline_ms of the monotonic clock, but for a
 * connection no longer than @connect_ms at a time. Opens the socket if need be; closes it on every
 * failure, so that a late or lost reply cannot disturb what follows. @reply is nanomsg's memory,
 * for nn_freemsg().
 */
enum socket_result socket_exchange(struct socket *s, const char *url, struct slice frame,
	int connect_ms, int64_t deadline_ms, struct slice *reply);

void socket_close(struct socket *s);
