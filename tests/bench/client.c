#include "tests/bench/client.h"
#include "proto/frame.h"
#include "tests/bench/process.h"

#include <limits.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <string.h>

#define TIMEOUT_MS 60000
#define MAX_REPLY ((17 << 20) + 64)
#define ANSWER_MAX (1 << 20)

static void set_option(int s, int level, int option, int value)
{
	nn_setsockopt(s, level, option, &value, sizeof(value));
}

int client_open(const char *url)
{
	int s = nn_socket(AF_SP, NN_REQ);

	set_option(s, NN_SOL_SOCKET, NN_RCVMAXSIZE, MAX_REPLY);
	set_option(s, NN_SOL_SOCKET, NN_RCVTIMEO, TIMEOUT_MS);
	set_option(s, NN_SOL_SOCKET, NN_SNDTIMEO, TIMEOUT_MS);
	set_option(s, NN_REQ, NN_REQ_RESEND_IVL, INT_MAX);
	if (s < 0 || nn_connect(s, url) < 0) {
		child_die("client of %s: %s", url, nn_strerror(nn_errno()));
	}
	return s;
}

void client_close(int s)
{
	nn_close(s);
}

/* A reply that is no error is [1, 1, nil, ...]: the requests here have the number 1. */
static void check(struct slice reply)
{
	int shown = reply.len < 400 ? (int)reply.len : 400;

	if (reply.len < 4 || memcmp(reply.ptr, "\x94\x01\x01\xc0", 4) != 0) {
		child_die("a request was refused: %.*s", shown, (const char *)reply.ptr);
	}
}

void client_send(int s, struct slice frame)
{
	if (nn_send(s, frame.ptr, frame.len, 0) < 0) {
		child_die("a request cannot be sent: %s", nn_strerror(nn_errno()));
	}
}

struct slice client_receive(int s)
{
	void *bytes = NULL;
	struct slice reply;
	int n = nn_recv(s, &bytes, NN_MSG, 0);

	if (n < 0) {
		child_die("no reply: %s", nn_strerror(nn_errno()));
	}
	reply = slice_of(bytes, (size_t)n);
	check(reply);
	return reply;
}

struct slice client_call(int s, struct slice frame)
{
	client_send(s, frame);
	return client_receive(s);
}

void client_free(struct slice reply)
{
	nn_freemsg((void *)(uintptr_t)reply.ptr);
}

struct slice client_result(struct slice bytes)
{
	struct reply_frame reply;

	if (frame_read_reply(bytes, &reply) || !reply.result.ptr) {
		child_die("a reply of %zu bytes cannot be read", bytes.len);
	}
	return reply.result;
}

struct question {
	const char *url;
	struct slice frame;
	size_t len;
	uint8_t bytes[ANSWER_MAX];
};

static void ask(void *context)
{
	struct question *q = context;
	int s = client_open(q->url);
	struct slice result = client_result(client_call(s, q->frame));

	if (result.len > sizeof(q->bytes)) {
		child_die("a reply of %zu bytes is too large", result.len);
	}
	memcpy(q->bytes, result.ptr, result.len);
	q->len = result.len;
	client_close(s);
}

size_t client_ask(const char *url, struct slice frame, void *out, size_t size)
{
	struct question *q = shared_alloc(sizeof(*q));
	size_t len;

	q->url = url;
	q->frame = frame;
	child_run(ask, q);
	len = q->len;
	memcpy(out, q->bytes, len < size ? len : size);
	shared_free(q, sizeof(*q));
	return len;
}
