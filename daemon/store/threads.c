#include "daemon/store/threads.h"

#define ROW_BYTES 32

bool threads_get(struct txn *txn, struct slice id, struct thread *out)
{
	struct slice row;

	if (!kv_get(txn->kv, T_THREADS, id, &row) || row.len != ROW_BYTES) {
		return false;
	}
	*out = (struct thread){
		.created_at = (int64_t)read_u64(row.ptr),
		.seq = read_u64(row.ptr + 8),
		.runs = read_u64(row.ptr + 16),
		.steps = read_u64(row.ptr + 24),
	};
	return true;
}

static void threads_put(struct txn *txn, struct slice id, const struct thread *t)
{
	uint8_t row[ROW_BYTES];

	write_u64(row, (uint64_t)t->created_at);
	write_u64(row + 8, t->seq);
	write_u64(row + 16, t->runs);
	write_u64(row + 24, t->steps);
	kv_put(txn->kv, T_THREADS, id, slice_of(row, sizeof(row)));
}

static struct key time_key(const struct thread *t)
{
	struct key key = {0};

	key_u64(&key, (uint64_t)t->created_at);
	key_u64(&key, t->seq);
	return key;
}

void threads_add_run(struct txn *txn, struct slice id, int64_t created_at, uint64_t seq)
{
	struct thread t = {.created_at = created_at, .seq = seq};
	bool known = threads_get(txn, id, &t);
	struct key key = time_key(&t);

	if (known && created_at < t.created_at) {
		kv_del(txn->kv, T_THREADS_BY_TIME, key_slice(&key));
		t.created_at = created_at;
		known = false;
	}
	if (!known) {
		key = time_key(&t);
		kv_put(txn->kv, T_THREADS_BY_TIME, key_slice(&key), id);
	}
	t.runs++;
	threads_put(txn, id, &t);
}

void threads_count(struct txn *txn, struct slice id, int64_t runs, int64_t steps)
{
	struct thread t;

	if (threads_get(txn, id, &t)) {
		t.runs += (uint64_t)runs;
		t.steps += (uint64_t)steps;
		threads_put(txn, id, &t);
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
