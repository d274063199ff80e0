#include "daemon/rpc/request.h"
#include "daemon/ops/stats.h"
#include "daemon/store/idempotency.h"
#include "proto/bounds.h"
#include "proto/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define FAR 2048 /* changes that are looked at in the time of a page */

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct request *request_create(struct net_message *message)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request) {
		return NULL;
	}
	request->message = *message;
	request->received_ns = clock_ns();
	request->msgid = frame_msgid(slice_of(message->body, message->len));
	request->reply.limit = MAX_MESSAGE;
	request->wait.left_ms = -1;
	*message = (struct net_message){0};
	return request;
}

void request_destroy(struct request *request)
{
	if (!request) {
		return;
	}
	net_forget(&request->message);
	arena_finish(&request->arena);
	buf_finish(&request->reply);
	free(request);
}

static void refuse(struct request *request, const struct problem *p)
{
	buf_truncate(&request->reply, 0);
	frame_write_error(&request->reply, request->msgid, p);
	request->refused = true;
	request->parking = false;
}

void request_refuse(struct request *request, int code, const char *why)
{
	struct problem p;

	problem_set(&p, code, NULL, "%s", why);
	refuse(request, &p);
}

void request_fail(struct request *request, int error)
{
	switch (error) {
	case -ENOSPC:
	case -EDQUOT:
		request_refuse(request, E_STORE_FULL, "The store is full: nothing was changed.");
		break;
	case -EROFS:
		request_refuse(
			request, E_READ_ONLY, "The disk can only be read: nothing was changed.");
		break;
	case -ECANCELED:
		request_refuse(request, E_OVERLOADED, "The daemon is stopping: ask again.");
		break;
	case -E2BIG:
		request_refuse(request, E_TOO_LARGE, "The request changes too much at once.");
		break;
	case -EIO:
	case -ENOTRECOVERABLE:
		request_refuse(
			request, E_IO_ERROR, "The disk failed: what became of this is unknown.");
		break;
	default:
		request_refuse(request, E_INTERNAL, strerror(-error));
	}
}

static int prepare(struct request *request, struct problem *p)
{
	struct slice bytes = slice_of(request->message.body, request->message.len);
	struct request_frame frame;
	int r;

	if (bytes.len > MAX_MESSAGE) {
		return problem_set(p, E_TOO_LARGE, NULL,
			"The request has %zu bytes, at most %u are allowed.", bytes.len,
			MAX_MESSAGE);
	}
	r = frame_read_request(bytes, &frame, p);
	request->msgid = frame.msgid;
	if (!r) {
		r = call_prepare(&request->call, &request->arena, frame.method, frame.params);
	}
	if (!r && request->call.problem) {
		*p = *request->call.problem;
		return p->code;
	}
	if (!r && request->call.method->id == METHOD_ID_batch) {
		r = batch_prepare(&request->batch, &request->call, &request->arena, p);
	}
	return r;
}

bool request_prepare(struct request *request)
{
	struct problem p;
	int r = prepare(request, &p);

	request->prepared = true;
	if (r < 0) {
		request_refuse(request, E_INTERNAL, strerror(-r));
	} else if (r > 0) {
		refuse(request, &p);
	}
	return !r;
}

bool request_resume(struct request *request, const struct method *method, const struct slice *args)
{
	struct slice *copy = arena_zalloc(&request->arena, N_PARAMS * sizeof(*copy));

	for (unsigned int i = 0; i < N_PARAMS && copy; i++) {
		if (args[i].ptr) {
			copy[i] = arena_dup(&request->arena, args[i]);
			copy = copy[i].ptr ? copy : NULL;
		}
	}
	request->call = (struct call){.method = method, .args = copy};
	request->prepared = true;
	return copy;
}

static bool is_batch(const struct request *request)
{
	return request->call.method->id == METHOD_ID_batch;
}

bool request_writes(const struct request *request)
{
	return is_batch(request) ? request->batch.writes
				 : request->call.method->access == ACCESS_WRITE;
}

/* Changes from the one in the parameter @p on that are no longer a page. */
static bool is_far(const struct call *call, enum param p, uint64_t last_seq)
{
	int64_t seq = 0;

	if (call->args[p].ptr) {
		mp_get_int(call->args[p], &seq);
	}
	return (uint64_t)seq + FAR < last_seq;
}

static bool call_scans(const struct call *call, uint64_t last_seq)
{
	static const enum param filters[] = {P_status, P_type, P_assistant_id, P_model, P_metadata};

	for (size_t i = 0; i < N_OF(filters); i++) {
		if (call->method->flags & METHOD_LONG && call->args[filters[i]].ptr) {
			return true;
		}
	}
	if (call->method->id == METHOD_ID_changes_list) {
		return (call->args[P_run_id].ptr || call->args[P_thread_id].ptr) &&
		       is_far(call, P_after, last_seq);
	}
	return call->method->id == METHOD_ID_runs_wait && call->args[P_since_seq].ptr &&
	       is_far(call, P_since_seq, last_seq);
}

bool request_scans(const struct request *request, uint64_t last_seq)
{
	bool scans = call_scans(&request->call, last_seq);

	for (uint32_t i = 0; i < request->batch.n && !scans; i++) {
		scans = !request->batch.calls[i].problem &&
			call_scans(&request->batch.calls[i], last_seq);
	}
	return scans;
}

bool request_bounded(const struct request *request)
{
	return !is_batch(request) && request->call.method->id != METHOD_ID_changes_list;
}

/* Append the reply, or nothing when it is to be parked or refused. */
static int run(
	struct request *request, struct txn *txn, const struct service *service, struct problem *p)
{
	struct slice key = {NULL, 0};
	struct key k;

	if (request->call.args[P_idempotency_key].ptr) {
		mp_get_str(request->call.args[P_idempotency_key], &key);
	}
	if (is_batch(request)) {
		return batch_run(&request->batch, txn, service, key, &request->reply, p);
	}
	k = idempotency_key(key);
	return call_run(&request->call, txn, service, key.ptr ? key_slice(&k) : key, &request->wait,
		&request->reply, p);
}

int request_run(struct request *request, struct txn *txn, const struct service *service)
{
	int64_t left_ms = request->wait.left_ms;
	struct problem p;
	int r;

	txn->arena = &request->arena;
	request->refused = false;
	buf_truncate(&request->reply, 0);
	frame_begin_result(&request->reply, request->msgid);
	r = run(request, txn, service, &p);
	request->parking = r == OP_PARK;
	if (request->parking) {
		if (left_ms < 0) {
			request->wait_ns = (uint64_t)request->wait.left_ms * 1000000;
		}
		return 0;
	}
	request->wait.left_ms = left_ms; /* it may be run again */
	if (r > 0) {
		refuse(request, &p);
	}
	return r < 0 ? r : buf_error(&request->reply);
}

void request_answer_nil(struct request *request)
{
	buf_truncate(&request->reply, 0);
	frame_begin_result(&request->reply, request->msgid);
	mp_put_nil(&request->reply);
}

void request_answer(struct request *request, struct net *net, struct stats *stats)
{
	net_answer(net, &request->message, buf_slice(&request->reply));
	if (request->call.method) {
		stats_request(stats, request->call.method->id, clock_ns() - request->received_ns,
			request->refused);
	}
	request_destroy(request);
}
