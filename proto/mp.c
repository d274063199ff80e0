#include "proto/mp.h"

#include <msgpack/pack.h>

static uint64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		v = v << 8 | p[i];
	}
	return v;
}

static void mp_set_uint(struct mp *out, uint64_t v)
{
	out->type = v > INT64_MAX ? MP_UINT : MP_INT;
	out->u = v;
}

static void mp_set_float(struct mp *out, const uint8_t *p, size_t n)
{
	uint64_t bits = big_endian(p, n);
	uint32_t bits32 = (uint32_t)bits;
	float f;

	out->type = MP_FLOAT;
	if (n == 4) {
		memcpy(&f, &bits32, sizeof(f));
		out->f = f;
	} else {
		memcpy(&out->f, &bits, sizeof(out->f));
	}
}

static void mp_set_int(struct mp *out, const uint8_t *p, size_t n)
{
	unsigned int shift = 64 - 8 * (unsigned int)n;

	out->type = MP_INT;
	out->i = (int64_t)(big_endian(p, n) << shift) >> shift;
}

/* How the bytes 0xc0 to 0xdf go on: a type, the bytes of its number, and what that number is. */
enum mp_shape {
	SHAPE_CONST,
	SHAPE_UINT,
	SHAPE_INT,
	SHAPE_FLOAT,
	SHAPE_BODY,
	SHAPE_FIXEXT,
	SHAPE_ITEMS,
	SHAPE_NONE
};

static const struct mp_form {
	uint8_t shape;
	uint8_t type;
	uint8_t bytes;
} mp_forms[32] = {
	[0x00] = {SHAPE_CONST, MP_NIL, 0},
	[0x01] = {SHAPE_NONE, 0, 0},
	[0x02] = {SHAPE_CONST, MP_BOOL, 0},
	[0x03] = {SHAPE_CONST, MP_BOOL, 0},
	[0x04] = {SHAPE_BODY, MP_BIN, 1},
	[0x05] = {SHAPE_BODY, MP_BIN, 2},
	[0x06] = {SHAPE_BODY, MP_BIN, 4},
	[0x07] = {SHAPE_BODY, MP_EXT, 1},
	[0x08] = {SHAPE_BODY, MP_EXT, 2},
	[0x09] = {SHAPE_BODY, MP_EXT, 4},
	[0x0a] = {SHAPE_FLOAT, 0, 4},
	[0x0b] = {SHAPE_FLOAT, 0, 8},
	[0x0c] = {SHAPE_UINT, 0, 1},
	[0x0d] = {SHAPE_UINT, 0, 2},
	[0x0e] = {SHAPE_UINT, 0, 4},
	[0x0f] = {SHAPE_UINT, 0, 8},
	[0x10] = {SHAPE_INT, 0, 1},
	[0x11] = {SHAPE_INT, 0, 2},
	[0x12] = {SHAPE_INT, 0, 4},
	[0x13] = {SHAPE_INT, 0, 8},
	[0x14] = {SHAPE_FIXEXT, MP_EXT, 2},
	[0x15] = {SHAPE_FIXEXT, MP_EXT, 3},
	[0x16] = {SHAPE_FIXEXT, MP_EXT, 5},
	[0x17] = {SHAPE_FIXEXT, MP_EXT, 9},
	[0x18] = {SHAPE_FIXEXT, MP_EXT, 17},
	[0x19] = {SHAPE_BODY, MP_STR, 1},
	[0x1a] = {SHAPE_BODY, MP_STR, 2},
	[0x1b] = {SHAPE_BODY, MP_STR, 4},
	[0x1c] = {SHAPE_ITEMS, MP_ARRAY, 2},
	[0x1d] = {SHAPE_ITEMS, MP_ARRAY, 4},
	[0x1e] = {SHAPE_ITEMS, MP_MAP, 2},
	[0x1f] = {SHAPE_ITEMS, MP_MAP, 4},
};

static bool mp_body(struct slice *rest, size_t len, struct mp *out, enum mp_type type)
{
	if (rest->len < len) {
		return false;
	}
	out->type = type;
	out->str = slice_of(rest->ptr, len);
	*rest = slice_of(rest->ptr + len, rest->len - len);
	return true;
}

static bool mp_read_long(uint8_t head, struct slice *rest, struct mp *out)
{
	const struct mp_form form = mp_forms[head - 0xc0];
	const uint8_t *p = rest->ptr;

	if (form.shape == SHAPE_NONE || rest->len < form.bytes) {
		return false;
	}
	if (form.shape == SHAPE_FIXEXT) {
		return mp_body(rest, form.bytes, out, MP_EXT);
	}
	*rest = slice_of(p + form.bytes, rest->len - form.bytes);
	out->type = form.type;
	switch (form.shape) {
	case SHAPE_CONST:
		out->b = head == 0xc3;
		break;
	case SHAPE_UINT:
		mp_set_uint(out, big_endian(p, form.bytes));
		break;
	case SHAPE_INT:
		mp_set_int(out, p, form.bytes);
		break;
	case SHAPE_FLOAT:
		mp_set_float(out, p, form.bytes);
		break;
	case SHAPE_ITEMS:
		out->n = (uint32_t)big_endian(p, form.bytes);
		break;
	default:
		return mp_body(
			rest, big_endian(p, form.bytes) + (form.type == MP_EXT), out, form.type);
	}
	return true;
}

