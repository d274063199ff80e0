/* limit, order, after, before: for runs of a thread, runs of all, steps of a run, threads. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <ctype.h>
#include <string.h>

#define N_OBJECTS 10

/* The ten objects are called a to j; j is the last inserted. All are of one second. */
struct page {
	const char *params;
	const char *ids; /* a letter each */
	bool has_more;
};

static const struct page pages[] = {
	{"", "jihgfedcba", false},
	{",'order':'desc'", "jihgfedcba", false},
	{",'order':'asc'", "abcdefghij", false},
	{",'order':null,'limit':null,'after':null,'before':null", "jihgfedcba", false},
	{",'limit':100", "jihgfedcba", false},
	{",'limit':10", "jihgfedcba", false},
	{",'limit':9", "jihgfedcb", true},
	{",'limit':1", "j", true},
	{",'order':'asc','limit':3", "abc", true},
	{",'order':'asc','limit':3,'after':'c'", "def", true},
	{",'order':'asc','limit':3,'after':'g'", "hij", false},
	{",'order':'asc','limit':3,'after':'h'", "ij", false},
	{",'order':'asc','limit':3,'after':'j'", "", false},
	{",'limit':3,'after':'g'", "fed", true},
	{",'limit':3,'after':'d'", "cba", false},
	{",'limit':3,'after':'a'", "", false},
	/* before alone: the page that precedes it, has_more if something precedes the page. */
	{",'order':'asc','limit':3,'before':'f'", "cde", true},
	{",'order':'asc','limit':3,'before':'d'", "abc", false},
	{",'order':'asc','limit':3,'before':'c'", "ab", false},
	{",'order':'asc','limit':3,'before':'a'", "", false},
	{",'limit':3,'before':'e'", "hgf", true},
	{",'limit':3,'before':'g'", "jih", false},
	{",'limit':3,'before':'j'", "", false},
	{",'before':'a'", "jihgfedcb", false},
	/* Both: the first of what is between. */
	{",'order':'asc','after':'b','before':'g'", "cdef", false},
	{",'order':'asc','limit':2,'after':'b','before':'g'", "cd", true},
	{",'order':'asc','limit':4,'after':'b','before':'g'", "cdef", false},
	{",'limit':2,'after':'h','before':'c'", "gf", true},
	{",'limit':2,'after':'e','before':'c'", "d", false},
	{",'after':'d','before':'c'", "", false},
	{",'after':'d','before':'d'", "", false},
	{",'after':'c','before':'f'", "", false},
};

/* A method that lists the ten, the member that selects them, and how their ids are spelled. */
struct subject {
	const char *method;
	const char *scope;
	const char *id;
};

static const struct subject runs = {"runs.list", "'thread_id':'t_list'", "run_%c"};
static const struct subject everything = {"runs.list", "'model':'all'", "run_%c"};
static const struct subject steps = {"steps.list", "'run_id':'run_a'", "step_%c"};
static const struct subject threads = {"threads.list", NULL, NULL};

/* The same text with every quoted single letter spelled as an id. */
static void spell(const char *letters, const char *format, bool quoted, char *out, size_t size)
{
	size_t len = 0;

	for (const char *at = letters; *at && len < size; at++) {
		bool is_id = quoted ? at > letters && islower((unsigned char)*at) &&
					      at[-1] == '\'' && at[1] == '\''
				    : true;

		if (!is_id) {
			out[len++] = *at;
			continue;
		}
		if (!quoted && at > letters) {
			out[len++] = ' ';
		}
		len += (size_t)snprintf(out + len, size - len, format, *at);
	}
	out[len < size ? len : size - 1] = '\0';
}

static void check_pages(struct wire *w, const struct subject *subject)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		char params[256];
		char ids[256];

		spell(pages[i].params, subject->id, true, params, sizeof(params));
		spell(pages[i].ids, subject->id, false, ids, sizeof(ids));
		print_message("# %s %s\n", subject->method, pages[i].params);
		expect_list(expect_ok(w, subject->method, "{%s%s}", subject->scope, params), ids,
			pages[i].has_more);
	}
}

/* Walk page by page of @limit; the ids found, joined by a space, are @ids. */
static void check_walk(struct wire *w, const struct subject *subject, int limit)
{
	char after[96] = "";
	char got[256] = "";
	char ids[256];
	json_t *list;

	spell("jihgfedcba", subject->id, false, ids, sizeof(ids));
	do {
		const json_t *data;

		list = expect_ok(
			w, subject->method, "{%s,'limit':%d%s}", subject->scope, limit, after);
		data = field(list, "data");
		for (size_t i = 0; i < json_array_size(data); i++) {
			strcat(strcat(got, *got ? " " : ""), text(json_array_get(data, i), "id"));
		}
		snprintf(after, sizeof(after), ",'after':'%s'", text(list, "last_id"));
	} while (json_is_true(field(list, "has_more")));
	assert_string_equal(got, ids);
}

