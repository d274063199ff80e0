#include "proto/schema.h"
#include "proto/bounds.h"
#include "proto/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static size_t path_text(const struct path *path, char *out, size_t size)
{
	size_t n;

	if (!path) {
		out[0] = '\0';
		return 0;
	}
	n = path_text(path->up, out, size);
	if (n >= size) {
		return n;
	}
	if (path->name) {
		n += (size_t)snprintf(out + n, size - n, "%s%s", n ? "." : "", path->name);
	} else if (path->key.ptr) {
		char key[72];

		n += (size_t)snprintf(
			out + n, size - n, "%s%s", n ? "." : "", printable(path->key, key));
	} else {
		n += (size_t)snprintf(out + n, size - n, "[%" PRIu32 "]", path->index);
	}
	return n;
}

__attribute__((format(printf, 4, 5))) static int refuse(
	struct problem *p, int code, const struct path *path, const char *format, ...)
{
	char param[sizeof(p->param)];
	va_list ap;

	path_text(path, param, sizeof(param));
	va_start(ap, format);
	problem_vset(p, code, param, format, ap);
	va_end(ap);
	return code;
}

static const char *type_name(struct slice value)
{
	struct mp t;

	if (!mp_read(&value, &t)) {
		return "nothing";
	}
	switch (t.type) {
	case MP_NIL:
		return "null";
	case MP_BOOL:
		return "a boolean";
	case MP_INT:
	case MP_UINT:
		return "an integer";
	case MP_FLOAT:
		return "a float";
	case MP_STR:
		return "a string";
	case MP_ARRAY:
		return "an array";
	case MP_MAP:
		return "an object";
	default:
		return "binary data";
	}
}

static int wrong_type(
	const char *want, struct slice value, const struct path *path, struct problem *p)
{
	return refuse(p, E_INVALID_PARAMS, path, "Expected %s, got %s.", want, type_name(value));
}

bool id_valid(struct slice s)
{
	if (s.len < 1 || s.len > 64) {
		return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '_' || c == '-')) {
			return false;
		}
	}
	return true;
}

static int canon_id(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	char text[72];
	struct slice id;

	if (!mp_get_str(value, &id)) {
		return wrong_type("an id (a string)", value, path, p);
	}
	if (!id_valid(id)) {
		return refuse(p, E_INVALID_ID, path,
			"Invalid id '%s': an id is 1 to 64 of A-Z a-z 0-9 _ -.",
			printable(id, text));
	}
	mp_put_str(out, id);
	return 0;
}

static int canon_string(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice text;
	size_t n;

	if (!mp_get_str(value, &text)) {
		return wrong_type("a string", value, path, p);
	}
	n = text.len;
	if (n > (size_t)s->max || n < (size_t)s->min) {
		n = utf8_length(text);
	}
	if (n < (size_t)s->min || n > (size_t)s->max) {
		return refuse(p, E_INVALID_PARAMS, path,
			"The string has %zu characters, %" PRId64 " to %" PRId64 " are allowed.", n,
			s->min, s->max);
	}
	mp_put_str(out, text);
	return 0;
}

static int canon_token(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice text;

	if (!mp_get_str(value, &text)) {
		return wrong_type("a string", value, path, p);
	}
	if (text.len < (size_t)s->min || text.len > (size_t)s->max) {
		return refuse(p, E_INVALID_PARAMS, path,
			"The string has %zu bytes, %" PRId64 " to %" PRId64 " are allowed.",
			text.len, s->min, s->max);
	}
	mp_put_str(out, text);
	return 0;
}

static int canon_int(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice in = value;
	struct mp t;

	if (!mp_read(&in, &t) || (t.type != MP_INT && t.type != MP_UINT)) {
		return wrong_type("an integer", value, path, p);
	}
	if (t.type == MP_UINT || t.i < s->min || t.i > s->max) {
		return refuse(p, E_INVALID_PARAMS, path, "%s%" PRId64 " is out of range: %s.",
			t.type == MP_UINT ? "More than " : "", t.type == MP_UINT ? INT64_MAX : t.i,
			s->help);
	}
	mp_put_int(out, t.i);
	return 0;
}

