/*
 * Memory that is given back all at once. What it hands out stays where it is until the arena is
 * reset or finished.
 */
#pragma once

#include "proto/slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk;
	size_t used; /* bytes of the newest chunk */
};

/* @size bytes aligned for any type, not cleared; NULL when memory runs out. */
void *arena_alloc(struct arena *a, size_t size);

/* The same, cleared. */
void *arena_zalloc(struct arena *a, size_t size);

/* A copy of @s in the arena; ptr NULL when memory runs out. */
struct slice arena_dup(struct arena *a, struct slice s);

void arena_finish(struct arena *a);
