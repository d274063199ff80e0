/* A call: frame, socket, retries, reply. */
#include "client/fail.h"
#include "client/handle.h"
#include "client/json.h"
#include "client/url.h"
#include "client/util.h"
#include "proto/bounds.h"
#include "proto/frame.h"
#include "proto/methods.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <stdlib.h>

/* The params are the third level of a frame. */
#define PARAMS_DEPTH (MAX_DEPTH - 2)
#define DEFAULT_WAIT_MS 30000 /* what runs.wait waits when nothing is said */

struct call {
	struct runstore *rs;
	struct call_terms terms;
	const char *method;
	struct buf frame;
	uint32_t msgid;
	int wait_ms; /* what the method itself is asked to wait */
	int64_t start_ms;
};

static void call_finish(struct call *c)
{
	buf_finish(&c->frame);
}

static int check_params(struct slice params, struct runstore_error *error)
{
	enum mp_fault fault = mp_scan(params, PARAMS_DEPTH);
	struct slice in = params;
	struct mp t;

	if (fault == MP_FAULT_MEMORY) {
		return fail_memory(error);
	}
	if (fault == MP_FAULT_DEPTH) {
		return fail(error, RUNSTORE_E_TOO_LARGE, NULL,
			"The parameters are nested deeper than %d levels.", PARAMS_DEPTH);
	}
	if (fault) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, NULL,
			"The parameters cannot be read: %s.", mp_fault_text(fault));
	}
	if (!mp_read(&in, &t) || t.type != MP_MAP) {
		return fail(
			error, RUNSTORE_E_INVALID_PARAMS, NULL, "The parameters are not a map.");
	}
	return 0;
}

/* Writes, and batches, which may hold writes. */
static bool takes_key(const char *name)
{
	const struct method *method = method_find(slice_str(name));

	return method && (method->access == ACCESS_WRITE || method->id == METHOD_ID_batch);
}

/* Append @params, one pair longer. */
static void put_with_key(struct buf *out, struct slice params, const char *key)
{
	struct mp t = {0};

	mp_read(&params, &t);
	mp_put_map(out, t.n + 1);
	buf_put(out, params);
	mp_put_cstr(out, "idempotency_key");
	mp_put_cstr(out, key);
}

static int call_frame(struct call *c, struct slice params, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf keyed = {.limit = MAX_MESSAGE};
	char key[ULID_LENGTH + 1];
	int r;

	c->frame.limit = MAX_MESSAGE;
	if (takes_key(c->method) && !mp_lookup(params, "idempotency_key").ptr) {
		r = handle_make_key(c->rs, key, error);
		if (r) {
			return r;
		}
		put_with_key(&keyed, params, key);
		if (buf_error(&keyed)) {
			return fail_buf(error, &keyed);
		}
		params = buf_slice(&keyed);
	}
	frame_write_request(&c->frame, c->msgid, slice_str(c->method), params);
	return buf_error(&c->frame) ? fail_buf(error, &c->frame) : 0;
}

static uint32_t next_msgid(struct runstore *rs)
{
	uint32_t msgid;

	pthread_mutex_lock(&rs->lock);
	rs->msgid = rs->msgid == UINT32_MAX ? 1 : rs->msgid + 1;
	msgid = rs->msgid;
	pthread_mutex_unlock(&rs->lock);
	return msgid;
}

/* What a long poll asks the daemon to wait comes on top of what the caller has patience for. */
static int asked_wait(const char *method, struct slice params)
{
	int64_t ms = strcmp(method, "runs.wait") ? 0 : DEFAULT_WAIT_MS;

	if (!mp_get_int(mp_lookup(params, "wait_ms"), &ms)) {
		mp_get_int(mp_lookup(params, "timeout_ms"), &ms);
	}
	return ms < 0 ? 0 : ms > MAX_WAIT_MS ? MAX_WAIT_MS : (int)ms;
}

static int fail_absent(const struct call *c, const char *what, struct runstore_error *error)
{
	const char *trouble = url_trouble(c->rs->url);

	return fail(error, RUNSTORE_E_UNAVAILABLE, NULL,
		"No daemon answers at %s%s%s%s%s: start one with 'runstored', or say with "
		"RUNSTORE_URL where it is.",
		c->rs->url, *trouble ? " (" : "", trouble, *trouble ? ")" : "", what);
}

static int fail_exchange(
	const struct call *c, enum socket_result result, struct runstore_error *error)
{
	int reason = errno;

	switch (result) {
	case SOCKET_ABSENT:
		return fail_absent(c, "", error);
	case SOCKET_LOST:
		return fail_absent(c, " any more, the outcome of the request is unknown", error);
	case SOCKET_SILENT:
		return fail(error, RUNSTORE_E_UNAVAILABLE, NULL,
			"%s at %s was not answered within %d ms, its outcome is unknown.",
			c->method, c->rs->url, (int)(now_ms() - c->start_ms));
	default:
		break;
	}
	if (reason == EINVAL || reason == ENODEV || reason == ENAMETOOLONG) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "url",
			"The URL '%s' cannot be used: %s.", c->rs->url, nn_strerror(reason));
	}
	return fail(error, RUNSTORE_E_INTERNAL, NULL, "The socket for %s failed: %s.", c->rs->url,
		nn_strerror(reason));
}

static int64_t deadline_of(const struct call *c)
{
	return c->start_ms + c->terms.timeout_ms + c->wait_ms;
}

/* When the attempt that begins now gives up: the last one has all the time that is left. */
static int64_t attempt_end(const struct call *c, int attempt)
{
	int64_t end = now_ms() + c->wait_ms + c->terms.timeout_ms / c->terms.attempts;
	int64_t last = deadline_of(c);

	return attempt == c->terms.attempts || end > last ? last : end;
}

