/* Open steps end with their run, and hold it open as long as it would be completed. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

static void a_completed_run_needs_its_steps_ended(void **state)
{
	static const char *const froms[] = {"in_progress", "cancelling"};
	static const char *const tos[] = {"completed", "incomplete"};
	struct wire *w = wire_of(state);

	for (int i = 0; i < 4; i++) {
		const char *to = tos[i % 2];
		const char *run = run_in(w, "t", froms[i / 2]);
		const char *step = step_new(w, run);

		expect_error(w, "runs.update", "steps_in_progress", NULL,
			"{'run_id':'%s','status':'%s'%s}", run, to, status_demands(to));
		expect_fields(run_get(w, run), "{'status':'%s'}", froms[i / 2]);
		expect_fields(step_get(w, run, step), "{'status':'in_progress'}");
		expect_ok(w, "steps.update", "{'run_id':'%s','step_id':'%s','status':'cancelled'}",
			run, step);
		expect_fields(run_move(w, run, to), "{'status':'%s'}", to);
	}
}

static void a_failed_run_fails_its_steps_with_its_error(void **state)
{
	static const char *const codes[][2] = {{"server_error", "server_error"},
		{"rate_limit_exceeded", "rate_limit_exceeded"}, {"invalid_prompt", "server_error"}};
	struct wire *w = wire_of(state);

	for (int i = 0; i < 3; i++) {
		const char *run = run_in(w, "t", "in_progress");
		const char *open = step_new(w, run);
		const char *also = step_calls_new(w, run, "call_1");
		json_t *step;

		expect_ok(w, "runs.update",
			"{'run_id':'%s','status':'failed','last_error':{'code':'%s','message':'why'"
			"}}",
			run, codes[i][0]);
		step = step_get(w, run, open);
		expect_fields(step,
			"{'status':'failed','last_error':{'code':'%s','message':'why'},"
			"'completed_at':null,'cancelled_at':null,'expired_at':null}",
			codes[i][1]);
		expect_now(step, "failed_at");
		expect_fields(step_get(w, run, also), "{'status':'failed'}");
	}
}

static void a_cancelled_run_cancels_its_steps(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "cancelling");
	const char *id = step_new(w, run);
	json_t *step;

	expect_fields(step_get(w, run, id), "{'status':'in_progress'}");
	run_move(w, run, "cancelled");
	step = step_get(w, run, id);
	expect_fields(step, "{'status':'cancelled','last_error':null,'completed_at':null,"
			    "'failed_at':null,'expired_at':null}");
	expect_now(step, "cancelled_at");
}

static void cancelling_leaves_the_steps_open(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);

	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", run);
	expect_fields(step_get(w, run, id), "{'status':'in_progress'}");
}

static void a_run_cancelled_while_it_waits_cancels_its_steps(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "requires_action");
	json_t *list;

	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", run);
	list = expect_ok(w, "steps.list", "{'run_id':'%s'}", run);
	expect_fields(list, "{'data[0].status':'cancelled'}");
	expect_now(list, "data[0].cancelled_at");
}

static void a_run_set_to_expired_expires_its_steps(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);
	json_t *step;

	run_move(w, run, "expired");
	step = step_get(w, run, id);
	expect_fields(step, "{'status':'expired','last_error':null}");
	expect_now(step, "expired_at");
}

static void ended_steps_stay_as_they_are(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	const char *id = step_new(w, run);
	json_t *step = expect_ok(
		w, "steps.update", "{'run_id':'%s','step_id':'%s','status':'completed'}", run, id);

	run_move(w, run, "failed");
	expect_same(step_get(w, run, id), step);
}

static void a_thousand_open_steps_end_with_their_run(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t", "in_progress");
	json_t *requests = json_array();
	json_t *list;

	for (int i = 0; i < 1000; i++) {
		json_array_append_new(requests,
			codec_parse("['steps.create',{'run_id':'%s','type':'message_creation',"
				    "'step_details':{'type':'message_creation','message_creation':"
				    "{'message_id':'msg_%d'}}}]",
				run, i));
	}
	expect_ok_take(w, "batch", json_pack("{so}", "requests", requests));
	run_move(w, run, "failed");
	list = expect_ok(w, "steps.list", "{'run_id':'%s','status':'in_progress'}", run);
	expect_list(list, "", false);
	list = expect_ok(w, "steps.list", "{'run_id':'%s','status':'failed','limit':100}", run);
	assert_int_equal(json_array_size(field(list, "data")), 100);
	expect_fields(list, "{'has_more':true}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_completed_run_needs_its_steps_ended),
		cmocka_unit_test(a_failed_run_fails_its_steps_with_its_error),
		cmocka_unit_test(a_cancelled_run_cancels_its_steps),
		cmocka_unit_test(cancelling_leaves_the_steps_open),
		cmocka_unit_test(a_run_cancelled_while_it_waits_cancels_its_steps),
		cmocka_unit_test(a_run_set_to_expired_expires_its_steps),
		cmocka_unit_test(ended_steps_stay_as_they_are),
		cmocka_unit_test(a_thousand_open_steps_end_with_their_run),
	};

	return cmocka_run_group_tests_name("steps follow", tests, fixture_start, fixture_stop);
}
