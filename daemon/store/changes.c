#include "daemon/store/changes.h"
#include "proto/frame.h"

#include <stdio.h>

#define GIVEN_AWAY 64	   /* of the oldest, for each change that makes room in a full store */
#define TRIM_AT_LEAST 2048 /* looked at in a transaction, and two for each change that it adds */

uint64_t changes_next_seq(struct txn *txn)
{
	return ++txn->seq;
}

static void put_or_nil(struct buf *out, const char *name, struct slice text)
{
	mp_put_cstr(out, name);
	if (text.ptr) {
		mp_put_str(out, text);
	} else {
		mp_put_nil(out);
	}
}

static struct slice name_of(const char *name)
{
	return name ? slice_str(name) : slice_of(NULL, 0);
}

/* How the events of a kind begin, and which pair of a change has the object's id, beyond those that
 * all have. */
static const struct {
	const char *prefix;
	const char *id;
} kinds[] = {
	[CHANGE_RUN] = {"thread.run.", NULL},
	[CHANGE_STEP] = {"thread.run.step.", NULL},
	[CHANGE_MESSAGE] = {"thread.message.", "message_id"},
	[CHANGE_THREAD] = {"thread.", NULL},
	[CHANGE_ASSISTANT] = {"assistant.", "assistant_id"},
};

static void encode(
	const struct txn *txn, const struct change *c, struct slice event, struct buf *out)
{
	const char *id = kinds[c->kind].id;
	struct slice none = {NULL, 0};

	mp_put_map(out, id ? 10 : 9);
	mp_put_cstr(out, "seq");
	mp_put_uint(out, c->seq);
	mp_put_cstr(out, "at_ms");
	mp_put_int(out, txn->now_ms);
	mp_put_cstr(out, "event");
	mp_put_str(out, event);
	put_or_nil(out, "thread_id", c->thread_id);
	put_or_nil(out, "run_id", c->run_id);
	put_or_nil(out, "step_id", c->kind == CHANGE_STEP ? c->object_id : none);
	if (id) {
		put_or_nil(out, id, c->object_id);
	}
	put_or_nil(out, "from", name_of(c->from));
	put_or_nil(out, "to", name_of(c->to));
	put_or_nil(out, "by", txn->by);
}

/* Begin a part of the events that is preceded by its length. */
static size_t begin_part(struct buf *out)
{
	size_t at = out->len;

	buf_extend(out, 8);
	return at;
}

static void end_part(struct buf *out, size_t at)
{
	if (!buf_error(out)) {
		write_u64(out->ptr + at, out->len - at - 8);
	}
}

static struct key seq_key(uint64_t seq)
{
	struct key key = {0};

	key_u64(&key, seq);
	return key;
}

/* What of an object is kept behind its change. */
static struct slice kept_object(struct slice object)
{
	return object.len <= CHANGES_MAX_OBJECT ? object : SLICE_LIT("\xc0");
}

/* Put the row of the change that the events end with, from @start on. */
static void put_row(struct txn *txn, const struct change *c, size_t start)
{
	struct key key = seq_key(c->seq);
	struct buf *out = txn->events;
	size_t end = out->len;

	buf_put(out, c->object.ptr ? kept_object(c->object) : slice_of("", 0));
	if (!buf_error(out)) {
		kv_append(txn->kv, T_CHANGES, key_slice(&key),
			slice_of(out->ptr + start, out->len - start));
		buf_truncate(out, end);
	}
}

void changes_add(struct txn *txn, const struct change *c)
{
	struct buf *out = txn->events;
	size_t part, start;
	char name[64];

	snprintf(name, sizeof(name), "%s%s", kinds[c->kind].prefix, c->event);
	part = begin_part(out);
	buf_put(out, c->thread_id);
	buf_append(out, "/", 1);
	buf_put(out, c->run_id);
	end_part(out, part);
	part = begin_part(out);
	frame_begin_event(out, slice_str(name));
	start = out->len;
	encode(txn, c, slice_str(name), out);
	end_part(out, part);
	put_row(txn, c, start);
}

static void row_read(uint64_t seq, struct slice value, struct change_row *out)
{
	out->seq = seq;
	out->change = mp_value(&value);
	out->object = value.len ? value : slice_of(NULL, 0);
}

static bool row_at(bool there, const struct kv_cursor *c, struct change_row *out)
{
	if (there) {
		row_read(read_u64(c->key.ptr), c->value, out);
	}
	return there;
}

bool changes_seek(struct kv_cursor *c, uint64_t seq, struct change_row *out)
{
	struct key key = seq_key(seq);

	return row_at(kv_seek(c, key_slice(&key)), c, out);
}

bool changes_next(struct kv_cursor *c, struct change_row *out)
{
	return row_at(kv_next(c), c, out);
}

struct change_bounds changes_bounds(struct txn *txn)
{
	struct change_bounds bounds = {0};
	struct change_row row;
	struct kv_cursor c;

