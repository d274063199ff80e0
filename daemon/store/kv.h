/*
 * Ordered tables in transactions: the only place that knows LMDB. Keys are compared as bytes and
 * are 1 to 511 bytes long.
 *
 * A transaction has a sticky error: once an operation failed, those that follow do nothing, gets
 * find nothing, and the commit refuses. So a caller may write a row of operations and ask once.
 *
 * Errors: -ENOSPC the map is full, -E2BIG the transaction is too large, -EIO the disk or the file
 * failed, -ENOTRECOVERABLE the environment is of no more use, -EBADMSG what is stored makes no
 * sense, -ENOMEM, or another -errno.
 */
#pragma once

#include "proto/slice.h"

struct kv;
struct kv_txn;

enum kv_sync {
	KV_SYNC_FULL, /* a commit that returned survives a power cut */
	KV_SYNC_LAZY, /* the last commits may be lost in one, up to kv_flush(); nothing is damaged
		       */
};

struct kv_options {
	const char *dir; /* must exist */
	size_t map_size_bytes;
	enum kv_sync sync;
};

struct kv_usage {
	uint64_t map_bytes;
	uint64_t file_bytes; /* used so far, free pages included */
};

/* Returns 0, -errno, or an error as above; -EPROTO when the file is of an LMDB that can't be read.
 */
int kv_open(struct kv **out, const struct kv_options *options);

/*
 * Make the tables with numbers from @from up to, not including, @to known by @names[number], and
 * make those that are not there. At most 32 in all; before any other transaction. Returns 0 or an
 * error as above.
 */
int kv_open_tables(struct kv *kv, const char *const *names, unsigned int from, unsigned int to);

void kv_close(struct kv *kv);

/* Make the commits so far durable: for KV_SYNC_LAZY. */
int kv_flush(struct kv *kv);

/* Give back the places of readers that died. */
void kv_reap_readers(struct kv *kv);

/*
 * A read transaction, made once for a thread and then begun and ended for every use; between the
 * two it sees one snapshot. What is read points into the map and ends with kv_read_end().
 */
int kv_read_open(struct kv *kv, struct kv_txn **out);
int kv_read_begin(struct kv_txn *txn);
void kv_read_end(struct kv_txn *txn);
void kv_read_close(struct kv_txn *txn);

/*
 * A write transaction, one at a time. What is read ends with the next write. With a @parent it is
 * one inside that, whose commit hands its changes to the parent; the parent waits meanwhile.
 * kv_commit() and kv_abort() free it in any case.
 */
int kv_write_begin(struct kv *kv, struct kv_txn *parent, struct kv_txn **out);
int kv_commit(struct kv_txn *txn);
void kv_abort(struct kv_txn *txn);

/* 0, or what has gone wrong in this transaction. */
int kv_error(const struct kv_txn *txn);

/* Let the transaction fail with @error, unless it has one: what was read makes no sense. */
void kv_fail(struct kv_txn *txn, int error);

bool kv_get(struct kv_txn *txn, unsigned int table, struct slice key, struct slice *value);
void kv_put(struct kv_txn *txn, unsigned int table, struct slice key, struct slice value);

/* The same for a key greater than all in the table: no search is needed. */
void kv_append(struct kv_txn *txn, unsigned int table, struct slice key, struct slice value);

/* Remove a key; false when it was not there. */
bool kv_del(struct kv_txn *txn, unsigned int table, struct slice key);

uint64_t kv_count(struct kv_txn *txn, unsigned int table);

/* What the file holds, as of the last commit. Any thread. */
void kv_usage(struct kv *kv, struct kv_usage *out);

/* Bytes of file_bytes in free pages, which commits will use again. Walks the free list. */
uint64_t kv_free_bytes(struct kv *kv);

/*
 * A place in a table. @key and @value are those of the place while the functions return true, and
 * end with the next move, write, or the transaction.
 */
struct kv_cursor {
	struct kv_txn *txn;
	void *at;
	struct slice key;
	struct slice value;
};

void kv_cursor_open(struct kv_txn *txn, unsigned int table, struct kv_cursor *c);
void kv_cursor_close(struct kv_cursor *c);

bool kv_seek(struct kv_cursor *c, struct slice key);	    /* the first key >= @key */
bool kv_seek_before(struct kv_cursor *c, struct slice key); /* the last key < @key */
bool kv_next(struct kv_cursor *c);
bool kv_prev(struct kv_cursor *c);
bool kv_first(struct kv_cursor *c);
bool kv_last(struct kv_cursor *c);

/* Remove what the cursor is at; kv_next() then gives what followed it. */
void kv_cursor_del(struct kv_cursor *c);
