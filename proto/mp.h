/*
 * MessagePack, read in place. Encoding is msgpack-c's; reading is ours, because every byte that
 * comes in must be bounded before anything is allocated for it, and because what is stored is
 * read without being unpacked. Format: github.com/msgpack/msgpack/blob/master/spec.md
 */
#pragma once

#include "proto/buf.h"

enum mp_type {
	MP_NIL,
	MP_BOOL,
	MP_INT,
	MP_UINT,
	MP_FLOAT,
	MP_STR,
	MP_BIN,
	MP_ARRAY,
	MP_MAP,
	MP_EXT
};

struct mp {
	enum mp_type type;
	uint32_t n; /* items of an array, pairs of a map */
	union {
		bool b;
		int64_t i;  /* MP_INT: below 0, or up to INT64_MAX */
		uint64_t u; /* MP_UINT: above INT64_MAX */
		double f;
		struct slice str; /* MP_STR, MP_BIN, MP_EXT: borrowed from the input */
	};
};

/*
 * Read the one token at the front of @in and move @in behind it; of an array or a map that is the
 * header alone. False when @in does not begin with a whole token; @in is then as it was.
 */
bool mp_read(struct slice *in, struct mp *out);

/* Move @in behind one whole value and give its bytes; ptr NULL when @in ends before the value. */
struct slice mp_value(struct slice *in);

enum mp_fault {
	MP_OK,
	MP_FAULT_TRUNCATED,
	MP_FAULT_TRAILING,
	MP_FAULT_RESERVED, /* 0xc1 */
	MP_FAULT_COUNT,	   /* more items declared than bytes left */
	MP_FAULT_UTF8,
	MP_FAULT_KEY, /* a map key that is no string */
	MP_FAULT_DUPLICATE,
	MP_FAULT_DEPTH,
	MP_FAULT_MEMORY,
};

/*
 * Is @in exactly one value, at most @depth levels deep (a lone array is one level), with no more
 * items declared than there are bytes, valid UTF-8, string keys, no key twice in a map? Not
 * recursive; memory is 4 bytes for each key of the maps that are open at a time.
 */
enum mp_fault mp_scan(struct slice in, unsigned int depth);

/* What a fault is, for a person. */
const char *mp_fault_text(enum mp_fault fault);

/* The string, the integer, the truth of an encoded value; false when it is of another type. */
bool mp_get_str(struct slice value, struct slice *out);
bool mp_get_int(struct slice value, int64_t *out);
bool mp_get_bool(struct slice value, bool *out);
bool mp_get_double(struct slice value, double *out); /* an integer will do */
bool mp_is_nil(struct slice value);

/* The value under @key of an encoded map; ptr NULL when there is none or @map is no map. */
struct slice mp_lookup(struct slice map, const char *key);

void mp_put_nil(struct buf *b);
void mp_put_bool(struct buf *b, bool v);
void mp_put_int(struct buf *b, int64_t v);
void mp_put_uint(struct buf *b, uint64_t v);
void mp_put_double(struct buf *b, double v);
void mp_put_str(struct buf *b, struct slice s);
void mp_put_cstr(struct buf *b, const char *s);
void mp_put_array(struct buf *b, uint32_t n);
void mp_put_map(struct buf *b, uint32_t n);

/* Append a token that is neither binary nor an extension, in its shortest encoding. */
void mp_put_token(struct buf *b, const struct mp *t);
