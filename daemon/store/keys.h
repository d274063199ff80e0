/* How keys are laid out: ids, each with a NUL behind it, then big-endian numbers. */
#pragma once

#include "proto/slice.h"

/* A place in the order of the contract: created_at, then the number of the first insertion. */
#define POSITION_BYTES 16
#define KEY_BYTES (2 * 65 + POSITION_BYTES + 2)

struct key {
	uint8_t bytes[KEY_BYTES];
	uint8_t len;
};

static inline struct slice key_slice(const struct key *key)
{
	return slice_of(key->bytes, key->len);
}

struct key key_from(struct slice bytes);

/* Each appends to @key, which starts as {0}. */
void key_id(struct key *key, struct slice id);
void key_u8(struct key *key, uint8_t v);
void key_u64(struct key *key, uint64_t v);
void key_bytes(struct key *key, struct slice bytes);

uint64_t read_u64(const uint8_t *p);
void write_u64(uint8_t *p, uint64_t v);

/* The last 16 bytes of a key that ends in a position. */
struct slice key_position(struct slice key);

/* The part of a key before its position: the thread of a run, the thread and run of a step. */
struct slice key_prefix(struct slice key);

/* The first id of a key, without its NUL. */
struct slice key_first_id(struct slice key);
