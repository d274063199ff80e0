/* changes.list: what is told of each write, by whom, and page by page. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#include <stdio.h>

#define SEQ "%" JSON_INTEGER_FORMAT
#define CREATED "thread.run.created nil queued client"
#define BEGUN CREATED "; thread.run.in_progress queued in_progress client"
#define STEP_CREATED "; thread.run.step.created nil in_progress client"

static void a_life_under_a_lease_is_told_in_full(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "life", 60000);
	const char *step = work_step(w, &lease);

	expect_ok(w, "steps.update",
		"{'run_id':'%s','step_id':'%s','lease':'%s','metadata':{'k':'v'}}", lease.run, step,
		lease.token);
	expect_ok(w, "steps.update",
		"{'run_id':'%s','step_id':'%s','lease':'%s','status':'completed'}", lease.run, step,
		lease.token);
	expect_ok(w, "runs.update", "{'run_id':'%s','lease':'%s','metadata':{'k':'v'}}", lease.run,
		lease.token);
	expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'k':'w'}}", lease.run);
	work_release(w, &lease);
	lease = work_lease(work_claim(w, "w2", "life", ""));
	work_move(w, &lease, "completed");
	history_expect(w, 0, lease.run,
		CREATED "; thread.run.in_progress queued in_progress w"
			"; thread.run.step.created nil in_progress w"
			"; thread.run.step.updated in_progress in_progress w"
			"; thread.run.step.completed in_progress completed w"
			"; thread.run.updated in_progress in_progress w"
			"; thread.run.updated in_progress in_progress client"
			"; thread.run.queued in_progress queued w"
			"; thread.run.in_progress queued in_progress w2"
			"; thread.run.completed in_progress completed w2");
}

static void every_status_of_a_run_has_its_event(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 5; i < N_STATUSES; i++) {
		const char *run = run_in(w, "t_status", run_statuses[i]);
		char expected[256];

		snprintf(expected, sizeof(expected), BEGUN "; thread.run.%s in_progress %s client",
			run_statuses[i], run_statuses[i]);
		history_expect(w, 0, run, expected);
	}
	history_expect(w, 0, run_in(w, "t_status", "cancelled"),
		BEGUN "; thread.run.cancelling in_progress cancelling client"
		      "; thread.run.cancelled cancelling cancelled client");
}

static void every_status_of_a_step_has_its_event(void **state)
{
	static const char *const statuses[] = {"completed", "failed", "cancelled", "expired"};
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_steps", "in_progress");

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		json_int_t last = history_last(w);
		const char *step = step_new(w, run);
		char expected[256];

		expect_ok(w, "steps.update", "{'run_id':'%s','step_id':'%s','status':'%s'%s}", run,
			step, statuses[i], status_demands(statuses[i]));
		snprintf(expected, sizeof(expected),
			"thread.run.step.created nil in_progress client; "
			"thread.run.step.%s in_progress %s client",
			statuses[i], statuses[i]);
		history_expect(w, last, run, expected);
	}
}

static void cancels_are_told_by_what_they_did(void **state)
{
	struct wire *w = wire_of(state);
	const char *queued = run_new(w, "t_cancel"), *begun = run_in(w, "t_cancel", "in_progress");

	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", queued);
	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", begun);
	history_expect(w, 0, queued, CREATED "; thread.run.cancelled queued cancelled client");
	history_expect(w, 0, begun, BEGUN "; thread.run.cancelling in_progress cancelling client");
}

static void changes_of_steps_come_before_those_of_their_run(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_before", "in_progress");

	run_move(w, run, "requires_action");
	expect_ok(w, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'o'}]}", run);
	run_move(w, run, "in_progress");
	step_new(w, run);
	run_move(w, run, "failed");
	history_expect(w, 0, run,
		BEGUN STEP_CREATED "; thread.run.requires_action in_progress requires_action client"
				   "; thread.run.step.completed in_progress completed client"
				   "; thread.run.queued requires_action queued client"
				   "; thread.run.in_progress queued in_progress client" STEP_CREATED
				   "; thread.run.step.failed in_progress failed client"
				   "; thread.run.failed in_progress failed client");
}

static void expiry_is_told_by_the_daemon(void **state)
{
	struct wire *w = wire_of(state);
	const char *run =
		text(expect_ok(w, "runs.create",
			     "{'thread_id':'t_expiry','assistant_id':'a','expires_in':3}"),
			"id");

	run_move(w, run, "in_progress");
	step_new(w, run);
	run_await(w, run, "expired", 10000);
	history_expect(w, 0, run,
		BEGUN STEP_CREATED "; thread.run.step.expired in_progress expired daemon"
				   "; thread.run.expired in_progress expired daemon");
}

static void imports_are_told_as_such(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);

	import_one(w, run_object("{'id':'imp'}"));
	import_one(w, step_object("{'id':'imp_step','run_id':'imp'}"));
	/* The same again is no change. */
	import_one(w, run_object("{'id':'imp'}"));
	history_expect(w, last, "imp",
		"thread.run.imported nil completed client; "
		"thread.run.step.imported nil completed client");
	assert_int_equal(history_last(w), last + 2);
}

