#include "cmocka_all.h"

#include "history.h"

#include "objects.h"

#include <stdio.h>
#include <string.h>

json_int_t history_last(struct wire *wire)
{
	json_t *page = expect_ok(wire, "changes.list", "{'run_id':'none'}");

	assert_int_equal(json_array_size(field(page, "changes")), 0);
	return number(page, "last_seq");
}

/* Append what @page has to @all. Returns the seq of its last change. */
static json_int_t append(json_t *all, const json_t *page, json_int_t after)
{
	const json_t *changes = field(page, "changes");

	for (size_t i = 0; i < json_array_size(changes); i++) {
		json_t *change = json_array_get(changes, i);

		assert_true(number(change, "seq") > after);
		after = number(change, "seq");
		json_array_append(all, change);
	}
	return after;
}

json_t *history_since(struct wire *wire, json_int_t after, const char *members, ...)
{
	json_t *all = wire_keep(wire, json_array());
	char more[256] = "";
	va_list args;
	size_t n;

	va_start(args, members);
	if (members) {
		assert_in_range(vsnprintf(more, sizeof(more), members, args), 1, sizeof(more) - 1);
	}
	va_end(args);
	do {
		json_t *page = expect_ok(wire, "changes.list",
			"{'after':%" JSON_INTEGER_FORMAT ",'limit':1000%s}", after, more);

		n = json_array_size(field(page, "changes"));
		after = append(all, page, after);
		assert_true(!n || number(page, "last_seq") == after);
	} while (n);
	return all;
}

static const char *text_or_nil(const json_t *change, const char *name)
{
	const char *value = json_string_value(field(change, name));

	if (!value && !json_is_null(field(change, name))) {
		fail_msg("%s of a change is neither a string nor null", name);
	}
	return value ? value : "nil";
}

const char *history_text(struct wire *wire, json_int_t after, const char *run_id)
{
	json_t *changes = history_since(wire, after, ",'run_id':'%s'", run_id);
	char told[4096] = "";
	size_t len = 0;

	for (size_t i = 0; i < json_array_size(changes); i++) {
		const json_t *change = json_array_get(changes, i);
		int n = snprintf(told + len, sizeof(told) - len, "%s%s %s %s %s", i ? "; " : "",
			text(change, "event"), text_or_nil(change, "from"),
			text_or_nil(change, "to"), text(change, "by"));

		assert_in_range(n, 1, sizeof(told) - len - 1);
		len += (size_t)n;
		assert_string_equal(text(change, "run_id"), run_id);
	}
	return json_string_value(wire_keep(wire, json_string(told)));
}

void history_expect(struct wire *wire, json_int_t after, const char *run_id, const char *expected)
{
	assert_string_equal(history_text(wire, after, run_id), expected);
}

json_t *history_find(const json_t *changes, const char *event)
{
	for (size_t i = json_array_size(changes); i > 0; i--) {
		json_t *change = json_array_get(changes, i - 1);

		if (!strcmp(text(change, "event"), event)) {
			return change;
		}
	}
	fail_msg("none of %zu changes is %s", json_array_size(changes), event);
	return NULL;
}

int history_count(const json_t *changes, const char *event)
{
	int n = 0;

	for (size_t i = 0; i < json_array_size(changes); i++) {
		n += !strcmp(text(json_array_get(changes, i), "event"), event);
	}
	return n;
}
