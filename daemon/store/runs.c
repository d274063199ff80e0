#include "daemon/store/runs.h"
#include "daemon/store/active.h"
#include "daemon/store/changes.h"
#include "daemon/store/deadlines.h"
#include "daemon/store/steps.h"
#include "daemon/store/threads.h"

#include <errno.h>

bool runs_find(struct txn *txn, struct slice id, struct slice *bytes, struct key *key)
{
	struct slice k;

	if (!kv_get(txn->kv, T_RUN_IDS, id, &k)) {
		return false;
	}
	*key = key_from(k);
	return kv_get(txn->kv, T_RUNS, key_slice(key), bytes);
}

static void set_texts(struct run *run)
{
	mp_get_str(run->v[RUN_id], &run->id);
	mp_get_str(run->v[RUN_thread_id], &run->thread_id);
	run->status = (enum run_status)run_status_of(run->v[RUN_status]);
}

bool runs_read(struct slice bytes, struct run *out)
{
	if (!record_read(&schema_run, bytes, out->v)) {
		return false;
	}
	set_texts(out);
	return true;
}

bool runs_load_at(struct txn *txn, const struct key *key, struct slice bytes, struct run *out)
{
	bytes = arena_dup(txn->arena, bytes);
	if (!bytes.ptr || !runs_read(bytes, out)) {
		kv_fail(txn->kv, bytes.ptr ? -EBADMSG : -ENOMEM);
		return false;
	}
	out->key = *key;
	return true;
}

bool runs_load_head(struct txn *txn, const struct key *key, struct slice bytes, struct run *out)
{
	struct slice copy, *v = out->v;

	if (!record_read_first(&schema_run, bytes, v, RUN_HEAD_FIELDS)) {
		kv_fail(txn->kv, -EBADMSG);
		return false;
	}
	copy = arena_dup(txn->arena,
		slice_of(bytes.ptr, (size_t)(v[RUN_status].ptr - bytes.ptr) + v[RUN_status].len));
	if (!copy.ptr) {
		kv_fail(txn->kv, -ENOMEM);
		return false;
	}
	for (size_t i = 0; i < RUN_HEAD_FIELDS; i++) {
		v[i].ptr = copy.ptr + (v[i].ptr - bytes.ptr);
	}
	set_texts(out);
	out->key = *key;
	return true;
}

bool runs_load(struct txn *txn, struct slice id, struct run *out)
{
	struct slice bytes;
	struct key key;

	return runs_find(txn, id, &bytes, &key) && runs_load_at(txn, &key, bytes, out);
}

static struct key status_key(const struct run *run, enum run_status status)
{
	struct key key = {0};

	key_u8(&key, (uint8_t)status);
	key_bytes(&key, key_position(key_slice(&run->key)));
	return key;
}

/* The deadlines that a run of this status has. */
static void set_deadlines(struct txn *txn, const struct run *run, enum run_status status)
{
	struct deadline d = {
		.kind = DEADLINE_EXPIRY,
		.run_id = run->id,
		.position = key_position(key_slice(&run->key)),
	};
	int64_t expires_at;

	if (mp_get_int(run->v[RUN_expires_at], &expires_at)) {
		d.at_ms = expires_at * 1000;
		deadlines_set(txn, &d);
	}
	if (status == RUN_CANCELLING) {
		d.kind = DEADLINE_CANCEL;
		d.at_ms = txn->now_ms + CANCEL_GRACE_MS;
		deadlines_set(txn, &d);
	}
}

static void clear_expiry(struct txn *txn, struct slice stored, struct slice run_id)
{
	struct deadline d = {.kind = DEADLINE_EXPIRY, .run_id = run_id};
	int64_t expires_at;

	if (mp_get_int(record_field(stored, RUN_expires_at), &expires_at)) {
		d.at_ms = expires_at * 1000;
		deadlines_clear(txn, &d);
	}
}

static void enter_status(struct txn *txn, const struct run *run, enum run_status status)
{
	struct key key = status_key(run, status);

	kv_put(txn->kv, T_RUNS_BY_STATUS, key_slice(&key), key_slice(&run->key));
	if (!run_status_terminal(status)) {
		set_deadlines(txn, run, status);
	}
}