	kv_cursor_open(txn->kv, T_CHANGES, &c);
	if (row_at(kv_first(&c), &c, &row)) {
		bounds.first = row.seq;
	}
	if (row_at(kv_last(&c), &c, &row)) {
		bounds.last = row.seq;
	}
	kv_cursor_close(&c);
	return bounds;
}

static bool is_of(struct slice change, const char *name, struct slice id)
{
	struct slice text;

	return !id.ptr || (mp_get_str(mp_lookup(change, name), &text) && slice_eq(text, id));
}

bool changes_match(const struct change_filter *filter, struct slice change)
{
	return is_of(change, "run_id", filter->run_id) &&
	       is_of(change, "thread_id", filter->thread_id);
}

bool changes_of_run(struct slice change)
{
	struct slice id;

	return mp_get_str(mp_lookup(change, "run_id"), &id) &&
	       mp_is_nil(mp_lookup(change, "step_id")) && !mp_lookup(change, "message_id").ptr;
}

void changes_keep_created(struct txn *txn, uint64_t seq, struct slice bytes)
{
	struct key key = seq_key(seq);
	size_t start = txn->events->len; /* made behind the events, and taken away again */
	struct change_row row;
	struct slice value;

	if (!kv_get(txn->kv, T_CHANGES, key_slice(&key), &value)) {
		return;
	}
	row_read(seq, value, &row);
	if (row.object.ptr) {
		return;
	}
	buf_put(txn->events, row.change);
	buf_put(txn->events, kept_object(bytes));
	if (!buf_error(txn->events)) {
		kv_put(txn->kv, T_CHANGES, key_slice(&key),
			slice_of(txn->events->ptr + start, txn->events->len - start));
		buf_truncate(txn->events, start);
	}
}

void changes_keep_removed(struct txn *txn, uint64_t seq, struct slice bytes)
{
	if (!txn->scarce) {
		changes_keep_created(txn, seq, bytes);
	}
}

/* Where the objects of a change are found whose creation has none. */
static bool find_tables(struct slice change, struct slice *id, enum table *ids, enum table *objects)
{
	static const struct {
		const char *id;
		enum table ids;
		enum table objects;
	} tables[] = {
		{"message_id", T_MESSAGE_IDS, T_MESSAGES},
		{"step_id", T_STEP_IDS, T_STEPS},
		{"run_id", T_RUN_IDS, T_RUNS},
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		if (mp_get_str(mp_lookup(change, tables[i].id), id)) {
			*ids = tables[i].ids;
			*objects = tables[i].objects;
			return true;
		}
	}
	return false;
}

struct slice changes_object(struct txn *txn, const struct change_row *row)
{
	struct slice id, key, object = {NULL, 0};
	enum table ids, objects;

	if (row->object.ptr) {
		return mp_is_nil(row->object) ? object : row->object;
	}
	if (!find_tables(row->change, &id, &ids, &objects) || !kv_get(txn->kv, ids, id, &key) ||
		key.len < 8 || read_u64(key.ptr + key.len - 8) != row->seq ||
		!kv_get(txn->kv, objects, key, &object) || object.len > CHANGES_MAX_OBJECT) {
		return slice_of(NULL, 0);
	}
	return object;
}

static bool take_part(struct slice *in, struct slice *out)
{
	uint64_t len;

	if (in->len < 8) {
		return false;
	}
	len = read_u64(in->ptr);
	*out = slice_of(in->ptr + 8, len);
	*in = slice_of(in->ptr + 8 + len, in->len - 8 - len);
	return true;
}

bool changes_take_event(struct slice *events, struct slice *topic, struct slice *frame)
{
	return take_part(events, topic) && take_part(events, frame);
}

void changes_trim(struct txn *txn)
{
	const struct store_options *options = store_options(txn->store);
	uint64_t count = kv_count(txn->kv, T_CHANGES);
	uint64_t added = txn->seq - store_last_seq(txn->store);
	uint64_t left = TRIM_AT_LEAST + 2 * added, given = txn->full ? added * GIVEN_AWAY : 0;
	struct kv_cursor c;

	kv_cursor_open(txn->kv, T_CHANGES, &c);
	for (; left && count > 1 && kv_first(&c); left--) {
		int64_t at_ms = 0;

		mp_get_int(mp_lookup(c.value, "at_ms"), &at_ms);
		if (!given && count <= options->changes_max &&
			at_ms >= txn->now_ms - options->changes_age_ms) {
			break;
		}
		kv_cursor_del(&c);
		count--;
		given -= given > 0;
	}
	kv_cursor_close(&c);
}

void changes_discard(struct txn *txn)
{
	uint64_t count = kv_count(txn->kv, T_CHANGES);
	struct kv_cursor c;

	kv_cursor_open(txn->kv, T_CHANGES, &c);
	for (; count > 1 && kv_first(&c); count--) {
		kv_cursor_del(&c);
	}
	kv_cursor_close(&c);
}