/* The last change of @run. */
static json_t *last_change(struct wire *w, const char *run)
{
	json_t *changes = history_since(w, 0, ",'run_id':'%s'", run);

	assert_true(json_array_size(changes) > 0);
	return json_array_get(changes, json_array_size(changes) - 1);
}

static void a_deletion_is_told_after_all_else(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_delete", "in_progress");
	json_t *change;

	step_new(w, run);
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", run);
	change = last_change(w, run);
	expect_fields(change,
		"{'event':'thread.run.deleted','from':'in_progress','to':null,'by':'client',"
		"'thread_id':'t_delete','step_id':null}");
	assert_int_equal(
		history_count(history_since(w, 0, ",'run_id':'%s'", run), "thread.run.deleted"), 1);
}

static void the_deletion_of_a_thread_is_that_of_its_runs(void **state)
{
	struct wire *w = wire_of(state);
	json_t *changes;

	for (int i = 0; i < 3; i++) {
		run_new(w, "t_gone");
	}
	expect_ok(w, "threads.delete", "{'thread_id':'t_gone'}");
	changes = history_since(w, 0, ",'thread_id':'t_gone'");
	assert_int_equal(history_count(changes, "thread.run.created"), 3);
	assert_int_equal(history_count(changes, "thread.run.deleted"), 3);
}

static void a_change_says_what_when_and_where(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t began = unix_ms();
	const char *run = run_in(w, "t_form", "in_progress"), *step = step_new(w, run);
	json_t *changes = history_since(w, 0, ",'run_id':'%s'", run);

	assert_int_equal(json_array_size(changes), 3);
	for (int i = 0; i < 3; i++) {
		json_t *change = json_array_get(changes, (size_t)i);

		assert_int_equal(json_object_size(change), 9);
		expect_fields(change, "{'thread_id':'t_form','run_id':'%s','by':'client'}", run);
		assert_in_range(number(change, "at_ms"), began - 1000, unix_ms() + 1000);
		assert_true(i == 2 || json_is_null(field(change, "step_id")));
	}
	expect_fields(changes, "{'[0].from':null,'[0].to':'queued','[2].step_id':'%s'}", step);
}

