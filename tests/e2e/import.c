/* objects.import: what goes in, what it makes of it, and that it is all or nothing. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <string.h>
#include <time.h>

static json_t *import_json(struct wire *w, const char *objects)
{
	return expect_ok(w, "objects.import", "{'objects':[%s]}", objects);
}

static void a_whole_run_and_its_step_come_back_as_sent(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run = wire_keep(w,
		run_object("{'id':'whole','thread_id':'t_whole','status':'failed','started_at':5,"
			   "'failed_at':6,'created_at':4,'last_error':{'code':'invalid_prompt',"
			   "'message':'m'},'usage':{'prompt_tokens':1,'completion_tokens':2,"
			   "'total_tokens':3},'metadata':{'a':'b'},'temperature':0.5,"
			   "'tools':[{'type':'file_search'}],'max_prompt_tokens':1000}"));
	json_t *step = wire_keep(
		w, step_object("{'id':'whole_step','run_id':'whole','thread_id':'t_whole',"
			       "'created_at':7,'completed_at':8}"));

	expect_fields(
		expect_ok_take(w, "objects.import", json_pack("{s[OO]}", "objects", run, step)),
		"{'imported':2,'unchanged':0}");
	expect_same(run_get(w, "whole"), run);
	expect_same(step_get(w, "whole", "whole_step"), step);
}

static void any_status_goes_in(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < N_STATUSES; i++) {
		json_t *run = wire_keep(
			w, run_object("{'id':'any_%d','status':'%s'}", i, run_statuses[i]));

		expect_fields(import_one(w, json_incref(run)), "{'imported':1,'unchanged':0}");
		expect_same(run_get(w, text(run, "id")), run);
	}
}

static void what_is_missing_becomes_null_or_empty(void **state)
{
	struct wire *w = wire_of(state);

	import_json(w, "{'id':'lean','object':'thread.run','created_at':1,'thread_id':'t_lean',"
		       "'assistant_id':'a','status':'completed','model':'m','instructions':null,"
		       "'tools':[]},"
		       "{'id':'lean_step','object':'thread.run.step','created_at':2,"
		       "'thread_id':'t_lean','assistant_id':'a','run_id':'lean',"
		       "'type':'message_creation','status':'completed','step_details':"
		       "{'type':'message_creation','message_creation':{'message_id':'m'}}}");
	expect_fields(run_get(w, "lean"),
		"{'instructions':'','metadata':{},'required_action':null,'last_error':null,"
		"'expires_at':null,'started_at':null,'cancelled_at':null,'failed_at':null,"
		"'completed_at':null,'incomplete_details':null,'usage':null,"
		"'max_prompt_tokens':null,'max_completion_tokens':null}");
	expect_names(run_get(w, "lean"), run_names);
	expect_fields(step_get(w, "lean", "lean_step"),
		"{'metadata':{},'last_error':null,'expired_at':null,'cancelled_at':null,"
		"'failed_at':null,'completed_at':null,'usage':null}");
	expect_names(step_get(w, "lean", "lean_step"), step_names);
}

static void legacy_fields_are_ignored(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'legacy','tool_resources':{'code_interpreter':"
				 "{'file_ids':['f']}},'file_ids':['f']}"));
	import_one(w, step_object("{'id':'legacy_step','run_id':'legacy','expires_at':5}"));
	expect_names(run_get(w, "legacy"), run_names);
	expect_names(step_get(w, "legacy", "legacy_step"), step_names);
}

static void the_same_again_is_unchanged(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t_again", "in_progress");
	json_t *step = step_get(w, id, step_new(w, id));

	import_one(w, run_object("{'id':'again'}"));
	expect_fields(import_one(w, run_object("{'id':'again'}")), "{'imported':0,'unchanged':1}");
	expect_fields(import_one(w, run_object("{'id':'again','file_ids':[]}")),
		"{'imported':0,'unchanged':1}");
	expect_fields(import_one(w, json_incref(run_get(w, id))), "{'imported':0,'unchanged':1}");
	expect_fields(import_one(w, json_incref(step)), "{'imported':0,'unchanged':1}");
	expect_fields(expect_ok_take(w, "objects.import",
			      json_pack("{s[oo]}", "objects", run_object("{'id':'twice'}"),
				      run_object("{'id':'twice'}"))),
		"{'imported':1,'unchanged':1}");
}

static void another_object_under_the_same_id_is_a_conflict(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'taken'}"));
	import_one(w, step_object("{'id':'taken_step','run_id':'taken'}"));
	expect_error_take(w, "objects.import", "id_conflict", NULL,
		json_pack("{s[oo]}", "objects", run_object("{'id':'not_taken'}"),
			run_object("{'id':'taken','model':'other'}")));
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'not_taken'}");
	expect_error_take(w, "objects.import", "id_conflict", NULL,
		json_pack("{s[o]}", "objects",
			step_object("{'id':'taken_step','run_id':'taken','status':'failed'}")));
	expect_error_take(w, "objects.import", "id_conflict", NULL,
		json_pack("{s[oo]}", "objects", run_object("{'id':'mine'}"),
			run_object("{'id':'mine','thread_id':'t2'}")));
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'mine'}");
	expect_fields(run_get(w, "taken"), "{'model':'m'}");
}

static void a_step_needs_its_run_before_it(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run = wire_keep(w, run_object("{'id':'before'}"));
	json_t *other = wire_keep(w, run_object("{'id':'other'}"));
	json_t *step = wire_keep(w, step_object("{'id':'before_step','run_id':'before'}"));

	expect_error_take(w, "objects.import", "not_found", "objects[0].run_id",
		json_pack("{s[O]}", "objects", step));
	expect_error_take(w, "objects.import", "not_found", "objects[1].run_id",
		json_pack("{s[OOO]}", "objects", other, step, run));
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'other'}");
	expect_fields(expect_ok_take(w, "objects.import",
			      json_pack("{s[OOO]}", "objects", other, run, step)),
		"{'imported':3,'unchanged':0}");
}

static void a_step_must_fit_its_run_and_itself(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'fit'}"));
	expect_error_take(w, "objects.import", "invalid_params|not_found", "objects[0]*",
		json_pack("{s[o]}", "objects",
			step_object("{'id':'fit_step','run_id':'fit','thread_id':'t_other'}")));
	expect_error_take(w, "objects.import", "invalid_params", "objects[0]*",
		json_pack("{s[o]}", "objects",
			step_object("{'id':'fit_step','run_id':'fit','type':'tool_calls'}")));
	expect_error(w, "steps.get", "not_found", NULL, "{'run_id':'fit','step_id':'fit_step'}");
}

static void its_order_is_kept_within_a_second(void **state)
{
	struct wire *w = wire_of(state);

	expect_ok_take(w, "objects.import",
		json_pack("{s[ooo]}", "objects", run_object("{'id':'z','thread_id':'t_kept'}"),
			run_object("{'id':'a','thread_id':'t_kept'}"),
			run_object("{'id':'m','thread_id':'t_kept'}")));
	expect_list(
		expect_ok(w, "runs.list", "{'thread_id':'t_kept','order':'asc'}"), "z a m", false);
}

static void bad_objects_are_refused_by_their_path(void **state)
{
	static const struct {
		const char *members, *code, *param;
	} runs[] = {
		{"'object':'thread.summary'", "invalid_params", "objects[1].object"},
		{"'id':'a b'", "invalid_id", "objects[1].id"},
		{"'thread_id':''", "invalid_id", "objects[1].thread_id"},
		{"'status':'done'", "invalid_params", "objects[1].status"},
		{"'created_at':'now'", "invalid_params", "objects[1].created_at"},
		{"'created_at':null", "invalid_params|missing_param", "objects[1].created_at"},
		{"'colour':1", "unknown_param", "objects[1].colour"},
		{"'expires_in':1", "unknown_param", "objects[1].expires_in"},
		{"'temperature':3", "invalid_params", "objects[1].temperature"},
		{"'metadata':{'a':1}", "invalid_params", "objects[1].metadata*"},
		{"'tools':[{'type':'function','function':{}}]", "missing_param",
			"objects[1].tools[0].function.name"},
		{"'usage':{'prompt_tokens':1}", "missing_param", "objects[1].usage.*"},
	};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		expect_error_take(w, "objects.import", runs[i].code, runs[i].param,
			json_pack("{s[oo]}", "objects", run_object("{'id':'bad'}"),
				run_object("{%s}", runs[i].members)));
	}
	expect_error_take(w, "objects.import", "invalid_params", "objects[0].step_details*",
		json_pack("{s[o]}", "objects", step_object("{'step_details':{'type':'x'}}")));
	expect_error(w, "objects.import", "missing_param", "objects[0]*", "{'objects':[{}]}");
	expect_error(w, "objects.import", "missing_param", "objects[0]*",
		"{'objects':[{'object':'thread.run','id':'bad'}]}");
	expect_error(w, "objects.import", "invalid_params", "objects[0]", "{'objects':[1]}");
	expect_error(w, "objects.import", "invalid_params", "objects", "{'objects':{}}");
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'bad'}");
}

static json_t *many(int n)
{
	json_t *objects = json_array();

	for (int i = 0; i < n; i++) {
		json_array_append_new(
			objects, run_object("{'id':'many_%d','thread_id':'t_many'}", i));
	}
	return json_pack("{so}", "objects", objects);
}

static void a_thousand_objects_go_in_at_once_and_no_more(void **state)
{
	struct wire *w = wire_of(state);

	expect_error_take(w, "objects.import", "invalid_params|too_large", NULL, many(1001));
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'many_0'}");
	expect_fields(
		expect_ok_take(w, "objects.import", many(1000)), "{'imported':1000,'unchanged':0}");
	expect_fields(
		expect_ok_take(w, "objects.import", many(1000)), "{'imported':0,'unchanged':1000}");
}

static void a_run_past_its_time_expires_at_once(void **state)
{
	struct wire *w = wire_of(state);
	json_t *step;

	expect_ok_take(w, "objects.import",
		json_pack("{s[oo]}", "objects",
			run_object("{'id':'late','status':'in_progress','expires_at':1700000600,"
				   "'started_at':1700000001}"),
			step_object("{'id':'late_step','run_id':'late','status':'in_progress'}")));
	expect_fields(run_await(w, "late", "expired", 1000),
		"{'expires_at':null,'started_at':1700000001}");
	step = step_get(w, "late", "late_step");
	expect_fields(step, "{'status':'expired'}");
	expect_now(step, "expired_at");
}

static void a_run_before_its_time_expires_later(void **state)
{
	struct wire *w = wire_of(state);
	struct timespec now;
	json_int_t due;

	/* Not time(), which lags a few milliseconds behind the clock. */
	clock_gettime(CLOCK_REALTIME, &now);
	due = now.tv_sec + 2;
	import_one(w, run_object("{'id':'soon','status':'queued','expires_at':%d}", (int)due));
	expect_fields(run_get(w, "soon"), "{'status':'queued'}");
	run_await(w, "soon", "expired", 4000);
	clock_gettime(CLOCK_REALTIME, &now);
	assert_true(now.tv_sec >= due);
}

