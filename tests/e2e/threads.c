/* threads.list and threads.delete. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <string.h>

static const char *const summary_names[] = {
	"id", "object", "created_at", "last_run_at", "runs", "steps", "active_run_id", NULL};

/* The summary of @thread, the store's newest. */
static json_t *summary_of(struct wire *w, const char *thread)
{
	json_t *list = expect_ok(w, "threads.list", "{'limit':100}");

	for (size_t i = 0; i < json_array_size(field(list, "data")); i++) {
		json_t *summary = json_array_get(field(list, "data"), i);

		if (!strcmp(text(summary, "id"), thread)) {
			return summary;
		}
	}
	return NULL;
}

static void a_thread_is_summed_up(void **state)
{
	struct wire *w = wire_of(state);
	const char *first = run_in(w, "t_sum", "completed");
	const char *second = run_in(w, "t_sum", "in_progress");
	const char *third = run_new(w, "t_sum");
	json_t *summary;

	step_new(w, second);
	step_new(w, second);
	summary = summary_of(w, "t_sum");
	expect_names(summary, summary_names);
	expect_fields(summary, "{'object':'thread.summary','runs':3,'steps':2}");
	assert_string_equal(text(summary, "active_run_id"), second);
	expect_same(field(summary, "created_at"), field(run_get(w, first), "created_at"));
	expect_same(field(summary, "last_run_at"), field(run_get(w, third), "created_at"));
	run_move(w, second, "expired");
	assert_string_equal(text(summary_of(w, "t_sum"), "active_run_id"), third);
	run_move(w, third, "cancelled");
	expect_fields(summary_of(w, "t_sum"), "{'active_run_id':null,'runs':3,'steps':2}");
}

static void its_times_are_those_of_its_runs(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'old_2','thread_id':'t_old','created_at':2000}"));
	expect_fields(summary_of(w, "t_old"), "{'created_at':2000,'last_run_at':2000}");
	import_one(w, run_object("{'id':'old_1','thread_id':'t_old','created_at':1000}"));
	expect_fields(summary_of(w, "t_old"),
		"{'created_at':1000,'last_run_at':2000,'runs':2,'steps':0,'active_run_id':null}");
}

static void counts_follow_deletions(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t_count", "in_progress");

	step_new(w, id);
	run_new(w, "t_count");
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", id);
	expect_fields(summary_of(w, "t_count"), "{'runs':1,'steps':0}");
}

static void a_thread_stays_without_its_runs(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t_stay");

	expect_ok(w, "runs.delete", "{'run_id':'%s'}", id);
	expect_fields(summary_of(w, "t_stay"), "{'runs':0,'steps':0,'active_run_id':null}");
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_stay'}"), "", false);
	expect_ok(w, "threads.delete", "{'thread_id':'t_stay'}");
	assert_null(summary_of(w, "t_stay"));
}

static void threads_are_paged_by_their_age(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < 5; i++) {
		import_one(w, run_object("{'id':'page_%d','thread_id':'p%d','created_at':%d}", i, i,
				      i < 3 ? 10 : 20));
	}
	expect_list(expect_ok(w, "threads.list", "{'order':'asc','limit':2}"), "p0 p1", true);
	expect_list(expect_ok(w, "threads.list", "{'order':'asc','limit':2,'after':'p1'}"), "p2 p3",
		true);
	expect_list(expect_ok(w, "threads.list", "{'order':'asc','limit':2,'before':'p3'}"),
		"p1 p2", true);
	expect_list(expect_ok(w, "threads.list", "{'after':'p3'}"), "p2 p1 p0", false);
	expect_list(expect_ok(w, "threads.list", "{'after':'p4','before':'p1'}"), "p3 p2", false);
}

static void delete_takes_all_in_it_active_runs_included(void **state)
{
	struct wire *w = wire_of(state);
	const char *done = run_in(w, "t_del", "completed");
	const char *busy = run_in(w, "t_del", "in_progress");
	const char *step = step_new(w, busy);
	const char *other = run_new(w, "t_del2");

	expect_same(expect_ok(w, "threads.delete", "{'thread_id':'t_del'}"),
		wire_keep(
			w, codec_parse("{'id':'t_del','object':'thread.deleted','deleted':true}")));
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'%s'}", done);
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'%s'}", busy);
	expect_error(
		w, "steps.get", "not_found", NULL, "{'run_id':'%s','step_id':'%s'}", busy, step);
	expect_error(w, "runs.list", "not_found", NULL, "{'thread_id':'t_del'}");
	expect_error(w, "threads.list", "not_found", "after", "{'after':'t_del'}");
	expect_error(w, "threads.delete", "not_found", NULL, "{'thread_id':'t_del'}");
	assert_null(summary_of(w, "t_del"));
	expect_fields(run_get(w, other), "{'status':'queued'}");
}

static void a_deleted_thread_can_begin_anew(void **state)
{
	static const char create[] = "{'thread_id':'t_anew','assistant_id':'a'}";
	struct wire *w = wire_of(state);
	json_t *run;

	expect_ok(w, "runs.create", create);
	expect_ok(w, "threads.delete", "{'thread_id':'t_anew'}");
	run = expect_ok(w, "runs.create", create);
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_anew'}"), text(run, "id"), false);
	expect_fields(summary_of(w, "t_anew"), "{'runs':1}");
}

static void an_id_that_begins_with_another_is_another_thread(void **state)
{
	struct wire *w = wire_of(state);
	const char *a = run_new(w, "pre");
	const char *b = run_new(w, "prefix");
	const char *c = run_new(w, "pre-fix");

	expect_list(expect_ok(w, "runs.list", "{'thread_id':'pre'}"), a, false);
	expect_ok(w, "threads.delete", "{'thread_id':'pre'}");
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'prefix'}"), b, false);
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'pre-fix'}"), c, false);
}

static void a_large_thread_is_deleted_whole(void **state)
{
	struct wire *w = wire_of(state);
	json_t *objects = json_array();
	json_int_t runs;
	json_int_t steps;

	runs = number(expect_ok(w, "server.stats", NULL), "runs");
	steps = number(expect_ok(w, "server.stats", NULL), "steps");
	json_array_append_new(objects, run_object("{'id':'large','thread_id':'t_large'}"));
	for (int i = 1; i < 1000; i++) {
		json_array_append_new(objects,
			step_object("{'id':'large_%d','run_id':'large','thread_id':'t_large'}", i));
	}
	expect_ok_take(w, "objects.import", json_pack("{so}", "objects", objects));
	expect_fields(summary_of(w, "t_large"), "{'runs':1,'steps':999}");
	expect_ok(w, "threads.delete", "{'thread_id':'t_large'}");
	assert_int_equal(number(expect_ok(w, "server.stats", NULL), "runs"), runs);
	assert_int_equal(number(expect_ok(w, "server.stats", NULL), "steps"), steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_is_summed_up),
		cmocka_unit_test(its_times_are_those_of_its_runs),
		cmocka_unit_test(counts_follow_deletions),
		cmocka_unit_test(a_thread_stays_without_its_runs),
		cmocka_unit_test(threads_are_paged_by_their_age),
		cmocka_unit_test(delete_takes_all_in_it_active_runs_included),
		cmocka_unit_test(a_deleted_thread_can_begin_anew),
		cmocka_unit_test(an_id_that_begins_with_another_is_another_thread),
		cmocka_unit_test(a_large_thread_is_deleted_whole),
	};

	return cmocka_run_group_tests_name("threads", tests, fixture_start, fixture_stop);
}
