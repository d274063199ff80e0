/* changes.list with objects: each object as the change left it. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#include <stdio.h>
#include <string.h>

#define SEQ "%" JSON_INTEGER_FORMAT

/* The changes of @run and its steps, with objects. */
static json_t *told(struct wire *w, const char *run)
{
	return history_since(w, 0, ",'objects':true,'run_id':'%s'", run);
}

static const json_t *object(const json_t *changes, size_t i)
{
	json_t *change = json_array_get(changes, i);

	assert_non_null(field(change, "object"));
	return field(change, "object");
}

static void expect_no_object(const json_t *changes, size_t i)
{
	assert_true(json_is_null(object(changes, i)));
}

static void a_run_is_shown_as_each_change_left_it(void **state)
{
	struct wire *w = wire_of(state);
	json_t *runs[4], *changes;
	const char *id;

	runs[0] = expect_ok(w, "runs.create",
		"{'thread_id':'t_each','assistant_id':'a','instructions':'Be kind.','model':'m'}");
	id = text(runs[0], "id");
	runs[1] = expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'k':'v'}}", id);
	runs[2] = run_move(w, id, "in_progress");
	runs[3] = run_move(w, id, "completed");
	changes = told(w, id);
	assert_int_equal(json_array_size(changes), 4);
	for (size_t i = 0; i < 4; i++) {
		expect_names(object(changes, i), run_names);
		expect_same(object(changes, i), runs[i]);
	}
}

static void a_step_is_shown_as_each_change_left_it(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_step", "in_progress"), *step = step_new(w, run);
	json_t *steps[3], *changes;

	steps[0] = step_get(w, run, step);
	steps[1] = expect_ok(w, "steps.update",
		"{'run_id':'%s','step_id':'%s','metadata':{"
		"'k':'v'}}",
		run, step);
	steps[2] = expect_ok(w, "steps.update",
		"{'run_id':'%s','step_id':'%s','status':'completed','usage':{'prompt_tokens':1,"
		"'completion_tokens':2,'total_tokens':3}}",
		run, step);
	changes = told(w, run);
	assert_int_equal(json_array_size(changes), 5);
	for (size_t i = 0; i < 3; i++) {
		expect_names(object(changes, 2 + i), step_names);
		expect_same(object(changes, 2 + i), steps[i]);
		expect_fields(json_array_get(changes, 2 + i), "{'step_id':'%s'}", step);
	}
}

static void a_claim_s_run_is_shown(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "claim", "");
	json_t *claim = work_claim(w, "w", "claim", ",'lease_ms':3600000");

	expect_same(object(told(w, id), 1), field(claim, "run"));
}

static void outputs_show_the_step_and_the_run(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_outputs", "requires_action");
	json_t *queued = expect_ok(w, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1','output':'seen'}]}", run);
	json_t *changes = told(w, run);

	assert_int_equal(json_array_size(changes), 6);
	expect_fields(object(changes, 2), "{'status':'in_progress','type':'tool_calls',"
					  "'step_details.tool_calls[0].function.output':null}");
	expect_fields(object(changes, 3), "{'status':'requires_action','required_action':%s}",
		required_action_json);
	expect_fields(object(changes, 4),
		"{'status':'completed','step_details.tool_calls[0].function.output':'seen'}");
	expect_same(object(changes, 5), queued);
}

static void one_transaction_s_changes_each_show_their_own_state(void **state)
{
	struct wire *w = wire_of(state);
	const char *step, *id = work_new(w, "loss", "");
	struct lease lease;
	json_t *changes;

	for (int i = 0; i < 2; i++) {
		lease = work_lease(work_claim(w, "w", "loss", ",'lease_ms':100"));
		work_await_loss(w, &lease);
	}
	lease = work_lease(work_claim(w, "w", "loss", ",'lease_ms':2000"));
	step = work_step(w, &lease);
	run_await(w, id, "failed", 15000);
	changes = told(w, id);
	expect_fields(history_find(changes, "thread.run.lease_lost"),
		"{'object.status':'queued','object.last_error':null}");
	expect_same(field(history_find(changes, "thread.run.step.failed"), "object"),
		step_get(w, id, step));
	expect_same(field(history_find(changes, "thread.run.failed"), "object"), run_get(w, id));
}

static void a_batch_s_changes_each_show_their_own_state(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_batch");
	json_t *changes;

	expect_ok(w, "batch",
		"{'atomic':true,'requests':["
		"['runs.update',{'run_id':'%s','metadata':{'n':'1'}}],"
		"['runs.update',{'run_id':'%s','metadata':{'n':'2'}}],"
		"['runs.delete',{'run_id':'%s'}]]}",
		run, run, run);
	changes = told(w, run);
	assert_int_equal(json_array_size(changes), 4);
	expect_fields(object(changes, 1), "{'metadata':{'n':'1'}}");
	expect_fields(object(changes, 2), "{'metadata':{'n':'2'}}");
	expect_no_object(changes, 3);
}

static void a_deletion_shows_nothing_and_what_was_before_all(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	const char *run = run_in(w, "t_deleted", "in_progress"), *step = step_new(w, run);
	json_t *before = json_incref(run_get(w, run));
	json_t *open = json_incref(step_get(w, run, step)), *changes;
	char id[80];

	snprintf(id, sizeof(id), "%s", run);
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", id);
	for (int i = 0; i < 2; i++) {
		changes = told(w, id);
		expect_fields(object(changes, 0), "{'id':'%s','status':'queued'}", id);
		expect_same(object(changes, 1), before);
		expect_same(object(changes, 2), open);
		expect_no_object(changes, json_array_size(changes) - 1);
		if (i == 0) {
			fixture_crash(fixture);
			fixture_resume(fixture);
		}
	}
	json_decref(before);
	json_decref(open);
}

static void an_imported_object_is_shown(void **state)
{
	struct wire *w = wire_of(state);
	json_t *changes;

	import_one(w, run_object("{'id':'imp'}"));
	import_one(w, step_object("{'id':'imp_step','run_id':'imp'}"));
	changes = told(w, "imp");
	expect_same(object(changes, 0), run_get(w, "imp"));
	expect_same(object(changes, 1), step_get(w, "imp", "imp_step"));
}

static void an_object_over_64_kib_is_not_shown(void **state)
{
	static const char create[] =
		"{'thread_id':'t_large','assistant_id':'a','on_active':'parallel',"
		"'instructions':'%s'}";
	struct wire *w = wire_of(state);
	const char *fits = text(expect_ok(w, "runs.create", create, repeated(w, "i", 60000)), "id");
	const char *large =
		text(expect_ok(w, "runs.create", create, repeated(w, "i", 66000)), "id");

	run_move(w, large, "in_progress");
	expect_same(object(told(w, fits), 0), run_get(w, fits));
	assert_int_equal(json_array_size(told(w, large)), 2);
	expect_no_object(told(w, large), 0);
	expect_no_object(told(w, large), 1);
	assert_int_equal(strlen(text(run_get(w, large), "instructions")), 66000);
}

static void without_objects_there_is_no_such_member(void **state)
{
	static const char *const members[] = {"", ",'objects':false", ",'objects':null"};
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_without", "in_progress");
	json_t *with = told(w, run);

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		json_t *changes = history_since(w, 0, ",'run_id':'%s'%s", run, members[i]);

		assert_int_equal(json_array_size(changes), 2);
		assert_null(field(changes, "[0].object"));
		assert_null(field(changes, "[1].object"));
	}
	json_object_del(json_array_get(with, 0), "object");
	json_object_del(json_array_get(with, 1), "object");
	expect_same(with, history_since(w, 0, ",'run_id':'%s'", run));
}