static void an_imported_run_lives_on(void **state)
{
	struct wire *w = wire_of(state);

	import_one(w, run_object("{'id':'on','thread_id':'t_on','status':'queued'}"));
	expect_error(
		w, "runs.create", "run_active", NULL, "{'thread_id':'t_on','assistant_id':'a'}");
	expect_now(run_move(w, "on", "in_progress"), "started_at");
	step_new(w, "on");
	expect_fields(run_move(w, "on", "failed"), "{'created_at':1700000000}");
}

/* More than a map of a mebibyte holds: a run with large ones behind it and a step at the end. */
static json_t *too_much(void)
{
	json_t *objects = json_array();
	char filler[60001];

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	json_array_append_new(objects, run_object("{'id':'big'}"));
	for (int i = 0; i < 30; i++) {
		json_array_append_new(
			objects, run_object("{'id':'big_%d','instructions':'%s'}", i, filler));
		json_array_append_new(
			objects, step_object("{'id':'big_step_%d','run_id':'big_%d'}", i, i));
	}
	return objects;
}

static void an_import_that_finds_no_room_says_so(void **state)
{
	struct wire *w = wire_of(state);
	json_t *params = json_pack("{so}", "objects", too_much());
	json_t *batch =
		json_pack("{sb s[[sO]]}", "atomic", true, "requests", "objects.import", params);

	run_new(w, "t_small");
	expect_error_take(w, "objects.import", "store_full", NULL, params);
	expect_error_take(w, "batch", "store_full", NULL, batch);
	/* Nothing of it was applied, and what is small still fits. */
	assert_int_equal(number(expect_ok(w, "server.stats", NULL), "runs"), 1);
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'big'}");
	import_one(w, run_object("{'id':'small'}"));
	import_one(w, step_object("{'run_id':'small'}"));
}

