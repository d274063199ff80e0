/* idempotency_key: what is sent twice is applied once. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#define CREATE "{'thread_id':'%s','assistant_id':'a','idempotency_key':'%s'}"

static json_int_t runs_in_store(struct wire *w)
{
	return number(expect_ok(w, "server.stats", NULL), "runs");
}

static void a_create_sent_again_makes_no_second_run(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run = expect_ok(w, "runs.create", CREATE, "t_again", "again");
	json_int_t n = runs_in_store(w);

	expect_same(expect_ok(w, "runs.create", CREATE, "t_again", "again"), run);
	assert_int_equal(runs_in_store(w), n);
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_again'}"), text(run, "id"), false);
}

static void the_answer_is_the_object_as_it_is_now(void **state)
{
	static const char update[] =
		"{'run_id':'%s','status':'in_progress','idempotency_key':'now2'}";
	struct wire *w = wire_of(state);
	const char *id = text(expect_ok(w, "runs.create", CREATE, "t_now", "now"), "id");

	expect_ok(w, "runs.update", update, id);
	expect_fields(expect_ok(w, "runs.create", CREATE, "t_now", "now"),
		"{'id':'%s','status':'in_progress'}", id);
	run_move(w, id, "completed");
	expect_fields(expect_ok(w, "runs.update", update, id), "{'status':'completed'}");
	expect_fields(run_get(w, id), "{'status':'completed'}");
}

static void a_deleted_object_is_not_found_again(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = text(expect_ok(w, "runs.create", CREATE, "t_gone", "gone"), "id");

	expect_ok(w, "runs.delete", "{'run_id':'%s'}", id);
	expect_error(w, "runs.create", "not_found", NULL, CREATE, "t_gone", "gone");
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_gone'}"), "", false);
}

static void other_params_are_a_conflict(void **state)
{
	struct wire *w = wire_of(state);

	expect_ok(w, "runs.create", CREATE, "t_conflict", "conflict");
	expect_error(w, "runs.create", "idempotency_conflict", NULL, CREATE, "t_other", "conflict");
	expect_error(w, "threads.delete", "idempotency_conflict", NULL,
		"{'thread_id':'t_conflict','idempotency_key':'conflict'}");
	/* Bytes are compared, so another order of the members is another request. */
	expect_error(w, "runs.create", "idempotency_conflict", NULL,
		"{'assistant_id':'a','thread_id':'t_conflict','idempotency_key':'conflict'}");
	expect_error(w, "runs.list", "not_found", NULL, "{'thread_id':'t_other'}");
}

static void deletes_repeat_their_reply(void **state)
{
	static const char delete_run[] = "{'run_id':'%s','idempotency_key':'del_run'}";
	static const char delete_thread[] = "{'thread_id':'t_del','idempotency_key':'del_thread'}";
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t_del");
	json_t *reply = expect_ok(w, "runs.delete", delete_run, id);

	expect_same(expect_ok(w, "runs.delete", delete_run, id), reply);
	expect_error(w, "runs.delete", "not_found", NULL, "{'run_id':'%s'}", id);
	reply = expect_ok(w, "threads.delete", delete_thread);
	run_new(w, "t_del");
	expect_same(expect_ok(w, "threads.delete", delete_thread), reply);
	expect_fields(expect_ok(w, "runs.list", "{'thread_id':'t_del'}"), "{'has_more':false}");
}

static void an_import_repeats_its_reply(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		expect_fields(expect_ok_take(w, "objects.import",
				      json_pack("{s[o]ss}", "objects", run_object("{'id':'imp'}"),
					      "idempotency_key", "imp")),
			"{'imported':1,'unchanged':0}");
	}
}

static void a_refused_request_records_no_key(void **state)
{
	struct wire *w = wire_of(state);
	const char *active = run_new(w, "t_refused");

	expect_error(w, "runs.create", "run_active", NULL, CREATE, "t_refused", "refused");
	run_move(w, active, "cancelled");
	expect_ok(w, "runs.create", CREATE, "t_refused", "refused");
	expect_error(w, "runs.create", "invalid_params", "temperature",
		"{'thread_id':'t','assistant_id':'a','temperature':9,'idempotency_key':'bad'}");
	expect_ok(w, "runs.create", CREATE, "t_bad", "bad");
}

static void steps_and_outputs_are_applied_once(void **state)
{
	static const char submit[] = "{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1',"
				     "'output':'o'}],'idempotency_key':'submit'}";
	static const char create[] =
		"{'run_id':'%s','type':'message_creation','step_details':{'type':'message_creation'"
		","
		"'message_creation':{'message_id':'m'}},'idempotency_key':'step'}";
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_steps", "in_progress");
	json_t *step = expect_ok(w, "steps.create", create, run);
	json_t *queued;

	expect_same(expect_ok(w, "steps.create", create, run), step);
	expect_list(expect_ok(w, "steps.list", "{'run_id':'%s'}", run), text(step, "id"), false);
	run_move(w, run, "requires_action");
	queued = expect_ok(w, "runs.submit_tool_outputs", submit, run);
	expect_same(expect_ok(w, "runs.submit_tool_outputs", submit, run), queued);
	expect_ok(w, "runs.cancel", "{'run_id':'%s','idempotency_key':'cancel'}", run);
	expect_fields(
		expect_ok(w, "runs.cancel", "{'run_id':'%s','idempotency_key':'cancel'}", run),
		"{'status':'cancelled'}");
}

