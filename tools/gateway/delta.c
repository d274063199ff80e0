/*
 * The rules are those by which the official SDKs put deltas together: strings are appended, null is
 * replaced, `type` and `index` are set, objects are merged, items of an array of objects go by
 * their `index`, and an array of strings and numbers is continued. What cannot be said so is
 * broken. Recursion is bounded by the depth of what the daemon sends.
 */
#include "tools/gateway/delta.h"
#include "client/util.h"
#include "proto/mp.h"

#define NO_INDEX (-1)
#define MAX_GROWTH 1024 /* items that the SDKs let an array grow by at once */

static enum mp_type type_of(struct slice value)
{
	struct mp t = {.type = MP_NIL};

	mp_read(&value, &t);
	return t.type;
}

/* The number of items or pairs, and @value moved to the first of them. */
static uint32_t enter(struct slice *value)
{
	struct mp t = {0};

	mp_read(value, &t);
	return t.n;
}

static struct slice find(struct slice map, struct slice key)
{
	uint32_t n = enter(&map);

	for (uint32_t i = 0; i < n; i++) {
		struct slice name = mp_value(&map), value = mp_value(&map);

		if (slice_eq(name, key)) {
			return value;
		}
	}
	return slice_of(NULL, 0);
}

static bool names(struct slice key, const char *name)
{
	struct slice text;

	return mp_get_str(key, &text) && slice_is(text, name);
}

static void put_index(struct buf *out, int64_t index)
{
	mp_put_cstr(out, "index");
	mp_put_int(out, index);
}

static void put_whole(struct slice value, int64_t index, struct buf *out);

/* An item's place takes the stead of any member of that name. */
static void put_whole_map(struct slice map, int64_t index, struct buf *out)
{
	_cleanup_(buf_finish) struct buf pairs = {0};
	uint32_t n = enter(&map), kept = 0;

	if (index != NO_INDEX) {
		put_index(&pairs, index);
		kept++;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct slice key = mp_value(&map), value = mp_value(&map);

		if (index == NO_INDEX || !names(key, "index")) {
			buf_put(&pairs, key);
			put_whole(value, NO_INDEX, &pairs);
			kept++;
		}
	}
	mp_put_map(out, kept);
	buf_put(out, buf_slice(&pairs));
	out->error = out->error ? out->error : buf_error(&pairs);
}

static void put_whole_array(struct slice array, struct buf *out)
{
	uint32_t n = enter(&array);

	mp_put_array(out, n);
	for (uint32_t i = 0; i < n; i++) {
		put_whole(mp_value(&array), i, out);
	}
}

/* @index is the place of an item. */
static void put_whole(struct slice value, int64_t index, struct buf *out)
{
	switch (type_of(value)) {
	case MP_MAP:
		put_whole_map(value, index, out);
		break;
	case MP_ARRAY:
		put_whole_array(value, out);
		break;
	default:
		buf_put(out, value);
		break;
	}
}

static enum delta write_text(struct slice before, struct slice after, struct buf *out)
{
	struct slice old = {NULL, 0}, new = {NULL, 0};

	mp_get_str(before, &old);
	mp_get_str(after, &new);
	if (new.len < old.len || memcmp(new.ptr, old.ptr, old.len) != 0) {
		return DELTA_BROKEN;
	}
	mp_put_str(out, slice_of(new.ptr + old.len, new.len - old.len));
	return DELTA_MADE;
}

/* Forget what was begun at @start; an error stays. */
static void take_back(struct buf *out, size_t start)
{
	if (!buf_error(out)) {
		buf_truncate(out, start);
	}
}

/* Append one member if there is something to say of it. */
static enum delta write_member(
	struct slice key, struct slice before, struct slice after, struct buf *out)
{
	size_t start = out->len;
	enum delta d;

	if (before.ptr && !mp_is_nil(before) && names(key, "type") && !slice_eq(before, after)) {
		return DELTA_BROKEN;
	}
	buf_put(out, key);
	d = delta_write(before, after, out);
	if (d == DELTA_NOTHING && names(key, "type")) {
		buf_put(out, after);
	} else if (d != DELTA_MADE) {
		take_back(out, start);
	}
	return d;
}

