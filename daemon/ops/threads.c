#include "daemon/store/threads.h"
#include "daemon/ops/op.h"

/* Load the first run of the thread; false when it has none. */
static bool first_run(struct txn *txn, struct slice thread_id, struct run *run)
{
	struct slice id = {NULL, 0};
	struct key prefix = {0};
	struct kv_cursor c;

	key_id(&prefix, thread_id);
	kv_cursor_open(txn->kv, T_RUNS, &c);
	if (kv_seek(&c, key_slice(&prefix)) && slice_eq(key_prefix(c.key), key_slice(&prefix))) {
		mp_get_str(record_field(c.value, RUN_id), &id);
	}
	kv_cursor_close(&c);
	return id.ptr && runs_load(txn, id, run);
}

static void remove_runs(struct txn *txn, struct slice thread_id)
{
	struct arena *kept = txn->arena;
	struct arena arena = {0};
	struct run run;

	txn->arena = &arena;
	while (first_run(txn, thread_id, &run)) {
		runs_remove(txn, &run);
		arena_finish(&arena);
	}
	arena_finish(&arena);
	txn->arena = kept;
}

int op_threads_delete(struct op *op)
{
	struct slice id = op_text(op, P_thread_id);
	struct thread thread;
	int r;

	if (!threads_get(op->txn, id, &thread)) {
		return op_not_found(op, "thread", id, "thread_id");
	}
	r = op_result_deleted(op, id, "thread.deleted");
	if (!r) {
		remove_runs(op->txn, id);
		threads_remove(op->txn, id);
	}
	return r;
}
