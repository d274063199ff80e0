#include "daemon/store/idempotency.h"

#include <errno.h>

#define HEADER_BYTES 17

enum key_kind { KEY_REQUEST = 1, KEY_MEMBER = 2 };

struct key idempotency_key(struct slice key)
{
	struct key k = {0};

	key_u8(&k, KEY_REQUEST);
	key_bytes(&k, key);
	return k;
}

struct key idempotency_member_key(struct slice key, uint32_t member)
{
	struct key k = {0};

	key_u8(&k, KEY_MEMBER);
	key_bytes(&k, key);
	key_u8(&k, (uint8_t)(member >> 8));
	key_u8(&k, (uint8_t)member);
	return k;
}

static bool expired(const struct txn *txn, struct slice row)
{
	return row.len < HEADER_BYTES ||
	       (int64_t)read_u64(row.ptr) < txn->now_ms - IDEMPOTENCY_KEPT_MS;
}

bool idempotency_find(struct txn *txn, struct slice key, struct idempotency *out)
{
	struct slice row;

	if (!kv_get(txn->kv, T_IDEMPOTENCY, key, &row) || expired(txn, row)) {
		return false;
	}
	*out = (struct idempotency){
		.hash = read_u64(row.ptr + 8),
		.kind = row.ptr[16],
		.what = slice_of(row.ptr + HEADER_BYTES, row.len - HEADER_BYTES),
	};
	return true;
}

void idempotency_put(struct txn *txn, struct slice key, const struct idempotency *record)
{
	uint8_t *row = arena_alloc(txn->arena, HEADER_BYTES + record->what.len);

	txn->n_keys++;
	if (!row) {
		kv_fail(txn->kv, -ENOMEM); /* what cannot be recognised again must not be done */
		return;
	}
	write_u64(row, (uint64_t)txn->now_ms);
	write_u64(row + 8, record->hash);
	row[16] = (uint8_t)record->kind;
	memcpy(row + HEADER_BYTES, record->what.ptr, record->what.len);
	kv_put(txn->kv, T_IDEMPOTENCY, key, slice_of(row, HEADER_BYTES + record->what.len));
}

void idempotency_sweep(struct txn *txn, struct key *at, unsigned int n)
{
	struct kv_cursor c;
	bool more;

	kv_cursor_open(txn->kv, T_IDEMPOTENCY, &c);
	more = at->len ? kv_seek(&c, key_slice(at)) : kv_first(&c);
	for (unsigned int i = 0; i < n && more; i++) {
		if (expired(txn, c.value)) {
			kv_cursor_del(&c);
		}
		more = kv_next(&c);
	}
	*at = more ? key_from(c.key) : (struct key){0};
	kv_cursor_close(&c);
}

static uint64_t mix(uint64_t hash, struct slice s)
{
	const uint64_t prime = 0x100000001b3;
	uint64_t word;

	for (; s.len >= 8; s = slice_of(s.ptr + 8, s.len - 8)) {
		memcpy(&word, s.ptr, sizeof(word));
		hash = (hash ^ word) * prime;
		hash ^= hash >> 32;
	}
	for (size_t i = 0; i < s.len; i++) {
		hash = (hash ^ s.ptr[i]) * prime;
	}
	return hash;
}

uint64_t idempotency_hash(struct slice method, struct slice params)
{
	uint64_t hash = mix(mix(0xcbf29ce484222325, method) ^ params.len, params);

	return hash ^ hash >> 32;
}
