/*
 * A growable byte buffer. Appending never fails at the call: when memory runs out or the limit
 * is passed the buffer remembers it and ignores what follows; buf_error() tells once at the end.
 */
#pragma once

#include "proto/slice.h"

struct buf {
	uint8_t *ptr;
	size_t len;
	size_t cap;
	size_t limit; /* bytes it may hold, 0 for no limit */
	int error;    /* 0, -ENOMEM, or -EMSGSIZE once @limit was passed */
};

void buf_finish(struct buf *b);

/* Forget the contents and any error; memory is kept, but not more than @keep bytes of it. */
void buf_reset(struct buf *b, size_t keep);

void buf_append(struct buf *b, const void *ptr, size_t len);

/* Forget all after the first @len bytes, and any error. */
void buf_truncate(struct buf *b, size_t len);

/* @len writable bytes at the end, or NULL after an error. Valid until the next append. */
uint8_t *buf_extend(struct buf *b, size_t len);

static inline void buf_put(struct buf *b, struct slice s)
{
	buf_append(b, s.ptr, s.len);
}

static inline struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->ptr, b->len);
}

static inline int buf_error(const struct buf *b)
{
	return b->error;
}
