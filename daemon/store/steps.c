#include "daemon/store/steps.h"
#include "daemon/store/active.h"
#include "daemon/store/changes.h"
#include "daemon/store/threads.h"

#include <errno.h>

struct key steps_prefix(struct slice thread_id, struct slice run_id)
{
	struct key key = {0};

	key_id(&key, thread_id);
	key_id(&key, run_id);
	return key;
}

bool steps_find(struct txn *txn, struct slice id, struct slice *bytes, struct key *key)
{
	struct slice k;

	if (!kv_get(txn->kv, T_STEP_IDS, id, &k)) {
		return false;
	}
	*key = key_from(k);
	return kv_get(txn->kv, T_STEPS, key_slice(key), bytes);
}

bool steps_read(struct slice bytes, struct step *out)
{
	if (!record_read(&schema_step, bytes, out->v)) {
		return false;
	}
	mp_get_str(out->v[STEP_id], &out->id);
	mp_get_str(out->v[STEP_run_id], &out->run_id);
	mp_get_str(out->v[STEP_thread_id], &out->thread_id);
	out->status = (enum step_status)step_status_of(out->v[STEP_status]);
	return true;
}

static bool load(struct txn *txn, const struct run *run, struct slice key, struct slice bytes,
	struct step *out)
{
	out->key = key_from(key);
	out->run_key = run->key;
	bytes = arena_dup(txn->arena, bytes);
	if (!bytes.ptr || !steps_read(bytes, out)) {
		kv_fail(txn->kv, bytes.ptr ? -EBADMSG : -ENOMEM);
		return false;
	}
	return true;
}

bool steps_load(struct txn *txn, const struct run *run, struct slice id, struct step *out)
{
	struct key key, prefix = steps_prefix(run->thread_id, run->id);
	struct slice bytes;

	return steps_find(txn, id, &bytes, &key) &&
	       slice_eq(key_prefix(key_slice(&key)), key_slice(&prefix)) &&
	       load(txn, run, key_slice(&key), bytes, out);
}

static void add_change(
	struct txn *txn, const struct step *step, struct change change, struct slice object)
{
	change.kind = CHANGE_STEP;
	change.thread_id = step->thread_id;
	change.run_id = step->run_id;
	change.object_id = step->id;
	change.object = object;
	changes_add(txn, &change);
}

static uint64_t seq_of(struct slice step_key)
{
	return read_u64(step_key.ptr + step_key.len - 8);
}

void steps_insert(struct txn *txn, struct step *step, struct slice bytes, const char *event)
{
	uint64_t seq = changes_next_seq(txn);
	int64_t created_at = 0;

	mp_get_int(step->v[STEP_created_at], &created_at);
	step->key = steps_prefix(step->thread_id, step->run_id);
	key_u64(&step->key, (uint64_t)created_at);
	key_u64(&step->key, seq);
	kv_put(txn->kv, T_STEPS, key_slice(&step->key), bytes);
	kv_put(txn->kv, T_STEP_IDS, step->id, key_slice(&step->key));
	if (step->status == STEP_IN_PROGRESS) {
		active_step_opened(
			txn, key_slice(&step->run_key), key_position(key_slice(&step->key)));
	}
	threads_count(txn, step->thread_id, 0, 1);
	add_change(txn, step,
		(struct change){.seq = seq, .event = event, .to = step_status_names[step->status]},
		slice_of(NULL, 0));
}

void steps_replace(struct txn *txn, struct step *step, struct slice bytes, const char *same)
{
	enum step_status from = step->status;
	enum step_status to = (enum step_status)step_status_of(step->v[STEP_status]);
	struct slice stored;

	if (from == STEP_IN_PROGRESS && to != from) {
		active_step_closed(txn, key_slice(&step->run_key));
	}
	if (kv_get(txn->kv, T_STEPS, key_slice(&step->key), &stored)) {
		changes_keep_created(txn, seq_of(key_slice(&step->key)), stored);
	}
	kv_put(txn->kv, T_STEPS, key_slice(&step->key), bytes);
	step->status = to;
	add_change(txn, step,
		(struct change){.seq = changes_next_seq(txn),
			.event = to == from ? same : step_status_names[to],
			.from = step_status_names[from],
			.to = step_status_names[to]},
		bytes);
}

/* The cursor's slices end with the first write, which comes last. */
static void remove_at(struct txn *txn, struct kv_cursor *c)
{
	struct slice id = {NULL, 0};
	struct key id_key;

	mp_get_str(record_field(c->value, STEP_id), &id);
	id_key = key_from(id);
	changes_keep_removed(txn, seq_of(c->key), c->value);
	kv_cursor_del(c);
	kv_del(txn->kv, T_STEP_IDS, key_slice(&id_key));
}

uint64_t steps_remove_all(struct txn *txn, const struct run *run)
{
	struct key prefix = steps_prefix(run->thread_id, run->id);
	struct kv_cursor c;
	uint64_t n = 0;

	kv_cursor_open(txn->kv, T_STEPS, &c);
	for (bool more = kv_seek(&c, key_slice(&prefix));
		more && slice_eq(key_prefix(c.key), key_slice(&prefix)); more = kv_next(&c)) {
		remove_at(txn, &c);
		n++;
	}
	kv_cursor_close(&c);
	return n;
}

void steps_open_begin(struct txn *txn, const struct run *run, struct open_steps *walk)
{
	struct active active = {0};

	active_get(txn, key_slice(&run->key), &active);
	*walk = (struct open_steps){
		.run = run,
		.from = steps_prefix(run->thread_id, run->id),
		.left = active.open_steps,
	};
	key_bytes(&walk->from, slice_of(active.first_open, POSITION_BYTES));
}

bool steps_open_next(struct txn *txn, struct open_steps *walk, struct step *out)
{
	struct key prefix = steps_prefix(walk->run->thread_id, walk->run->id);
	bool more, found = false;
	struct kv_cursor c;

	if (!walk->left) {
		return false;
	}
	kv_cursor_open(txn->kv, T_STEPS, &c);
	for (more = kv_seek(&c, key_slice(&walk->from));
		more && !found && slice_eq(key_prefix(c.key), key_slice(&prefix));
		more = !found && kv_next(&c)) {
		found = step_status_of(record_field(c.value, STEP_status)) == STEP_IN_PROGRESS;
	}
	found = found && load(txn, walk->run, c.key, c.value, out);
	kv_cursor_close(&c);
	if (found) {
		walk->left--;
		walk->from = out->key;
		key_u8(&walk->from, 0);
	}
	return found;
}
