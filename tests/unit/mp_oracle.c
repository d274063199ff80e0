/* The reader and the scanner against msgpack-c's unpacker. */
#include "tests/support/cmocka_all.h"

#include "proto/mp.h"
#include "tests/unit/bytes.h"

#include <msgpack.h>
#include <stdio.h>

#define DEPTH 32
#define ROUNDS 3000

static void put_big_endian(struct buf *b, uint8_t head, uint64_t v, size_t n)
{
	uint8_t *at = buf_extend(b, n + 1);

	at[0] = head;
	for (size_t i = n; i > 0; i--, v >>= 8) {
		at[i] = (uint8_t)v;
	}
}

/* The heads of one type: with the count in them, and before one of 8, 16, 32 bits; 0 for none. */
struct heads {
	uint8_t fix, fix_max, in_8, in_16, in_32;
};

/* One of the heads that can hold a count of @n, the shortest or a longer one. */
static void put_count(struct buf *b, struct rng *rng, uint32_t n, const struct heads *h)
{
	uint32_t pick = rng_below(rng, 4);

	if (pick == 0 && h->fix && n <= h->fix_max) {
		put_big_endian(b, (uint8_t)(h->fix | n), 0, 0);
	} else if (pick <= 1 && h->in_8 && n < 256) {
		put_big_endian(b, h->in_8, n, 1);
	} else if (pick <= 2 && n < 65536) {
		put_big_endian(b, h->in_16, n, 2);
	} else {
		put_big_endian(b, h->in_32, n, 4);
	}
}

static void put_text(struct buf *b, struct rng *rng, const char *prefix, uint32_t number)
{
	static const struct heads heads = {0xa0, 31, 0xd9, 0xda, 0xdb};
	static const char *const words[] = {"", "x", "gr\xc3\xbc\xc3\x9f", "\xf0\x9f\x8c\x8d",
		"longer than what a fixed string can hold, and so it is"};
	char text[120];
	int n = snprintf(text, sizeof(text), "%s%u%s", prefix, number, words[rng_below(rng, 5)]);

	put_count(b, rng, (uint32_t)n, &heads);
	buf_append(b, text, (size_t)n);
}

static void put_bytes(struct buf *b, struct rng *rng)
{
	static const struct heads bin = {0, 0, 0xc4, 0xc5, 0xc6}, ext = {0, 0, 0xc7, 0xc8, 0xc9};
	uint32_t pick = rng_below(rng, 7);
	uint32_t n = rng_below(rng, 40);

	if (pick < 5) { /* a fixed extension of 1, 2, 4, 8, 16 */
		put_big_endian(b, (uint8_t)(0xd4 + pick), rng_next(rng), 1);
		n = 1u << pick;
	} else {
		put_count(b, rng, n, pick == 5 ? &bin : &ext);
		n += pick == 6; /* its type */
	}
	for (uint32_t i = 0; i < n; i++) {
		buf_append(b, &(uint8_t){(uint8_t)rng_next(rng)}, 1);
	}
}

static void put_number(struct buf *b, struct rng *rng)
{
	uint32_t pick = rng_below(rng, 12);

	if (pick < 4) {
		put_big_endian(b, (uint8_t)(0xcc + pick), rng_next(rng), 1u << pick);
	} else if (pick < 8) {
		put_big_endian(b, (uint8_t)(0xd0 + pick - 4), rng_next(rng), 1u << (pick - 4));
	} else if (pick < 10) {
		put_big_endian(b, (uint8_t)(0xca + pick - 8), rng_next(rng), 4u << (pick - 8));
	} else {
		put_big_endian(b, (uint8_t)(rng_next(rng) % 160 - 32), 0, 0);
	}
}

