#include "daemon/store/threads.h"
#include "daemon/store/changes.h"
#include "proto/mp.h"

#define COUNTS_BYTES 32

bool threads_get(struct txn *txn, struct slice id, struct thread *out)
{
	struct slice row, rest;

	if (!kv_get(txn->kv, T_THREADS, id, &row) || row.len < COUNTS_BYTES) {
		return false;
	}
	*out = (struct thread){
		.created_at = (int64_t)read_u64(row.ptr),
		.seq = read_u64(row.ptr + 8),
		.runs = read_u64(row.ptr + 16),
		.steps = read_u64(row.ptr + 24),
	};
	rest = slice_of(row.ptr + COUNTS_BYTES, row.len - COUNTS_BYTES);
	if (rest.len) {
		out->tool_resources = mp_value(&rest);
		out->metadata = mp_value(&rest);
		mp_get_bool(mp_value(&rest), &out->created);
	}
	return true;
}

static struct key time_key(const struct thread *t)
{
	struct key key = {0};

	key_u64(&key, (uint64_t)t->created_at);
	key_u64(&key, t->seq);
	return key;
}

static void put_row(struct txn *txn, struct slice id, const struct thread *t)
{
	uint8_t counts[COUNTS_BYTES];
	struct buf row = {0};

	write_u64(counts, (uint64_t)t->created_at);
	write_u64(counts + 8, t->seq);
	write_u64(counts + 16, t->runs);
	write_u64(counts + 24, t->steps);
	if (!t->metadata.ptr) {
		kv_put(txn->kv, T_THREADS, id, slice_of(counts, sizeof(counts)));
		return;
	}
	buf_append(&row, counts, sizeof(counts));
	buf_put(&row, t->tool_resources);
	buf_put(&row, t->metadata);
	mp_put_bool(&row, t->created);
	if (buf_error(&row)) {
		kv_fail(txn->kv, buf_error(&row));
	} else {
		kv_put(txn->kv, T_THREADS, id, buf_slice(&row));
	}
	buf_finish(&row);
}

void threads_put(struct txn *txn, struct slice id, const struct thread *t)
{
	struct key key = time_key(t), was_key;
	struct thread was;
	bool known = threads_get(txn, id, &was);

	if (known) {
		was_key = time_key(&was);
	}
	put_row(txn, id, t);
	if (known && slice_eq(key_slice(&key), key_slice(&was_key))) {
		return;
	}
	if (known) {
		kv_del(txn->kv, T_THREADS_BY_TIME, key_slice(&was_key));
	}
	kv_put(txn->kv, T_THREADS_BY_TIME, key_slice(&key), id);
}

void threads_add_run(struct txn *txn, struct slice id, int64_t created_at, uint64_t seq)
{
	struct thread t = {.created_at = created_at, .seq = seq};

	if (threads_get(txn, id, &t) && !t.created && created_at < t.created_at) {
		t.created_at = created_at;
	}
	t.runs++;
	threads_put(txn, id, &t);
}

void threads_add_message(struct txn *txn, struct slice id, int64_t created_at, uint64_t seq)
{
	struct thread t = {.created_at = created_at, .seq = seq};

	if (!threads_get(txn, id, &t)) {
		threads_put(txn, id, &t);
	}
}

void threads_count(struct txn *txn, struct slice id, int64_t runs, int64_t steps)
{
	struct thread t;

	if (threads_get(txn, id, &t)) {
		t.runs += (uint64_t)runs;
		t.steps += (uint64_t)steps;
		put_row(txn, id, &t);
	}
}

void threads_remove(struct txn *txn, struct slice id)
{
	struct thread t;
	struct key key;

	if (threads_get(txn, id, &t)) {
		key = time_key(&t);
		kv_del(txn->kv, T_THREADS_BY_TIME, key_slice(&key));
		kv_del(txn->kv, T_THREADS, id);
	}
}

void threads_note(
	struct txn *txn, struct slice id, const char *event, uint64_t seq, struct slice object)
{
	changes_add(txn, &(struct change){.kind = CHANGE_THREAD,
				 .seq = seq,
				 .event = event,
				 .thread_id = id,
				 .object = object.ptr ? object : SLICE_LIT("\xc0")});
}
