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
	*net = (struct net){-1, -1, -1};
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
	free(net);
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

void *net_keep_way_back(struct net_message *message)
{
	void *way_back = message->way_back;

	message->way_back = NULL;
	net_forget(message);
	return way_back;
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
