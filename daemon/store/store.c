#include "daemon/store/store.h"
#include "daemon/store/upgrade.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct store {
	struct kv *kv;
	struct store_options options;
	_Atomic uint64_t seq;
	struct steady clock;
	struct ulid_state ulids;
};

static const char *const table_names[N_TABLES] = {
	[T_META] = "meta",
	[T_RUNS] = "runs",
	[T_RUN_IDS] = "run_ids",
	[T_RUNS_BY_TIME] = "runs_by_time",
	[T_RUNS_BY_STATUS] = "runs_by_status",
	[T_RUNS_ACTIVE] = "runs_active",
	[T_RUN_HINTS] = "run_hints",
	[T_READY] = "ready",
	[T_STEPS] = "steps",
	[T_STEP_IDS] = "step_ids",
	[T_THREADS] = "threads",
	[T_THREADS_BY_TIME] = "threads_by_time",
	[T_MESSAGES] = "messages",
	[T_MESSAGE_IDS] = "message_ids",
	[T_MESSAGES_BY_RUN] = "messages_by_run",
	[T_MESSAGES_OPEN] = "messages_open",
	[T_ASSISTANTS] = "assistants",
	[T_ASSISTANT_IDS] = "assistant_ids",
	[T_DEADLINES] = "deadlines",
	[T_CHANGES] = "changes",
	[T_IDEMPOTENCY] = "idempotency",
};

static bool meta_get(struct kv_txn *kv, const char *name, uint64_t *out)
{
	struct slice value;

	if (!kv_get(kv, T_META, slice_str(name), &value) || value.len != 8) {
		return false;
	}
	*out = read_u64(value.ptr);
	return true;
}

static void meta_put(struct kv_txn *kv, const char *name, uint64_t v)
{
	uint8_t bytes[8];

	write_u64(bytes, v);
	kv_put(kv, T_META, slice_str(name), slice_of(bytes, sizeof(bytes)));
}

static void put_clock(struct kv_txn *kv, const struct steady *clock)
{
	uint8_t bytes[STEADY_BYTES];

	steady_write(clock, bytes);
	kv_put(kv, T_META, SLICE_LIT("clock"), slice_of(bytes, sizeof(bytes)));
}

/* The feed keeps its last change for ever, so that one is where the numbers have come to. */
static uint64_t last_change(struct kv_txn *kv)
{
	struct kv_cursor c;
	uint64_t seq = 0;

	kv_cursor_open(kv, T_CHANGES, &c);
	if (kv_last(&c) && c.key.len == 8) {
		seq = read_u64(c.key.ptr);
	}
	kv_cursor_close(&c);
	return seq;
}

/* Before any other table is made: a store that this program cannot read is left as it is. */
static int check_version(struct kv_txn *kv, char *why)
{
	uint64_t version;

	if (!meta_get(kv, "version", &version)) {
		meta_put(kv, "version", STORE_VERSION);
		return 0;
	}
	if (version >= 1 && version <= STORE_VERSION) {
		return 0;
	}
	snprintf(why, 256,
		"the store is of version %llu, this program reads up to version %d: use the "
		"runstored that wrote it, or export with that one and import with this one",
		(unsigned long long)version, STORE_VERSION);
	return -EPROTO;
}

/* What is remembered of the clock is read, and an older store is made one of this version. */
static int settle_version(struct store *store, struct kv_txn *kv)
{
	uint64_t version = STORE_VERSION;
	struct slice clock = {NULL, 0};
	uint8_t bytes[STEADY_BYTES];

	meta_get(kv, "version", &version);
	kv_get(kv, T_META, SLICE_LIT("clock"), &clock);
	steady_init(&store->clock, clock);
	store->seq = last_change(kv);
	steady_write(&store->clock, bytes);
	if (!slice_eq(clock, slice_of(bytes, sizeof(bytes)))) {
		kv_put(kv, T_META, SLICE_LIT("clock"), slice_of(bytes, sizeof(bytes)));
	}
	if (version < STORE_VERSION) {
		struct txn txn = {.store = store,
			.kv = kv,
			.now_ms = clock_wall_ms(),
			.steady_ms = store_steady_ms(store)};

		upgrade_store(&txn, version);
		meta_put(kv, "version", STORE_VERSION);
	}
	return kv_error(kv);
}

/* Run one of the two in a transaction of its own. */
static int in_txn(struct store *store, char *why)
{
	struct kv_txn *kv;
	int r;

	r = kv_write_begin(store->kv, NULL, &kv);
	if (r) {
		return r;
	}
	r = why ? check_version(kv, why) : settle_version(store, kv);
	if (r) {
		kv_abort(kv);
		return r;
	}
	return kv_commit(kv);
}

