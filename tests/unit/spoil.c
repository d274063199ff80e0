#include "tests/support/cmocka_all.h"

#include "tests/unit/spoil.h"

struct place;

struct walk {
	const struct subject *subject;
	const struct place *root;
	unsigned int n;
};

/* Where a value stands. */
struct place {
	json_t *parent;
	const char *name; /* in an object, NULL in an array */
	size_t index;
	char path[200];
};

static struct place place_member(const struct place *at, json_t *object, const char *name)
{
	struct place p = {.parent = object, .name = name};

	assert_true((size_t)snprintf(p.path, sizeof(p.path), "%s%s%s", at->path,
			    at->path[0] ? "." : "", name) < sizeof(p.path));
	return p;
}

static struct place place_item(const struct place *at, json_t *array, size_t index)
{
	struct place p = {.parent = array, .index = index};

	assert_true((size_t)snprintf(p.path, sizeof(p.path), "%s[%zu]", at->path, index) <
		    sizeof(p.path));
	return p;
}

static json_t *place_get(const struct place *at)
{
	return at->name ? json_object_get(at->parent, at->name)
			: json_array_get(at->parent, at->index);
}

static void place_put(const struct place *at, json_t *value)
{
	assert_int_equal(at->name ? json_object_set_new(at->parent, at->name, value)
				  : json_array_set_new(at->parent, at->index, value),
		0);
}

static void check(struct walk *w, int code, const char *param)
{
	assert_refused(w->subject, place_get(w->root), code, param);
	w->n++;
}

/* Takes @bad. */
static void try_value(
	struct walk *w, const struct place *at, json_t *bad, int code, const char *param)
{
	json_t *good = json_incref(place_get(at));

	place_put(at, bad);
	check(w, code, param);
	place_put(at, good);
}

static unsigned int takes_types(const struct schema *s)
{
	switch (s->kind) {
	case SK_STRING:
	case SK_TOKEN:
	case SK_ID:
	case SK_ENUM:
		return 1u << JSON_STRING;
	case SK_INT:
		return 1u << JSON_INTEGER;
	case SK_NUMBER:
		return 1u << JSON_INTEGER | 1u << JSON_REAL;
	case SK_BOOL:
		return 1u << JSON_TRUE | 1u << JSON_FALSE;
	case SK_ARRAY:
		return 1u << JSON_ARRAY;
	case SK_EITHER:
	case SK_SHORT:
		return 1u << JSON_STRING | takes_types(s->item);
	case SK_ENUM_SET:
		return 1u << JSON_STRING | 1u << JSON_ARRAY;
	case SK_ANY:
		return ~0u;
	default:
		return 1u << JSON_OBJECT;
	}
}

static void spoil_type(struct walk *w, const struct schema *s, const struct place *at)
{
	static const char *const values[] = {"null", "true", "7", "1.5", "'text'", "[]", "{}"};
	unsigned int takes = takes_types(s);

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		json_t *bad = codec_parse("%s", values[i]);

		/* Whether null will do is not for the type to say. */
		if (json_is_null(bad) || takes & 1u << json_typeof(bad)) {
			json_decref(bad);
		} else {
			try_value(w, at, bad, E_INVALID_PARAMS, at->path);
		}
	}
}

/* @n times @unit. */
static json_t *repeat(const char *unit, size_t n)
{
	size_t len = strlen(unit);
	char *text = test_malloc(n * len + 1);
	json_t *value;

	for (size_t i = 0; i < n; i++) {
		memcpy(text + i * len, unit, len);
	}
	value = json_stringn(text, n * len);
	test_free(text);
	return value;
}

static void spoil_text(struct walk *w, const struct schema *s, const struct place *at)
{
	const char *unit = s->kind == SK_TOKEN ? "x" : "\xf0\x9f\x8c\x8d";

	if (s->max < 10000) {
		try_value(w, at, repeat(unit, (size_t)s->max + 1), E_INVALID_PARAMS, at->path);
	}
	if (s->min > 0) {
		try_value(w, at, repeat(unit, (size_t)s->min - 1), E_INVALID_PARAMS, at->path);
	}
}

static void spoil_number(struct walk *w, const struct schema *s, const struct place *at)
{
	if (s->kind == SK_NUMBER) {
		try_value(w, at, json_real((double)s->max * 1.001), E_INVALID_PARAMS, at->path);
		try_value(w, at, json_real((double)s->min - 0.001), E_INVALID_PARAMS, at->path);
	}
	if (s->max < INT64_MAX) {
		try_value(w, at, json_integer(s->max + 1), E_INVALID_PARAMS, at->path);
	}
	try_value(w, at, json_integer(s->min - 1), E_INVALID_PARAMS, at->path);
	try_value(w, at, json_integer(INT64_MIN), E_INVALID_PARAMS, at->path);
}

static void spoil_id(struct walk *w, const struct place *at)
{
	try_value(w, at, json_string(""), E_INVALID_ID, at->path);
	try_value(w, at, json_string("a/b"), E_INVALID_ID, at->path);
	try_value(w, at, json_stringn("a\0b", 3), E_INVALID_ID, at->path);
	try_value(w, at, repeat("x", 65), E_INVALID_ID, at->path);
}

