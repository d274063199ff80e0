/* Values as callers see them: MessagePack bytes that are already known to be well formed. */
#include "client/fail.h"
#include "client/json.h"
#include "client/util.h"

#include <stdlib.h>

static struct slice slice_of_value(struct runstore_value value)
{
	return slice_of(value.data, value.size);
}

static struct runstore_value value_of_slice(struct slice s)
{
	return (struct runstore_value){s.ptr, s.len};
}

/* The text in @b as a string for free(). */
static char *take_string(struct buf *b)
{
	char *text;

	buf_append(b, "", 1);
	if (buf_error(b)) {
		return NULL;
	}
	text = (char *)b->ptr;
	*b = (struct buf){0};
	return text;
}

char *runstore_value_json(struct runstore_value value)
{
	_cleanup_(buf_finish) struct buf b = {0};

	if (!value.data || json_write(slice_of_value(value), &b, NULL)) {
		return NULL;
	}
	return take_string(&b);
}

struct runstore_value runstore_value_member(struct runstore_value map, const char *name)
{
	return value_of_slice(mp_lookup(slice_of_value(map), name));
}

size_t runstore_value_count(struct runstore_value value)
{
	struct slice in = slice_of_value(value);
	struct mp t;

	if (!mp_read(&in, &t) || (t.type != MP_ARRAY && t.type != MP_MAP)) {
		return 0;
	}
	return t.n;
}

struct runstore_value runstore_value_item(struct runstore_value array, size_t index)
{
	struct slice in = slice_of_value(array);
	struct mp t;

	if (!mp_read(&in, &t) || t.type != MP_ARRAY || index >= t.n) {
		return (struct runstore_value){NULL, 0};
	}
	while (index--) {
		mp_value(&in);
	}
	return value_of_slice(mp_value(&in));
}

char *runstore_value_string(struct runstore_value value)
{
	struct slice s;

	if (!mp_get_str(slice_of_value(value), &s)) {
		return NULL;
	}
	return strndup((const char *)s.ptr, s.len);
}

bool runstore_value_integer(struct runstore_value value, int64_t *out)
{
	return mp_get_int(slice_of_value(value), out);
}

int runstore_json_to_msgpack(
	const char *text, void **data, size_t *size, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf b = {0};
	int r;

	r = json_read(text, strlen(text), NULL, &b, error);
	if (r) {
		return r;
	}
	*data = b.ptr;
	*size = b.len;
	b = (struct buf){0}; /* moved to the caller */
	return 0;
}

int runstore_msgpack_to_json(
	const void *data, size_t size, char **text, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf b = {0};
	char *s;
	int r;

	r = json_write(slice_of(data, size), &b, error);
	if (r) {
		return r;
	}
	s = take_string(&b);
	if (!s) {
		return fail_memory(error);
	}
	*text = s;
	return 0;
}
