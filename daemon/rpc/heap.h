/* A binary heap of things that fall due; they know their places, so that any can be removed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
	uint64_t at;
	size_t place;
};

struct heap {
	struct heap_item **items;
	size_t n;
	size_t cap;
};

void heap_finish(struct heap *heap);

/* False when memory runs out. */
bool heap_add(struct heap *heap, struct heap_item *item);
void heap_remove(struct heap *heap, struct heap_item *item);

/* The one that is due first; NULL when there is none. */
static inline struct heap_item *heap_first(const struct heap *heap)
{
	return heap->n ? heap->items[0] : NULL;
}