static void put_random(struct buf *b, struct rng *rng, unsigned int depth)
{
	static const struct heads arrays = {0x90, 15, 0, 0xdc, 0xdd},
				  maps = {0x80, 15, 0, 0xde, 0xdf};
	static const uint8_t constants[] = {0xc0, 0xc2, 0xc3};
	uint32_t pick = rng_below(rng, depth ? 8 : 5);
	uint32_t n = rng_once_in(rng, 10) ? 10 + rng_below(rng, 20) : rng_below(rng, 5);

	if (pick == 0) {
		buf_append(b, &constants[rng_below(rng, 3)], 1);
	} else if (pick <= 2) {
		put_number(b, rng);
	} else if (pick == 3) {
		put_text(b, rng, "", rng_below(rng, 1000));
	} else if (pick == 4) {
		put_bytes(b, rng);
	} else {
		put_count(b, rng, n, pick == 5 ? &arrays : &maps);
		for (uint32_t i = 0; i < n; i++) {
			if (pick != 5) {
				put_text(b, rng, "key ", i);
			}
			put_random(b, rng, depth - 1);
		}
	}
}

static void assert_same(struct slice *in, const msgpack_object *want);

static void assert_same_items(struct slice *in, const msgpack_object *want, const struct mp *t)
{
	if (want->type == MSGPACK_OBJECT_ARRAY) {
		assert_int_equal(t->type, MP_ARRAY);
		assert_int_equal(t->n, want->via.array.size);
		for (uint32_t i = 0; i < want->via.array.size; i++) {
			assert_same(in, &want->via.array.ptr[i]);
		}
		return;
	}
	assert_int_equal(want->type, MSGPACK_OBJECT_MAP);
	assert_int_equal(t->type, MP_MAP);
	assert_int_equal(t->n, want->via.map.size);
	for (uint32_t i = 0; i < want->via.map.size; i++) {
		assert_same(in, &want->via.map.ptr[i].key);
		assert_same(in, &want->via.map.ptr[i].val);
	}
}

static void assert_same_body(const struct mp *t, enum mp_type type, const void *ptr, size_t len)
{
	assert_int_equal(t->type, type);
	assert_bytes(t->str, slice_of(ptr, len));
}

/* Read one value from @in with mp_read(), token by token, as msgpack-c has it in @want. */
static void assert_same(struct slice *in, const msgpack_object *want)
{
	struct mp t;

	assert_true(mp_read(in, &t));
	switch (want->type) {
	case MSGPACK_OBJECT_NIL:
		assert_int_equal(t.type, MP_NIL);
		break;
	case MSGPACK_OBJECT_BOOLEAN:
		assert_int_equal(t.type, MP_BOOL);
		assert_int_equal(t.b, want->via.boolean);
		break;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		assert_int_equal(t.type, want->via.u64 > INT64_MAX ? MP_UINT : MP_INT);
		assert_true(t.u == want->via.u64);
		break;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		assert_int_equal(t.type, MP_INT);
		assert_true(t.i == want->via.i64);
		break;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		assert_int_equal(t.type, MP_FLOAT);
		assert_true(t.f == want->via.f64 || (t.f != t.f && want->via.f64 != want->via.f64));
		break;
	case MSGPACK_OBJECT_STR:
		assert_same_body(&t, MP_STR, want->via.str.ptr, want->via.str.size);
		break;
	case MSGPACK_OBJECT_BIN:
		assert_same_body(&t, MP_BIN, want->via.bin.ptr, want->via.bin.size);
		break;
	case MSGPACK_OBJECT_EXT: /* ours has the type in front */
		assert_int_equal((int8_t)t.str.ptr[0], want->via.ext.type);
		t.str = slice_of(t.str.ptr + 1, t.str.len - 1);
		assert_same_body(&t, MP_EXT, want->via.ext.ptr, want->via.ext.size);
		break;
	default:
		assert_same_items(in, want, &t);
		break;
	}
}

