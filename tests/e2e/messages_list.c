/* messages.list: limit, order, after, before and run_id. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>

#define N_MESSAGES 10
#define MANY 1000
#define MIB ((size_t)1024 * 1024)

/* Messages of t_list are called m_a to m_j; m_j is the last. They are of one batch. */
struct page {
	const char *params;
	const char *ids; /* a letter each */
	bool has_more;
};

static const struct page pages[] = {
	{"", "jihgfedcba", false},
	{",'order':'desc'", "jihgfedcba", false},
	{",'order':'asc'", "abcdefghij", false},
	{",'order':null,'limit':null,'after':null,'before':null,'run_id':null", "jihgfedcba",
		false},
	{",'limit':100", "jihgfedcba", false},
	{",'limit':10", "jihgfedcba", false},
	{",'limit':9", "jihgfedcb", true},
	{",'limit':1", "j", true},
	{",'order':'asc','limit':3", "abc", true},
	{",'order':'asc','limit':3,'after':'m_c'", "def", true},
	{",'order':'asc','limit':3,'after':'m_g'", "hij", false},
	{",'order':'asc','limit':3,'after':'m_j'", "", false},
	{",'limit':3,'after':'m_g'", "fed", true},
	{",'limit':3,'after':'m_d'", "cba", false},
	{",'limit':3,'after':'m_a'", "", false},
	/* before alone: the page that precedes it, has_more if something precedes the page. */
	{",'order':'asc','limit':3,'before':'m_f'", "cde", true},
	{",'order':'asc','limit':3,'before':'m_d'", "abc", false},
	{",'order':'asc','limit':3,'before':'m_a'", "", false},
	{",'limit':3,'before':'m_e'", "hgf", true},
	{",'limit':3,'before':'m_g'", "jih", false},
	{",'limit':3,'before':'m_j'", "", false},
	/* Both: the first of what is between. */
	{",'order':'asc','after':'m_b','before':'m_g'", "cdef", false},
	{",'order':'asc','limit':2,'after':'m_b','before':'m_g'", "cd", true},
	{",'limit':2,'after':'m_h','before':'m_c'", "gf", true},
	{",'after':'m_d','before':'m_c'", "", false},
	{",'after':'m_d','before':'m_d'", "", false},
};

/* The same, of the messages of the run r_even: b, d, f, h and j. The others have none. */
static const struct page of_a_run[] = {
	{"", "jhfdb", false},
	{",'order':'asc'", "bdfhj", false},
	{",'limit':5", "jhfdb", false},
	{",'limit':4", "jhfd", true},
	{",'order':'asc','limit':2,'after':'m_d'", "fh", true},
	{",'order':'asc','limit':2,'after':'m_f'", "hj", false},
	/* A cursor that the filter leaves out counts by its position. */
	{",'order':'asc','limit':2,'after':'m_c'", "df", true},
	{",'order':'asc','after':'m_a'", "bdfhj", false},
	{",'order':'asc','limit':2,'after':'m_i'", "j", false},
	{",'limit':2,'after':'m_i'", "hf", true},
	{",'limit':2,'after':'m_a'", "", false},
	{",'order':'asc','limit':2,'before':'m_g'", "df", true},
	{",'order':'asc','limit':2,'before':'m_e'", "bd", false},
	{",'limit':2,'before':'m_e'", "hf", true},
	{",'limit':2,'before':'m_g'", "jh", false},
	{",'limit':2,'after':'m_i','before':'m_c'", "hf", true},
	{",'limit':2,'after':'m_e','before':'m_c'", "d", false},
	{",'after':'m_d','before':'m_c'", "", false},
};

/* Letters as the ids that they stand for, joined by a space, borrowed from the wire. */
static const char *ids_of(struct wire *w, const char *letters)
{
	char ids[N_MESSAGES * 4 + 1] = "";

	for (size_t i = 0; letters[i]; i++) {
		char id[8];

		snprintf(id, sizeof(id), "%sm_%c", i ? " " : "", letters[i]);
		strcat(ids, id);
	}
	return repeated(w, ids, 1);
}

static void check_pages(struct wire *w, const char *scope, const struct page *page, size_t n)
{
	for (; n; n--, page++) {
		print_message("# %s%s\n", scope, page->params);
		expect_list(expect_ok(w, "messages.list", "{%s%s}", scope, page->params),
			ids_of(w, page->ids), page->has_more);
	}
}