static void leave_status(struct txn *txn, const struct run *run, struct slice stored)
{
	struct key key = status_key(run, run->status);

	clear_expiry(txn, stored, run->id);
	kv_del(txn->kv, T_RUNS_BY_STATUS, key_slice(&key));
}

static void add_change(struct txn *txn, const struct run *run, uint64_t seq, const char *event,
	const char *from, const char *to)
{
	struct change change = {
		.seq = seq,
		.event = event,
		.thread_id = run->thread_id,
		.run_id = run->id,
		.from = from,
		.to = to,
	};

	changes_add(txn, &change);
}

void runs_insert(struct txn *txn, struct run *run, struct slice bytes, const char *event)
{
	uint64_t seq = changes_next_seq(txn);
	int64_t created_at = 0;

	mp_get_int(run->v[RUN_created_at], &created_at);
	run->key.len = 0;
	key_id(&run->key, run->thread_id);
	key_u64(&run->key, (uint64_t)created_at);
	key_u64(&run->key, seq);
	kv_put(txn->kv, T_RUNS, key_slice(&run->key), bytes);
	kv_put(txn->kv, T_RUN_IDS, run->id, key_slice(&run->key));
	kv_put(txn->kv, T_RUNS_BY_TIME, key_position(key_slice(&run->key)), key_slice(&run->key));
	enter_status(txn, run, run->status);
	if (!run_status_terminal(run->status)) {
		active_enter(txn, key_slice(&run->key), run->id);
	}
	threads_add_run(txn, run->thread_id, created_at, seq);
	add_change(txn, run, seq, event, NULL, run_status_names[run->status]);
}

void runs_replace(struct txn *txn, struct run *run, struct slice bytes)
{
	enum run_status from = run->status, to = (enum run_status)run_status_of(run->v[RUN_status]);
	struct slice stored;

	if (to != from) {
		if (kv_get(txn->kv, T_RUNS, key_slice(&run->key), &stored)) {
			leave_status(txn, run, stored);
		}
		enter_status(txn, run, to);
		if (run_status_terminal(to)) {
			active_leave(txn, key_slice(&run->key));
		}
	}
	kv_put(txn->kv, T_RUNS, key_slice(&run->key), bytes);
	run->status = to;
	add_change(txn, run, changes_next_seq(txn), to == from ? "updated" : run_status_names[to],
		run_status_names[from], run_status_names[to]);
}

void runs_remove(struct txn *txn, const struct run *run)
{
	uint64_t steps = steps_remove_all(txn, run);
	struct slice stored;

	if (kv_get(txn->kv, T_RUNS, key_slice(&run->key), &stored)) {
		leave_status(txn, run, stored);
	}
	active_leave(txn, key_slice(&run->key));
	kv_del(txn->kv, T_RUNS_BY_TIME, key_position(key_slice(&run->key)));
	kv_del(txn->kv, T_RUN_IDS, run->id);
	kv_del(txn->kv, T_RUN_HINTS, run->id);
	kv_del(txn->kv, T_RUNS, key_slice(&run->key));
	threads_count(txn, run->thread_id, -1, -(int64_t)steps);
	add_change(txn, run, changes_next_seq(txn), "deleted", run_status_names[run->status], NULL);
}

static struct key thread_prefix(struct slice thread_id)
{
	struct key key = {0};

	key_id(&key, thread_id);
	return key;
}

bool runs_last_created(struct txn *txn, struct slice thread_id, int64_t *out)
{
	struct key prefix = thread_prefix(thread_id), end = prefix;
	struct kv_cursor c;
	bool found;

	key_u64(&end, UINT64_MAX);
	kv_cursor_open(txn->kv, T_RUNS, &c);
	found = kv_seek_before(&c, key_slice(&end)) &&
		slice_eq(key_prefix(c.key), key_slice(&prefix));
	if (found) {
		*out = (int64_t)read_u64(key_position(c.key).ptr);
	}
	kv_cursor_close(&c);
	return found;
}

void runs_put_hints(struct txn *txn, struct slice id, struct slice hints)
{
	kv_put(txn->kv, T_RUN_HINTS, id, hints);
}
