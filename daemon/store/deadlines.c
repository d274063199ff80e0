#include "daemon/store/deadlines.h"

#include <errno.h>

static struct key deadline_key(const struct deadline *d)
{
	struct key key = {0};

	key_u64(&key, (uint64_t)d->at_ms);
	key_u8(&key, (uint8_t)d->kind);
	key_bytes(&key, d->run_id);
	return key;
}

static struct deadline deadline_read(struct slice key, struct slice position)
{
	return (struct deadline){
		.at_ms = (int64_t)read_u64(key.ptr),
		.kind = key.ptr[8],
		.run_id = slice_of(key.ptr + 9, key.len - 9),
		.position = position,
	};
}

void deadlines_set(struct txn *txn, const struct deadline *d)
{
	struct key key = deadline_key(d);

	kv_put(txn->kv, T_DEADLINES, key_slice(&key), d->position);
}

void deadlines_clear(struct txn *txn, const struct deadline *d)
{
	struct key key = deadline_key(d);

	kv_del(txn->kv, T_DEADLINES, key_slice(&key));
}

static bool deadlines_first(struct txn *txn, struct kv_cursor *c, struct deadline *out)
{
	kv_cursor_open(txn->kv, T_DEADLINES, c);
	if (!kv_first(c)) {
		kv_cursor_close(c);
		return false;
	}
	*out = deadline_read(c->key, c->value);
	return true;
}

bool deadlines_take(struct txn *txn, int64_t by_ms, struct deadline *out)
{
	struct kv_cursor c;
	struct deadline d;
	bool due;

	if (!deadlines_first(txn, &c, &d)) {
		return false;
	}
	due = d.at_ms <= by_ms;
	if (due) {
		d.run_id = arena_dup(txn->arena, d.run_id);
		d.position = arena_dup(txn->arena, d.position);
		if (!d.run_id.ptr || !d.position.ptr) {
			kv_fail(txn->kv, -ENOMEM);
			due = false;
		} else {
			*out = d;
			kv_cursor_del(&c);
		}
	}
	kv_cursor_close(&c);
	return due;
}

int64_t deadlines_next(struct txn *txn)
{
	struct kv_cursor c;
	struct deadline d;

	if (!deadlines_first(txn, &c, &d)) {
		return INT64_MAX;
	}
	kv_cursor_close(&c);
	return d.at_ms;
}
