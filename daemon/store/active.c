#include "daemon/store/active.h"
#include "daemon/store/deadlines.h"

#define HEADER_BYTES (1 + 7 * 8 + POSITION_BYTES + 3)

/* The first byte: how it minds the others of its thread. Stored: never renumber. */
enum mode { MODE_ALONE = 0, MODE_ENQUEUED = 1, MODE_PARALLEL = 2 };

static uint64_t take_u64(const uint8_t **p)
{
	uint64_t v = read_u64(*p);

	*p += 8;
	return v;
}

bool active_read(struct slice row, struct active *out)
{
	const uint8_t *p = row.ptr;
	size_t token, worker;

	if (row.len < HEADER_BYTES) {
		return false;
	}
	out->enqueued = *p == MODE_ENQUEUED;
	out->parallel = *p++ == MODE_PARALLEL;
	out->open_steps = take_u64(&p);
	out->expiry_ms = (int64_t)take_u64(&p);
	out->cancel_ms = (int64_t)take_u64(&p);
	out->attempts = take_u64(&p);
	out->losses = take_u64(&p);
	out->lease.until_ms = (int64_t)take_u64(&p);
	out->lease.lease_ms = (int64_t)take_u64(&p);
	memcpy(out->first_open, p, POSITION_BYTES);
	p += POSITION_BYTES;
	token = p[0];
	worker = (size_t)p[1] << 8 | p[2];
	p += 3;
	if (row.len < HEADER_BYTES + token + worker) {
		return false;
	}
	out->lease.token = slice_of(token ? p : NULL, token);
	out->lease.worker = slice_of(p + token, worker);
	p += token + worker;
	out->run_id = slice_of(p, row.len - HEADER_BYTES - token - worker);
	return true;
}

static void add(struct active_row *row, struct slice bytes)
{
	if (bytes.len) {
		memcpy(row->bytes + row->len, bytes.ptr, bytes.len);
		row->len += bytes.len;
	}
}

static void add_u64(struct active_row *row, uint64_t v)
{
	write_u64(row->bytes + row->len, v);
	row->len += 8;
}

static void add_u8(struct active_row *row, size_t v)
{
	row->bytes[row->len++] = (uint8_t)v;
}

void active_write(const struct active *a, struct active_row *row)
{
	bool leased = a->lease.token.ptr;
	size_t worker = leased ? a->lease.worker.len : 0;

	row->len = 0;
	add_u8(row, a->enqueued ? MODE_ENQUEUED : a->parallel ? MODE_PARALLEL : MODE_ALONE);
	add_u64(row, a->open_steps);
	add_u64(row, (uint64_t)a->expiry_ms);
	add_u64(row, (uint64_t)a->cancel_ms);
	add_u64(row, a->attempts);
	add_u64(row, a->losses);
	add_u64(row, leased ? (uint64_t)a->lease.until_ms : 0);
	add_u64(row, leased ? (uint64_t)a->lease.lease_ms : 0);
	add(row, slice_of(a->first_open, POSITION_BYTES));
	add_u8(row, leased ? a->lease.token.len : 0);
	add_u8(row, worker >> 8);
	add_u8(row, worker & 255);
	if (leased) {
		add(row, a->lease.token);
		add(row, a->lease.worker);
	}
	add(row, a->run_id);
}

bool active_get(struct txn *txn, struct slice run_key, struct active *out)
{
	struct slice row;

	return kv_get(txn->kv, T_RUNS_ACTIVE, run_key, &row) && active_read(row, out);
}

/* Move a deadline of the run, which is known by its row: from @was_ms to @to_ms, 0 for none. */
static void move_deadline(struct txn *txn, struct slice run_key, const struct key *run_id,
	enum deadline_kind kind, int64_t was_ms, int64_t to_ms)
{
	struct deadline d = {.at_ms = was_ms, .kind = kind, .run_id = key_slice(run_id)};

	if (was_ms == to_ms) {
		return;
	}
	if (was_ms) {
		deadlines_clear(txn, &d);
	}
	if (to_ms) {
		d.at_ms = to_ms;
		d.position = key_position(run_key);
		deadlines_set(txn, &d);
	}
}

