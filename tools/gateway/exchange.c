#include "tools/gateway/exchange_server.h"
#include "tools/gateway/ids.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADERS_MAX 8
#define STREAM_BLOCK 32768

struct header {
	const char *name;
	char value[512];
};

struct exchange {
	atomic_uint refs;
	char *target;
	const char *method;
	bool head; /* it was HEAD */
	struct buf body;
	size_t dropped; /* bytes */
	unsigned int route;
	uint64_t began_ns;

	pthread_mutex_t lock;
	struct MHD_Connection *con;    /* NULL: it is over */
	struct MHD_Response *response; /* made and not sent yet */
	unsigned int status;	       /* of the answer; 0: there is none */
	bool suspended;
	bool more; /* exchange_more() was called and nobody slept */
	struct header headers[HEADERS_MAX];
	unsigned int n_headers;
	bool waits;
	bool streams;
	struct exchange_source source;
};

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct exchange *exchange_create(const char *target, struct MHD_Connection *con)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x) {
		return NULL;
	}
	x->target = strdup(target);
	if (!x->target) {
		free(x);
		return NULL;
	}
	x->refs = 1;
	x->con = con;
	x->method = "";
	x->began_ns = clock_ns();
	pthread_mutex_init(&x->lock, NULL);
	return x;
}

struct exchange *exchange_ref(struct exchange *x)
{
	x->refs++;
	return x;
}

void exchange_unref(struct exchange *x)
{
	if (x && --x->refs == 0) {
		if (x->response) {
			MHD_destroy_response(x->response);
		}
		pthread_mutex_destroy(&x->lock);
		buf_finish(&x->body);
		free(x->target);
		free(x);
	}
}

const char *exchange_target(const struct exchange *x)
{
	return x->target;
}

const char *exchange_method(const struct exchange *x)
{
	return x->method;
}

void exchange_set_method(struct exchange *x, const char *method)
{
	x->head = !strcmp(method, "HEAD");
	x->method = x->head ? "GET" : method;
}

void exchange_set_route(struct exchange *x, unsigned int route)
{
	x->route = route;
}

unsigned int exchange_route(const struct exchange *x)
{
	return x->route;
}

unsigned int exchange_status(const struct exchange *x)
{
	return x->status;
}

uint64_t exchange_began_ns(const struct exchange *x)
{
	return x->began_ns;
}

bool exchange_waits(const struct exchange *x)
{
	return x->waits || x->streams;
}

void exchange_set_waits(struct exchange *x)
{
	x->waits = true;
}

bool exchange_receive(struct exchange *x, const char *data, size_t size, size_t limit)
{
	if (x->status || x->dropped || size > limit - x->body.len) {
		x->dropped += size;
		buf_finish(&x->body);
		return false;
	}
	buf_append(&x->body, data, size);
	return true;
}

size_t exchange_dropped(const struct exchange *x)
{
	return x->dropped;
}

struct slice exchange_body(const struct exchange *x)
{
	return buf_slice(&x->body);
}

/* The connection stays as long as it is suspended, so others may read its header meanwhile. */
const char *exchange_request_header(const struct exchange *x, const char *name)
{
	return x->con ? MHD_lookup_connection_value(x->con, MHD_HEADER_KIND, name) : NULL;
}

bool exchange_alive(struct exchange *x)
{
	bool alive;

	pthread_mutex_lock(&x->lock);
	alive = x->con;
	pthread_mutex_unlock(&x->lock);
	return alive;
}

void exchange_add_header(struct exchange *x, const char *name, const char *value)
{
	pthread_mutex_lock(&x->lock);
	if (x->n_headers < HEADERS_MAX && strlen(value) < sizeof(x->headers[0].value)) {
		struct header *h = &x->headers[x->n_headers++];

		h->name = name;
		strcpy(h->value, value);
	}
	pthread_mutex_unlock(&x->lock);
}

static void complete(struct exchange *x, struct MHD_Response *response, const char *type)
{
	char id[40];

	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "x-request-id", ids_issue("req_", id));
	for (unsigned int i = 0; i < x->n_headers; i++) {
		MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
	}
	if (x->status == 503) {
		MHD_add_response_header(response, "Retry-After", "1");
	}
}

