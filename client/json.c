#include "client/json.h"
#include "client/fail.h"
#include "client/util.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void json_put_string(const json_t *string, struct buf *out)
{
	mp_put_str(out, slice_of(json_string_value(string), json_string_length(string)));
}

static bool json_put(const json_t *value, unsigned int depth, struct buf *out);

static bool json_put_object(const json_t *object, unsigned int depth, struct buf *out)
{
	const char *key;
	json_t *member;

	mp_put_map(out, (uint32_t)json_object_size(object));
	json_object_foreach((json_t *)object, key, member)
	{
		mp_put_cstr(out, key);
		if (!json_put(member, depth, out)) {
			return false;
		}
	}
	return true;
}

static bool json_put_array(const json_t *array, unsigned int depth, struct buf *out)
{
	size_t n = json_array_size(array);

	mp_put_array(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		if (!json_put(json_array_get(array, i), depth, out)) {
			return false;
		}
	}
	return true;
}

/* False when it is nested deeper than @depth levels. */
static bool json_put(const json_t *value, unsigned int depth, struct buf *out)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return depth && json_put_object(value, depth - 1, out);
	case JSON_ARRAY:
		return depth && json_put_array(value, depth - 1, out);
	case JSON_STRING:
		json_put_string(value, out);
		return true;
	case JSON_INTEGER:
		mp_put_int(out, json_integer_value(value));
		return true;
	case JSON_REAL:
		mp_put_double(out, json_real_value(value));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		mp_put_bool(out, json_is_true(value));
		return true;
	default:
		mp_put_nil(out);
		return true;
	}
}

static void json_free(json_t **value)
{
	json_decref(*value);
}

static int refuse_depth(const char *param, struct runstore_error *error)
{
	return fail(error, RUNSTORE_E_TOO_LARGE, param,
		"This JSON is nested deeper than %d levels.", JSON_DEPTH);
}

static int json_refuse(const json_error_t *e, const char *param, struct runstore_error *error)
{
	if (json_error_code(e) == json_error_out_of_memory) {
		return fail_memory(error);
	}
	if (json_error_code(e) == json_error_stack_overflow) {
		return refuse_depth(param, error);
	}
	return fail(error, RUNSTORE_E_INVALID_PARAMS, param,
		"This is not JSON, line %d, column %d: %s.", e->line, e->column, e->text);
}

int json_read(const char *text, size_t len, const char *param, struct buf *out,
	struct runstore_error *error)
{
	const size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
	_cleanup_(json_free) json_t *value = NULL;
	json_error_t e;

	value = json_loadb(text, len, flags, &e);
	if (!value) {
		return json_refuse(&e, param, error);
	}
	if (!json_put(value, JSON_DEPTH, out)) {
		return refuse_depth(param, error);
	}
	return buf_error(out) ? fail_memory(error) : 0;
}

static void put_text(struct buf *out, const char *text)
{
	buf_append(out, text, strlen(text));
}

static void write_escape(uint8_t c, struct buf *out)
{
	static const char names[] = "btnvfr"; /* 8 to 13 */
	char text[8];

	if (c == '"' || c == '\\') {
		snprintf(text, sizeof(text), "\\%c", c);
	} else if (c >= 8 && c <= 13 && c != 11) {
		snprintf(text, sizeof(text), "\\%c", names[c - 8]);
	} else {
		snprintf(text, sizeof(text), "\\u%04x", c);
	}
	put_text(out, text);
}

static void write_string(struct slice s, struct buf *out)
{
	size_t start = 0;

	buf_append(out, "\"", 1);
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];

		if (c < 0x20 || c == '"' || c == '\\') {
			buf_append(out, s.ptr + start, i - start);
			write_escape(c, out);
			start = i + 1;
		}
	}
	buf_append(out, s.ptr + start, s.len - start);
	buf_append(out, "\"", 1);
}

/* The decimal point is the locale's: whatever is no part of a number becomes a point. */
static void write_localized(const char *number, struct buf *out)
{
	size_t head = strspn(number, "-0123456789");
	size_t mark = strcspn(number + head, "0123456789e");

	buf_append(out, number, head);
	if (mark) {
		put_text(out, ".");
	}
	put_text(out, number + head + mark);
	if (!number[head]) {
		put_text(out, ".0"); /* so that it is read as a float again */
	}
}

/* The fewest digits that are read back as the same number. */
static bool write_double(double v, struct buf *out)
{
	char text[40];

	if (!isfinite(v)) {
		return false;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v) {
			break;
		}
	}
	write_localized(text, out);
	return true;
}

static bool write_value(struct slice *in, struct buf *out);

static bool write_members(struct slice *in, uint32_t n, bool named, struct buf *out)
{
	put_text(out, named ? "{" : "[");
	for (uint32_t i = 0; i < n; i++) {
		if (i) {
			put_text(out, ",");
		}
		if (named) {
			if (!write_value(in, out)) {
				return false;
			}
			put_text(out, ":");
		}
		if (!write_value(in, out)) {
			return false;
		}
	}
	put_text(out, named ? "}" : "]");
	return true;
}

static bool write_integer(const struct mp *t, struct buf *out)
{
	char text[24];

	if (t->type == MP_INT) {
		snprintf(text, sizeof(text), "%" PRId64, t->i);
	} else {
		snprintf(text, sizeof(text), "%" PRIu64, t->u);
	}
	put_text(out, text);
	return true;
}

/* False for what JSON cannot say. Recursion is bounded by the scan that went before. */
static bool write_value(struct slice *in, struct buf *out)
{
	struct mp t;

	if (!mp_read(in, &t)) {
		return false;
	}
	switch (t.type) {
	case MP_NIL:
		put_text(out, "null");
		return true;
	case MP_BOOL:
		put_text(out, t.b ? "true" : "false");
		return true;
	case MP_INT:
	case MP_UINT:
		return write_integer(&t, out);
	case MP_FLOAT:
		return write_double(t.f, out);
	case MP_STR:
		write_string(t.str, out);
		return true;
	case MP_ARRAY:
	case MP_MAP:
		return write_members(in, t.n, t.type == MP_MAP, out);
	default:
		return false;
	}
}

int json_write(struct slice value, struct buf *out, struct runstore_error *error)
{
	enum mp_fault fault = mp_scan(value, JSON_DEPTH);

	if (fault) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, NULL,
			"This MessagePack has no JSON form: %s.", mp_fault_text(fault));
	}
	if (!write_value(&value, out)) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, NULL,
			"JSON cannot say binary data, extensions, NaN or infinity.");
	}
	return buf_error(out) ? fail_memory(error) : 0;
}
