#include "daemon/store/upgrade.h"
#include "daemon/store/active.h"
#include "daemon/store/changes.h"
#include "daemon/store/deadlines.h"
#include "daemon/store/ready.h"
#include "daemon/store/runs.h"

#include <errno.h>

#define OLD_HEADER_BYTES (8 + POSITION_BYTES)

static bool is_enqueued(struct txn *txn, const struct key *run_id)
{
	struct slice hints, text;

	return kv_get(txn->kv, T_RUN_HINTS, key_slice(run_id), &hints) &&
	       mp_get_str(mp_lookup(hints, "on_active"), &text) && slice_is(text, "enqueue");
}

/* Hints go to who claims the run, and on_active is none: it stands in the run's row now. */
static void renew_hints(struct txn *txn, const struct key *run_id)
{
	struct slice hints, value;
	struct buf kept = {0};
	struct mp t = {0}, name = {0};
	uint32_t n;

	if (!kv_get(txn->kv, T_RUN_HINTS, key_slice(run_id), &hints) ||
		!mp_lookup(hints, "on_active").ptr || !mp_read(&hints, &t)) {
		return;
	}
	n = t.n;
	mp_put_map(&kept, n - 1);
	for (uint32_t i = 0; i < n && mp_read(&hints, &name); i++) {
		value = mp_value(&hints);
		if (!slice_is(name.str, "on_active")) {
			mp_put_str(&kept, name.str);
			buf_put(&kept, value);
		}
	}
	if (buf_error(&kept)) {
		kv_fail(txn->kv, buf_error(&kept));
	} else {
		runs_put_hints(txn, key_slice(run_id), buf_slice(&kept));
	}
	buf_finish(&kept);
}

/* The row of a run as this version has it. Nothing was claimed yet, and time ran by the wall. */
static void renew_active(struct txn *txn, const struct key *run_key, struct slice row)
{
	struct key run_id =
		key_from(slice_of(row.ptr + OLD_HEADER_BYTES, row.len - OLD_HEADER_BYTES));
	struct active a = {.open_steps = read_u64(row.ptr), .run_id = key_slice(&run_id)};
	struct slice bytes = {NULL, 0};

	memcpy(a.first_open, row.ptr + 8, POSITION_BYTES);
	a.enqueued = is_enqueued(txn, &run_id);
	renew_hints(txn, &run_id);
	kv_get(txn->kv, T_RUNS, key_slice(run_key), &bytes);
	a.expiry_ms = runs_expiry_ms(txn, record_field(bytes, RUN_expires_at));
	if (run_status_of(record_field(bytes, RUN_status)) == RUN_CANCELLING) {
		a.cancel_ms = txn->steady_ms + CANCEL_GRACE_MS;
	}
	kv_del(txn->kv, T_RUNS_ACTIVE, key_slice(run_key));
	active_put(txn, key_slice(run_key), &a);
}

/* Each run that has not ended, in order: @what with its key and its row. */
static void each_active(
	struct txn *txn, void (*what)(struct txn *txn, const struct key *run_key, struct slice row))
{
	struct key at = {0};
	struct kv_cursor c;
	bool more;

	do {
		kv_cursor_open(txn->kv, T_RUNS_ACTIVE, &c);
		more = at.len ? kv_seek(&c, key_slice(&at)) : kv_first(&c);
		if (more) {
			at = key_from(c.key);
			what(txn, &at, c.value);
			key_u8(&at, 0); /* what follows it */
		}
		kv_cursor_close(&c);
	} while (more);
}

static void renew_row(struct txn *txn, const struct key *run_key, struct slice row)
{
	if (row.len < OLD_HEADER_BYTES) {
		kv_fail(txn->kv, -EBADMSG);
		return;
	}
	renew_active(txn, run_key, row);
}

static void ready_row(struct txn *txn, const struct key *run_key, struct slice row)
{
	ready_update(txn, key_slice(run_key));
}

static void clear_deadlines(struct txn *txn)
{
	struct kv_cursor c;

	kv_cursor_open(txn->kv, T_DEADLINES, &c);
	while (kv_first(&c)) {
		kv_cursor_del(&c);
	}
	kv_cursor_close(&c);
}

/*
 * To version 2: runs that have not ended know more of themselves, those that may be claimed have a
 * table, deadlines run by another clock, and changes have objects. The changes that there are have
 * none, and no method showed them: all but the last one go.
 */
static void upgrade_to_2(struct txn *txn)
{
	clear_deadlines(txn);
	each_active(txn, renew_row);
	each_active(txn, ready_row);
	changes_discard(txn);
}

/* Version 3 has more tables, which begin empty, and rows that say more; the old ones still do. */
void upgrade_store(struct txn *txn, uint64_t version)
{
	if (version < 2) {
		upgrade_to_2(txn);
	}
}
