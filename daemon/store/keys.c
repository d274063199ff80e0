#include "daemon/store/keys.h"

struct key key_from(struct slice bytes)
{
	struct key key = {0};

	key_bytes(&key, bytes);
	return key;
}

void key_bytes(struct key *key, struct slice bytes)
{
	if (bytes.len > sizeof(key->bytes) - key->len) {
		bytes.len = sizeof(key->bytes) - key->len;
	}
	if (bytes.len) {
		memcpy(key->bytes + key->len, bytes.ptr, bytes.len);
		key->len = (uint8_t)(key->len + bytes.len);
	}
}

void key_id(struct key *key, struct slice id)
{
	key_bytes(key, id);
	key_u8(key, 0);
}

void key_u8(struct key *key, uint8_t v)
{
	key_bytes(key, slice_of(&v, 1));
}

void key_u64(struct key *key, uint64_t v)
{
	uint8_t bytes[8];

	write_u64(bytes, v);
	key_bytes(key, slice_of(bytes, sizeof(bytes)));
}

uint64_t read_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++) {
		v = v << 8 | p[i];
	}
	return v;
}

void write_u64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++) {
		p[i] = (uint8_t)(v >> (56 - 8 * i));
	}
}

struct slice key_position(struct slice key)
{
	return slice_of(key.ptr + key.len - POSITION_BYTES, POSITION_BYTES);
}

struct slice key_prefix(struct slice key)
{
	return slice_of(key.ptr, key.len - POSITION_BYTES);
}

struct slice key_first_id(struct slice key)
{
	const uint8_t *nul = memchr(key.ptr, 0, key.len);

	return slice_of(key.ptr, nul ? (size_t)(nul - key.ptr) : key.len);
}