static int start_small(void **state)
{
	static const char *args[] = {"--map-size", "1M", NULL};

	*state = args;
	return fixture_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_run_and_its_step_come_back_as_sent),
		cmocka_unit_test(any_status_goes_in),
		cmocka_unit_test(what_is_missing_becomes_null_or_empty),
		cmocka_unit_test(legacy_fields_are_ignored),
		cmocka_unit_test(the_same_again_is_unchanged),
		cmocka_unit_test(another_object_under_the_same_id_is_a_conflict),
		cmocka_unit_test(a_step_needs_its_run_before_it),
		cmocka_unit_test(a_step_must_fit_its_run_and_itself),
		cmocka_unit_test(its_order_is_kept_within_a_second),
		cmocka_unit_test(bad_objects_are_refused_by_their_path),
		cmocka_unit_test(a_thousand_objects_go_in_at_once_and_no_more),
		cmocka_unit_test(a_run_past_its_time_expires_at_once),
		cmocka_unit_test(a_run_before_its_time_expires_later),
		cmocka_unit_test(an_imported_run_lives_on),
		cmocka_unit_test_setup_teardown(
			an_import_that_finds_no_room_says_so, start_small, fixture_stop),
	};

	return cmocka_run_group_tests_name("import", tests, fixture_start, fixture_stop);
}