static int canon_number(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	double v;

	if (!mp_get_double(value, &v)) {
		return wrong_type("a number", value, path, p);
	}
	if (!(v >= (double)s->min && v <= (double)s->max)) {
		return refuse(p, E_INVALID_PARAMS, path, "%g is out of range: %s.", v, s->help);
	}
	mp_put_double(out, v);
	return 0;
}

static int canon_bool(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	bool v;

	if (!mp_get_bool(value, &v)) {
		return wrong_type("a boolean", value, path, p);
	}
	mp_put_bool(out, v);
	return 0;
}

static bool named(const char *const *names, struct slice text)
{
	for (size_t i = 0; names[i]; i++) {
		if (slice_is(text, names[i])) {
			return true;
		}
	}
	return false;
}

static int wrong_name(
	const struct schema *s, struct slice text, const struct path *path, struct problem *p)
{
	char all[280] = "", got[72];
	size_t n = 0;

	for (size_t i = 0; s->names[i] && n < sizeof(all); i++) {
		n += (size_t)snprintf(
			all + n, sizeof(all) - n, "%s'%s'", i ? ", " : "", s->names[i]);
	}
	return refuse(
		p, E_INVALID_PARAMS, path, "'%s' is not one of %s.", printable(text, got), all);
}

static int canon_enum(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice text;

	if (!mp_get_str(value, &text)) {
		return wrong_type("a string", value, path, p);
	}
	if (!named(s->names, text)) {
		return wrong_name(s, text, path, p);
	}
	mp_put_str(out, text);
	return 0;
}

static int canon_either(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice text;

	if (mp_get_str(value, &text)) {
		return canon_enum(s, value, path, out, p);
	}
	return schema_canon(s->item, value, path, out, p);
}

static int canon_array(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice in = value;
	struct mp t;
	int r;

	if (!mp_read(&in, &t) || t.type != MP_ARRAY) {
		return wrong_type("an array", value, path, p);
	}
	if (t.n < s->min || t.n > s->max) {
		return refuse(p, E_INVALID_PARAMS, path,
			"The array has %" PRIu32 " items, %" PRId64 " to %" PRId64 " are allowed.",
			t.n, s->min, s->max);
	}
	mp_put_array(out, t.n);
	for (uint32_t i = 0; i < t.n; i++) {
		struct path here = {.up = path, .index = i};

		r = schema_canon(s->item, mp_value(&in), &here, out, p);
		if (r) {
			return r;
		}
	}
	return 0;
}

static int canon_enum_set(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	const struct schema item = {.kind = SK_ENUM, .names = s->names};
	const struct schema array = {.kind = SK_ARRAY, .min = 1, .max = 64, .item = &item};
	struct slice text;

	if (mp_get_str(value, &text)) {
		mp_put_array(out, 1);
		return canon_enum(s, value, path, out, p);
	}
	return canon_array(&array, value, path, out, p);
}

static int canon_metadata_pair(struct slice key, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct path here = {.up = path, .key = key};
	struct slice text;

	if (utf8_length(key) > METADATA_KEY) {
		return refuse(p, E_INVALID_PARAMS, path,
			"A metadata key has %zu characters, at most %d are allowed.",
			utf8_length(key), METADATA_KEY);
	}
	if (!mp_get_str(value, &text)) {
		return wrong_type("a string", value, &here, p);
	}
	if (text.len > METADATA_VALUE && utf8_length(text) > METADATA_VALUE) {
		return refuse(p, E_INVALID_PARAMS, &here,
			"A metadata value has %zu characters, at most %d are allowed.",
			utf8_length(text), METADATA_VALUE);
	}
	mp_put_str(out, key);
	mp_put_str(out, text);
	return 0;
}

