#include "daemon/store/kv.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_TABLES 32

struct kv {
	MDB_env *env;
	MDB_dbi tables[MAX_TABLES];
};

struct kv_txn {
	struct kv *kv;
	MDB_txn *txn;
	int error;
};

/* LMDB's own codes are negative, the system's positive. */
static int kv_map_error(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_MAP_FULL:
		return -ENOSPC;
	case MDB_TXN_FULL:
	case MDB_CURSOR_FULL:
	case MDB_PAGE_FULL:
		return -E2BIG;
	case MDB_PANIC:
		return -ENOTRECOVERABLE;
	case MDB_READERS_FULL:
		return -EBUSY;
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
		return -EPROTO;
	case MDB_BAD_VALSIZE:
	case MDB_BAD_TXN:
		return -EINVAL;
	default:
		return rc < 0 ? -EIO : -rc;
	}
}

static MDB_val to_val(struct slice s)
{
	return (MDB_val){s.len, (void *)(uintptr_t)s.ptr};
}

static struct slice from_val(MDB_val v)
{
	return slice_of(v.mv_data, v.mv_size);
}

int kv_open_tables(struct kv *kv, const char *const *names, unsigned int from, unsigned int to)
{
	MDB_txn *txn;
	int rc;

	rc = mdb_txn_begin(kv->env, NULL, 0, &txn);
	if (rc) {
		return kv_map_error(rc);
	}
	for (unsigned int i = from; i < to && !rc; i++) {
		rc = mdb_dbi_open(txn, names[i], MDB_CREATE, &kv->tables[i]);
	}
	if (rc) {
		mdb_txn_abort(txn);
		return kv_map_error(rc);
	}
	return kv_map_error(mdb_txn_commit(txn));
}

/* A file that was just made is durable only once its directory is. */
static int sync_directory(const char *dir)
{
	int fd, rc = 0;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return errno;
	}
	if (fsync(fd)) {
		rc = errno;
	}
	close(fd);
	return rc;
}

int kv_open(struct kv **out, const struct kv_options *o)
{
	unsigned int flags = MDB_NOTLS | (o->sync == KV_SYNC_LAZY ? MDB_NOMETASYNC : 0);
	struct kv *kv;
	int rc, dead;

	kv = calloc(1, sizeof(*kv));
	if (!kv) {
		return -ENOMEM;
	}
	rc = mdb_env_create(&kv->env);
	if (!rc) {
		rc = mdb_env_set_maxdbs(kv->env, MAX_TABLES);
	}
	if (!rc) {
		rc = mdb_env_set_mapsize(kv->env, o->map_size_bytes);
	}
	if (!rc) {
		rc = mdb_env_open(kv->env, o->dir, flags, 0600);
	}
	if (!rc) {
		rc = mdb_reader_check(kv->env, &dead);
	}
	if (!rc) {
		rc = sync_directory(o->dir);
	}
	if (rc) {
		kv_close(kv);
		return kv_map_error(rc);
	}
	*out = kv;
	return 0;
}

void kv_close(struct kv *kv)
{
	if (!kv) {
		return;
	}
	if (kv->env) {
		mdb_env_close(kv->env);
	}
	free(kv);
}

int kv_flush(struct kv *kv)
{
	return kv_map_error(mdb_env_sync(kv->env, 1));
}

void kv_reap_readers(struct kv *kv)
{
	int dead;

	mdb_reader_check(kv->env, &dead);
}

static int txn_new(struct kv *kv, struct kv_txn *parent, unsigned int flags, struct kv_txn **out)
{
	struct kv_txn *txn;
	int rc;

	txn = calloc(1, sizeof(*txn));
	if (!txn) {
		return -ENOMEM;
	}
	txn->kv = kv;
	rc = mdb_txn_begin(kv->env, parent ? parent->txn : NULL, flags, &txn->txn);
	if (rc) {
		free(txn);
		return kv_map_error(rc);
	}
	*out = txn;
	return 0;
}

int kv_read_open(struct kv *kv, struct kv_txn **out)
{
	int r = txn_new(kv, NULL, MDB_RDONLY, out);

	if (!r) {
		mdb_txn_reset((*out)->txn);
	}
	return r;
}

int kv_read_begin(struct kv_txn *txn)
{
	txn->error = kv_map_error(mdb_txn_renew(txn->txn));
	return txn->error;
}

void kv_read_end(struct kv_txn *txn)
{
	mdb_txn_reset(txn->txn);
}

void kv_read_close(struct kv_txn *txn)
{
	kv_abort(txn);
}

int kv_write_begin(struct kv *kv, struct kv_txn *parent, struct kv_txn **out)
{
	return txn_new(kv, parent, 0, out);
}

int kv_commit(struct kv_txn *txn)
{
	int r = txn->error;

	if (r) {
		mdb_txn_abort(txn->txn);
	} else {
		r = kv_map_error(mdb_txn_commit(txn->txn));
	}
	free(txn);
	return r;
}

