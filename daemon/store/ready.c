#include "daemon/store/ready.h"
#include "daemon/store/active.h"
#include "proto/record.h"
#include "proto/status.h"

#define ALL SLICE_LIT("") /* no id is empty */

static struct key ready_prefix(struct slice assistant)
{
	struct key key = {0};

	key_id(&key, assistant);
	return key;
}

static struct key ready_key(struct slice assistant, struct slice run_key)
{
	struct key key = ready_prefix(assistant);

	key_bytes(&key, key_position(run_key));
	return key;
}

bool ready_has(struct txn *txn, struct slice run_key)
{
	struct key key = ready_key(ALL, run_key);
	struct slice value;

	return kv_get(txn->kv, T_READY, key_slice(&key), &value);
}

static bool is_first(struct txn *txn, struct slice run_key)
{
	struct active first;
	struct key key;

	return active_first(txn, key_first_id(run_key), &key, &first) &&
	       slice_eq(key_slice(&key), run_key);
}

static bool is_or_any(const struct key *key, struct slice id)
{
	return !id.ptr || slice_eq(key_slice(key), id);
}

bool readied_has(const struct readied *readied, struct slice assistant, struct slice thread_id)
{
	bool found = readied->any;

	for (unsigned int i = 0; i < readied->n && !found; i++) {
		found = is_or_any(&readied->assistants[i], assistant) &&
			is_or_any(&readied->threads[i], thread_id);
	}
	return found;
}

static void readied_add(struct readied *readied, struct slice assistant, struct slice thread_id)
{
	if (readied_has(readied, assistant, thread_id)) {
		return;
	}
	if (readied->n == READIED_MAX) {
		readied->any = true;
		return;
	}
	readied->assistants[readied->n] = key_from(assistant);
	readied->threads[readied->n++] = key_from(thread_id);
}

static void set(struct txn *txn, struct slice run_key, struct slice assistant, bool ready)
{
	struct key all = ready_key(ALL, run_key), one = ready_key(assistant, run_key);

	if (ready) {
		kv_put(txn->kv, T_READY, key_slice(&all), run_key);
		kv_put(txn->kv, T_READY, key_slice(&one), run_key);
		readied_add(&txn->readied, assistant, key_first_id(run_key));
		txn->readied_some = true;
	} else {
		kv_del(txn->kv, T_READY, key_slice(&all));
		kv_del(txn->kv, T_READY, key_slice(&one));
	}
}

void ready_update(struct txn *txn, struct slice run_key)
{
	struct slice bytes, assistant;
	struct active active;
	struct key key = key_from(run_key);
	bool ready;

	if (!kv_get(txn->kv, T_RUNS, run_key, &bytes) ||
		!mp_get_str(record_field(bytes, RUN_assistant_id), &assistant)) {
		return;
	}
	ready = run_status_of(record_field(bytes, RUN_status)) == RUN_QUEUED &&
		active_get(txn, run_key, &active) && (!active.enqueued || is_first(txn, run_key));
	if (ready != ready_has(txn, run_key)) {
		struct key id = key_from(assistant);

		set(txn, key_slice(&key), key_slice(&id), ready);
	}
}

void ready_update_first(struct txn *txn, struct slice thread_id)
{
	struct active first;
	struct key key;

	if (active_first(txn, thread_id, &key, &first) && first.enqueued) {
		ready_update(txn, key_slice(&key));
	}
}

/* The first row under @prefix whose run is not behind the one already found. */
static void look_under(struct txn *txn, struct slice assistant, struct key *found)
{
	struct key prefix = ready_prefix(assistant);
	struct kv_cursor c;

	kv_cursor_open(txn->kv, T_READY, &c);
	if (kv_seek(&c, key_slice(&prefix)) && slice_eq(key_prefix(c.key), key_slice(&prefix)) &&
		(!found->len ||
			slice_cmp(key_position(c.key), key_position(key_slice(found))) < 0)) {
		*found = key_from(c.value);
	}
	kv_cursor_close(&c);
}

static bool is_wanted(struct txn *txn, const struct ready_filter *filter, struct slice run_key)
{
	struct slice bytes, assistant;

	if (!ready_has(txn, run_key)) {
		return false;
	}
	if (!filter->n) {
		return true;
	}
	if (!kv_get(txn->kv, T_RUNS, run_key, &bytes) ||
		!mp_get_str(record_field(bytes, RUN_assistant_id), &assistant)) {
		return false;
	}
	for (unsigned int i = 0; i < filter->n; i++) {
		if (slice_eq(assistant, filter->assistants[i])) {
			return true;
		}
	}
	return false;
}

static void look_in_thread(struct txn *txn, const struct ready_filter *filter, struct key *found)
{
	struct key prefix = {0};
	struct kv_cursor c;

	key_id(&prefix, filter->thread_id);
	kv_cursor_open(txn->kv, T_RUNS_ACTIVE, &c);
	for (bool more = kv_seek(&c, key_slice(&prefix));
		more && !found->len && slice_eq(key_prefix(c.key), key_slice(&prefix));
		more = kv_next(&c)) {
		if (is_wanted(txn, filter, c.key)) {
			*found = key_from(c.key);
		}
	}
	kv_cursor_close(&c);
}

bool ready_first(struct txn *txn, const struct ready_filter *filter, struct key *run_key)
{
	struct key found = {0};

	if (filter->thread_id.ptr) {
		look_in_thread(txn, filter, &found);
	} else if (!filter->n) {
		look_under(txn, ALL, &found);
	}
	for (unsigned int i = 0; i < filter->n && !filter->thread_id.ptr; i++) {
		look_under(txn, filter->assistants[i], &found);
	}
	if (found.len) {
		*run_key = found;
	}
	return found.len;
}
