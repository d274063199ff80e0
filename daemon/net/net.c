#include "daemon/net/net.h"
#include "daemon/net/url.h"
#include "proto/bounds.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <stdlib.h>

#define SEND_BUFFER (1 << 20)

struct net {
	int requests; /* raw REP: many requests at a time, each with its way back */
	int events;
	int timeout_ms;
	struct peers peers;
};

static int bind_socket(int *out, int domain, int protocol, const char *url, char *why)
{
	int s, r;

	r = url_check(url, why);
	if (r) {
		return r;
	}
	s = nn_socket(domain, protocol);
	if (s < 0) {
		snprintf(why, 256, "cannot make a socket: %s", nn_strerror(nn_errno()));
		return -nn_errno();
	}
	*out = s;
	if (nn_bind(s, url) < 0) {
		snprintf(why, 256, "cannot listen on %.150s: %s", url, nn_strerror(nn_errno()));
		return -nn_errno();
	}
	return 0;
}

static void set_option(int s, int option, int value)
{
	if (s >= 0) {
		nn_setsockopt(s, NN_SOL_SOCKET, option, &value, sizeof(value));
	}
}

int net_open(struct net **out, const char *listen_url, const char *events_url, char why[static 256])
{
	struct net *net = malloc(sizeof(*net));
	int r;

	if (!net) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	*net = (struct net){.requests = -1, .events = -1, .timeout_ms = -1};
	peers_init(&net->peers);
	r = bind_socket(&net->events, AF_SP, NN_PUB, events_url, why);
	if (!r) {
		set_option(net->events, NN_SNDBUF, SEND_BUFFER);
		r = bind_socket(&net->requests, AF_SP_RAW, NN_REP, listen_url, why);
	}
	if (r) {
		net_close(net);
		return r;
	}
	set_option(net->requests, NN_RCVMAXSIZE, MAX_RECEIVE);
	*out = net;
	return 0;
}

void net_close(struct net *net)
{
	if (!net) {
		return;
	}
	if (net->requests >= 0) {
		nn_close(net->requests);
	}
	if (net->events >= 0) {
		nn_close(net->events);
	}
	peers_finish(&net->peers);
	free(net);
}

/* Of a raw socket's message: the connection by which it came, a big-endian number before the rest.
 */
static uint32_t peer_of(const struct nn_msghdr *header)
{
	const struct nn_cmsghdr *c = NN_CMSG_FIRSTHDR(header);
	const uint8_t *p;

	if (!c || c->cmsg_level != PROTO_SP || c->cmsg_type != SP_HDR) {
		return 0;
	}
	p = NN_CMSG_DATA(c) + sizeof(size_t); /* behind the length of the header */
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int net_receive(struct net *net, int timeout_ms, struct net_message *out)
{
	struct net_message m = {0};
	struct nn_iovec iov = {&m.body, NN_MSG};
	struct nn_msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &m.way_back,
		.msg_controllen = NN_MSG,
	};
	int n;

	if (timeout_ms != net->timeout_ms) {
		set_option(net->requests, NN_RCVTIMEO, timeout_ms);
		net->timeout_ms = timeout_ms;
	}
	n = nn_recvmsg(net->requests, &header, 0);
	if (n < 0) {
		int error = nn_errno();

		return error == ETIMEDOUT || error == EINTR ? -EAGAIN : -error;
	}
	m.len = (size_t)n;
	m.peer = peer_of(&header);
	m.ended = nn_get_statistic(net->requests, NN_STAT_BROKEN_CONNECTIONS);
	peers_hear(&net->peers, m.peer, m.ended);
	*out = m;
	return 0;
}

void net_answer(struct net *net, struct net_message *message, struct slice reply)
{
	struct nn_iovec iov = {(void *)(uintptr_t)reply.ptr, reply.len};
	struct nn_msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &message->way_back,
		.msg_controllen = NN_MSG,
	};

	nn_sendmsg(net->requests, &header, NN_DONTWAIT);
	message->way_back = NULL; /* it went with the reply, also where that could not be sent */
	net_forget(message);
}

void net_forget(struct net_message *message)
{
	if (message->body) {
		nn_freemsg(message->body);
	}
	if (message->way_back) {
		nn_freemsg(message->way_back);
	}
	*message = (struct net_message){0};
}

void net_drop_body(struct net_message *message)
{
	if (message->body) {
		nn_freemsg(message->body);
	}
	message->body = NULL;
	message->len = 0;
}

struct net_counts net_count(const struct net *net)
{
	struct net_counts counts;

	do {
		counts.ended = nn_get_statistic(net->requests, NN_STAT_BROKEN_CONNECTIONS);
		counts.open = nn_get_statistic(net->requests, NN_STAT_CURRENT_CONNECTIONS);
	} while (counts.ended != nn_get_statistic(net->requests, NN_STAT_BROKEN_CONNECTIONS));
	return counts;
}

enum presence net_presence(
	struct net *net, const struct net_message *message, const struct net_counts *counts)
{
	return peers_presence(
		&net->peers, message->peer, message->ended, counts->ended, counts->open);
}

void net_publish(struct net *net, struct slice topic, struct slice frame)
{
	struct nn_iovec parts[] = {
		{(void *)(uintptr_t)topic.ptr, topic.len},
		{(void *)(uintptr_t) "", 1},
		{(void *)(uintptr_t)frame.ptr, frame.len},
	};
	struct nn_msghdr header = {.msg_iov = parts, .msg_iovlen = 3};

	nn_sendmsg(net->events, &header, NN_DONTWAIT);
}
