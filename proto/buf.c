#include "proto/buf.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 4096 /* most replies and parameters fit */

void buf_finish(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){0};
}

void buf_reset(struct buf *b, size_t keep)
{
	if (b->cap > keep) {
		free(b->ptr);
		b->ptr = NULL;
		b->cap = 0;
	}
	b->len = 0;
	b->error = 0;
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len < b->len) {
		b->len = len;
	}
	b->error = 0;
}

static int buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
	uint8_t *ptr;

	if (b->error) {
		return b->error;
	}
	if (b->limit && (more > b->limit || b->len > b->limit - more)) {
		return b->error = -EMSGSIZE;
	}
	if (b->ptr && b->cap - b->len >= more) {
		return 0;
	}
	while (cap < b->len + more) {
		cap *= 2;
	}
	ptr = realloc(b->ptr, cap);
	if (!ptr) {
		return b->error = -ENOMEM;
	}
	b->ptr = ptr;
	b->cap = cap;
	return 0;
}

uint8_t *buf_extend(struct buf *b, size_t len)
{
	uint8_t *at;

	if (buf_reserve(b, len)) {
		return NULL;
	}
	at = b->ptr + b->len;
	b->len += len;
	return at;
}

void buf_append(struct buf *b, const void *ptr, size_t len)
{
	uint8_t *at;

	if (!len) {
		return;
	}
	at = buf_extend(b, len);
	if (at) {
		memcpy(at, ptr, len);
	}
}
