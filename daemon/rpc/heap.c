#include "daemon/rpc/heap.h"

#include <stdlib.h>

void heap_finish(struct heap *heap)
{
	free(heap->items);
	*heap = (struct heap){0};
}

static void place(struct heap *heap, struct heap_item *item, size_t at)
{
	heap->items[at] = item;
	item->place = at;
}

static void rise(struct heap *heap, struct heap_item *item)
{
	size_t at = item->place;

	while (at && heap->items[(at - 1) / 2]->at > item->at) {
		place(heap, heap->items[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	place(heap, item, at);
}

static void sink(struct heap *heap, struct heap_item *item)
{
	size_t at = item->place, child;

	while ((child = 2 * at + 1) < heap->n) {
		if (child + 1 < heap->n && heap->items[child + 1]->at < heap->items[child]->at) {
			child++;
		}
		if (heap->items[child]->at >= item->at) {
			break;
		}
		place(heap, heap->items[child], at);
		at = child;
	}
	place(heap, item, at);
}

bool heap_add(struct heap *heap, struct heap_item *item)
{
	if (heap->n == heap->cap) {
		size_t cap = heap->cap ? heap->cap * 2 : 64;
		struct heap_item **items = realloc(heap->items, cap * sizeof(struct heap_item *));

		if (!items) {
			return false;
		}
		heap->items = items;
		heap->cap = cap;
	}
	item->place = heap->n++;
	rise(heap, item);
	return true;
}

void heap_remove(struct heap *heap, struct heap_item *item)
{
	struct heap_item *last = heap->items[--heap->n];

	if (last != item) {
		last->place = item->place;
		rise(heap, last);
		sink(heap, last);
	}
}
