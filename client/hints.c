#include "client/hints.h"
#include "client/util.h"
#include "proto/bounds.h"
#include "proto/frame.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <stdlib.h>

#define CONNECT_MS 500 /* that a new socket has to come to a connection */

static bool set_option(int fd, int level, int option, int value)
{
	return nn_setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool subscribe(const struct hints *h)
{
	return set_option(h->fd, NN_SOL_SOCKET, NN_RECONNECT_IVL, 10) &&
	       set_option(h->fd, NN_SOL_SOCKET, NN_RECONNECT_IVL_MAX, 100) &&
	       nn_setsockopt(h->fd, NN_SUB, NN_SUB_SUBSCRIBE,
		       h->topic.len ? (const void *)h->topic.ptr : "", h->topic.len) == 0 &&
	       nn_connect(h->fd, h->url) >= 0;
}

int hints_open(struct hints *h)
{
	int reason;

	h->opened_ms = now_ms();
	h->connections = 0;
	h->receive_ms = -1;
	h->fd = nn_socket(AF_SP, NN_SUB);
	if (h->fd < 0 || !subscribe(h)) {
		reason = errno;
		hints_close(h);
		return -reason;
	}
	return 0;
}

void hints_close(struct hints *h)
{
	if (h->fd >= 0) {
		nn_close(h->fd);
		h->fd = -1;
	}
}

void hints_renew(struct hints *h)
{
	hints_close(h);
	hints_open(h);
}

void hints_finish(struct hints *h)
{
	hints_close(h);
	buf_finish(&h->topic);
	free(h->url);
}

/* Lost, or never found; one that is to come by itself may never do so. */
static bool is_forlorn(const struct hints *h)
{
	if (h->fd >= 0 && nn_get_statistic(h->fd, NN_STAT_CURRENT_CONNECTIONS) > 0) {
		return false;
	}
	return (h->fd >= 0 && h->connections) || now_ms() - h->opened_ms > CONNECT_MS;
}

bool hints_tend(struct hints *h)
{
	uint64_t connections;

	if (is_forlorn(h)) {
		hints_renew(h);
	}
	if (h->fd < 0) {
		return false;
	}
	connections = nn_get_statistic(h->fd, NN_STAT_ESTABLISHED_CONNECTIONS);
	if (connections == h->connections) {
		return false;
	}
	h->connections = connections;
	return true;
}

struct slice hints_receive(struct hints *h, int ms)
{
	void *message;
	int n;

	if (h->fd < 0) {
		pause_ms(ms);
		return slice_of(NULL, 0);
	}
	if (ms && h->receive_ms != ms && set_option(h->fd, NN_SOL_SOCKET, NN_RCVTIMEO, ms)) {
		h->receive_ms = ms;
	}
	n = nn_recv(h->fd, &message, NN_MSG, ms ? 0 : NN_DONTWAIT);
	if (n >= 0) {
		return slice_of(message, (size_t)n);
	}
	if (errno != ETIMEDOUT && errno != EAGAIN && errno != EINTR) {
		hints_close(h);
	}
	return slice_of(NULL, 0);
}

struct slice hints_change(struct slice message)
{
	const uint8_t *end = message.len ? memchr(message.ptr, '\0', message.len) : NULL;
	struct slice frame;

	if (!end) {
		return slice_of(NULL, 0);
	}
	frame = slice_of(end + 1, message.len - (size_t)(end + 1 - message.ptr));
	return mp_scan(frame, MAX_DEPTH) ? slice_of(NULL, 0) : frame_event_change(frame);
}