/* @n messages in @thread in one batch, under the ids PREFIX0, PREFIX1 and so on. */
static void say_many(struct wire *w, const char *thread, const char *prefix, int n)
{
	json_t *requests = json_array(), *results;

	for (int i = 0; i < n; i++) {
		json_array_append_new(requests,
			codec_parse("['messages.create',{'thread_id':'%s','role':'user','content':"
				    "'%d','id':'%s%d'}]",
				thread, i, prefix, i));
	}
	results = field(
		expect_ok_take(w, "batch", json_pack("{so sb}", "requests", requests, "atomic", 1)),
		"results");
	assert_int_equal(json_array_size(results), n);
}

static int start(void **state)
{
	struct wire *w;
	json_t *requests = json_array();

	fixture_start(state);
	w = wire_of(state);
	expect_ok(w, "runs.create",
		"{'id':'r_even','thread_id':'t_list','assistant_id':'a','on_active':'parallel'}");
	expect_ok(w, "runs.create",
		"{'id':'r_none','thread_id':'t_list','assistant_id':'a','on_active':'parallel'}");
	for (int i = 0; i < N_MESSAGES; i++) {
		json_array_append_new(requests,
			codec_parse("['messages.create',{'thread_id':'t_list','role':'assistant',"
				    "'content':'c','id':'m_%c','run_id':%s}]",
				'a' + i, i % 2 ? "'r_even'" : "null"));
	}
	expect_ok_take(w, "batch", json_pack("{so sb}", "requests", requests, "atomic", 1));
	return 0;
}

static void messages_of_a_thread_are_paged(void **state)
{
	check_pages(wire_of(state), "'thread_id':'t_list'", pages, sizeof(pages) / sizeof(*pages));
}

static void messages_of_a_run_are_paged(void **state)
{
	check_pages(wire_of(state), "'thread_id':'t_list','run_id':'r_even'", of_a_run,
		sizeof(of_a_run) / sizeof(*of_a_run));
	expect_list(expect_ok(wire_of(state), "messages.list",
			    "{'thread_id':'t_list','run_id':'r_none'}"),
		"", false);
	expect_list(expect_ok(wire_of(state), "messages.list",
			    "{'thread_id':'t_list','run_id':'r_none','after':'m_c'}"),
		"", false);
}

static void listed_messages_are_whole(void **state)
{
	struct wire *w = wire_of(state);
	json_t *list = expect_ok(w, "messages.list", "{'thread_id':'t_list','limit':1}");

	expect_names(field(list, "data[0]"), message_names);
	expect_same(field(list, "data[0]"), message_get(w, "t_list", "m_j"));
}

static void the_default_limit_is_twenty(void **state)
{
	struct wire *w = wire_of(state);
	json_t *list;

	say_many(w, "t_default", "d_", 21);
	list = expect_ok(w, "messages.list", "{'thread_id':'t_default'}");
	assert_int_equal(json_array_size(field(list, "data")), 20);
	expect_fields(list, "{'has_more':true,'first_id':'d_20','last_id':'d_1'}");
}

/*
 * Page by page of @limit through the messages w_0 to w_999: forwards with `after`, or from the
 * last one of that order with `before`.
 */
static void walk(struct wire *w, const char *scope, bool ascending, bool backward, int limit)
{
	const char *order = ascending ? "asc" : "desc", *name = backward ? "before" : "after";
	const char *edge = backward ? "first_id" : "last_id";
	/* The first page backwards is that before the list's last. */
	int at = backward ? MANY - 1 : 0;
	char cursor[64] = "";
	json_t *list;

	if (backward) {
		snprintf(cursor, sizeof(cursor), ",'before':'w_%d'", ascending ? MANY - 1 : 0);
	}
	do {
		const json_t *data;
		int n;

		list = expect_ok(w, "messages.list", "{%s,'order':'%s','limit':%d%s}", scope, order,
			limit, cursor);
		data = field(list, "data");
		n = (int)json_array_size(data);
		assert_in_range(n, 1, limit);
		at -= backward ? n : 0;
		for (int i = 0; i < n; i++) {
			char id[16];

			snprintf(id, sizeof(id), "w_%d", ascending ? at + i : MANY - 1 - (at + i));
			assert_string_equal(text(json_array_get(data, (size_t)i), "id"), id);
		}
		at += backward ? 0 : n;
		snprintf(cursor, sizeof(cursor), ",'%s':'%s'", name, text(list, edge));
	} while (json_is_true(field(list, "has_more")));
	assert_int_equal(at, backward ? 0 : MANY);
}

static void a_thousand_messages_are_paged_both_ways(void **state)
{
	static const char scope[] = "'thread_id':'t_many'";
	static const int limits[] = {100, 99, 7};
	struct wire *w = wire_of(state);

	say_many(w, "t_many", "w_", MANY);
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		for (int way = 0; way < 4; way++) {
			walk(w, scope, way & 1, way & 2, limits[i]);
		}
	}
}