bool mp_read(struct slice *in, struct mp *out)
{
	struct slice rest;
	uint8_t head;

	if (!in->len) {
		return false;
	}
	head = in->ptr[0];
	rest = slice_of(in->ptr + 1, in->len - 1);
	if (head < 0x80 || head >= 0xe0) {
		out->type = MP_INT;
		out->i = (int8_t)head;
	} else if (head < 0xa0) {
		out->type = head < 0x90 ? MP_MAP : MP_ARRAY;
		out->n = head & 0x0f;
	} else if (head < 0xc0) {
		if (!mp_body(&rest, head & 0x1f, out, MP_STR)) {
			return false;
		}
	} else if (!mp_read_long(head, &rest, out)) {
		return false;
	}
	*in = rest;
	return true;
}

struct slice mp_value(struct slice *in)
{
	const uint8_t *start = in->ptr;
	uint64_t left = 1;
	struct mp t;

	while (left && mp_read(in, &t)) {
		left--;
		if (t.type == MP_ARRAY) {
			left += t.n;
		} else if (t.type == MP_MAP) {
			left += 2 * (uint64_t)t.n;
		}
	}
	return left ? slice_of(NULL, 0) : slice_of(start, (size_t)(in->ptr - start));
}

bool mp_get_str(struct slice value, struct slice *out)
{
	struct mp t;

	if (!mp_read(&value, &t) || t.type != MP_STR) {
		return false;
	}
	*out = t.str;
	return true;
}

bool mp_get_int(struct slice value, int64_t *out)
{
	struct mp t;

	if (!mp_read(&value, &t) || t.type != MP_INT) {
		return false;
	}
	*out = t.i;
	return true;
}

bool mp_get_bool(struct slice value, bool *out)
{
	struct mp t;

	if (!mp_read(&value, &t) || t.type != MP_BOOL) {
		return false;
	}
	*out = t.b;
	return true;
}

bool mp_get_double(struct slice value, double *out)
{
	struct mp t;

	if (!mp_read(&value, &t)) {
		return false;
	}
	if (t.type == MP_FLOAT) {
		*out = t.f;
	} else if (t.type == MP_INT) {
		*out = (double)t.i;
	} else if (t.type == MP_UINT) {
		*out = (double)t.u;
	} else {
		return false;
	}
	return true;
}

bool mp_is_nil(struct slice value)
{
	return value.len == 1 && value.ptr[0] == 0xc0;
}

struct slice mp_lookup(struct slice map, const char *key)
{
	struct mp t;
	uint32_t n;

	if (!mp_read(&map, &t) || t.type != MP_MAP) {
		return slice_of(NULL, 0);
	}
	n = t.n;
	for (uint32_t i = 0; i < n; i++) {
		bool hit = mp_read(&map, &t) && t.type == MP_STR && slice_is(t.str, key);
		struct slice value = mp_value(&map);

		if (hit) {
			return value;
		}
	}
	return slice_of(NULL, 0);
}

static int buf_sink(void *data, const char *ptr, size_t len)
{
	buf_append(data, ptr, len);
	return 0;
}

#define PACKER(b) (&(msgpack_packer){(b), buf_sink})

void mp_put_nil(struct buf *b)
{
	msgpack_pack_nil(PACKER(b));
}

void mp_put_bool(struct buf *b, bool v)
{
	if (v) {
		msgpack_pack_true(PACKER(b));
	} else {
		msgpack_pack_false(PACKER(b));
	}
}

void mp_put_int(struct buf *b, int64_t v)
{
	msgpack_pack_int64(PACKER(b), v);
}

void mp_put_uint(struct buf *b, uint64_t v)
{
	msgpack_pack_uint64(PACKER(b), v);
}

void mp_put_double(struct buf *b, double v)
{
	msgpack_pack_double(PACKER(b), v);
}

void mp_put_str(struct buf *b, struct slice s)
{
	msgpack_pack_str(PACKER(b), s.len);
	buf_put(b, s);
}

void mp_put_cstr(struct buf *b, const char *s)
{
	mp_put_str(b, slice_str(s));
}

void mp_put_array(struct buf *b, uint32_t n)
{
	msgpack_pack_array(PACKER(b), n);
}

void mp_put_map(struct buf *b, uint32_t n)
{
	msgpack_pack_map(PACKER(b), n);
}

void mp_put_token(struct buf *b, const struct mp *t)
{
	switch (t->type) {
	case MP_BOOL:
		mp_put_bool(b, t->b);
		break;
	case MP_INT:
		mp_put_int(b, t->i);
		break;
	case MP_UINT:
		mp_put_uint(b, t->u);
		break;
	case MP_FLOAT:
		mp_put_double(b, t->f);
		break;
	case MP_STR:
		mp_put_str(b, t->str);
		break;
	case MP_ARRAY:
		mp_put_array(b, t->n);
		break;
	case MP_MAP:
		mp_put_map(b, t->n);
		break;
	default:
		mp_put_nil(b);
		break;
	}
}