static int start(void **state)
{
	json_t *objects = json_array();

	fixture_start(state);
	for (int i = 0; i < N_OBJECTS; i++) {
		json_array_append_new(objects,
			run_object("{'id':'run_%c','thread_id':'t_list','model':'all'}", 'a' + i));
	}
	for (int i = 0; i < N_OBJECTS; i++) {
		json_array_append_new(objects,
			step_object(
				"{'id':'step_%c','run_id':'run_a','thread_id':'t_list'}", 'a' + i));
	}
	expect_ok_take(wire_of(state), "objects.import", json_pack("{so}", "objects", objects));
	return 0;
}

static void runs_of_a_thread_are_paged(void **state)
{
	check_pages(wire_of(state), &runs);
	for (int limit = 1; limit <= N_OBJECTS; limit++) {
		check_walk(wire_of(state), &runs, limit);
	}
}

static void runs_of_all_threads_are_paged(void **state)
{
	check_pages(wire_of(state), &everything);
	check_walk(wire_of(state), &everything, 3);
}

static void steps_of_a_run_are_paged(void **state)
{
	check_pages(wire_of(state), &steps);
	check_walk(wire_of(state), &steps, 3);
}

static void the_default_limit_is_twenty(void **state)
{
	struct wire *w = wire_of(state);
	json_t *list;

	for (int i = 0; i < 21; i++) {
		run_new(w, "t_default");
	}
	list = expect_ok(w, "runs.list", "{'thread_id':'t_default'}");
	assert_int_equal(json_array_size(field(list, "data")), 20);
	expect_fields(list, "{'has_more':true}");
}

static void time_comes_before_insertion(void **state)
{
	struct wire *w = wire_of(state);
	static const int times[] = {300, 100, 200, 100, 300};

	for (int i = 0; i < 5; i++) {
		import_one(w, run_object("{'id':'time_%d','thread_id':'t_time','created_at':%d}", i,
				      times[i]));
	}
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_time','order':'asc'}"),
		"time_1 time_3 time_2 time_0 time_4", false);
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_time','limit':2,'after':'time_4'}"),
		"time_0 time_2", true);
}

static void an_update_does_not_move_an_object(void **state)
{
	struct wire *w = wire_of(state);
	char ids[160];
	const char *first = run_new(w, "t_still");
	const char *second = run_new(w, "t_still");

	snprintf(ids, sizeof(ids), "%s %s", first, second);
	run_move(w, first, "in_progress");
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_still','order':'asc'}"), ids, false);
}

static void what_is_written_between_two_pages_is_neither_skipped_nor_repeated(void **state)
{
	static const char list[] = "{'thread_id':'t_between','order':'asc','limit':2%s}";
	struct wire *w = wire_of(state);

	for (int i = 0; i < 4; i++) {
		import_one(w, run_object("{'id':'b_%d','thread_id':'t_between'}", i));
	}
	expect_list(expect_ok(w, "runs.list", list, ""), "b_0 b_1", true);
	expect_ok(w, "runs.delete", "{'run_id':'b_0'}");
	import_one(w, run_object("{'id':'b_4','thread_id':'t_between'}"));
	expect_ok(w, "runs.update", "{'run_id':'b_2','metadata':{'a':'b'}}");
	expect_list(expect_ok(w, "runs.list", list, ",'after':'b_1'"), "b_2 b_3", true);
	expect_list(expect_ok(w, "runs.list", list, ",'after':'b_3'"), "b_4", false);
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
		{"'after':1", "invalid_params|invalid_id", "after"}};
	static const struct subject *const subjects[] = {&runs, &everything, &steps, &threads};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t j = 0; j < 4; j++) {
			const char *scope = subjects[j]->scope;

			expect_error(wire_of(state), subjects[j]->method, rows[i][1], rows[i][2],
				"{%s%s%s}", scope ? scope : "", scope ? "," : "", rows[i][0]);
		}
	}
}

static void an_unknown_cursor_is_not_found(void **state)
{
	static const struct subject *const subjects[] = {&runs, &everything, &steps};
	static const char *const cursors[] = {"after", "before"};
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < 3; j++) {
			expect_error(w, subjects[j]->method, "not_found", cursors[i],
				"{%s,'%s':'nobody'}", subjects[j]->scope, cursors[i]);
		}
		expect_error(
			w, "threads.list", "not_found", cursors[i], "{'%s':'nobody'}", cursors[i]);
	}
}