static int store_prepare(struct store *store, char *why)
{
	int r;

	r = kv_open_tables(store->kv, table_names, T_META, T_META + 1);
	if (!r) {
		r = in_txn(store, why);
	}
	if (!r) {
		r = kv_open_tables(store->kv, table_names, T_META + 1, N_TABLES);
	}
	return r ? r : in_txn(store, NULL);
}

int store_open(struct store **out, const struct store_options *o, char why[static 256])
{
	struct kv_options options = {
		.dir = o->dir,
		.map_size_bytes = o->map_size_bytes,
		.sync = o->sync,
	};
	struct store *store;
	int r;

	store = calloc(1, sizeof(*store));
	if (!store) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	store->options = *o;
	store->options.changes_max = o->changes_max ? o->changes_max : CHANGES_MAX;
	store->options.changes_age_ms = o->changes_age_ms ? o->changes_age_ms : CHANGES_AGE_MS;
	why[0] = '\0';
	r = kv_open(&store->kv, &options);
	if (!r) {
		r = store_prepare(store, why);
	}
	if (r) {
		if (!why[0]) {
			snprintf(why, 256, "cannot open %s/data.mdb: %s", o->dir,
				r == -EPROTO ? "not a file that this LMDB can read" : strerror(-r));
		}
		store_close(store);
		return r;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (store) {
		kv_close(store->kv);
		free(store);
	}
}

struct kv *store_kv(struct store *store)
{
	return store->kv;
}

const struct store_options *store_options(const struct store *store)
{
	return &store->options;
}

int64_t store_steady_ms(const struct store *store)
{
	return steady_now_ms(&store->clock);
}

uint64_t store_last_seq(struct store *store)
{
	return store->seq;
}

void txn_init_read(struct txn *txn, struct store *store, struct kv_txn *kv, int64_t now_ms)
{
	*txn = (struct txn){
		.store = store, .kv = kv, .now_ms = now_ms, .steady_ms = store_steady_ms(store)};
}

int txn_begin_write(struct txn *txn, struct store *store, struct buf *events)
{
	*txn = (struct txn){.store = store,
		.seq = store->seq,
		.events = events,
		.steady_ms = store_steady_ms(store),
		.clock = steady_look(&store->clock)};
	return kv_write_begin(store->kv, NULL, &txn->kv);
}

int txn_commit(struct txn *txn)
{
	struct store *store = txn->store;
	bool clock_set = steady_differs(&txn->clock, &store->clock);
	int r;

	if (clock_set) {
		put_clock(txn->kv, &txn->clock);
	}
	r = kv_commit(txn->kv);
	if (!r) {
		store->seq = txn->seq;
		store->clock.ahead_ms = clock_set ? txn->clock.ahead_ms : store->clock.ahead_ms;
	}
	txn->kv = NULL;
	return r;
}

void txn_abort(struct txn *txn)
{
	kv_abort(txn->kv);
	txn->kv = NULL;
}

int txn_nest_begin(struct txn *txn, struct txn_nest *nest)
{
	struct kv_txn *child;
	int r;

	r = kv_write_begin(txn->store->kv, txn->kv, &child);
	if (r) {
		return r;
	}
	*nest = (struct txn_nest){txn->kv, txn->seq, txn->events->len};
	txn->kv = child;
	return 0;
}

int txn_nest_end(struct txn *txn, struct txn_nest *nest, bool keep)
{
	int r = 0;

	if (keep) {
		r = kv_commit(txn->kv);
	} else {
		kv_abort(txn->kv);
	}
	if (!keep || r) {
		txn->seq = nest->seq;
		buf_truncate(txn->events, nest->events);
	}
	txn->kv = nest->parent;
	return r;
}

struct slice txn_issue_token(struct txn *txn, const char *prefix)
{
	char id[64], ulid[ULID_LENGTH + 1];

	if (ulid_next(&txn->store->ulids, (uint64_t)txn->now_ms, ulid)) {
		return slice_of(NULL, 0);
	}
	snprintf(id, sizeof(id), "%s%s", prefix, ulid);
	return arena_dup(txn->arena, slice_str(id));
}

struct slice txn_issue_id(struct txn *txn, enum table table, const char *prefix)
{
	struct slice id, value;

	do {
		id = txn_issue_token(txn, prefix);
	} while (id.ptr && kv_get(txn->kv, table, id, &value));
	return id;
}
