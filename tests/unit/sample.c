#include "tests/support/cmocka_all.h"

#include "tests/unit/sample.h"

/* A string of @n characters, some of more than one byte. */
static json_t *sample_text(struct rng *rng, uint32_t n, bool ascii)
{
	static const char *const wide[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d", "\n"};
	char text[4 * 600 + 1] = "";
	size_t len = 0;

	for (uint32_t i = 0; i < n && i < 600; i++) {
		char c[2] = {(char)('a' + rng_below(rng, 26)), '\0'};
		const char *add = !ascii && rng_once_in(rng, 5) ? wide[rng_below(rng, 4)] : c;

		memcpy(text + len, add, strlen(add));
		len += strlen(add);
	}
	return json_stringn(text, len);
}

/* A length or a number from @min to @max, often one of the two. */
static int64_t sample_between(struct rng *rng, int64_t min, int64_t max)
{
	uint64_t span = (uint64_t)max - (uint64_t)min;

	switch (rng_below(rng, 4)) {
	case 0:
		return min;
	case 1:
		return max;
	default:
		return (int64_t)((uint64_t)min + (span ? rng_next(rng) % span : 0));
	}
}

static json_t *sample_string(const struct schema *s, struct rng *rng)
{
	int64_t max = s->max > 600 ? rng_below(rng, 20) : s->max;

	return sample_text(rng, (uint32_t)sample_between(rng, s->min, max < s->min ? s->min : max),
		s->kind == SK_TOKEN);
}

static json_t *sample_name(const struct schema *s, struct rng *rng)
{
	uint32_t n = 0;

	while (s->names[n]) {
		n++;
	}
	return json_string(s->names[rng_below(rng, n)]);
}

static json_t *sample_object(const struct schema *s, struct rng *rng)
{
	json_t *object = json_object();

	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema_field *f = &s->fields[i];
		bool may_miss = f->preset.ptr || (f->flags & SF_OPTIONAL);
		bool may_be_null = f->preset.ptr || (f->flags & (SF_NULLABLE | SF_IGNORED));

		if (may_miss && rng_once_in(rng, 4)) {
			continue;
		}
		if (may_be_null && rng_once_in(rng, 6)) {
			json_object_set_new(object, f->name, json_null());
		} else {
			json_object_set_new(object, f->name, sample(f->type, rng));
		}
	}
	return object;
}

static json_t *sample_array(const struct schema *s, struct rng *rng)
{
	int64_t max = s->max < s->min + 3 ? s->max : s->min + 3;
	int64_t n = sample_between(rng, s->min, max);
	json_t *array = json_array();

	for (int64_t i = 0; i < n; i++) {
		json_array_append_new(array, sample(s->item, rng));
	}
	return array;
}

static json_t *sample_metadata(struct rng *rng)
{
	uint32_t n = rng_once_in(rng, 8) ? METADATA_PAIRS : rng_below(rng, 4);
	json_t *object = json_object();

	for (uint32_t i = 0; i < n; i++) {
		uint32_t size = rng_once_in(rng, 8) ? METADATA_VALUE : rng_below(rng, 10);
		char key[80];

		snprintf(key, sizeof(key), "key_%u%.*s", i, (int)rng_below(rng, 54),
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		json_object_set_new(object, key, sample_text(rng, size, false));
	}
	return object;
}

/* What JSON can say, in any order and depth. */
static json_t *sample_any(struct rng *rng, unsigned int depth)
{
	json_t *value;

	switch (rng_below(rng, depth ? 7 : 5)) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(rng_once_in(rng, 2));
	case 2:
		return json_integer((json_int_t)rng_next(rng) >> rng_below(rng, 64));
	case 3:
		return json_real((double)rng_below(rng, 1000) / 16);
	case 4:
		return sample_text(rng, rng_below(rng, 40), false);
	case 5:
		value = json_array();
		for (uint32_t n = rng_below(rng, 4); n > 0; n--) {
			json_array_append_new(value, sample_any(rng, depth - 1));
		}
		return value;
	default:
		value = json_object();
		json_object_set_new(value, "type", sample_any(rng, depth - 1));
		json_object_set_new(value, "a", sample_any(rng, depth - 1));
		return value;
	}
}

