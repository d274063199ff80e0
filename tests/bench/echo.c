#include "tests/bench/echo.h"
#include "tests/bench/place.h"
#include "tests/bench/process.h"

#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGE (17 << 20)

static char *make_reply(size_t size)
{
	char *reply = calloc(1, size + 4);

	if (!reply) {
		child_die("out of memory");
	}
	memcpy(reply, "\x94\x01\x01\xc0", 4);
	return reply;
}

static void answer_cooked(int s, const char *reply, size_t size)
{
	void *request;

	for (;;) {
		if (nn_recv(s, &request, NN_MSG, 0) < 0) {
			child_die("echo: %s", nn_strerror(nn_errno()));
		}
		nn_freemsg(request);
		nn_send(s, reply, size, 0);
	}
}

static void answer_raw(int s, char *reply, size_t size)
{
	for (;;) {
		void *request, *control;
		struct nn_iovec in = {&request, NN_MSG}, out = {reply, size};
		struct nn_msghdr header = {.msg_iov = &in,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = NN_MSG};

		if (nn_recvmsg(s, &header, 0) < 0) {
			child_die("echo: %s", nn_strerror(nn_errno()));
		}
		nn_freemsg(request);
		header.msg_iov = &out;
		if (nn_sendmsg(s, &header, NN_DONTWAIT) < 0) {
			nn_freemsg(control);
		}
	}
}

static void serve(void *context, int ready)
{
	const struct echo *echo = context;
	int s = nn_socket(echo->raw ? AF_SP_RAW : AF_SP, NN_REP), max = MAX_MESSAGE;
	char *reply = make_reply(echo->reply_bytes);

	nn_setsockopt(s, NN_SOL_SOCKET, NN_RCVMAXSIZE, &max, sizeof(max));
	if (s < 0 || nn_bind(s, echo->url) < 0) {
		child_die("echo on %s: %s", echo->url, nn_strerror(nn_errno()));
	}
	child_ready(ready);
	if (echo->raw) {
		answer_raw(s, reply, echo->reply_bytes);
	} else {
		answer_cooked(s, reply, echo->reply_bytes);
	}
}

void echo_start(struct echo *echo, size_t reply_bytes, bool raw)
{
	*echo = (struct echo){.reply_bytes = reply_bytes < 4 ? 4 : reply_bytes, .raw = raw};
	snprintf(echo->url, sizeof(echo->url), "ipc://%s/echo-%s.sock", place_path(),
		raw ? "raw" : "cooked");
	echo->pid = child_start(serve, echo);
}

void echo_stop(struct echo *echo)
{
	child_kill(echo->pid);
	echo->pid = 0;
}
