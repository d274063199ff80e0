#include "daemon/store/active.h"

#define HEADER_BYTES (8 + POSITION_BYTES)

static bool active_read(struct slice row, struct active *out)
{
	if (row.len < HEADER_BYTES) {
		return false;
	}
	out->open_steps = read_u64(row.ptr);
	memcpy(out->first_open, row.ptr + 8, POSITION_BYTES);
	out->run_id = slice_of(row.ptr + HEADER_BYTES, row.len - HEADER_BYTES);
	return true;
}

bool active_get(struct txn *txn, struct slice run_key, struct active *out)
{
	struct slice row;

	return kv_get(txn->kv, T_RUNS_ACTIVE, run_key, &row) && active_read(row, out);
}

static void active_put(struct txn *txn, struct slice run_key, const struct active *a)
{
	struct key row = {0};

	key_u64(&row, a->open_steps);
	key_bytes(&row, slice_of(a->first_open, POSITION_BYTES));
	key_bytes(&row, a->run_id);
	kv_put(txn->kv, T_RUNS_ACTIVE, run_key, key_slice(&row));
}

void active_enter(struct txn *txn, struct slice run_key, struct slice run_id)
{
	struct active a = {.run_id = run_id};

	active_put(txn, run_key, &a);
}

void active_leave(struct txn *txn, struct slice run_key)
{
	kv_del(txn->kv, T_RUNS_ACTIVE, run_key);
}

void active_step_opened(struct txn *txn, struct slice run_key, struct slice step_position)
{
	struct active a;

	if (!active_get(txn, run_key, &a)) {
		return;
	}
	if (!a.open_steps++ || memcmp(step_position.ptr, a.first_open, POSITION_BYTES) < 0) {
		memcpy(a.first_open, step_position.ptr, POSITION_BYTES);
	}
	active_put(txn, run_key, &a);
}

void active_step_closed(struct txn *txn, struct slice run_key)
{
	struct active a;

	if (active_get(txn, run_key, &a) && a.open_steps) {
		a.open_steps--;
		active_put(txn, run_key, &a);
	}
}

struct slice active_first(struct txn *txn, struct slice thread_id)
{
	struct slice id = {NULL, 0};
	struct key prefix = {0};
	struct kv_cursor c;
	struct active a;

	key_id(&prefix, thread_id);
	kv_cursor_open(txn->kv, T_RUNS_ACTIVE, &c);
	if (kv_seek(&c, key_slice(&prefix)) && slice_eq(key_prefix(c.key), key_slice(&prefix)) &&
		active_read(c.value, &a)) {
		id = a.run_id;
	}
	kv_cursor_close(&c);
	return id;
}