static void spoil_metadata(struct walk *w, json_t *value, const struct place *at)
{
	json_t *full = json_copy(value);
	const char *key;
	json_t *member;
	void *next;
	char name[16];

	for (int i = 0; json_object_size(full) <= METADATA_PAIRS; i++) {
		snprintf(name, sizeof(name), "%d", i);
		json_object_set_new(full, name, json_string(""));
	}
	try_value(w, at, full, E_INVALID_PARAMS, at->path);
	member = repeat("x", METADATA_KEY + 1);
	try_value(w, at, json_pack("{s:s}", json_string_value(member), ""), E_INVALID_PARAMS,
		at->path);
	json_decref(member);
	json_object_foreach_safe(value, next, key, member)
	{
		struct place in = place_member(at, value, key);

		spoil_type(w, &type_text, &in);
		try_value(w, &in, json_null(), E_INVALID_PARAMS, in.path);
		try_value(
			w, &in, repeat("\xc3\xbc", METADATA_VALUE + 1), E_INVALID_PARAMS, in.path);
	}
}

static void spoil_value(struct walk *w, const struct schema *s, const struct place *at);

static void spoil_array(
	struct walk *w, const struct schema *s, json_t *value, const struct place *at)
{
	json_t *item = json_array_get(value, 0);

	if (item && s->max < 2000) {
		json_t *bad = json_array();

		for (int64_t i = 0; i <= s->max; i++) {
			json_array_append(bad, item);
		}
		try_value(w, at, bad, E_INVALID_PARAMS, at->path);
	}
	if (s->min > 0) {
		try_value(w, at, json_array(), E_INVALID_PARAMS, at->path);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		struct place in = place_item(at, value, i);

		spoil_value(w, s->item, &in);
		if (s->item->kind != SK_ANY) {
			try_value(w, &in, json_null(), E_INVALID_PARAMS, in.path);
		}
	}
}

/* What a field that is missing, or null, is refused with; 0 where it is not. */
static int without(const struct walk *w, const struct schema_field *f, bool root, bool is_null)
{
	if (w->subject->params && root) {
		return f->flags & SF_REQUIRED ? E_MISSING_PARAM : 0;
	}
	if (f->preset.ptr) {
		return 0;
	}
	if (is_null) {
		return f->flags & SF_NULLABLE ? 0 : E_INVALID_PARAMS;
	}
	return f->flags & SF_OPTIONAL ? 0 : E_MISSING_PARAM;
}

static void spoil_field(struct walk *w, const struct schema_field *f, json_t *object,
	const struct place *in, bool root)
{
	json_t *value = json_incref(json_object_get(object, f->name));
	int code = without(w, f, root, false);

	if (code) {
		json_object_del(object, f->name);
		check(w, code, in->path);
		json_object_set(object, f->name, value);
	}
	code = without(w, f, root, true);
	if (code) {
		try_value(w, in, json_null(), code, in->path);
	}
	if (!json_is_null(value)) {
		spoil_value(w, f->type, in);
	}
	json_decref(value);
}

static void spoil_object(
	struct walk *w, const struct schema *s, json_t *value, const struct place *at)
{
	struct place unknown = place_member(at, value, "surprise");

	json_object_set_new(value, "surprise", json_null());
	check(w, E_UNKNOWN_PARAM, unknown.path);
	json_object_del(value, "surprise");
	for (size_t i = 0; i < s->n_fields; i++) {
		struct place in = place_member(at, value, s->fields[i].name);

		if (place_get(&in) && !(s->fields[i].flags & SF_IGNORED)) {
			spoil_field(w, &s->fields[i], value, &in, at == w->root);
		}
	}
}

static void spoil_map(struct walk *w, const struct schema *s, json_t *value, const struct place *at)
{
	const struct schema_variant *v = s->variants;
	const char *tag;

	if (s->kind == SK_OBJECT) {
		spoil_object(w, s, value, at);
	} else if (s->kind == SK_METADATA) {
		spoil_metadata(w, value, at);
	} else if (s->kind == SK_UNION) {
		tag = json_string_value(json_object_get(value, s->tag ? s->tag : "type"));
		while (strcmp(v->tag, tag)) {
			v++;
		}
		spoil_object(w, v->schema, value, at);
	}
}

static void spoil_value(struct walk *w, const struct schema *s, const struct place *at)
{
	json_t *value = place_get(at);

	spoil_type(w, s, at);
	switch (s->kind) {
	case SK_STRING:
	case SK_TOKEN:
		spoil_text(w, s, at);
		break;
	case SK_ID:
		spoil_id(w, at);
		break;
	case SK_INT:
	case SK_NUMBER:
		spoil_number(w, s, at);
		break;
	case SK_ENUM:
	case SK_ENUM_SET:
		try_value(w, at, json_string("no_such_name"), E_INVALID_PARAMS, at->path);
		break;
	case SK_ARRAY:
		spoil_array(w, s, value, at);
		break;
	case SK_SHORT:
		if (json_is_array(value)) {
			spoil_array(w, s->item, value, at);
		} else if (json_is_object(value)) {
			spoil_map(w, s->item, value, at);
		}
		break;
	case SK_EITHER:
		try_value(w, at, json_string("no_such_name"), E_INVALID_PARAMS, at->path);
		if (json_is_object(value)) {
			spoil_map(w, s->item, value, at);
		}
		break;
	default:
		spoil_map(w, s, value, at);
		break;
	}
}

unsigned int spoil(const struct subject *subject, json_t *value)
{
	json_t *holder = json_pack("[O]", value);
	struct place root = {.parent = holder};
	struct walk w = {.subject = subject, .root = &root};

	spoil_value(&w, subject->schema, &root);
	json_decref(holder);
	return w.n;
}