json_t *sample(const struct schema *s, struct rng *rng)
{
	const struct schema_variant *v = s->variants;
	json_t *map;

	switch (s->kind) {
	case SK_STRING:
	case SK_TOKEN:
		return sample_string(s, rng);
	case SK_ID:
		return sample_text(rng, 1 + rng_below(rng, 64), true);
	case SK_INT:
		return json_integer(sample_between(rng, s->min, s->max));
	case SK_NUMBER:
		return rng_once_in(rng, 2) ? json_integer(sample_between(rng, s->min, s->max))
					   : json_real((double)s->max / (1 + rng_below(rng, 9)));
	case SK_BOOL:
		return json_boolean(rng_once_in(rng, 2));
	case SK_ENUM:
		return sample_name(s, rng);
	case SK_OBJECT:
		return sample_object(s, rng);
	case SK_UNION:
		while (v[1].tag && !rng_once_in(rng, 3)) {
			v++;
		}
		return sample(v->schema, rng);
	case SK_ARRAY:
		return sample_array(s, rng);
	case SK_METADATA:
		return sample_metadata(rng);
	case SK_MAP:
		map = json_object();
		json_object_set_new(map, "x", sample_any(rng, 3));
		return map;
	case SK_EITHER:
		return rng_once_in(rng, 2) ? sample_name(s, rng) : sample(s->item, rng);
	case SK_SHORT:
		return rng_once_in(rng, 2) ? sample_text(rng, rng_below(rng, 20), false)
					   : sample(s->item, rng);
	case SK_ENUM_SET:
		map = rng_once_in(rng, 2) ? sample_name(s, rng)
					  : json_pack("[o]", sample_name(s, rng));
		return map;
	default:
		return sample_any(rng, 3);
	}
}

static bool same_number(const json_t *a, const json_t *b)
{
	return json_is_number(a) && json_is_number(b) &&
	       (json_is_integer(a) && json_is_integer(b)
			       ? json_integer_value(a) == json_integer_value(b)
			       : json_number_value(a) == json_number_value(b));
}

static void assert_packed(const json_t *value, struct slice bytes)
{
	struct buf b = {0};

	assert_non_null(value);
	pack(&b, value);
	assert_bytes(buf_slice(&b), bytes);
	buf_finish(&b);
}

static void assert_value(const struct schema *s, const json_t *given, const json_t *canonical);

static void assert_object(const struct schema *s, const json_t *given, const json_t *canonical)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema_field *f = &s->fields[i];
		json_t *value = json_object_get(given, f->name);
		json_t *got = json_object_get(canonical, f->name);

		n += got != NULL;
		if (f->flags & SF_IGNORED) {
			assert_null(got);
		} else if (value && !json_is_null(value)) {
			assert_value(f->type, value, got);
		} else if (f->preset.ptr) {
			assert_packed(got, f->preset);
		} else {
			assert_true(value ? json_is_null(got) : !got);
		}
	}
	assert_int_equal(json_object_size(canonical), n);
}

/* A string alone became what it stands for. */
static void assert_long_form(const struct schema *s, const json_t *given, const json_t *canonical)
{
	struct buf b = {0};

	buf_put(&b, s->before);
	mp_put_cstr(&b, json_string_value(given));
	buf_put(&b, s->after);
	assert_packed(canonical, buf_slice(&b));
	buf_finish(&b);
}

static void assert_value(const struct schema *s, const json_t *given, const json_t *canonical)
{
	const struct schema_variant *v = s->variants;
	const char *tag;

	assert_non_null(canonical);
	if (s->kind == SK_OBJECT) {
		assert_object(s, given, canonical);
	} else if (s->kind == SK_UNION) {
		tag = json_string_value(json_object_get(given, s->tag ? s->tag : "type"));
		while (strcmp(v->tag, tag)) {
			v++;
		}
		assert_value(v->schema, given, canonical);
	} else if (s->kind == SK_ARRAY) {
		assert_int_equal(json_array_size(given), json_array_size(canonical));
		for (size_t i = 0; i < json_array_size(given); i++) {
			assert_value(
				s->item, json_array_get(given, i), json_array_get(canonical, i));
		}
	} else if (s->kind == SK_SHORT && json_is_string(given)) {
		assert_long_form(s, given, canonical);
	} else if ((s->kind == SK_EITHER || s->kind == SK_SHORT) && !json_is_string(given)) {
		assert_value(s->item, given, canonical);
	} else if (s->kind == SK_ENUM_SET && json_is_string(given)) {
		assert_int_equal(json_array_size(canonical), 1);
		assert_true(json_equal(given, json_array_get(canonical, 0)));
	} else if (s->kind == SK_NUMBER) {
		assert_true(json_is_real(canonical));
		assert_true(same_number(given, canonical));
	} else {
		assert_true(json_equal(given, canonical));
	}
}

/* Of parameters, those that are absent or null are not there; null may set a default. */
void assert_canonical_of(
	const struct subject *subject, const json_t *given, const json_t *canonical)
{
	const struct schema *s = subject->schema;

	if (!subject->params) {
		assert_value(s, given, canonical);
		return;
	}
	for (size_t i = 0; i < s->n_fields; i++) {
		json_t *value = json_object_get(given, s->fields[i].name);
		json_t *got = json_object_get(canonical, s->fields[i].name);

		if (value && !json_is_null(value)) {
			assert_value(s->fields[i].type, value, got);
		} else {
			assert_int_equal(
				got != NULL, value && (s->fields[i].flags & SF_NULL_SET) != 0);
		}
	}
}