static void messages_of_one_second_keep_their_order(void **state)
{
	struct wire *w = wire_of(state);
	json_t *list;
	json_int_t last = 0;

	for (int i = 0; i < 40; i++) {
		char members[32];

		snprintf(members, sizeof(members), ",'id':'o_%d'", i);
		message_say(w, "t_order", members);
	}
	list = expect_ok(w, "messages.list", "{'thread_id':'t_order','order':'asc','limit':40}");
	for (int i = 0; i < 40; i++) {
		const json_t *message = json_array_get(field(list, "data"), (size_t)i);

		assert_int_equal(atoi(text(message, "id") + 2), i);
		assert_true(number(message, "created_at") >= last);
		last = number(message, "created_at");
	}
}

static void an_update_does_not_move_a_message(void **state)
{
	static const char update[] = "{'thread_id':'t_still','message_id':'%s',%s}";
	struct wire *w = wire_of(state);

	message_open(w, "t_still", ",'id':'st_1'");
	message_say(w, "t_still", ",'id':'st_2'");
	expect_ok(w, "messages.update", update, "st_1", "'content':'Hello'");
	expect_ok(w, "messages.update", update, "st_1", "'status':'completed'");
	expect_ok(w, "messages.update", update, "st_1", "'metadata':{'a':'b'}");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_still','order':'asc'}"),
		"st_1 st_2", false);
}

static void what_is_written_between_two_pages_is_neither_skipped_nor_repeated(void **state)
{
	static const char list[] = "{'thread_id':'t_between','order':'asc','limit':2%s}";
	struct wire *w = wire_of(state);

	say_many(w, "t_between", "b_", 4);
	expect_list(expect_ok(w, "messages.list", list, ""), "b_0 b_1", true);
	expect_ok(w, "messages.delete", "{'thread_id':'t_between','message_id':'b_0'}");
	message_say(w, "t_between", ",'id':'b_4'");
	expect_ok(w, "messages.update", "{'message_id':'b_2','metadata':{'a':'b'}}");
	expect_list(expect_ok(w, "messages.list", list, ",'after':'b_1'"), "b_2 b_3", true);
	expect_list(expect_ok(w, "messages.list", list, ",'after':'b_3'"), "b_4", false);
	expect_list(expect_ok(w, "messages.list", list, ",'after':'b_4'"), "", false);
}

static void bad_list_params_are_refused(void **state)
{
	static const char *const rows[][3] = {{"'limit':0", "invalid_params", "limit"},
		{"'limit':101", "invalid_params", "limit"},
		{"'limit':-1", "invalid_params", "limit"},
		{"'limit':'20'", "invalid_params", "limit"},
		{"'limit':2.5", "invalid_params", "limit"},
		{"'order':'up'", "invalid_params", "order"},
		{"'order':1", "invalid_params", "order"}, {"'after':'a b'", "invalid_id", "after"},
		{"'before':''", "invalid_id", "before"},
		{"'after':1", "invalid_params|invalid_id", "after"},
		{"'run_id':'a/b'", "invalid_id", "run_id"},
		{"'run_id':1", "invalid_params|invalid_id", "run_id"},
		{"'role':'user'", "unknown_param", "role"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(wire_of(state), "messages.list", rows[i][1], rows[i][2],
			"{'thread_id':'t_list',%s}", rows[i][0]);
	}
	expect_error(
		wire_of(state), "messages.list", "invalid_id", "thread_id", "{'thread_id':'a b'}");
}

static void an_unknown_thread_is_not_found(void **state)
{
	json_t *error = expect_error(wire_of(state), "messages.list", "not_found", "thread_id",
		"{'thread_id':'t_nowhere'}");

	assert_string_equal(text(error, "message"), "No thread found with id 't_nowhere'.");
	expect_error(wire_of(state), "messages.list", "not_found", "thread_id",
		"{'thread_id':'t_nowhere','after':'m_a'}");
}

static void a_cursor_must_be_of_that_thread(void **state)
{
	static const char *const cursors[] = {"after", "before"};
	struct wire *w = wire_of(state);

	message_say(w, "t_other", ",'id':'m_other'");
	for (int i = 0; i < 2; i++) {
		static const char *const ids[] = {"nobody", "m_other", "r_even", "t_list"};

		for (size_t j = 0; j < sizeof(ids) / sizeof(*ids); j++) {
			expect_error(w, "messages.list", "not_found", cursors[i],
				"{'thread_id':'t_list','%s':'%s'}", cursors[i], ids[j]);
			expect_error(w, "messages.list", "not_found", cursors[i],
				"{'thread_id':'t_list','run_id':'r_even','%s':'%s'}", cursors[i],
				ids[j]);
		}
		expect_error(w, "messages.list", "not_found", cursors[i],
			"{'thread_id':'t_other','%s':'m_a'}", cursors[i]);
	}
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_other'}"), "m_other", false);
}

static void a_cursor_whose_message_was_deleted_is_not_found(void **state)
{
	struct wire *w = wire_of(state);

	say_many(w, "t_gone", "g_", 3);
	expect_ok(w, "messages.delete", "{'thread_id':'t_gone','message_id':'g_1'}");
	expect_error(
		w, "messages.list", "not_found", "after", "{'thread_id':'t_gone','after':'g_1'}");
	expect_error(
		w, "messages.list", "not_found", "before", "{'thread_id':'t_gone','before':'g_1'}");
	/* Under its id there is another one later, at another place. */
	message_say(w, "t_gone", ",'id':'g_1'");
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'t_gone','after':'g_1'}"),
		"g_2 g_0", false);
}

