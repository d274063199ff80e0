#include "cmocka_all.h"

#include "proto/frame.h"
#include "tests/client/fake.h"

#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void fake_init(struct fake *f, fake_answer *answer)
{
	*f = (struct fake){.dir = "/tmp/rs-XXXXXX", .answer = answer, .socket = -1};
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->url, sizeof(f->url), "ipc://%s/rpc.sock", f->dir);
}

static void serve(struct fake *f, struct slice request)
{
	struct buf out = {0};

	f->n++;
	if (f->n <= 8) {
		buf_put(&f->requests[f->n - 1], request);
	}
	f->answer(request, f->n, &out);
	if (out.len) {
		nn_send(f->socket, out.ptr, out.len, 0);
	}
	buf_finish(&out);
}

static void *serve_all(void *argument)
{
	struct fake *f = argument;
	void *message;
	int n;

	/* Ends when the socket is closed by fake_stop(). */
	while ((n = nn_recv(f->socket, &message, NN_MSG, 0)) >= 0) {
		serve(f, slice_of(message, (size_t)n));
		nn_freemsg(message);
	}
	return NULL;
}

void fake_start(struct fake *f)
{
	int size = -1;

	f->socket = nn_socket(AF_SP, NN_REP);
	assert_true(f->socket >= 0);
	assert_int_equal(
		nn_setsockopt(f->socket, NN_SOL_SOCKET, NN_RCVMAXSIZE, &size, sizeof(size)), 0);
	assert_true(nn_bind(f->socket, f->url) >= 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve_all, f), 0);
	f->runs = true;
}

void fake_stop(struct fake *f)
{
	nn_close(f->socket);
	pthread_join(f->thread, NULL);
	f->runs = false;
}

void fake_finish(struct fake *f)
{
	char path[64];

	if (f->runs) {
		fake_stop(f);
	}
	for (int i = 0; i < 8; i++) {
		buf_finish(&f->requests[i]);
	}
	snprintf(path, sizeof(path), "%s/rpc.sock", f->dir);
	unlink(path);
	rmdir(f->dir);
}

void fake_echo(struct slice request, int n, struct buf *out)
{
	struct request_frame frame;
	struct problem p;

	assert_int_equal(frame_read_request(request, &frame, &p), 0);
	frame_begin_result(out, frame.msgid);
	buf_put(out, frame.params);
}

struct fixture *begin(fake_answer *answer, const struct runstore_options *options)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_init(&f->fake, answer);
	fake_start(&f->fake);
	if (runstore_open(&f->rs, f->fake.url, options, &f->error)) {
		fail_msg("%s", f->error.message);
	}
	return f;
}

void end(struct fixture *f)
{
	runstore_close(f->rs);
	fake_finish(&f->fake);
	free(f);
}

int call(struct fixture *f, const char *method, const char *json, char **out)
{
	return runstore_call_json(f->rs, method, json, out, &f->error);
}
