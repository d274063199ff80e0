/* A server that answers as a test tells it to, on a socket of its own. */
#pragma once

#include "client/runstore.h"
#include "proto/buf.h"

#include <pthread.h>

/*
 * Append the reply to the request frame @request, the @n-th, to @out; leave @out empty to let the
 * request go unanswered.
 */
typedef void fake_answer(struct slice request, int n, struct buf *out);

struct fake {
	char dir[40];
	char url[80];
	fake_answer *answer;
	pthread_t thread;
	int socket;
	bool runs;
	int n;			/* requests so far; read it when it does not run */
	struct buf requests[8]; /* the first ones, as they came */
};

/* A directory and a URL, nobody there yet. */
void fake_init(struct fake *f, fake_answer *answer);
void fake_start(struct fake *f);
void fake_stop(struct fake *f);

/* Stops what runs and removes the directory. */
void fake_finish(struct fake *f);

/* Answer with the params of the request. */
fake_answer fake_echo;

/* A fake that runs, and a handle for it. */
struct fixture {
	struct fake fake;
	struct runstore *rs;
	struct runstore_error error;
};

struct fixture *begin(fake_answer *answer, const struct runstore_options *options);
void end(struct fixture *f);

/* runstore_call_json() with the fixture's handle and error. */
int call(struct fixture *f, const char *method, const char *json, char **out);
