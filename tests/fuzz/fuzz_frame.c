/* Frames as they come from a socket: each is read, or refused with an answer that can be sent. */
#include "proto/bounds.h"
#include "proto/frame.h"
#include "proto/methods.h"
#include "tests/fuzz/fuzz.h"

static void check_refusal(int r, uint32_t msgid, const struct problem *p)
{
	struct reply_frame reply;
	struct buf b = {0};

	require(r == E_INVALID_FRAME || r == E_TOO_LARGE);
	require(p->code == r && !p->param[0]);
	frame_write_error(&b, msgid, p);
	require(!frame_read_reply(buf_slice(&b), &reply));
	require(reply.msgid == msgid && reply.error.ptr && !reply.result.ptr);
	buf_finish(&b);
}

/* A request that was read and is written again is the same request. */
static void check_request(const struct request_frame *f)
{
	struct request_frame again;
	struct buf b = {0};
	struct problem p;

	frame_write_request(&b, f->msgid, f->method, f->params);
	require(!frame_read_request(buf_slice(&b), &again, &p));
	require(again.msgid == f->msgid && slice_eq(again.method, f->method));
	require(slice_eq(again.params, f->params));
	buf_finish(&b);
}

static void call(const struct method *m, struct slice params)
{
	struct slice values[N_PARAMS] = {0};
	struct arena arena = {0};
	struct problem p = {0};
	int r = schema_parse(&m->params, params, &arena, values, &p);

	require(r >= 0 && r == p.code);
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_of(data, size);
	struct request_frame request;
	struct reply_frame reply;
	const struct method *m;
	struct problem p = {0};
	int r;

	r = frame_read_request(bytes, &request, &p);
	if (r) {
		check_refusal(r, request.msgid, &p);
	} else {
		check_request(&request);
		m = method_find(request.method);
		if (m) {
			call(m, request.params);
		}
	}
	if (!frame_read_reply(bytes, &reply)) {
		require(r && !reply.error.ptr != !reply.result.ptr);
	}
	return 0;
}