/* Three hundred objects of 60 KB are more than a reply may hold. */
static void a_page_is_cut_where_the_reply_would_be_too_large(void **state)
{
	enum { LARGE = 300, CHUNK = 50 };
	struct wire *w = wire_of(state);
	const char *filler = repeated(w, "f", 60000);
	json_int_t after = history_last(w), last = after + LARGE;
	size_t n = 0;

	for (int i = 0; i < LARGE; i += CHUNK) {
		json_t *requests = json_array();

		for (int j = 0; j < CHUNK; j++) {
			json_array_append_new(requests,
				codec_parse("['runs.create',{'thread_id':'t_cut','assistant_id':"
					    "'a','on_active':'parallel','instructions':'%s'}]",
					filler));
		}
		expect_ok_take(w, "batch", json_pack("{so}", "requests", requests));
	}
	for (int pages = 0; after < last; pages++) {
		json_t *page = expect_ok(
			w, "changes.list", "{'after':" SEQ ",'limit':1000,'objects':true}", after);

		n = json_array_size(field(page, "changes"));
		assert_true(n > 0 && (pages || n < LARGE));
		assert_int_equal(number(page, "changes[0].seq"), after + 1);
		assert_int_equal(number(page, "last_seq"), after + (json_int_t)n);
		after += (json_int_t)n;
	}
	assert_int_equal(after, last);
}

/* What held for each of them must hold for all that the tests before left behind. */
static void every_object_has_the_status_that_its_change_led_to(void **state)
{
	struct wire *w = wire_of(state);
	json_t *changes = history_since(w, 0, ",'objects':true"), *change;
	size_t i;

	assert_true(json_array_size(changes) > 0);
	json_array_foreach(changes, i, change)
	{
		const json_t *shown = object(changes, i);
		const char *id = json_is_null(field(change, "step_id")) ? "run_id" : "step_id";

		if (json_is_null(shown)) {
			continue;
		}
		expect_same(field(shown, "status"), field(change, "to"));
		expect_same(field(shown, "id"), field(change, id));
		expect_same(field(shown, "thread_id"), field(change, "thread_id"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_shown_as_each_change_left_it),
		cmocka_unit_test(a_step_is_shown_as_each_change_left_it),
		cmocka_unit_test(a_claim_s_run_is_shown),
		cmocka_unit_test(outputs_show_the_step_and_the_run),
		cmocka_unit_test(one_transaction_s_changes_each_show_their_own_state),
		cmocka_unit_test(a_batch_s_changes_each_show_their_own_state),
		cmocka_unit_test(a_deletion_shows_nothing_and_what_was_before_all),
		cmocka_unit_test(an_imported_object_is_shown),
		cmocka_unit_test(an_object_over_64_kib_is_not_shown),
		cmocka_unit_test(without_objects_there_is_no_such_member),
		cmocka_unit_test(every_object_has_the_status_that_its_change_led_to),
		cmocka_unit_test(a_page_is_cut_where_the_reply_would_be_too_large),
	};

	return cmocka_run_group_tests_name("changes objects", tests, fixture_start, fixture_stop);
}