/* Does msgpack-c take all of @in as one value? Then the values must be the same. */
static bool oracle_takes(struct slice in)
{
	msgpack_unpacked result;
	bool whole;
	size_t off = 0;

	msgpack_unpacked_init(&result);
	whole = msgpack_unpack_next(&result, (const char *)in.ptr, in.len, &off) ==
			MSGPACK_UNPACK_SUCCESS &&
		off == in.len;
	if (whole) {
		assert_same(&in, &result.data);
		assert_int_equal(in.len, 0);
	}
	msgpack_unpacked_destroy(&result);
	return whole;
}

static void every_head_byte_reads_as_in_msgpack_c(void **state)
{
	uint8_t bytes[40] = {0};

	for (unsigned int head = 0; head < 256; head++) {
		struct slice in, rest;

		bytes[0] = (uint8_t)head;
		in = rest = guarded(bytes, sizeof(bytes));
		mp_value(&rest);
		if (head != 0xc1) {
			assert_true(oracle_takes(slice_of(in.ptr, in.len - rest.len)));
		}
	}
}

static void random_messages_read_as_in_msgpack_c(void **state)
{
	struct rng rng = rng_start();
	struct buf b = {0};

	for (int i = 0; i < ROUNDS; i++) {
		struct slice in;

		buf_reset(&b, SIZE_MAX);
		put_random(&b, &rng, 6);
		in = guarded_slice(buf_slice(&b));
		assert_int_equal(mp_scan(in, DEPTH), MP_OK);
		assert_true(oracle_takes(in));
		assert_int_equal(mp_value(&in).len, b.len);
	}
	buf_finish(&b);
}

static void every_cut_of_a_random_message_is_truncated(void **state)
{
	struct rng rng = rng_start();
	struct buf b = {0};

	for (int i = 0; i < ROUNDS / 10; i++) {
		buf_reset(&b, SIZE_MAX);
		put_random(&b, &rng, 4);
		for (size_t len = 0; len < b.len && len < 2000; len++) {
			enum mp_fault fault = mp_scan(guarded(b.ptr, len), DEPTH);

			assert_true(fault == MP_FAULT_TRUNCATED || fault == MP_FAULT_COUNT);
		}
	}
	buf_finish(&b);
}

/* msgpack-c allocates what an array32 or a map32 declares before it looks for the items. */
static bool safe_for_oracle(struct slice in)
{
	return in.len && !memchr(in.ptr, 0xdd, in.len) && !memchr(in.ptr, 0xdf, in.len);
}

/* Whatever the scanner takes msgpack-c takes; what it takes alone breaks one of our own rules. */
static void random_damage_is_judged_as_by_msgpack_c(void **state)
{
	unsigned int taken = 0, refused = 0;
	struct rng rng = rng_start();
	struct buf b = {0};

	for (int i = 0; i < ROUNDS * 10; i++) {
		enum mp_fault fault;
		struct slice in;

		buf_reset(&b, SIZE_MAX);
		put_random(&b, &rng, 3);
		for (uint32_t k = 0; k <= rng_below(&rng, 3); k++) {
			b.ptr[rng_below(&rng, (uint32_t)b.len)] = (uint8_t)rng_next(&rng);
		}
		in = guarded_slice(buf_slice(&b));
		fault = mp_scan(in, DEPTH);
		if (!fault) {
			assert_true(oracle_takes(in));
			taken++;
		} else if (safe_for_oracle(in) && oracle_takes(in)) {
			assert_true(fault == MP_FAULT_UTF8 || fault == MP_FAULT_KEY ||
				    fault == MP_FAULT_DUPLICATE);
			refused++;
		}
	}
	buf_finish(&b);
	assert_true(taken > ROUNDS && refused > ROUNDS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_head_byte_reads_as_in_msgpack_c),
		cmocka_unit_test(random_messages_read_as_in_msgpack_c),
		cmocka_unit_test(every_cut_of_a_random_message_is_truncated),
		cmocka_unit_test(random_damage_is_judged_as_by_msgpack_c),
	};

	return cmocka_run_group_tests_name("mp_oracle", tests, NULL, NULL);
}
