#include "client/subscription.h"
#include "client/util.h"
#include "proto/bounds.h"
#include "proto/frame.h"
#include "proto/mp.h"

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>

static void forget_message(struct subscription *s)
{
	if (s->message) {
		nn_freemsg(s->message);
		s->message = NULL;
	}
}

void subscription_close(struct subscription *s)
{
	forget_message(s);
	if (s->fd >= 0) {
		nn_close(s->fd);
		s->fd = -1;
	}
}

static bool set_option(int fd, int option, int value)
{
	return nn_setsockopt(fd, NN_SOL_SOCKET, option, &value, sizeof(value)) == 0;
}

bool subscription_open(struct subscription *s)
{
	if (s->fd >= 0) {
		return true;
	}
	s->fd = nn_socket(AF_SP, NN_SUB);
	if (s->fd >= 0 && (!set_option(s->fd, NN_RECONNECT_IVL, 10) ||
				  !set_option(s->fd, NN_RECONNECT_IVL_MAX, 100) ||
				  nn_setsockopt(s->fd, NN_SUB, NN_SUB_SUBSCRIBE, s->topic.ptr,
					  s->topic.len) ||
				  nn_connect(s->fd, s->url) < 0)) {
		subscription_close(s);
	}
	return s->fd >= 0;
}

bool subscription_connected(const struct subscription *s)
{
	return s->fd >= 0 && nn_get_statistic(s->fd, NN_STAT_CURRENT_CONNECTIONS) > 0;
}

/* The change behind the topic and its NUL; false for what is none. */
static bool read_hint(struct slice message, struct slice *change)
{
	const uint8_t *nul = message.len ? memchr(message.ptr, 0, message.len) : NULL;
	struct slice frame;

	if (!nul) {
		return false;
	}
	frame = slice_of(nul + 1, message.len - (size_t)(nul + 1 - message.ptr));
	if (mp_scan(frame, MAX_DEPTH)) {
		return false;
	}
	*change = frame_event_change(frame);
	return change->ptr;
}

enum hint subscription_next(struct subscription *s, int ms, struct slice *change)
{
	int n;

	forget_message(s);
	if (s->fd < 0 || !set_option(s->fd, NN_RCVTIMEO, ms)) {
		return HINT_BROKEN;
	}
	n = nn_recv(s->fd, &s->message, NN_MSG, 0);
	if (n < 0) {
		s->message = NULL;
		return subscription_connected(s) ? HINT_NONE : HINT_BROKEN;
	}
	return read_hint(slice_of(s->message, (size_t)n), change) ? HINT_CHANGE : HINT_NONE;
}
