/* assistants.list: limit, order, after and before. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <stdio.h>

#define MANY 250

/* The assistants a_0 to a_4 are there; a_4 is the last. */
static const struct page {
	const char *params;
	const char *ids;
	bool has_more;
} pages[] = {
	{"", "a_4 a_3 a_2 a_1 a_0", false},
	{"'order':'asc'", "a_0 a_1 a_2 a_3 a_4", false},
	{"'order':null,'limit':null,'after':null,'before':null", "a_4 a_3 a_2 a_1 a_0", false},
	{"'limit':2", "a_4 a_3", true},
	{"'limit':5", "a_4 a_3 a_2 a_1 a_0", false},
	{"'limit':2,'after':'a_3'", "a_2 a_1", true},
	{"'limit':2,'after':'a_2'", "a_1 a_0", false},
	{"'limit':2,'after':'a_0'", "", false},
	{"'limit':2,'before':'a_1'", "a_3 a_2", true},
	{"'limit':2,'before':'a_2'", "a_4 a_3", false},
	{"'limit':2,'before':'a_4'", "", false},
	{"'order':'asc','limit':2,'before':'a_3'", "a_1 a_2", true},
	{"'after':'a_4','before':'a_1'", "a_3 a_2", false},
	{"'limit':1,'after':'a_4','before':'a_1'", "a_3", true},
	{"'after':'a_1','before':'a_2'", "", false},
};

/* @n of them in one batch. */
static void create_many(struct wire *w, const char *prefix, int n)
{
	json_t *requests = json_array();

	for (int i = 0; i < n; i++) {
		json_array_append_new(requests,
			codec_parse("['assistants.create',{'model':'m','id':'%s%d'}]", prefix, i));
	}
	expect_ok_take(w, "batch", json_pack("{so sb}", "requests", requests, "atomic", 1));
}

static void no_assistants_are_an_empty_list(void **state)
{
	expect_list(expect_ok(wire_of(state), "assistants.list", NULL), "", false);
	expect_list(expect_ok(wire_of(state), "assistants.list", "{'limit':1}"), "", false);
}

static void assistants_are_paged(void **state)
{
	struct wire *w = wire_of(state);

	create_many(w, "a_", 5);
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		print_message("# %s\n", pages[i].params);
		expect_list(expect_ok(w, "assistants.list", "{%s}", pages[i].params), pages[i].ids,
			pages[i].has_more);
	}
}

static void listed_assistants_are_whole_and_stay_in_their_place(void **state)
{
	struct wire *w = wire_of(state);
	json_t *assistant =
		expect_ok(w, "assistants.update", "{'assistant_id':'a_2','name':'changed'}");

	expect_same(field(expect_ok(w, "assistants.list", NULL), "data[2]"), assistant);
}

static void bad_list_params_are_refused(void **state)
{
	static const char *const rows[][3] = {{"'limit':0", "invalid_params", "limit"},
		{"'limit':101", "invalid_params", "limit"},
		{"'limit':'20'", "invalid_params", "limit"},
		{"'order':'up'", "invalid_params", "order"},
		{"'after':'a b'", "invalid_id", "after"}, {"'before':''", "invalid_id", "before"},
		{"'after':1", "invalid_params|invalid_id", "after"},
		{"'model':'m'", "unknown_param", "model"},
		{"'thread_id':'t'", "unknown_param", "thread_id"},
		{"'after':'nobody'", "not_found", "after"},
		{"'before':'nobody'", "not_found", "before"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(wire_of(state), "assistants.list", rows[i][1], rows[i][2], "{%s}",
			rows[i][0]);
	}
}

static void a_cursor_must_be_an_assistant_that_is_there(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t");

	expect_error(w, "assistants.list", "not_found", "after", "{'after':'%s'}", run);
	expect_error(w, "assistants.list", "not_found", "before", "{'before':'asst_1'}");
	expect_ok(w, "assistants.delete", "{'assistant_id':'a_2'}");
	expect_error(w, "assistants.list", "not_found", "after", "{'after':'a_2'}");
	expect_error(w, "assistants.list", "not_found", "before", "{'before':'a_2'}");
	expect_list(expect_ok(w, "assistants.list", NULL), "a_4 a_3 a_1 a_0", false);
	/* Under its id there is another one later, at another place. */
	expect_ok(w, "assistants.create", "{'model':'m','id':'a_2'}");
	expect_list(expect_ok(w, "assistants.list", NULL), "a_2 a_4 a_3 a_1 a_0", false);
}

static void many_assistants_are_walked_page_by_page(void **state)
{
	struct wire *w = wire_of(state);
	char cursor[40] = "";
	json_t *list;
	int at = MANY;

	create_many(w, "m_", MANY);
	do {
		list = expect_ok(w, "assistants.list", "{'limit':7%s}", cursor);
		for (size_t i = 0; i < json_array_size(field(list, "data")) && at > 0; i++) {
			char id[16];

			snprintf(id, sizeof(id), "m_%d", --at);
			assert_string_equal(text(json_array_get(field(list, "data"), i), "id"), id);
		}
		snprintf(cursor, sizeof(cursor), ",'after':'%s'", text(list, "last_id"));
	} while (at > 0);
	assert_int_equal(json_array_size(field(expect_ok(w, "assistants.list", "{}"), "data")), 20);
	assert_int_equal(
		json_array_size(field(expect_ok(w, "assistants.list", "{'limit':100}"), "data")),
		100);
}

static void the_list_is_the_same_after_a_crash(void **state)
{
	struct fixture *fixture = *state;
	json_t *list = json_incref(expect_ok(&fixture->wire, "assistants.list", "{'limit':100}"));

	fixture_crash(fixture);
	fixture_resume(fixture);
	expect_same(expect_ok(&fixture->wire, "assistants.list", "{'limit':100}"), list);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_assistants_are_an_empty_list),
		cmocka_unit_test(assistants_are_paged),
		cmocka_unit_test(listed_assistants_are_whole_and_stay_in_their_place),
		cmocka_unit_test(bad_list_params_are_refused),
		cmocka_unit_test(a_cursor_must_be_an_assistant_that_is_there),
		cmocka_unit_test(many_assistants_are_walked_page_by_page),
		cmocka_unit_test(the_list_is_the_same_after_a_crash),
	};

	return cmocka_run_group_tests_name("assistants list", tests, fixture_start, fixture_stop);
}