static void a_cursor_of_another_thread_or_run_is_not_found(void **state)
{
	struct wire *w = wire_of(state);
	const char *other = run_in(w, "t_elsewhere", "in_progress");
	const char *step = step_new(w, other);

	expect_error(
		w, "runs.list", "not_found", "after", "{'thread_id':'t_list','after':'%s'}", other);
	expect_error(w, "runs.list", "not_found", "before", "{'thread_id':'t_list','before':'%s'}",
		other);
	expect_error(
		w, "steps.list", "not_found", "after", "{'run_id':'run_a','after':'%s'}", step);
	expect_error(
		w, "steps.list", "not_found", "after", "{'run_id':'%s','after':'step_a'}", other);
	expect_error(w, "steps.list", "not_found", "before", "{'run_id':'run_a','before':'run_a'}");
}

static void a_cursor_whose_object_was_deleted_is_not_found(void **state)
{
	struct wire *w = wire_of(state);
	const char *gone = run_new(w, "t_gone");

	run_new(w, "t_gone");
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", gone);
	expect_error(
		w, "runs.list", "not_found", "after", "{'thread_id':'t_gone','after':'%s'}", gone);
	expect_error(w, "runs.list", "not_found", "before", "{'before':'%s'}", gone);
}

static void an_empty_list_has_no_first_and_no_last(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t_empty");

	expect_list(expect_ok(w, "steps.list", "{'run_id':'%s'}", id), "", false);
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", id);
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_empty'}"), "", false);
}

static void a_list_of_an_unknown_thread_is_not_found(void **state)
{
	expect_error(
		wire_of(state), "runs.list", "not_found", "thread_id", "{'thread_id':'t_nowhere'}");
}

static void the_longest_ids_are_listed_and_deleted(void **state)
{
	struct wire *w = wire_of(state);
	const char *thread = repeated(w, "T", 64);
	const char *run = repeated(w, "R", 64);
	const char *step = repeated(w, "S", 64);

	expect_ok(w, "runs.create", "{'thread_id':'%s','id':'%s','assistant_id':'%s'}", thread, run,
		repeated(w, "A", 64));
	run_move(w, run, "in_progress");
	expect_ok(w, "steps.create",
		"{'run_id':'%s','id':'%s','type':'message_creation','step_details':{'type':"
		"'message_creation','message_creation':{'message_id':'m'}}}",
		run, step);
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'%s'}", thread), run, false);
	expect_list(expect_ok(w, "steps.list", "{'run_id':'%s'}", run), step, false);
	expect_list(
		expect_ok(w, "steps.list", "{'run_id':'%s','after':'%s'}", run, step), "", false);
	expect_ok(w, "threads.delete", "{'thread_id':'%s'}", thread);
	expect_error(
		w, "steps.get", "not_found", NULL, "{'run_id':'%s','step_id':'%s'}", run, step);
}

static void listed_objects_are_whole(void **state)
{
	struct wire *w = wire_of(state);
	json_t *list = expect_ok(w, "runs.list", "{'thread_id':'t_list','limit':1}");

	expect_same(field(list, "data[0]"), run_get(w, "run_j"));
	list = expect_ok(w, "steps.list", "{'run_id':'run_a','limit':1}");
	expect_same(field(list, "data[0]"), step_get(w, "run_a", "step_j"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_of_a_thread_are_paged),
		cmocka_unit_test(runs_of_all_threads_are_paged),
		cmocka_unit_test(steps_of_a_run_are_paged),
		cmocka_unit_test(the_default_limit_is_twenty),
		cmocka_unit_test(time_comes_before_insertion),
		cmocka_unit_test(an_update_does_not_move_an_object),
		cmocka_unit_test(what_is_written_between_two_pages_is_neither_skipped_nor_repeated),
		cmocka_unit_test(bad_list_params_are_refused),
		cmocka_unit_test(an_unknown_cursor_is_not_found),
		cmocka_unit_test(a_cursor_of_another_thread_or_run_is_not_found),
		cmocka_unit_test(a_cursor_whose_object_was_deleted_is_not_found),
		cmocka_unit_test(an_empty_list_has_no_first_and_no_last),
		cmocka_unit_test(a_list_of_an_unknown_thread_is_not_found),
		cmocka_unit_test(the_longest_ids_are_listed_and_deleted),
		cmocka_unit_test(listed_objects_are_whole),
	};

	return cmocka_run_group_tests_name("lists", tests, start, fixture_stop);
}