/* The first answer counts; without memory for it the connection is closed unanswered. */
static void answer(struct exchange *x, unsigned int status, struct MHD_Response *response,
	const char *type, const struct exchange_source *source)
{
	bool late;

	pthread_mutex_lock(&x->lock);
	late = !x->con || x->status;
	if (!late) {
		x->status = status;
		x->response = response;
		x->streams = source;
		if (source) {
			x->source = *source;
		}
		if (response) {
			complete(x, response, type);
		}
		if (x->suspended) {
			x->suspended = false;
			MHD_resume_connection(x->con);
		}
	}
	pthread_mutex_unlock(&x->lock);
	if (late && response) {
		MHD_destroy_response(response);
	}
	if (late && source) {
		source->close(source->context);
	}
}

void exchange_answer_text_take(
	struct exchange *x, unsigned int status, char *text, const char *type)
{
	struct MHD_Response *response = NULL;

	if (text) {
		response =
			MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	}
	if (text && !response) {
		free(text);
	}
	answer(x, status, response, type, NULL);
}

void exchange_answer_take(struct exchange *x, unsigned int status, char *json)
{
	exchange_answer_text_take(x, status, json, "application/json");
}

void exchange_answer_error(struct exchange *x, const struct runstore_error *error)
{
	unsigned int status;
	char *json = answer_error(error, &status);

	exchange_answer_take(x, status, json);
}

void exchange_refuse(struct exchange *x, enum refusal refusal)
{
	unsigned int status;
	char *json = answer_refusal(refusal, &status);

	exchange_answer_take(x, status, json);
}

/*
 * The source is asked without the lock, since it has its own, under which it may call
 * exchange_more(). What is told in between is remembered: nobody sleeps over it.
 */
static ssize_t read_stream(void *context, uint64_t pos, char *out, size_t size)
{
	struct exchange *x = context;

	while (true) {
		ssize_t n = x->source.read(x->source.context, out, size);

		if (n) {
			return n == EXCHANGE_END ? MHD_CONTENT_READER_END_OF_STREAM : n;
		}
		pthread_mutex_lock(&x->lock);
		if (!x->more) {
			x->suspended = true;
			MHD_suspend_connection(x->con);
			pthread_mutex_unlock(&x->lock);
			return 0;
		}
		x->more = false;
		pthread_mutex_unlock(&x->lock);
	}
}

void exchange_answer_stream(struct exchange *x, const struct exchange_source *source)
{
	static const char type[] = "text/event-stream; charset=utf-8";

	exchange_add_header(x, "Cache-Control", "no-cache");
	if (x->head) {
		exchange_answer_text_take(x, 200, strdup(""), type);
		source->close(source->context);
		return;
	}
	answer(x, 200,
		MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, x, NULL),
		type, source);
}

void exchange_more(struct exchange *x)
{
	pthread_mutex_lock(&x->lock);
	if (x->con && x->suspended && x->streams) {
		x->suspended = false;
		MHD_resume_connection(x->con);
	} else {
		x->more = true;
	}
	pthread_mutex_unlock(&x->lock);
}

void exchange_wait(struct exchange *x)
{
	pthread_mutex_lock(&x->lock);
	if (!x->status) {
		x->suspended = true;
		MHD_suspend_connection(x->con);
	}
	pthread_mutex_unlock(&x->lock);
}

bool exchange_send(struct exchange *x, enum MHD_Result *r)
{
	struct MHD_Response *response;
	unsigned int status;

	pthread_mutex_lock(&x->lock);
	response = x->response;
	status = x->status;
	x->response = NULL;
	pthread_mutex_unlock(&x->lock);
	if (!status) {
		return false;
	}
	*r = response ? MHD_queue_response(x->con, status, response) : MHD_NO;
	if (response) {
		MHD_destroy_response(response);
	}
	return true;
}

void exchange_over(struct exchange *x)
{
	bool streams;

	pthread_mutex_lock(&x->lock);
	x->con = NULL;
	streams = x->streams;
	pthread_mutex_unlock(&x->lock);
	if (streams) {
		x->source.close(x->source.context);
	}
	exchange_unref(x);
}
