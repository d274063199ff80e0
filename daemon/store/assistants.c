#include "daemon/store/assistants.h"
#include "daemon/store/changes.h"

#include <errno.h>

struct slice assistants_object(struct slice row)
{
	return mp_value(&row);
}

static bool find_row(struct txn *txn, struct slice id, struct slice *row, struct key *key)
{
	struct slice k;

	if (!kv_get(txn->kv, T_ASSISTANT_IDS, id, &k)) {
		return false;
	}
	*key = key_from(k);
	return kv_get(txn->kv, T_ASSISTANTS, key_slice(key), row);
}

bool assistants_find(struct txn *txn, struct slice id, struct slice *bytes, struct key *key)
{
	struct slice row;

	if (!find_row(txn, id, &row, key)) {
		return false;
	}
	*bytes = assistants_object(row);
	return true;
}

bool assistants_read(struct slice bytes, struct assistant *out)
{
	return record_read(&schema_assistant, bytes, out->v) &&
	       mp_get_str(out->v[ASSISTANT_id], &out->id);
}

bool assistants_load(struct txn *txn, struct slice id, struct assistant *out)
{
	struct slice row;

	if (!find_row(txn, id, &row, &out->key)) {
		return false;
	}
	row = arena_dup(txn->arena, row);
	if (!row.ptr || !assistants_read(mp_value(&row), out)) {
		kv_fail(txn->kv, row.ptr ? -EBADMSG : -ENOMEM);
		return false;
	}
	out->effort = row.len ? row : slice_of(NULL, 0);
	return true;
}

static void put_row(struct txn *txn, const struct assistant *a, struct slice bytes)
{
	struct buf row = {0};

	buf_put(&row, bytes);
	if (a->effort.ptr) {
		buf_put(&row, a->effort);
	}
	if (buf_error(&row)) {
		kv_fail(txn->kv, buf_error(&row));
	} else {
		kv_put(txn->kv, T_ASSISTANTS, key_slice(&a->key), buf_slice(&row));
	}
	buf_finish(&row);
}

static void add_change(struct txn *txn, const struct assistant *a, uint64_t seq, const char *event,
	struct slice object)
{
	changes_add(txn, &(struct change){.kind = CHANGE_ASSISTANT,
				 .seq = seq,
				 .event = event,
				 .object_id = a->id,
				 .object = object});
}

void assistants_insert(struct txn *txn, struct assistant *a, struct slice bytes, const char *event)
{
	uint64_t seq = changes_next_seq(txn);
	int64_t created_at = 0;

	mp_get_int(a->v[ASSISTANT_created_at], &created_at);
	a->key.len = 0;
	key_u64(&a->key, (uint64_t)created_at);
	key_u64(&a->key, seq);
	put_row(txn, a, bytes);
	kv_put(txn->kv, T_ASSISTANT_IDS, a->id, key_slice(&a->key));
	add_change(txn, a, seq, event, bytes);
}

void assistants_replace(struct txn *txn, struct assistant *a, struct slice bytes)
{
	put_row(txn, a, bytes);
	add_change(txn, a, changes_next_seq(txn), "updated", bytes);
}

void assistants_remove(struct txn *txn, const struct assistant *a)
{
	kv_del(txn->kv, T_ASSISTANTS, key_slice(&a->key));
	kv_del(txn->kv, T_ASSISTANT_IDS, a->id);
	add_change(txn, a, changes_next_seq(txn), "deleted", SLICE_LIT("\xc0"));
}
