#include "client/socket.h"
#include "client/util.h"
#include "proto/bounds.h"

#include <errno.h>
#include <limits.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <time.h>

#define SLICE_MS 250 /* how often a wait looks whether the connection is still there */
#define GRACE_MS 50  /* what even a hasty caller gives a connection to come up */

void socket_close(struct socket *s)
{
	if (s->fd >= 0) {
		nn_close(s->fd);
		s->fd = -1;
	}
}

static bool set_option(int fd, int level, int option, int value)
{
	return nn_setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/*
 * The sizes are those of the daemon: a longer reply would wedge the socket. nanomsg resends on a
 * new connection by itself; by time it must not, and -1 would abort the process.
 */
static bool set_options(int fd)
{
	return set_option(fd, NN_SOL_SOCKET, NN_RCVMAXSIZE, MAX_RECEIVE) &&
	       set_option(fd, NN_SOL_SOCKET, NN_RCVTIMEO, SLICE_MS) &&
	       set_option(fd, NN_SOL_SOCKET, NN_SNDTIMEO, SLICE_MS) &&
	       set_option(fd, NN_SOL_SOCKET, NN_RECONNECT_IVL, 10) &&
	       set_option(fd, NN_SOL_SOCKET, NN_RECONNECT_IVL_MAX, 100) &&
	       set_option(fd, NN_REQ, NN_REQ_RESEND_IVL, INT_MAX);
}

static bool socket_open(struct socket *s, const char *url)
{
	int reason;

	if (s->fd >= 0) {
		return true;
	}
	s->fd = nn_socket(AF_SP, NN_REQ);
	if (s->fd < 0) {
		return false;
	}
	s->receive_ms = SLICE_MS;
	if (set_options(s->fd) && nn_connect(s->fd, url) >= 0) {
		return true;
	}
	reason = errno;
	socket_close(s);
	errno = reason;
	return false;
}

static bool is_connected(const struct socket *s)
{
	return nn_get_statistic(s->fd, NN_STAT_CURRENT_CONNECTIONS) > 0;
}

static bool is_stopped(const struct socket *s)
{
	return s->stop && atomic_load(s->stop);
}

static void pause_us(long us)
{
	nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

/* Nothing is sent before somebody is there: what was not sent was not applied. */
static bool await_connection(const struct socket *s, int connect_ms, int64_t deadline_ms)
{
	int64_t end = now_ms() + (connect_ms < GRACE_MS ? GRACE_MS : connect_ms);
	long us = 20;

	while (!is_connected(s)) {
		if (now_ms() >= end || now_ms() >= deadline_ms || is_stopped(s)) {
			return false;
		}
		pause_us(us);
		us = us < 5000 ? us * 2 : us;
	}
	return true;
}

/* The length of a message, -1 when none came within @ms or nanomsg failed. */
static int receive(struct socket *s, int ms, void **message)
{
	if (s->receive_ms != ms) {
		if (!set_option(s->fd, NN_SOL_SOCKET, NN_RCVTIMEO, ms)) {
			return -1;
		}
		s->receive_ms = ms;
	}
	return nn_recv(s->fd, message, NN_MSG, 0);
}

static enum socket_result await_reply(
	struct socket *s, int connect_ms, int64_t deadline_ms, struct slice *reply)
{
	int64_t seen = now_ms(); /* when there was last a connection */
	void *message;

	while (true) {
		int64_t left = deadline_ms - now_ms();
		int n;

		if (left <= 0 || is_stopped(s)) {
			return SOCKET_SILENT;
		}
		n = receive(s, left < SLICE_MS ? (int)left : SLICE_MS, &message);
		if (n >= 0) {
			*reply = slice_of(message, (size_t)n);
			return SOCKET_OK;
		}
		if (errno != ETIMEDOUT && errno != EAGAIN && errno != EINTR) {
			return SOCKET_BROKEN;
		}
		if (is_connected(s)) {
			seen = now_ms();
		} else if (now_ms() - seen > connect_ms) {
			return SOCKET_LOST;
		}
	}
}

static bool send_frame(struct socket *s, struct slice frame)
{
	int n;

	do {
		n = nn_send(s->fd, frame.ptr, frame.len, 0);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
}

enum socket_result socket_exchange(struct socket *s, const char *url, struct slice frame,
	int connect_ms, int64_t deadline_ms, struct slice *reply)
{
	enum socket_result result;
	int reason;

	if (!socket_open(s, url)) {
		return SOCKET_BROKEN;
	}
	if (!await_connection(s, connect_ms, deadline_ms)) {
		result = SOCKET_ABSENT;
	} else if (!send_frame(s, frame)) {
		result = SOCKET_BROKEN;
	} else {
		result = await_reply(s, connect_ms, deadline_ms, reply);
	}
	if (result != SOCKET_OK) {
		reason = errno;
		socket_close(s);
		errno = reason;
	}
	return result;
}
