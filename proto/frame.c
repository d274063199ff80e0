#include "proto/frame.h"
#include "proto/bounds.h"

enum frame_type { FRAME_REQUEST = 0, FRAME_REPLY = 1, FRAME_EVENT = 2 };

static bool read_uint32(struct slice *in, uint32_t *out)
{
	struct mp t;

	if (!mp_read(in, &t) || t.type != MP_INT || t.i < 0 || t.i > UINT32_MAX) {
		return false;
	}
	*out = (uint32_t)t.i;
	return true;
}

static bool read_header(struct slice *in, enum frame_type type, uint32_t n, uint32_t *msgid)
{
	struct mp t;

	return mp_read(in, &t) && t.type == MP_ARRAY && t.n == n && mp_read(in, &t) &&
	       t.type == MP_INT && t.i == (int64_t)type && read_uint32(in, msgid);
}

static bool read_params(struct slice in, struct slice *out)
{
	struct mp t;

	if (!mp_read(&in, &t) || t.type != MP_ARRAY || t.n > 1) {
		return false;
	}
	if (t.n == 0) {
		*out = SLICE_LIT("\x80");
		return true;
	}
	*out = mp_value(&in);
	in = *out;
	return mp_read(&in, &t) && t.type == MP_MAP;
}

uint32_t frame_msgid(struct slice bytes)
{
	uint32_t msgid;

	return read_header(&bytes, FRAME_REQUEST, 4, &msgid) ? msgid : 0;
}

int frame_read_request(struct slice bytes, struct request_frame *out, struct problem *p)
{
	struct slice in = bytes;
	enum mp_fault fault;
	uint32_t msgid;
	struct mp t;

	*out = (struct request_frame){0};
	fault = mp_scan(bytes, MAX_DEPTH);
	if (fault == MP_FAULT_DEPTH) {
		out->msgid = frame_msgid(bytes);
		return problem_set(p, E_TOO_LARGE, NULL,
			"The request is nested too deep: at most %d levels are allowed.",
			MAX_DEPTH);
	}
	if (fault) {
		return problem_set(p, E_INVALID_FRAME, NULL, "The request cannot be read: %s.",
			mp_fault_text(fault));
	}
	if (!read_header(&in, FRAME_REQUEST, 4, &msgid)) {
		return problem_set(p, E_INVALID_FRAME, NULL,
			"The request is not [0, msgid, method, [params]] with a msgid from 0 to "
			"2^32-1.");
	}
	out->msgid = msgid;
	if (!mp_read(&in, &t) || t.type != MP_STR) {
		return problem_set(p, E_INVALID_FRAME, NULL, "The method is not a string.");
	}
	out->method = t.str;
	if (!read_params(in, &out->params)) {
		return problem_set(p, E_INVALID_FRAME, NULL,
			"The params are not an array of one map, or of nothing.");
	}
	return 0;
}

void frame_write_request(struct buf *out, uint32_t msgid, struct slice method, struct slice params)
{
	mp_put_array(out, 4);
	mp_put_int(out, FRAME_REQUEST);
	mp_put_uint(out, msgid);
	mp_put_str(out, method);
	mp_put_array(out, 1);
	buf_put(out, params);
}

static void begin_reply(struct buf *out, uint32_t msgid)
{
	mp_put_array(out, 4);
	mp_put_int(out, FRAME_REPLY);
	mp_put_uint(out, msgid);
}

void frame_begin_result(struct buf *out, uint32_t msgid)
{
	begin_reply(out, msgid);
	mp_put_nil(out);
}

void frame_write_error(struct buf *out, uint32_t msgid, const struct problem *p)
{
	begin_reply(out, msgid);
	problem_encode(p, out);
	mp_put_nil(out);
}

void frame_begin_event(struct buf *out, struct slice event)
{
	mp_put_array(out, 3);
	mp_put_int(out, FRAME_EVENT);
	mp_put_str(out, event);
	mp_put_array(out, 1);
}

struct slice frame_event_change(struct slice frame)
{
	struct mp t;

	if (!mp_read(&frame, &t) || t.type != MP_ARRAY || t.n != 3 || !mp_read(&frame, &t) ||
		t.type != MP_INT || t.i != FRAME_EVENT || !mp_read(&frame, &t) ||
		t.type != MP_STR || !mp_read(&frame, &t) || t.type != MP_ARRAY || t.n != 1) {
		return slice_of(NULL, 0);
	}
	return mp_value(&frame);
}

int frame_read_reply(struct slice bytes, struct reply_frame *out)
{
	struct slice in = bytes, error, result;

	*out = (struct reply_frame){0};
	if (mp_scan(bytes, MAX_DEPTH + 8) || !read_header(&in, FRAME_REPLY, 4, &out->msgid)) {
		return E_INVALID_FRAME;
	}
	error = mp_value(&in);
	result = mp_value(&in);
	if (!mp_is_nil(error)) {
		out->error = error;
	} else {
		out->result = result;
	}
	return 0;
}