static void messages_of_a_deleted_run_stay_listed(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_left");
	char members[128];

	snprintf(members, sizeof(members), ",'run_id':'%s','id':'left_1'", run);
	message_open(w, "t_left", members);
	message_say(w, "t_left", ",'id':'left_2'");
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", run);
	expect_list(
		expect_ok(w, "messages.list", "{'thread_id':'t_left'}"), "left_2 left_1", false);
}

static void the_longest_ids_are_listed_and_deleted(void **state)
{
	struct wire *w = wire_of(state);
	const char *thread = repeated(w, "T", 64), *id = repeated(w, "M", 64);
	const char *run = repeated(w, "R", 64);

	expect_ok(w, "runs.create", "{'thread_id':'%s','id':'%s','assistant_id':'%s'}", thread, run,
		repeated(w, "A", 64));
	expect_ok(w, "messages.create",
		"{'thread_id':'%s','id':'%s','role':'assistant','content':'x','run_id':'%s'}",
		thread, id, run);
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'%s','run_id':'%s'}", thread, run),
		id, false);
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'%s','after':'%s'}", thread, id),
		"", false);
	expect_ok(w, "messages.delete", "{'thread_id':'%s','message_id':'%s'}", thread, id);
	expect_list(expect_ok(w, "messages.list", "{'thread_id':'%s'}", thread), "", false);
}

/* Six messages of 3 MiB are more than a reply may hold. */
static void a_list_is_cut_where_the_message_would_be_too_large(void **state)
{
	struct wire *w = wire_of(state);
	const char *filler = repeated(w, "x", 3 * MIB);
	json_t *list;
	size_t n;

	for (int i = 0; i < 6; i++) {
		expect_ok(w, "messages.create",
			"{'thread_id':'t_cut','role':'user','content':'%s','id':'c_%d'}", filler,
			i);
	}
	list = expect_ok(w, "messages.list", "{'thread_id':'t_cut','order':'asc'}");
	n = json_array_size(field(list, "data"));
	assert_in_range(n, 1, 5);
	expect_fields(list, "{'has_more':true,'first_id':'c_0','last_id':'c_%d'}", (int)n - 1);
	list = expect_ok(w, "messages.list", "{'thread_id':'t_cut','order':'asc','after':'c_%d'}",
		(int)n - 1);
	expect_fields(list, "{'has_more':false,'first_id':'c_%d','last_id':'c_5'}", (int)n);
}

static void pages_are_the_same_after_a_restart(void **state)
{
	struct fixture *fixture = *state;

	fixture_crash(fixture);
	fixture_resume(fixture);
	messages_of_a_thread_are_paged(state);
	messages_of_a_run_are_paged(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_a_thread_are_paged),
		cmocka_unit_test(messages_of_a_run_are_paged),
		cmocka_unit_test(listed_messages_are_whole),
		cmocka_unit_test(the_default_limit_is_twenty),
		cmocka_unit_test(a_thousand_messages_are_paged_both_ways),
		cmocka_unit_test(messages_of_one_second_keep_their_order),
		cmocka_unit_test(an_update_does_not_move_a_message),
		cmocka_unit_test(what_is_written_between_two_pages_is_neither_skipped_nor_repeated),
		cmocka_unit_test(bad_list_params_are_refused),
		cmocka_unit_test(an_unknown_thread_is_not_found),
		cmocka_unit_test(a_cursor_must_be_of_that_thread),
		cmocka_unit_test(a_cursor_whose_message_was_deleted_is_not_found),
		cmocka_unit_test(messages_of_a_deleted_run_stay_listed),
		cmocka_unit_test(the_longest_ids_are_listed_and_deleted),
		cmocka_unit_test(a_list_is_cut_where_the_message_would_be_too_large),
		cmocka_unit_test(pages_are_the_same_after_a_restart),
	};

	return cmocka_run_group_tests_name("messages list", tests, start, fixture_stop);
}