static int canon_metadata(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice in = value;
	struct mp t;
	uint32_t n;
	int r = 0;

	if (!mp_read(&in, &t) || t.type != MP_MAP) {
		return wrong_type("an object of strings", value, path, p);
	}
	n = t.n;
	if (n > METADATA_PAIRS) {
		return refuse(p, E_INVALID_PARAMS, path,
			"The metadata has %" PRIu32 " pairs, at most %d are allowed.", n,
			METADATA_PAIRS);
	}
	mp_put_map(out, n);
	for (uint32_t i = 0; i < n && !r; i++) {
		mp_read(&in, &t);
		r = canon_metadata_pair(t.str, mp_value(&in), path, out, p);
	}
	return r;
}

/* What JSON cannot say has no place in an open map: binary data, extensions, NaN, infinities. */
static int canon_map(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice in = value;
	struct mp t;

	if (!mp_read(&in, &t) || t.type != MP_MAP) {
		return wrong_type("an object", value, path, p);
	}
	if (mp_scan(value, MAX_MAP_DEPTH) == MP_FAULT_DEPTH) {
		return refuse(p, E_TOO_LARGE, path,
			"The object is nested too deep: at most %d levels are stored.",
			MAX_MAP_DEPTH);
	}
	mp_put_map(out, t.n);
	while (mp_read(&in, &t)) {
		if (t.type == MP_BIN || t.type == MP_EXT ||
			(t.type == MP_FLOAT && !isfinite(t.f))) {
			return refuse(p, E_INVALID_PARAMS, path,
				"The object holds %s, which JSON cannot say.",
				t.type == MP_FLOAT ? "a number that is not finite" : "binary data");
		}
		mp_put_token(out, &t);
	}
	return 0;
}

static const struct schema_field *field_find(const struct schema *s, struct slice name, size_t *at)
{
	for (*at = 0; *at < s->n_fields; ++*at) {
		if (slice_is(name, s->fields[*at].name)) {
			return &s->fields[*at];
		}
	}
	return NULL;
}

/* Sort the map's values by the object's fields. */
static int object_values(const struct schema *s, struct slice value, const struct path *path,
	struct slice *values, struct problem *p)
{
	struct slice in = value;
	struct mp t;
	uint32_t n;

	if (!mp_read(&in, &t) || t.type != MP_MAP) {
		return wrong_type("an object", value, path, p);
	}
	n = t.n;
	for (uint32_t i = 0; i < n; i++) {
		const struct schema_field *f;
		struct path here = {.up = path};
		size_t at;

		mp_read(&in, &t);
		here.key = t.str;
		f = field_find(s, t.str, &at);
		if (!f) {
			char name[72];

			return refuse(p, E_UNKNOWN_PARAM, &here, "Unknown parameter: '%s'.",
				printable(here.key, name));
		}
		values[at] = mp_value(&in);
	}
	return 0;
}

/* Is there something to write for a field that came as @value? */
static bool field_written(const struct schema_field *f, struct slice value)
{
	return !(f->flags & SF_IGNORED) && (value.ptr || !(f->flags & SF_OPTIONAL));
}

static int canon_field(const struct schema_field *f, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct path here = {.up = path, .name = f->name};

	if (!value.ptr || mp_is_nil(value)) {
		if (f->preset.ptr) {
			buf_put(out, f->preset);
			return 0;
		}
		if (!value.ptr) {
			return refuse(p, E_MISSING_PARAM, &here,
				"Missing required parameter: '%s'.", f->name);
		}
		if (f->flags & SF_NULLABLE) {
			mp_put_nil(out);
			return 0;
		}
	}
	return schema_canon(f->type, value, &here, out, p);
}

static int canon_object(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice values[MAX_FIELDS] = {0};
	uint32_t n = 0;
	int r;

	r = object_values(s, value, path, values, p);
	if (r) {
		return r;
	}
	for (size_t i = 0; i < s->n_fields; i++) {
		n += field_written(&s->fields[i], values[i]);
	}
	mp_put_map(out, n);
	for (size_t i = 0; i < s->n_fields; i++) {
		if (!field_written(&s->fields[i], values[i])) {
			continue;
		}
		mp_put_cstr(out, s->fields[i].name);
		r = canon_field(&s->fields[i], values[i], path, out, p);
		if (r) {
			return r;
		}
	}
	return 0;
}

