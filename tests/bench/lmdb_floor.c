#include "tests/bench/lmdb_floor.h"
#include "tests/bench/process.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAP_SIZE ((size_t)64 << 30)
#define RECORD_BYTES 500
#define CHANGE_BYTES 200
#define LIVE 64
#define MAX_SAMPLES (1 << 20)
#define SEEK_RECORDS 200000

enum { RECORDS, IDS, CHANGES, N_TABLES };

struct floor {
	const struct lmdb_commits *what;
	uint64_t length_ns;
	MDB_env *env;
	MDB_dbi tables[N_TABLES];
	uint64_t next; /* the number of the record that comes next */
	uint64_t n;    /* records, or seeks, in the time */
	double seconds;
	uint64_t n_samples;
	double us[MAX_SAMPLES];
};

static void check(int r)
{
	if (r) {
		child_die("lmdb: %s", mdb_strerror(r));
	}
}

static void open_env(struct floor *f)
{
	static const char *const names[N_TABLES] = {"records", "ids", "changes"};
	MDB_txn *txn;
	MDB_stat stat;

	mkdir(f->what->dir, 0700);
	check(mdb_env_create(&f->env));
	check(mdb_env_set_mapsize(f->env, MAP_SIZE));
	check(mdb_env_set_maxdbs(f->env, N_TABLES));
	check(mdb_env_open(f->env, f->what->dir, 0, 0600));
	check(mdb_txn_begin(f->env, NULL, 0, &txn));
	for (int i = 0; i < N_TABLES; i++) {
		check(mdb_dbi_open(txn, names[i], MDB_CREATE, &f->tables[i]));
	}
	check(mdb_stat(txn, f->tables[CHANGES], &stat));
	f->next = stat.ms_entries;
	check(mdb_txn_commit(txn));
}

static size_t record_key(uint64_t number, char *key, size_t size)
{
	unsigned int run = (unsigned int)(number % LIVE);

	return (size_t)snprintf(key, size, "thread_%016x%crun_%026u%c%016llx", run * 2654435761u, 0,
		run, 0, (unsigned long long)number);
}

static size_t record_id(uint64_t number, char *id, size_t size)
{
	return (size_t)snprintf(id, size, "step_%026llu", (unsigned long long)number);
}

static void put(
	struct floor *f, MDB_txn *txn, int table, void *key, size_t len, void *data, size_t size)
{
	MDB_val k = {len, key}, v = {size, data};

	check(mdb_put(txn, f->tables[table], &k, &v, 0));
}

static void put_record(struct floor *f, MDB_txn *txn)
{
	static char value[RECORD_BYTES];
	uint64_t number = f->next++;
	uint8_t seq[8];
	char key[128], id[64];
	size_t key_len = record_key(number, key, sizeof(key));
	size_t id_len = record_id(number, id, sizeof(id));

	for (int i = 0; i < 8; i++) {
		seq[i] = (uint8_t)(number >> (56 - 8 * i));
	}
	put(f, txn, RECORDS, key, key_len, value, RECORD_BYTES);
	put(f, txn, IDS, id, id_len, key, key_len);
	put(f, txn, CHANGES, seq, sizeof(seq), value, CHANGE_BYTES);
}

static void commit(struct floor *f, unsigned int n_records)
{
	MDB_txn *txn;

	check(mdb_txn_begin(f->env, NULL, 0, &txn));
	for (unsigned int i = 0; i < n_records; i++) {
		put_record(f, txn);
	}
	check(mdb_txn_commit(txn));
}

static void run_commits(void *context)
{
	struct floor *f = context;
	uint64_t start, before, now;

	open_env(f);
	start = before = now_ns();
	do {
		commit(f, f->what->n_records);
		now = now_ns();
		if (f->n_samples < MAX_SAMPLES) {
			f->us[f->n_samples++] = (double)(now - before) / 1e3;
		}
		f->n += f->what->n_records;
		before = now;
	} while (now < start + f->length_ns);
	f->seconds = (double)(now - start) / 1e9;
	mdb_env_close(f->env);
}

static void seek_for(struct floor *f, MDB_cursor *cursor)
{
	uint64_t start = now_ns(), state = 1, now;

	do {
		for (int i = 0; i < 256; i++) {
			char id[64];
			MDB_val k, v;

			state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
			k.mv_size = record_id((state >> 33) % f->next, id, sizeof(id));
			k.mv_data = id;
			check(mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE));
		}
		f->n += 256;
		now = now_ns();
	} while (now < start + f->length_ns);
	f->seconds = (double)(now - start) / 1e9;
}

static void run_seeks(void *context)
{
	struct floor *f = context;
	MDB_cursor *cursor;
	MDB_txn *txn;

	open_env(f);
	while (f->next < SEEK_RECORDS) {
		commit(f, 4096);
	}
	check(mdb_txn_begin(f->env, NULL, MDB_RDONLY, &txn));
	check(mdb_cursor_open(txn, f->tables[IDS], &cursor));
	seek_for(f, cursor);
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(f->env);
	f->us[0] = f->seconds * 1e6 / (double)f->n;
	f->n_samples = 1;
}

static void measure(void (*body)(void *), const void *what, double seconds, struct result *out)
{
	struct floor *f = shared_alloc(sizeof(*f));

	f->what = what;
	f->length_ns = (uint64_t)(seconds * 1e9);
	child_run(body, f);
	*out = (struct result){
		.rate = (double)f->n / f->seconds, .p50_us = median(f->us, f->n_samples)};
	out->p99_us = f->us[f->n_samples * 99 / 100]; /* median() has sorted them */
	shared_free(f, sizeof(*f));
}

void lmdb_measure_commits(const void *what, double seconds, struct result *out)
{
	measure(run_commits, what, seconds, out);
}

void lmdb_measure_seeks(const void *what, double seconds, struct result *out)
{
	measure(run_seeks, what, seconds, out);
}