static void a_key_has_one_to_sixty_four_bytes(void **state)
{
	struct wire *w = wire_of(state);

	expect_ok(w, "runs.create", CREATE, "t_key1", repeated(w, "k", 64));
	expect_ok(w, "runs.create", CREATE, "t_key2", "k");
	expect_error(w, "runs.create", "invalid_params", "idempotency_key", CREATE, "t_key3",
		repeated(w, "k", 65));
	expect_error(w, "runs.create", "invalid_params", "idempotency_key", CREATE, "t_key3",
		repeated(w, "\xc3\xa4", 33));
	expect_error(w, "runs.create", "invalid_params", "idempotency_key", CREATE, "t_key3", "");
	expect_error(w, "runs.create", "invalid_params", "idempotency_key",
		"{'thread_id':'t_key3','assistant_id':'a','idempotency_key':1}");
}

static const char two_creates[] =
	"{'requests':[['runs.create',{'thread_id':'t_b1','assistant_id':'a'}],"
	"['runs.create',{'thread_id':'%s','assistant_id':'a'}]],'idempotency_key':'%s'}";

static void a_batch_sent_again_applies_nothing_again(void **state)
{
	struct wire *w = wire_of(state);
	json_t *reply = expect_ok(w, "batch", two_creates, "t_b2", "batch");
	json_int_t n = runs_in_store(w);

	expect_same(expect_ok(w, "batch", two_creates, "t_b2", "batch"), reply);
	assert_int_equal(runs_in_store(w), n);
	/* Its first request is the same and was applied, its second is another one. */
	reply = wire_call(w, "batch", two_creates, "t_b3", "batch");
	if (json_is_null(field(reply, "error"))) {
		check_error("the changed request", field(reply, "result.results[1][0]"),
			"idempotency_conflict", NULL);
	} else {
		check_error("the batch", field(reply, "error"), "idempotency_conflict", NULL);
	}
	assert_int_equal(runs_in_store(w), n);
}

static void a_batch_that_was_applied_in_part_is_completed(void **state)
{
	struct wire *w = wire_of(state);
	static const char batch[] =
		"{'requests':[['runs.create',{'thread_id':'t_part1','assistant_id':'a'}],"
		"['runs.create',{'thread_id':'t_part2','assistant_id':'a'}],"
		"['runs.create',{'thread_id':'t_part3','assistant_id':'a'}]],'idempotency_key':'"
		"part'}";
	const char *active = run_new(w, "t_part2");
	json_t *first = expect_ok(w, "batch", batch);
	json_t *second;

	check_error("request 1", field(first, "results[1][0]"), "run_active", NULL);
	run_move(w, active, "cancelled");
	second = expect_ok(w, "batch", batch);
	expect_same(field(second, "results[0]"), field(first, "results[0]"));
	expect_same(field(second, "results[2]"), field(first, "results[2]"));
	expect_fields(second, "{'results[1][0]':null,'results[1][1].status':'queued'}");
	expect_same(expect_ok(w, "batch", batch), second);
}

static void an_atomic_batch_that_failed_records_no_key(void **state)
{
	static const char batch[] =
		"{'atomic':true,'requests':[['runs.create',{'thread_id':'t_at1','assistant_id':'a'}"
		"],"
		"['runs.create',{'thread_id':'t_at2','assistant_id':'a'}]],'idempotency_key':'at'}";
	struct wire *w = wire_of(state);
	const char *active = run_new(w, "t_at2");
	json_t *reply;

	expect_error(w, "batch", "run_active", "requests[1]*", batch);
	run_move(w, active, "cancelled");
	reply = expect_ok(w, "batch", batch);
	expect_same(expect_ok(w, "batch", batch), reply);
}

static void keys_outlive_a_crash(void **state)
{
	struct fixture *fixture = *state;
	json_t *run = expect_ok(&fixture->wire, "runs.create", CREATE, "t_crash", "crash");

	json_incref(run);
	fixture_crash(fixture);
	fixture_resume(fixture);
	expect_same(expect_ok(&fixture->wire, "runs.create", CREATE, "t_crash", "crash"), run);
	json_decref(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_create_sent_again_makes_no_second_run),
		cmocka_unit_test(the_answer_is_the_object_as_it_is_now),
		cmocka_unit_test(a_deleted_object_is_not_found_again),
		cmocka_unit_test(other_params_are_a_conflict),
		cmocka_unit_test(deletes_repeat_their_reply),
		cmocka_unit_test(an_import_repeats_its_reply),
		cmocka_unit_test(a_refused_request_records_no_key),
		cmocka_unit_test(steps_and_outputs_are_applied_once),
		cmocka_unit_test(a_key_has_one_to_sixty_four_bytes),
		cmocka_unit_test(a_batch_sent_again_applies_nothing_again),
		cmocka_unit_test(a_batch_that_was_applied_in_part_is_completed),
		cmocka_unit_test(an_atomic_batch_that_failed_records_no_key),
		cmocka_unit_test(keys_outlive_a_crash),
	};

	return cmocka_run_group_tests_name("idempotency", tests, fixture_start, fixture_stop);
}