static int canon_union(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct path here = {.up = path, .name = s->tag ? s->tag : "type"};
	struct slice tag_value, in = value, tag;
	char text[72];
	struct mp t;

	if (!mp_read(&in, &t) || t.type != MP_MAP) {
		return wrong_type("an object", value, path, p);
	}
	tag_value = mp_lookup(value, here.name);
	if (!tag_value.ptr) {
		return refuse(
			p, E_MISSING_PARAM, &here, "Missing required parameter: '%s'.", here.name);
	}
	if (!mp_get_str(tag_value, &tag)) {
		return wrong_type("a string", tag_value, &here, p);
	}
	for (const struct schema_variant *v = s->variants; v->tag; v++) {
		if (slice_is(tag, v->tag)) {
			return schema_canon(v->schema, value, path, out, p);
		}
	}
	return refuse(p, E_INVALID_PARAMS, &here, "'%s' is no type of %s.", printable(tag, text),
		s->help);
}

static int canon_any(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	buf_put(out, value);
	return 0;
}

static int canon_short(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	struct slice text;

	if (!mp_get_str(value, &text)) {
		return schema_canon(s->item, value, path, out, p);
	}
	buf_put(out, s->before);
	mp_put_str(out, text);
	buf_put(out, s->after);
	return 0;
}

int schema_canon(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p)
{
	static int (*const by_kind[])(const struct schema *, struct slice, const struct path *,
		struct buf *, struct problem *) = {
		[SK_STRING] = canon_string,
		[SK_ID] = canon_id,
		[SK_INT] = canon_int,
		[SK_NUMBER] = canon_number,
		[SK_BOOL] = canon_bool,
		[SK_ENUM] = canon_enum,
		[SK_OBJECT] = canon_object,
		[SK_UNION] = canon_union,
		[SK_ARRAY] = canon_array,
		[SK_METADATA] = canon_metadata,
		[SK_MAP] = canon_map,
		[SK_ANY] = canon_any,
		[SK_EITHER] = canon_either,
		[SK_ENUM_SET] = canon_enum_set,
		[SK_TOKEN] = canon_token,
		[SK_SHORT] = canon_short,
	};

	return by_kind[s->kind](s, value, path, out, p);
}

/* The canonical value goes to @out; what is absent, or null and no value, goes nowhere. */
static int parse_field(
	const struct schema_field *f, struct slice value, struct buf *out, struct problem *p)
{
	struct path here = {.name = f->name};

	if (!value.ptr || mp_is_nil(value)) {
		if (f->flags & SF_REQUIRED) {
			return refuse(p, E_MISSING_PARAM, &here,
				"Missing required parameter: '%s'.", f->name);
		}
		if (value.ptr && (f->flags & SF_NULL_SET)) {
			buf_put(out, f->preset);
		}
		return 0;
	}
	return schema_canon(f->type, value, &here, out, p);
}

int schema_parse(const struct schema *s, struct slice params, struct arena *arena,
	struct slice *values, struct problem *p)
{
	struct slice given[MAX_FIELDS] = {0};
	size_t ends[MAX_FIELDS];
	struct buf out = {0};
	struct slice copy;
	size_t start = 0;
	int r;

	r = object_values(s, params, NULL, given, p);
	for (size_t i = 0; i < s->n_fields && !r; i++) {
		r = parse_field(&s->fields[i], given[i], &out, p);
		ends[i] = out.len;
	}
	if (!r) {
		r = buf_error(&out);
	}
	if (!r) {
		copy = arena_dup(arena, buf_slice(&out));
		r = copy.ptr ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < s->n_fields && !r; i++) {
		if (ends[i] > start) {
			values[s->fields[i].slot] = slice_of(copy.ptr + start, ends[i] - start);
		}
		start = ends[i];
	}
	buf_finish(&out);
	return r;
}
