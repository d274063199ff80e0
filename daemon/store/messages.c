#include "daemon/store/messages.h"
#include "daemon/store/changes.h"
#include "daemon/store/threads.h"

#include <errno.h>

struct key messages_prefix(struct slice thread_or_run_id)
{
	struct key key = {0};

	key_id(&key, thread_or_run_id);
	return key;
}

bool messages_find(struct txn *txn, struct slice id, struct slice *bytes, struct key *key)
{
	struct slice k;

	if (!kv_get(txn->kv, T_MESSAGE_IDS, id, &k)) {
		return false;
	}
	*key = key_from(k);
	return kv_get(txn->kv, T_MESSAGES, key_slice(key), bytes);
}

bool messages_read(struct slice bytes, struct message *out)
{
	if (!record_read(&schema_message, bytes, out->v)) {
		return false;
	}
	out->run_id = slice_of(NULL, 0);
	mp_get_str(out->v[MESSAGE_id], &out->id);
	mp_get_str(out->v[MESSAGE_thread_id], &out->thread_id);
	mp_get_str(out->v[MESSAGE_run_id], &out->run_id);
	out->status = (enum message_status)message_status_of(out->v[MESSAGE_status]);
	return true;
}

bool messages_load_at(
	struct txn *txn, const struct key *key, struct slice bytes, struct message *out)
{
	bytes = arena_dup(txn->arena, bytes);
	if (!bytes.ptr || !messages_read(bytes, out)) {
		kv_fail(txn->kv, bytes.ptr ? -EBADMSG : -ENOMEM);
		return false;
	}
	out->key = *key;
	return true;
}

static struct key run_key(const struct message *m)
{
	struct key key = messages_prefix(m->run_id);

	key_bytes(&key, key_position(key_slice(&m->key)));
	return key;
}

/* A message that a run made is found by it, and the more so while it is in progress. */
static void put_indexes(struct txn *txn, const struct message *m)
{
	struct key key;

	kv_put(txn->kv, T_MESSAGE_IDS, m->id, key_slice(&m->key));
	if (!m->run_id.ptr) {
		return;
	}
	key = run_key(m);
	kv_put(txn->kv, T_MESSAGES_BY_RUN, key_slice(&key), key_slice(&m->key));
	if (m->status == MESSAGE_IN_PROGRESS) {
		kv_put(txn->kv, T_MESSAGES_OPEN, key_slice(&key), key_slice(&m->key));
	}
}

static void close_message(struct txn *txn, const struct message *m)
{
	struct key key = run_key(m);

	if (m->run_id.ptr && m->status == MESSAGE_IN_PROGRESS) {
		kv_del(txn->kv, T_MESSAGES_OPEN, key_slice(&key));
	}
}

static void del_indexes(struct txn *txn, const struct message *m)
{
	struct key key = run_key(m);

	kv_del(txn->kv, T_MESSAGE_IDS, m->id);
	close_message(txn, m);
	if (m->run_id.ptr) {
		kv_del(txn->kv, T_MESSAGES_BY_RUN, key_slice(&key));
	}
}

static uint64_t seq_of(struct slice key)
{
	return read_u64(key.ptr + key.len - 8);
}

static void add_change(
	struct txn *txn, const struct message *m, struct change change, struct slice object)
{
	change.kind = CHANGE_MESSAGE;
	change.thread_id = m->thread_id;
	change.run_id = m->run_id;
	change.object_id = m->id;
	change.object = object;
	changes_add(txn, &change);
}

void messages_insert(struct txn *txn, struct message *m, struct slice bytes, const char *event)
{
	uint64_t seq = changes_next_seq(txn);
	int64_t created_at = 0;

	mp_get_int(m->v[MESSAGE_created_at], &created_at);
	m->key = messages_prefix(m->thread_id);
	key_u64(&m->key, (uint64_t)created_at);
	key_u64(&m->key, seq);
	kv_put(txn->kv, T_MESSAGES, key_slice(&m->key), bytes);
	put_indexes(txn, m);
	threads_add_message(txn, m->thread_id, created_at, seq);
	add_change(txn, m,
		(struct change){.seq = seq, .event = event, .to = message_status_names[m->status]},
		slice_of(NULL, 0));
}

void messages_replace(struct txn *txn, struct message *m, struct slice bytes, const char *same)
{
	enum message_status from = m->status;
	enum message_status to = (enum message_status)message_status_of(m->v[MESSAGE_status]);
	struct slice stored;

	if (kv_get(txn->kv, T_MESSAGES, key_slice(&m->key), &stored)) {
		changes_keep_created(txn, seq_of(key_slice(&m->key)), stored);
	}
	kv_put(txn->kv, T_MESSAGES, key_slice(&m->key), bytes);
	if (to != from) {
		close_message(txn, m);
	}
	m->status = to;
	add_change(txn, m,
		(struct change){.seq = changes_next_seq(txn),
			.event = to == from ? same : message_status_names[to],
			.from = message_status_names[from],
			.to = message_status_names[to]},
		bytes);
}

void messages_remove(struct txn *txn, const struct message *m)
{
	struct slice stored;

	if (kv_get(txn->kv, T_MESSAGES, key_slice(&m->key), &stored)) {
		changes_keep_removed(txn, seq_of(key_slice(&m->key)), stored);
	}
	kv_del(txn->kv, T_MESSAGES, key_slice(&m->key));
	del_indexes(txn, m);
	add_change(txn, m,
		(struct change){.seq = changes_next_seq(txn),
			.event = "deleted",
			.from = message_status_names[m->status]},
		slice_of(NULL, 0));
}

/* The first row under @prefix, loaded by the key that it has or names. */
static bool first(struct txn *txn, enum table table, struct slice id, struct message *out)
{
	struct key prefix = messages_prefix(id), key = {0};
	struct slice bytes;
	struct kv_cursor c;

	kv_cursor_open(txn->kv, table, &c);
	if (kv_seek(&c, key_slice(&prefix)) && slice_eq(key_prefix(c.key), key_slice(&prefix))) {
		key = key_from(table == T_MESSAGES ? c.key : c.value);
	}
	kv_cursor_close(&c);
	return key.len && kv_get(txn->kv, T_MESSAGES, key_slice(&key), &bytes) &&
	       messages_load_at(txn, &key, bytes, out);
}

void messages_remove_all(struct txn *txn, struct slice thread_id)
{
	struct arena *kept = txn->arena;
	struct arena arena = {0};
	struct slice stored;
	struct message m;

	txn->arena = &arena;
	while (first(txn, T_MESSAGES, thread_id, &m)) {
		if (kv_get(txn->kv, T_MESSAGES, key_slice(&m.key), &stored)) {
			changes_keep_removed(txn, seq_of(key_slice(&m.key)), stored);
		}
		kv_del(txn->kv, T_MESSAGES, key_slice(&m.key));
		del_indexes(txn, &m);
		arena_finish(&arena);
	}
	arena_finish(&arena);
	txn->arena = kept;
}

bool messages_first_open(struct txn *txn, struct slice run_id, struct message *out)
{
	return first(txn, T_MESSAGES_OPEN, run_id, out);
}