void kv_abort(struct kv_txn *txn)
{
	if (txn) {
		mdb_txn_abort(txn->txn);
		free(txn);
	}
}

int kv_error(const struct kv_txn *txn)
{
	return txn->error;
}

void kv_fail(struct kv_txn *txn, int error)
{
	if (!txn->error) {
		txn->error = error;
	}
}

/* True when it went well, false when nothing was there or something is wrong. */
static bool outcome(struct kv_txn *txn, int rc)
{
	if (rc && rc != MDB_NOTFOUND) {
		txn->error = kv_map_error(rc);
	}
	return !rc;
}

bool kv_get(struct kv_txn *txn, unsigned int table, struct slice key, struct slice *value)
{
	MDB_val k = to_val(key), v;

	if (txn->error || !outcome(txn, mdb_get(txn->txn, txn->kv->tables[table], &k, &v))) {
		return false;
	}
	*value = from_val(v);
	return true;
}

static void put(struct kv_txn *txn, unsigned int table, struct slice key, struct slice value,
	unsigned int flags)
{
	MDB_val k = to_val(key), v = to_val(value);

	if (!txn->error) {
		outcome(txn, mdb_put(txn->txn, txn->kv->tables[table], &k, &v, flags));
	}
}

void kv_put(struct kv_txn *txn, unsigned int table, struct slice key, struct slice value)
{
	put(txn, table, key, value, 0);
}

void kv_append(struct kv_txn *txn, unsigned int table, struct slice key, struct slice value)
{
	put(txn, table, key, value, MDB_APPEND);
}

bool kv_del(struct kv_txn *txn, unsigned int table, struct slice key)
{
	MDB_val k = to_val(key);

	return !txn->error && outcome(txn, mdb_del(txn->txn, txn->kv->tables[table], &k, NULL));
}

uint64_t kv_count(struct kv_txn *txn, unsigned int table)
{
	MDB_stat stat = {0};

	if (!txn->error) {
		outcome(txn, mdb_stat(txn->txn, txn->kv->tables[table], &stat));
	}
	return stat.ms_entries;
}

/* The free list is table 0; each of its values is a count of pages and then their numbers. */
uint64_t kv_free_bytes(struct kv *kv)
{
	MDB_cursor *c = NULL;
	MDB_val key, value;
	uint64_t pages = 0;
	MDB_stat stat = {0};
	MDB_txn *txn;

	mdb_env_stat(kv->env, &stat);
	if (mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn)) {
		return 0;
	}
	if (!mdb_cursor_open(txn, 0, &c)) {
		while (!mdb_cursor_get(c, &key, &value, MDB_NEXT)) {
			size_t n;

			memcpy(&n, value.mv_data, sizeof(n));
			pages += n;
		}
		mdb_cursor_close(c);
	}
	mdb_txn_abort(txn);
	return pages * stat.ms_psize;
}

void kv_usage(struct kv *kv, struct kv_usage *out)
{
	MDB_envinfo info = {0};
	MDB_stat stat = {0};

	mdb_env_info(kv->env, &info);
	mdb_env_stat(kv->env, &stat);
	*out = (struct kv_usage){
		.map_bytes = info.me_mapsize,
		.file_bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize,
	};
}

void kv_cursor_open(struct kv_txn *txn, unsigned int table, struct kv_cursor *c)
{
	MDB_cursor *at = NULL;

	if (!txn->error) {
		outcome(txn, mdb_cursor_open(txn->txn, txn->kv->tables[table], &at));
	}
	*c = (struct kv_cursor){.txn = txn, .at = at};
}

void kv_cursor_close(struct kv_cursor *c)
{
	if (c->at) {
		mdb_cursor_close(c->at);
		c->at = NULL;
	}
}

static bool move(struct kv_cursor *c, MDB_cursor_op op, struct slice key)
{
	MDB_val k = to_val(key), v;

	if (!c->at || c->txn->error || !outcome(c->txn, mdb_cursor_get(c->at, &k, &v, op))) {
		return false;
	}
	c->key = from_val(k);
	c->value = from_val(v);
	return true;
}

bool kv_seek(struct kv_cursor *c, struct slice key)
{
	return move(c, MDB_SET_RANGE, key);
}

bool kv_seek_before(struct kv_cursor *c, struct slice key)
{
	return move(c, kv_seek(c, key) ? MDB_PREV : MDB_LAST, key);
}

bool kv_next(struct kv_cursor *c)
{
	return move(c, MDB_NEXT, slice_of(NULL, 0));
}

bool kv_prev(struct kv_cursor *c)
{
	return move(c, MDB_PREV, slice_of(NULL, 0));
}

bool kv_first(struct kv_cursor *c)
{
	return move(c, MDB_FIRST, slice_of(NULL, 0));
}

bool kv_last(struct kv_cursor *c)
{
	return move(c, MDB_LAST, slice_of(NULL, 0));
}

void kv_cursor_del(struct kv_cursor *c)
{
	if (c->at && !c->txn->error) {
		outcome(c->txn, mdb_cursor_del(c->at, 0));
	}
}