/* A request that was not answered goes out again: the same bytes, so the same idempotency key. */
static int call_attempts(
	struct call *c, struct socket *s, struct slice *reply, struct runstore_error *error)
{
	enum socket_result result = SOCKET_SILENT;

	for (int i = 1; i <= c->terms.attempts && now_ms() < deadline_of(c); i++) {
		result = socket_exchange(s, c->rs->url, buf_slice(&c->frame),
			c->terms.connect_timeout_ms, attempt_end(c, i), reply);
		if (result == SOCKET_OK) {
			return 0;
		}
		if (result == SOCKET_ABSENT || result == SOCKET_LOST) {
			break;
		}
	}
	return fail_exchange(c, result, error);
}

static int call_exchange(struct call *c, struct slice *reply, struct runstore_error *error)
{
	struct pool *pool = c->wait_ms ? &c->rs->waiting : &c->rs->pool;
	struct socket *s = c->terms.socket;
	int r;

	if (!s) {
		s = pool_take(pool, deadline_of(c));
	}
	if (!s) {
		return fail(error, RUNSTORE_E_UNAVAILABLE, NULL,
			"All %d connections were busy for %d ms; %s was not sent.", pool->n,
			c->terms.timeout_ms + c->wait_ms, c->method);
	}
	r = call_attempts(c, s, reply, error);
	if (!c->terms.socket) {
		pool_give(pool, s);
	}
	return r;
}

/* 0 is the msgid of the answer to a request that could not be read. */
static int call_reply(const struct call *c, struct slice message, struct slice *result,
	struct runstore_error *error)
{
	struct reply_frame reply;

	if (frame_read_reply(message, &reply)) {
		return fail(error, RUNSTORE_E_INVALID_FRAME, NULL,
			"What answers at %s does not speak the protocol of runstored.", c->rs->url);
	}
	if (reply.msgid != c->msgid && !(reply.msgid == 0 && reply.error.ptr)) {
		return fail(error, RUNSTORE_E_INVALID_FRAME, NULL,
			"The reply to %s belongs to another request.", c->method);
	}
	if (reply.error.ptr) {
		return fail_reply(error, reply.error);
	}
	*result = reply.result;
	return 0;
}

static int reply_take(void *message, struct slice result, struct runstore_reply **out,
	struct runstore_error *error)
{
	struct runstore_reply *reply = malloc(sizeof(*reply));

	if (!reply) {
		return fail_memory(error);
	}
	*reply = (struct runstore_reply){message, result};
	*out = reply;
	return 0;
}

/* From parameters to a reply that was taken apart. */
static int call_run(struct call *c, struct slice params, struct runstore_reply **reply,
	struct runstore_error *error)
{
	struct slice message, result = {NULL, 0};
	int r;

	r = check_params(params, error);
	if (!r) {
		c->wait_ms = asked_wait(c->method, params);
		r = call_frame(c, params, error);
	}
	if (!r) {
		r = call_exchange(c, &message, error);
	}
	if (r) {
		return r;
	}
	r = call_reply(c, message, &result, error);
	if (!r) {
		r = reply_take((void *)message.ptr, result, reply, error);
	}
	if (r) {
		nn_freemsg((void *)message.ptr);
	}
	return r;
}

struct call_terms handle_terms(const struct runstore *rs)
{
	return (struct call_terms){
		.timeout_ms = rs->timeout_ms,
		.connect_timeout_ms = rs->connect_timeout_ms,
		.attempts = rs->attempts,
	};
}

static int call_on_terms(struct runstore *rs, const struct call_terms *terms, const char *method,
	struct slice params, struct runstore_reply **reply, struct runstore_error *error)
{
	_cleanup_(call_finish) struct call c = {
		.rs = rs,
		.terms = *terms,
		.method = method,
		.msgid = next_msgid(rs),
		.start_ms = now_ms(),
	};

	return call_run(&c, params.ptr ? params : SLICE_LIT("\x80"), reply, error);
}

int runstore_call(struct runstore *rs, const char *method, const void *params, size_t size,
	struct runstore_reply **reply, struct runstore_error *error)
{
	struct call_terms terms = handle_terms(rs);

	return call_on_terms(rs, &terms, method, slice_of(params, size), reply, error);
}

struct runstore_value runstore_reply_value(const struct runstore_reply *reply)
{
	return (struct runstore_value){reply->result.ptr, reply->result.len};
}

void runstore_reply_free(struct runstore_reply *reply)
{
	if (reply) {
		nn_freemsg(reply->message);
		free(reply);
	}
}

int handle_call_on(struct runstore *rs, const struct call_terms *terms, const char *method,
	const struct params *params, struct runstore_reply **reply, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf b = {0};

	params_write(params, &b);
	if (buf_error(&b)) {
		return fail_buf(error, &b);
	}
	return call_on_terms(rs, terms, method, buf_slice(&b), reply, error);
}

int handle_call(struct runstore *rs, const char *method, const struct buf *params,
	struct runstore_reply **reply, struct runstore_error *error)
{
	if (buf_error(params)) {
		return fail_buf(error, params);
	}
	return runstore_call(rs, method, params->ptr, params->len, reply, error);
}

int runstore_call_json(struct runstore *rs, const char *method, const char *params, char **result,
	struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf b = {0};
	struct runstore_reply *reply = NULL;
	int r = 0;

	if (params) {
		r = json_read(params, strlen(params), NULL, &b, error);
	}
	if (!r) {
		r = handle_call(rs, method, &b, &reply, error);
	}
	if (r) {
		return r;
	}
	r = runstore_msgpack_to_json(reply->result.ptr, reply->result.len, result, error);
	runstore_reply_free(reply);
	return r;
}
