#include "cmocka_all.h"

#include "objects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *field(const json_t *object, const char *path)
{
	while (object && *path) {
		size_t len = strcspn(path, ".[");
		char name[128];

		if (*path == '[') {
			char *end;

			object = json_array_get(object, strtoul(path + 1, &end, 10));
			path = end + 1;
		} else {
			assert_true(len < sizeof(name));
			memcpy(name, path, len);
			name[len] = '\0';
			object = json_object_get(object, name);
			path += len;
		}
		path += *path == '.';
	}
	return (json_t *)object;
}

static char *dump(const json_t *value)
{
	return value ? json_dumps(value, JSON_ENCODE_ANY) : strdup("(absent)");
}

const char *text(const json_t *object, const char *path)
{
	const char *value = json_string_value(field(object, path));

	if (!value) {
		fail_msg("%s is no string in %s", path, dump(object));
	}
	return value;
}

json_int_t number(const json_t *object, const char *path)
{
	const json_t *value = field(object, path);

	if (!json_is_integer(value)) {
		fail_msg("%s is no integer in %s", path, dump(object));
	}
	return json_integer_value(value);
}

static bool same_members(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *member;

	if (json_object_size(a) != json_object_size(b)) {
		return false;
	}
	json_object_foreach((json_t *)a, key, member)
	{
		if (!same(member, json_object_get(b, key))) {
			return false;
		}
	}
	return true;
}

static bool same_items(const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b)) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(a); i++) {
		if (!same(json_array_get(a, i), json_array_get(b, i))) {
			return false;
		}
	}
	return true;
}

bool same(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b)) {
		return fabs(json_number_value(a) - json_number_value(b)) < 1e-9;
	}
	if (!a || !b || json_typeof(a) != json_typeof(b)) {
		return false;
	}
	if (json_is_object(a)) {
		return same_members(a, b);
	}
	return json_is_array(a) ? same_items(a, b) : json_equal(a, b);
}

void expect_same(const json_t *got, const json_t *expected)
{
	if (!same(got, expected)) {
		fail_msg("expected %s, got %s", dump(expected), dump(got));
	}
}

void expect_fields(const json_t *object, const char *expected, ...)
{
	va_list args;
	json_t *members;
	json_t *value;
	const char *path;

	va_start(args, expected);
	members = codec_vparse(expected, args);
	va_end(args);
	json_object_foreach(members, path, value)
	{
		if (!same(field(object, path), value)) {
			fail_msg("%s: expected %s, got %s", path, dump(value),
				dump(field(object, path)));
		}
	}
	json_decref(members);
}

void expect_names(const json_t *object, const char *const *names)
{
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)object, key, member)
	{
		assert_non_null(*names);
		assert_string_equal(key, *names);
		names++;
	}
	assert_null(*names);
}

/* The ids of a list's objects, joined by a space. The caller frees them. */
static char *join_ids(const json_t *data)
{
	size_t size = json_array_size(data) * 65 + 1;
	char *ids = calloc(1, size);

	for (size_t i = 0; i < json_array_size(data); i++) {
		strcat(ids, i ? " " : "");
		strcat(ids, text(json_array_get(data, i), "id"));
	}
	return ids;
}

void expect_list(const json_t *list, const char *ids, bool has_more)
{
	const json_t *data = field(list, "data");
	const json_t *last = json_array_get(data, json_array_size(data) - 1);
	char *got;

	assert_true(json_is_array(data));
	got = join_ids(data);
	assert_string_equal(got, ids);
	free(got);
	expect_fields(list, "{'object':'list','has_more':%s}", has_more ? "true" : "false");
	if (!last) {
		expect_fields(list, "{'first_id':null,'last_id':null}");
		return;
	}
	expect_same(field(list, "first_id"), field(data, "[0].id"));
	expect_same(field(list, "last_id"), field(last, "id"));
}

void expect_now(const json_t *object, const char *path)
{
	json_int_t age = time(NULL) - number(object, path);

	if (age < -1 || age > 5) {
		fail_msg("%s is %" JSON_INTEGER_FORMAT " s ago", path, age);
	}
}

const char *repeated(struct wire *wire, const char *unit, size_t n)
{
	size_t len = strlen(unit);
	char *bytes = malloc(n * len + 1);
	json_t *value;

	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++) {
		memcpy(bytes + i * len, unit, len);
	}
	value = json_stringn(bytes, n * len);
	free(bytes);
	return json_string_value(wire_keep(wire, value));
}