/* The members of @after that are to be told, and how many; DELTA_BROKEN also when one went away. */
static enum delta write_members(
	struct slice before, struct slice after, int64_t index, struct buf *out, uint32_t *told)
{
	struct slice from = before;
	uint32_t n = enter(&after), left = enter(&from);
	enum delta all = DELTA_NOTHING;

	for (uint32_t i = 0; i < n; i++) {
		struct slice key = mp_value(&after), value = mp_value(&after);
		struct slice old = find(before, key);
		enum delta d;

		left -= old.ptr ? 1 : 0;
		if (index != NO_INDEX && names(key, "index")) {
			continue;
		}
		d = write_member(key, old, value, out);
		if (d == DELTA_BROKEN) {
			return d;
		}
		*told += d == DELTA_MADE || names(key, "type");
		all = d == DELTA_MADE ? d : all;
	}
	return left ? DELTA_BROKEN : all;
}

static enum delta write_map(struct slice before, struct slice after, int64_t index, struct buf *out)
{
	_cleanup_(buf_finish) struct buf pairs = {0};
	uint32_t n = 0;
	enum delta d;

	if (index != NO_INDEX) {
		put_index(&pairs, index);
		n++;
	}
	d = write_members(before, after, index, &pairs, &n);
	if (d == DELTA_MADE) {
		mp_put_map(out, n);
		buf_put(out, buf_slice(&pairs));
		out->error = out->error ? out->error : buf_error(&pairs);
	}
	return d;
}

/* Nothing but strings and numbers, or nothing: what follows is appended to it. */
static bool is_plain(struct slice array)
{
	uint32_t n = enter(&array);
	bool plain = true;

	for (uint32_t i = 0; i < n && plain; i++) {
		enum mp_type type = type_of(mp_value(&array));

		plain = type == MP_STR || type == MP_INT || type == MP_UINT || type == MP_FLOAT;
	}
	return plain;
}

/* An item at @index that was there, or is new when @before is absent. */
static enum delta write_item(
	struct slice before, struct slice after, int64_t index, bool plain, struct buf *out)
{
	bool is_map = type_of(after) == MP_MAP;

	if (!before.ptr) {
		if (!is_map && !plain) {
			return DELTA_BROKEN;
		}
		put_whole(after, index, out);
		return DELTA_MADE;
	}
	if (slice_eq(before, after)) {
		return DELTA_NOTHING;
	}
	return is_map && type_of(before) == MP_MAP ? write_map(before, after, index, out)
						   : DELTA_BROKEN;
}

static enum delta write_array(struct slice before, struct slice after, struct buf *out)
{
	_cleanup_(buf_finish) struct buf items = {0};
	bool plain = is_plain(before);
	uint32_t n_before = enter(&before), n = enter(&after), told = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct slice old = i < n_before ? mp_value(&before) : slice_of(NULL, 0);
		enum delta d = write_item(old, mp_value(&after), i, plain, &items);

		if (d == DELTA_BROKEN) {
			return d;
		}
		told += d == DELTA_MADE;
	}
	if (n < n_before || n - n_before > MAX_GROWTH) {
		return DELTA_BROKEN;
	}
	if (!told) {
		return DELTA_NOTHING;
	}
	mp_put_array(out, told);
	buf_put(out, buf_slice(&items));
	out->error = out->error ? out->error : buf_error(&items);
	return DELTA_MADE;
}

enum delta delta_write(struct slice before, struct slice after, struct buf *out)
{
	enum mp_type type = type_of(after);

	if (before.ptr && slice_eq(before, after)) {
		return DELTA_NOTHING;
	}
	if (!before.ptr || mp_is_nil(before)) {
		put_whole(after, NO_INDEX, out);
		return DELTA_MADE;
	}
	if (type != type_of(before)) {
		return DELTA_BROKEN;
	}
	switch (type) {
	case MP_STR:
		return write_text(before, after, out);
	case MP_MAP:
		return write_map(before, after, NO_INDEX, out);
	case MP_ARRAY:
		return write_array(before, after, out);
	default:
		return DELTA_BROKEN;
	}
}
