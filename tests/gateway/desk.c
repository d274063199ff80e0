#include "cmocka_all.h"

#include "client/util.h"
#include "tests/gateway/desk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exchange {
	atomic_uint refs;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int status;
	char *body;
	struct runstore_error error;
	char header[2][64];
	bool streams;
	bool more;
	bool ended;
	struct exchange_source source;
	struct buf text; /* the test's thread's */
};

static atomic_int count;

struct exchange *desk_open(void)
{
	struct exchange *x = calloc(1, sizeof(*x));
	pthread_condattr_t attributes;

	assert_non_null(x);
	x->refs = 1;
	pthread_mutex_init(&x->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&x->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	count++;
	return x;
}

struct exchange *exchange_ref(struct exchange *x)
{
	x->refs++;
	return x;
}

void exchange_unref(struct exchange *x)
{
	if (--x->refs == 0) {
		pthread_cond_destroy(&x->changed);
		pthread_mutex_destroy(&x->lock);
		buf_finish(&x->text);
		free(x->body);
		free(x);
		count--;
	}
}

const char *exchange_request_header(const struct exchange *x, const char *name)
{
	return NULL;
}

bool exchange_alive(struct exchange *x)
{
	return true;
}

void exchange_add_header(struct exchange *x, const char *name, const char *value)
{
	pthread_mutex_lock(&x->lock);
	snprintf(x->header[0], sizeof(x->header[0]), "%s", name);
	snprintf(x->header[1], sizeof(x->header[1]), "%s", value);
	pthread_mutex_unlock(&x->lock);
}

static void answer(struct exchange *x, unsigned int status)
{
	if (x->status) {
		print_error("it was answered twice\n");
		abort();
	}
	x->status = status;
	pthread_cond_broadcast(&x->changed);
}

void exchange_answer_take(struct exchange *x, unsigned int status, char *json)
{
	pthread_mutex_lock(&x->lock);
	x->body = json;
	answer(x, status);
	pthread_mutex_unlock(&x->lock);
}

void exchange_answer_error(struct exchange *x, const struct runstore_error *error)
{
	pthread_mutex_lock(&x->lock);
	x->error = *error;
	answer(x, 400);
	pthread_mutex_unlock(&x->lock);
}

void exchange_answer_stream(struct exchange *x, const struct exchange_source *source)
{
	pthread_mutex_lock(&x->lock);
	x->source = *source;
	x->streams = true;
	answer(x, 200);
	pthread_mutex_unlock(&x->lock);
}

void exchange_more(struct exchange *x)
{
	pthread_mutex_lock(&x->lock);
	x->more = true;
	pthread_cond_broadcast(&x->changed);
	pthread_mutex_unlock(&x->lock);
}

/* Under the lock. False when the time is over. */
static bool await(struct exchange *x, int64_t until_ms)
{
	const struct timespec until = {
		.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	return !pthread_cond_timedwait(&x->changed, &x->lock, &until);
}

bool desk_await(struct exchange *x, int timeout_ms)
{
	int64_t until = end_after(timeout_ms);
	bool answered;

	pthread_mutex_lock(&x->lock);
	while (!x->status && await(x, until)) {
	}
	answered = x->status;
	pthread_mutex_unlock(&x->lock);
	return answered;
}

unsigned int desk_status(struct exchange *x)
{
	unsigned int status;

	pthread_mutex_lock(&x->lock);
	status = x->status;
	pthread_mutex_unlock(&x->lock);
	return status;
}

int desk_code(struct exchange *x)
{
	return x->error.code;
}

const char *desk_param(struct exchange *x)
{
	return x->error.param;
}

const char *desk_body(struct exchange *x)
{
	return x->body;
}

const char *desk_header(struct exchange *x, const char *name)
{
	return strcmp(x->header[0], name) == 0 ? x->header[1] : NULL;
}

bool desk_ended(struct exchange *x)
{
	return x->ended;
}

ssize_t desk_read_once(struct exchange *x, size_t size)
{
	char *block = malloc(size);
	ssize_t n;

	assert_non_null(block);
	assert_true(x->streams && !x->ended);
	n = x->source.read(x->source.context, block, size);
	assert_true(n >= -1 && n <= (ssize_t)size);
	if (n > 0) {
		buf_append(&x->text, block, (size_t)n);
	}
	x->ended = n == EXCHANGE_END;
	free(block);
	return n;
}

static const char *text_of(struct exchange *x)
{
	buf_append(&x->text, "", 1);
	buf_truncate(&x->text, x->text.len - 1);
	return (const char *)x->text.ptr;
}

const char *desk_read(struct exchange *x, const char *part, int timeout_ms)
{
	int64_t until = end_after(timeout_ms);
	bool more = true;

	while (!(part ? strstr(text_of(x), part) != NULL : x->ended)) {
		if (x->ended || !more) {
			return NULL;
		}
		if (desk_read_once(x, 1000) == 0) {
			pthread_mutex_lock(&x->lock);
			while (!x->more && more) {
				more = await(x, until);
			}
			x->more = false;
			pthread_mutex_unlock(&x->lock);
		}
	}
	return text_of(x);
}

void desk_leave(struct exchange *x)
{
	if (x->streams) {
		x->source.close(x->source.context);
	}
	exchange_unref(x);
}

int desk_count(void)
{
	return count;
}

void desk_clear(void)
{
	count = 0;
}
