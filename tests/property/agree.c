#include "cmocka_all.h"

#include "agree.h"
#include "objects.h"
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool agree_in(
	const struct moment *t, const json_t *want, const json_t *got, const json_t *in);

/* What stands for something that only the daemon knows; @in is the object it is in. */
static bool agree_mark(
	const struct moment *t, const char *mark, const json_t *got, const json_t *in)
{
	json_int_t value = json_integer_value(got);

	if (!strncmp(mark, "@id:", 4)) {
		return json_is_string(got);
	}
	if (!strncmp(mark, "@ttl:", 5)) {
		return json_is_integer(got) &&
		       value == number(in, "created_at") + strtol(mark + 5, NULL, 10);
	}
	return json_is_integer(got) && value >= t->began - 1 && value <= t->ended;
}

static bool agree_members(const struct moment *t, const json_t *want, const json_t *got)
{
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)want, name, member)
	{
		if (!agree_in(t, member, json_object_get(got, name), got)) {
			return false;
		}
	}
	return json_is_object(got) && json_object_size(want) == json_object_size(got);
}

static bool agree_items(const struct moment *t, const json_t *want, const json_t *got)
{
	for (size_t i = 0; i < json_array_size(want); i++) {
		if (!agree(t, json_array_get(want, i), json_array_get(got, i))) {
			return false;
		}
	}
	return json_is_array(got) && json_array_size(want) == json_array_size(got);
}

static bool agree_in(
	const struct moment *t, const json_t *want, const json_t *got, const json_t *in)
{
	const char *mark = json_string_value(want);

	if (mark && *mark == '@') {
		return agree_mark(t, mark, got, in);
	}
	if (json_is_object(want)) {
		return agree_members(t, want, got);
	}
	return json_is_array(want) ? agree_items(t, want, got) : same(want, got);
}

bool agree(const struct moment *moment, const json_t *want, const json_t *got)
{
	return agree_in(moment, want, got, NULL);
}

bool agree_error(const json_t *want, const json_t *got)
{
	const char *codes = get_text(want, "code"), *code = get_text(got, "code");
	const char *param = get_text(want, "param"), *got_param = get_text(got, "param");
	char listed[200], word[64];

	if (!code || !get_text(got, "message")) {
		return false;
	}
	snprintf(listed, sizeof(listed), "|%s|", codes);
	snprintf(word, sizeof(word), "|%s|", code);
	return strstr(listed, word) &&
	       (!param || (got_param && !strncmp(param, got_param, strlen(param))));
}
