#include "daemon/ops/threads.h"
#include "daemon/store/changes.h"
#include "daemon/store/messages.h"

#include <errno.h>

int threads_encode(struct op *op, struct slice id, const struct thread *t, struct slice *out)
{
	struct arena *arena = op->txn->arena;
	struct slice v[N_THREAD_FIELDS] = {
		[THREAD_id] = value_text(arena, id),
		[THREAD_object] = SLICE_LIT("\xa6thread"),
		[THREAD_created_at] = value_int(arena, t->created_at),
		[THREAD_tool_resources] = t->tool_resources,
		[THREAD_metadata] = t->metadata,
	};

	for (unsigned int i = THREAD_tool_resources; i < N_THREAD_FIELDS; i++) {
		if (!v[i].ptr) {
			v[i] = schema_thread.fields[i].preset;
		}
	}
	return op_encode(op, &schema_thread, v, out);
}

int threads_put_object(struct op *op, struct slice id)
{
	struct thread t;
	struct slice bytes;
	int r;

	if (!threads_get(op->txn, id, &t)) {
		return op_not_found(op, "thread", id, "thread_id");
	}
	r = threads_encode(op, id, &t, &bytes);
	return r ? r : op_result(op, bytes);
}

/* Take what the request sets over into @t, and store it; what is not given stays. */
static int store_thread(struct op *op, struct slice id, struct thread *t, const char *event)
{
	struct slice *const fields[] = {&t->tool_resources, &t->metadata};
	static const enum param params[] = {P_tool_resources, P_metadata};
	struct slice bytes;
	int r;

	for (size_t i = 0; i < N_OF(fields); i++) {
		if (op_given(op, params[i])) {
			*fields[i] = op->args[params[i]];
		} else if (!fields[i]->ptr) {
			*fields[i] = SLICE_LIT("\x80");
		}
	}
	r = threads_encode(op, id, t, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (!r) {
		uint64_t seq = changes_next_seq(op->txn);

		t->seq = t->seq ? t->seq : seq;
		threads_put(op->txn, id, t);
		threads_note(op->txn, id, event, seq, bytes);
	}
	return r;
}

int op_threads_create(struct op *op)
{
	struct thread t = {.created_at = op_now(op), .created = true};
	struct slice id;
	int r;

	r = op_new_id(op, T_THREADS, "thread_", "thread", &id);
	return r ? r : store_thread(op, id, &t, "created");
}

int op_threads_get(struct op *op)
{
	return threads_put_object(op, op_text(op, P_thread_id));
}

int op_threads_update(struct op *op)
{
	struct slice id = op_text(op, P_thread_id);
	struct thread t;

	if (!threads_get(op->txn, id, &t)) {
		return op_not_found(op, "thread", id, "thread_id");
	}
	if (!op_given(op, P_metadata) && !op_given(op, P_tool_resources)) {
		return threads_put_object(op, id);
	}
	return store_thread(op, id, &t, "updated");
}

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
		messages_remove_all(op->txn, id);
		threads_remove(op->txn, id);
		threads_note(op->txn, id, "deleted", changes_next_seq(op->txn), VALUE_NULL);
	}
	return r;
}
