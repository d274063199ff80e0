#include "daemon/store/runs.h"
#include "daemon/store/active.h"
#include "daemon/store/changes.h"
#include "daemon/store/ready.h"
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

int64_t runs_expiry_ms(const struct txn *txn, struct slice expires_at)
{
	int64_t at;

	if (!mp_get_int(expires_at, &at)) {
		return 0;
	}
	at = txn->steady_ms + (at * 1000 - txn->now_ms) + 1; /* two clocks' rounding: not early */
	return at > 1 ? at : 1;
}

static void put_status(struct txn *txn, const struct run *run, enum run_status status)
{
	struct key key = status_key(run, status);

	kv_put(txn->kv, T_RUNS_BY_STATUS, key_slice(&key), key_slice(&run->key));
}

static void del_status(struct txn *txn, const struct run *run)
{
	struct key key = status_key(run, run->status);

	kv_del(txn->kv, T_RUNS_BY_STATUS, key_slice(&key));
}

static uint64_t run_seq(const struct run *run)
{
	return read_u64(run->key.bytes + run->key.len - 8);
}

static void add_change(
	struct txn *txn, const struct run *run, struct change change, struct slice object)
{
	change.kind = CHANGE_RUN;
	change.thread_id = run->thread_id;
	change.run_id = run->id;
	change.object = object;
	changes_add(txn, &change);
}

/* A run that is not terminal came to be, maybe before others that were the first until now. */
static void enter_active(struct txn *txn, const struct run *run)
{
	struct slice run_key = key_slice(&run->key);
	struct active first, active = {
				     .enqueued = run->enqueued,
				     .parallel = run->parallel,
				     .expiry_ms = runs_expiry_ms(txn, run->v[RUN_expires_at]),
				     .cancel_ms = run->status == RUN_CANCELLING
							  ? txn->steady_ms + CANCEL_GRACE_MS
							  : 0,
				     .run_id = run->id,
			     };
	struct key first_key = {0};

	active_first(txn, run->thread_id, &first_key, &first);
	active_put(txn, run_key, &active);
	if (first_key.len && slice_cmp(run_key, key_slice(&first_key)) < 0) {
		ready_update(txn, key_slice(&first_key));
	}
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
	put_status(txn, run, run->status);
	if (!run_status_terminal(run->status)) {
		enter_active(txn, run);
	}
	if (run->status == RUN_QUEUED) {
		ready_update(txn, key_slice(&run->key));
	}
	threads_add_run(txn, run->thread_id, created_at, seq);
	add_change(txn, run,
		(struct change){.seq = seq, .event = event, .to = run_status_names[run->status]},
		slice_of(NULL, 0));
}

/* The row of a run that goes from one status to another, neither of them terminal. */
static void change_active(struct txn *txn, const struct run *run, enum run_status to)
{
	struct slice run_key = key_slice(&run->key);
	bool executed = to == RUN_IN_PROGRESS || to == RUN_CANCELLING;
	struct active a;

	if (!active_get(txn, run_key, &a) || (executed && to != RUN_CANCELLING)) {
		return;
	}
	if (!executed) {
		a.lease.token.ptr = NULL;
	}
	a.cancel_ms = to == RUN_CANCELLING ? txn->steady_ms + CANCEL_GRACE_MS : 0;
	active_put(txn, run_key, &a);
}

/* From run->status to @to, which is stored already. */
static void change_status(struct txn *txn, struct run *run, enum run_status to)
{
	enum run_status from = run->status;

	del_status(txn, run);
	put_status(txn, run, to);
	if (run_status_terminal(to)) {
		active_leave(txn, key_slice(&run->key));
		ready_update_first(txn, run->thread_id);
	} else {
		change_active(txn, run, to);
	}
	if (from == RUN_QUEUED || to == RUN_QUEUED) {
		ready_update(txn, key_slice(&run->key));
	}
}

void runs_replace_as(struct txn *txn, struct run *run, struct slice bytes, const char *event)
{
	enum run_status from = run->status, to = (enum run_status)run_status_of(run->v[RUN_status]);
	struct slice stored;

	if (kv_get(txn->kv, T_RUNS, key_slice(&run->key), &stored)) {
		changes_keep_created(txn, run_seq(run), stored);
	}
	kv_put(txn->kv, T_RUNS, key_slice(&run->key), bytes);
	if (to != from) {
		change_status(txn, run, to);
	}
	run->status = to;
	add_change(txn, run,
		(struct change){.seq = changes_next_seq(txn),
			.event = event,
			.from = run_status_names[from],
			.to = run_status_names[to]},
		bytes);
}

void runs_replace(struct txn *txn, struct run *run, struct slice bytes)
{
	int to = run_status_of(run->v[RUN_status]);

	runs_replace_as(txn, run, bytes, to == (int)run->status ? "updated" : run_status_names[to]);
}

void runs_note(struct txn *txn, const struct run *run, struct slice bytes, const char *event)
{
	const char *status = run_status_names[run->status];

	add_change(txn, run,
		(struct change){
			.seq = changes_next_seq(txn), .event = event, .from = status, .to = status},
		bytes);
}

void runs_remove(struct txn *txn, const struct run *run)
{
	uint64_t steps = steps_remove_all(txn, run);
	struct slice stored, run_key = key_slice(&run->key);

	if (kv_get(txn->kv, T_RUNS, run_key, &stored)) {
		changes_keep_removed(txn, run_seq(run), stored);
	}
	del_status(txn, run);
	active_leave(txn, run_key);
	if (run->status == RUN_QUEUED) {
		ready_update(txn, run_key);
	}
	kv_del(txn->kv, T_RUNS_BY_TIME, key_position(run_key));
	kv_del(txn->kv, T_RUN_IDS, run->id);
	kv_del(txn->kv, T_RUN_HINTS, run->id);
	kv_del(txn->kv, T_RUNS, run_key);
	ready_update_first(txn, run->thread_id);
	threads_count(txn, run->thread_id, -1, -(int64_t)steps);
	add_change(txn, run,
		(struct change){.seq = changes_next_seq(txn),
			.event = "deleted",
			.from = run_status_names[run->status]},
		slice_of(NULL, 0));
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

struct slice runs_hints(struct txn *txn, struct slice id)
{
	struct slice hints;

	return kv_get(txn->kv, T_RUN_HINTS, id, &hints) ? hints : SLICE_LIT("\x80");
}