/* From those of the row @was to those of @to. */
static void move_deadlines(struct txn *txn, struct slice run_key, const struct key *run_id,
	const struct active *was, const struct active *to)
{
	move_deadline(txn, run_key, run_id, DEADLINE_EXPIRY, was->expiry_ms, to->expiry_ms);
	move_deadline(txn, run_key, run_id, DEADLINE_CANCEL, was->cancel_ms, to->cancel_ms);
	move_deadline(txn, run_key, run_id, DEADLINE_LEASE, was->lease.until_ms,
		to->lease.token.ptr ? to->lease.until_ms : 0);
}

void active_put(struct txn *txn, struct slice run_key, const struct active *a)
{
	struct active was = {0}, to = *a;
	struct key run_id = key_from(a->run_id);
	struct active_row row;

	active_write(a, &row);
	active_get(txn, run_key, &was);
	kv_put(txn->kv, T_RUNS_ACTIVE, run_key, slice_of(row.bytes, row.len));
	move_deadlines(txn, run_key, &run_id, &was, &to);
}

void active_leave(struct txn *txn, struct slice run_key)
{
	struct active was, none = {0};
	struct key run_id;

	if (active_get(txn, run_key, &was)) {
		run_id = key_from(was.run_id);
		kv_del(txn->kv, T_RUNS_ACTIVE, run_key);
		move_deadlines(txn, run_key, &run_id, &was, &none);
	}
}

/* The same deadlines: nothing is to be moved. */
static void rewrite(struct txn *txn, struct slice run_key, const struct active *a)
{
	struct active_row row;

	active_write(a, &row);
	kv_put(txn->kv, T_RUNS_ACTIVE, run_key, slice_of(row.bytes, row.len));
}

void active_step_opened(struct txn *txn, struct slice run_key, struct slice step_position)
{
	struct active a;

	if (!active_get(txn, run_key, &a)) {
		return;
	}
	if (!a.open_steps++ || memcmp(step_position.ptr, a.first_open, POSITION_BYTES) < 0) {
		memcpy(a.first_open, step_position.ptr, POSITION_BYTES);
	}
	rewrite(txn, run_key, &a);
}

void active_step_closed(struct txn *txn, struct slice run_key)
{
	struct active a;

	if (active_get(txn, run_key, &a) && a.open_steps) {
		a.open_steps--;
		rewrite(txn, run_key, &a);
	}
}

static struct key thread_prefix(struct slice thread_id)
{
	struct key key = {0};

	key_id(&key, thread_id);
	return key;
}

bool active_first(struct txn *txn, struct slice thread_id, struct key *run_key, struct active *out)
{
	struct key prefix = thread_prefix(thread_id);
	struct kv_cursor c;
	bool found;

	kv_cursor_open(txn->kv, T_RUNS_ACTIVE, &c);
	found = kv_seek(&c, key_slice(&prefix)) &&
		slice_eq(key_prefix(c.key), key_slice(&prefix)) && active_read(c.value, out);
	if (found) {
		*run_key = key_from(c.key);
	}
	kv_cursor_close(&c);
	return found;
}

bool active_last(struct txn *txn, struct slice thread_id, struct key *run_key)
{
	struct key prefix = thread_prefix(thread_id), end = prefix;
	struct kv_cursor c;
	bool found;

	key_u64(&end, UINT64_MAX);
	kv_cursor_open(txn->kv, T_RUNS_ACTIVE, &c);
	found = kv_seek_before(&c, key_slice(&end)) &&
		slice_eq(key_prefix(c.key), key_slice(&prefix));
	if (found) {
		*run_key = key_from(c.key);
	}
	kv_cursor_close(&c);
	return found;
}

bool active_first_alone(struct txn *txn, struct slice thread_id, struct active *out)
{
	struct key prefix = thread_prefix(thread_id);
	struct kv_cursor c;
	bool found = false;

	kv_cursor_open(txn->kv, T_RUNS_ACTIVE, &c);
	for (bool more = kv_seek(&c, key_slice(&prefix));
		more && !found && slice_eq(key_prefix(c.key), key_slice(&prefix));
		more = kv_next(&c)) {
		found = active_read(c.value, out) && !out->enqueued && !out->parallel;
	}
	kv_cursor_close(&c);
	return found;
}
