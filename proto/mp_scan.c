#include "proto/mp.h"
#include "proto/utf8.h"

#include <stdlib.h>

#define MAX_LEVELS 64
#define FEW_KEYS 12

struct level {
	uint64_t left;	    /* tokens to come, keys counted */
	uint32_t first_key; /* of this map, in scan.keys */
	bool is_map;
};

struct scan {
	struct slice whole;
	struct slice rest;
	struct level levels[MAX_LEVELS];
	unsigned int n_levels;
	struct buf keys; /* uint32_t offsets of the keys of the open maps, outermost first */
	uint32_t n_keys;
};

static struct slice key_at(const struct scan *s, uint32_t offset)
{
	struct slice in = slice_of(s->whole.ptr + offset, s->whole.len - offset);
	struct mp t;

	return mp_read(&in, &t) ? t.str : slice_of(NULL, 0);
}

static int compare_keys(const void *a, const void *b, void *scan)
{
	return slice_cmp(key_at(scan, *(const uint32_t *)a), key_at(scan, *(const uint32_t *)b));
}

/* Few keys are compared with each other, many are sorted first. */
static bool keys_repeat(struct scan *s, uint32_t *keys, uint32_t n)
{
	if (n > FEW_KEYS) {
		qsort_r(keys, n, sizeof(*keys), compare_keys, s);
		for (uint32_t i = 1; i < n; i++) {
			if (!compare_keys(&keys[i - 1], &keys[i], s)) {
				return true;
			}
		}
		return false;
	}
	for (uint32_t i = 1; i < n; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (slice_eq(key_at(s, keys[i]), key_at(s, keys[j]))) {
				return true;
			}
		}
	}
	return false;
}

static enum mp_fault scan_close(struct scan *s)
{
	while (s->n_levels && !s->levels[s->n_levels - 1].left) {
		struct level *l = &s->levels[--s->n_levels];

		if (s->n_keys > l->first_key) {
			uint32_t *keys = (uint32_t *)(void *)s->keys.ptr + l->first_key;

			if (keys_repeat(s, keys, s->n_keys - l->first_key)) {
				return MP_FAULT_DUPLICATE;
			}
			s->n_keys = l->first_key;
			buf_truncate(&s->keys, s->n_keys * sizeof(uint32_t));
		}
	}
	return MP_OK;
}

static enum mp_fault scan_open(struct scan *s, const struct mp *t, unsigned int depth)
{
	uint64_t items = (uint64_t)t->n * (t->type == MP_MAP ? 2 : 1);

	if (items > s->rest.len) {
		return MP_FAULT_COUNT;
	}
	if (s->n_levels == depth || s->n_levels == MAX_LEVELS) {
		return MP_FAULT_DEPTH;
	}
	s->levels[s->n_levels++] = (struct level){items, s->n_keys, t->type == MP_MAP};
	return MP_OK;
}

static enum mp_fault scan_key(struct scan *s, const struct mp *t, uint32_t offset)
{
	if (t->type != MP_STR) {
		return MP_FAULT_KEY;
	}
	buf_append(&s->keys, &offset, sizeof(offset));
	s->n_keys++;
	return buf_error(&s->keys) ? MP_FAULT_MEMORY : MP_OK;
}

static enum mp_fault scan_token(struct scan *s, unsigned int depth)
{
	struct level *l = s->n_levels ? &s->levels[s->n_levels - 1] : NULL;
	uint32_t offset = (uint32_t)(s->rest.ptr - s->whole.ptr);
	enum mp_fault fault = MP_OK;
	struct mp t;

	if (!mp_read(&s->rest, &t)) {
		return s->rest.len && s->rest.ptr[0] == 0xc1 ? MP_FAULT_RESERVED
							     : MP_FAULT_TRUNCATED;
	}
	if (l && l->is_map && l->left % 2 == 0) {
		fault = scan_key(s, &t, offset);
	}
	if (l) {
		l->left--;
	}
	if (!fault && t.type == MP_STR && !utf8_valid(t.str)) {
		fault = MP_FAULT_UTF8;
	}
	if (!fault && (t.type == MP_ARRAY || t.type == MP_MAP)) {
		fault = scan_open(s, &t, depth);
	}
	return fault ? fault : scan_close(s);
}

enum mp_fault mp_scan(struct slice in, unsigned int depth)
{
	struct scan s = {.whole = in, .rest = in};
	enum mp_fault fault;

	do {
		fault = scan_token(&s, depth);
	} while (!fault && s.n_levels);
	buf_finish(&s.keys);
	return !fault && s.rest.len ? MP_FAULT_TRAILING : fault;
}

const char *mp_fault_text(enum mp_fault fault)
{
	static const char *const texts[] = {
		[MP_OK] = "well formed",
		[MP_FAULT_TRUNCATED] = "the message ends inside a value",
		[MP_FAULT_TRAILING] = "bytes follow the message",
		[MP_FAULT_RESERVED] = "the byte 0xc1 is no MessagePack",
		[MP_FAULT_COUNT] = "an array or map declares more items than there are bytes",
		[MP_FAULT_UTF8] = "a string is not valid UTF-8",
		[MP_FAULT_KEY] = "a map key is not a string",
		[MP_FAULT_DUPLICATE] = "a map has the same key twice",
		[MP_FAULT_DEPTH] = "values are nested too deep",
		[MP_FAULT_MEMORY] = "out of memory",
	};

	return texts[fault];
}