static void seqs_grow_by_one_from_page_to_page(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t after = history_last(w), first = after;

	for (int i = 0; i < 10; i++) {
		run_in(w, "t_pages", "failed");
	}
	for (int n = 30; n > 0; n -= 7) {
		json_t *page = expect_ok(w, "changes.list", "{'after':" SEQ ",'limit':7}", after);
		size_t size = json_array_size(field(page, "changes"));

		assert_int_equal(size, n < 7 ? n : 7);
		expect_fields(page, "{'truncated':false}");
		for (size_t i = 0; i < size; i++) {
			assert_int_equal(
				number(json_array_get(field(page, "changes"), i), "seq"), ++after);
		}
		assert_int_equal(number(page, "last_seq"), after);
	}
	assert_int_equal(after, first + 30);
	expect_fields(expect_ok(w, "changes.list", "{'after':" SEQ "}", after),
		"{'changes':[],'last_seq':" SEQ ",'truncated':false}", after);
	assert_int_equal(number(expect_ok(w, "server.info", NULL), "last_seq"), after);
}

static void without_after_they_come_from_the_first(void **state)
{
	struct wire *w = wire_of(state);

	run_new(w, "t_first");
	expect_fields(expect_ok(w, "changes.list", NULL), "{'changes[0].seq':1}");
	expect_same(expect_ok(w, "changes.list", "{'after':null,'limit':null}"),
		expect_ok(w, "changes.list", "{'after':0,'limit':100}"));
}

static void a_page_has_a_hundred_changes_unless_asked_for_more(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);

	work_new_many(w, "hundreds", 150);
	assert_int_equal(
		json_array_size(
			field(expect_ok(w, "changes.list", "{'after':" SEQ "}", last), "changes")),
		100);
	assert_int_equal(json_array_size(field(expect_ok(w, "changes.list",
						       "{'after':" SEQ ",'limit':1000}", last),
				 "changes")),
		150);
}

static void filters_leave_out_what_does_not_match(void **state)
{
	static const char list[] = "{'after':0,'limit':1000,%s}";
	struct wire *w = wire_of(state);
	const char *a = run_in(w, "t_a", "in_progress"), *b = run_new(w, "t_b");
	char filter[128];
	json_t *page;

	step_new(w, a);
	page = expect_ok(w, "changes.list", list, "'thread_id':'t_a'");
	assert_int_equal(json_array_size(field(page, "changes")), 3);
	expect_same(field(page, "last_seq"), field(page, "changes[2].seq"));
	page = expect_ok(w, "changes.list", list, "'thread_id':'t_b'");
	assert_int_equal(json_array_size(field(page, "changes")), 1);
	expect_fields(page, "{'changes[0].run_id':'%s'}", b);
	snprintf(filter, sizeof(filter), "'run_id':'%s'", b);
	expect_same(expect_ok(w, "changes.list", list, filter), page);
	snprintf(filter, sizeof(filter), "'thread_id':'t_a','run_id':'%s'", b);
	page = expect_ok(w, "changes.list", list, filter);
	assert_int_equal(json_array_size(field(page, "changes")), 0);
	page = expect_ok(w, "changes.list", "{'thread_id':'t_a','limit':1}");
	assert_int_equal(json_array_size(field(page, "changes")), 1);
	expect_same(field(page, "last_seq"), field(page, "changes[0].seq"));
}

static void what_matches_nothing_is_an_empty_list_and_the_last_seq(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t last;

	run_new(w, "t_none");
	last = number(expect_ok(w, "server.info", NULL), "last_seq");
	for (int i = 0; i < 2; i++) {
		expect_fields(expect_ok(w, "changes.list",
				      i ? "{'thread_id':'unknown'}" : "{'run_id':'unknown'}"),
			"{'changes':[],'last_seq':" SEQ ",'truncated':false}", last);
	}
}

static void what_is_refused_undone_or_repeated_is_no_change(void **state)
{
	static const char create[] =
		"{'thread_id':'t_refused','assistant_id':'a','idempotency_key':'once'}";
	struct wire *w = wire_of(state);
	json_int_t last;

	expect_ok(w, "runs.create", create);
	last = history_last(w);
	expect_ok(w, "runs.create", create);
	expect_error(w, "runs.create", "run_active", NULL,
		"{'thread_id':'t_refused','assistant_id':'a'}");
	expect_error(w, "batch", "not_found", NULL,
		"{'atomic':true,'requests':[['runs.create',{'thread_id':'t_undone',"
		"'assistant_id':'a'}],['runs.get',{'run_id':'none'}]]}");
	assert_int_equal(history_last(w), last);
	run_new(w, "t_next");
	assert_int_equal(history_last(w), last + 1);
}

