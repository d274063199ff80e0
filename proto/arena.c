#include "proto/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define CHUNK_BYTES 4000

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	alignas(max_align_t) uint8_t data[];
};

static int arena_grow(struct arena *a, size_t size)
{
	size_t want = size > CHUNK_BYTES ? size : CHUNK_BYTES;
	struct arena_chunk *c = malloc(sizeof(*c) + want);

	if (!c) {
		return -1;
	}
	c->size = want;
	c->next = a->chunk;
	a->chunk = c;
	a->used = 0;
	return 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *at;

	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if ((!a->chunk || a->chunk->size - a->used < size) && arena_grow(a, size)) {
		return NULL;
	}
	at = a->chunk->data + a->used;
	a->used += size;
	return at;
}

void *arena_zalloc(struct arena *a, size_t size)
{
	void *at = arena_alloc(a, size);

	if (at) {
		memset(at, 0, size);
	}
	return at;
}

struct slice arena_dup(struct arena *a, struct slice s)
{
	uint8_t *at = arena_alloc(a, s.len ? s.len : 1);

	if (at && s.len) {
		memcpy(at, s.ptr, s.len);
	}
	return slice_of(at, at ? s.len : 0);
}

void arena_finish(struct arena *a)
{
	struct arena_chunk *c = a->chunk;

	while (c) {
		struct arena_chunk *next = c->next;

		free(c);
		c = next;
	}
	*a = (struct arena){0};
}
