#include "daemon/store/changes.h"
#include "proto/frame.h"

#include <stdio.h>

#define TRIM_AT_LEAST 2048 /* looked at in a transaction, and two for each change that it adds */

uint64_t changes_next_seq(struct txn *txn)
{
	return ++txn->seq;
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	mp_put_cstr(out, name);
	if (text) {
		mp_put_cstr(out, text);
	} else {
		mp_put_nil(out);
	}
}

static void put_id(struct buf *out, const char *name, struct slice id)
{
	mp_put_cstr(out, name);
	if (id.ptr) {
		mp_put_str(out, id);
	} else {
		mp_put_nil(out);
	}
}

static void encode(
	const struct txn *txn, const struct change *c, struct slice event, struct buf *out)
{
	mp_put_map(out, 9);
	mp_put_cstr(out, "seq");
	mp_put_uint(out, c->seq);
	mp_put_cstr(out, "at_ms");
	mp_put_int(out, txn->now_ms);
	mp_put_cstr(out, "event");
	mp_put_str(out, event);
	put_id(out, "thread_id", c->thread_id);
	put_id(out, "run_id", c->run_id);
	put_id(out, "step_id", c->step_id);
	put_text(out, "from", c->from);
	put_text(out, "to", c->to);
	put_text(out, "by", txn->by);
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

void changes_add(struct txn *txn, const struct change *c)
{
	struct buf *out = txn->events;
	struct key key = {0};
	size_t part, start;
	char name[64];

	snprintf(name, sizeof(name), "thread.run.%s%s", c->step_id.ptr ? "step." : "", c->event);
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
	if (!buf_error(out)) {
		key_u64(&key, c->seq);
		kv_append(txn->kv, T_CHANGES, key_slice(&key),
			slice_of(out->ptr + start, out->len - start));
	}
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
	uint64_t count = kv_count(txn->kv, T_CHANGES);
	uint64_t left = TRIM_AT_LEAST + 2 * (txn->seq - store_last_seq(txn->store));
	struct kv_cursor c;

	kv_cursor_open(txn->kv, T_CHANGES, &c);
	for (; left && count > 1 && kv_first(&c); left--) {
		int64_t at_ms = 0;

		mp_get_int(mp_lookup(c.value, "at_ms"), &at_ms);
		if (count <= CHANGES_KEPT && at_ms >= txn->now_ms - CHANGES_KEPT_MS) {
			break;
		}
		kv_cursor_del(&c);
		count--;
	}
	kv_cursor_close(&c);
}