static void params_out_of_bounds_are_refused(void **state)
{
	static const char *const rows[][3] = {
		{"{'after':-1}", "invalid_params", "after"},
		{"{'after':'0'}", "invalid_params", "after"},
		{"{'after':99999999}", "invalid_params", "after"},
		{"{'limit':0}", "invalid_params", "limit"},
		{"{'limit':1001}", "invalid_params", "limit"},
		{"{'wait_ms':-1}", "invalid_params", "wait_ms"},
		{"{'wait_ms':60001}", "invalid_params", "wait_ms"},
		{"{'objects':1}", "invalid_params", "objects"},
		{"{'thread_id':'a b'}", "invalid_id", "thread_id"},
		{"{'run_id':''}", "invalid_id", "run_id"},
		{"{'order':'desc'}", "unknown_param", "order"},
	};
	struct wire *w = wire_of(state);
	json_int_t last;

	run_new(w, "t_params");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(w, "changes.list", rows[i][1], rows[i][2], "%s", rows[i][0]);
	}
	last = history_last(w);
	expect_error(w, "changes.list", "invalid_params", "after", "{'after':" SEQ "}", last + 1);
	expect_ok(w, "changes.list", "{'after':" SEQ ",'limit':1}", last);
}

static void a_batch_lists_the_changes_made_in_it(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);
	json_t *reply = expect_ok(w, "batch",
		"{'requests':[['runs.create',{'thread_id':'t_batch','assistant_id':'a','id':"
		"'batched'}],['changes.list',{'after':" SEQ "}],"
		"['changes.list',{'wait_ms':1000}]]}",
		last);

	expect_fields(reply,
		"{'results[1][0]':null,'results[1][1].changes[0].run_id':'batched',"
		"'results[1][1].last_seq':" SEQ "}",
		last + 1);
	check_error("a list that waits", field(reply, "results[2][0]"), "invalid_params", NULL);
	expect_error(w, "batch", "invalid_params", "requests[0]*",
		"{'atomic':true,'requests':[['changes.list',{'wait_ms':1000}]]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_under_a_lease_is_told_in_full),
		cmocka_unit_test(every_status_of_a_run_has_its_event),
		cmocka_unit_test(every_status_of_a_step_has_its_event),
		cmocka_unit_test(cancels_are_told_by_what_they_did),
		cmocka_unit_test(changes_of_steps_come_before_those_of_their_run),
		cmocka_unit_test(expiry_is_told_by_the_daemon),
		cmocka_unit_test(imports_are_told_as_such),
		cmocka_unit_test(a_deletion_is_told_after_all_else),
		cmocka_unit_test(the_deletion_of_a_thread_is_that_of_its_runs),
		cmocka_unit_test(a_change_says_what_when_and_where),
		cmocka_unit_test(seqs_grow_by_one_from_page_to_page),
		cmocka_unit_test(without_after_they_come_from_the_first),
		cmocka_unit_test(a_page_has_a_hundred_changes_unless_asked_for_more),
		cmocka_unit_test(filters_leave_out_what_does_not_match),
		cmocka_unit_test(what_matches_nothing_is_an_empty_list_and_the_last_seq),
		cmocka_unit_test(what_is_refused_undone_or_repeated_is_no_change),
		cmocka_unit_test(params_out_of_bounds_are_refused),
		cmocka_unit_test(a_batch_lists_the_changes_made_in_it),
	};

	return cmocka_run_group_tests_name("changes", tests, fixture_start, fixture_stop);
}
