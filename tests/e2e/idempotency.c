/* idempotency_key: what is sent twice is applied once. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <stdio.h>

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

/* runs.create in @thread under a key of @n bytes. */
static json_t *create_under(struct wire *w, const char *thread, const char *key, int n)
{
	return wire_call_take(w, "runs.create",
		json_pack("{ss ss ss#}", "thread_id", thread, "assistant_id", "a",
			"idempotency_key", key, n));
}

/* However the keys of a batch's requests are made of the batch's: none is one that a caller has. */
static void keys_with_nuls_are_not_those_of_the_requests_of_a_batch(void **state)
{
	static const char keys[][6] = {
		"q\0\0\0", "q\0\0\1", "q\0", "q\0\0", "q\0\0\0\0", "\1q\0\0", "\2q\0\0"};
	static const int lengths[] = {4, 4, 2, 3, 5, 4, 4};
	struct wire *w = wire_of(state);
	json_t *reply = expect_ok(w, "batch", two_creates, "t_q", "q");
	json_int_t n = runs_in_store(w);

	for (size_t i = 0; i < 7; i++) {
		char thread[16];

		snprintf(thread, sizeof(thread), "t_q%zu", i);
		expect_fields(create_under(w, thread, keys[i], lengths[i]), "{'error':null}");
		assert_int_equal(runs_in_store(w), ++n);
	}
	expect_same(expect_ok(w, "batch", two_creates, "t_q", "q"), reply);
	assert_int_equal(runs_in_store(w), n);
}

static void the_key_of_a_batch_is_no_key_for_another_request(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t n;

	expect_ok(w, "batch", two_creates, "t_b4", "whole");
	n = runs_in_store(w);
	expect_error(w, "runs.create", "idempotency_conflict", NULL, CREATE, "t_other", "whole");
	expect_error(w, "batch", "idempotency_conflict", NULL,
		"{'requests':[['runs.create',{'thread_id':'t_other','assistant_id':'a'}]],"
		"'idempotency_key':'whole'}");
	assert_int_equal(runs_in_store(w), n);
}

static void the_key_of_a_request_is_no_key_for_a_batch(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t n;

	expect_ok(w, "runs.create", CREATE, "t_single", "single");
	n = runs_in_store(w);
	expect_error(w, "batch", "idempotency_conflict", NULL, two_creates, "t_b5", "single");
	assert_int_equal(runs_in_store(w), n);
}

static void a_batch_that_applied_nothing_records_no_key(void **state)
{
	static const char batch[] =
		"{'requests':[['runs.create',{'thread_id':'t_none','assistant_id':'a'}],"
		"['runs.get',{'run_id':'%s'}]],'idempotency_key':'none'}";
	struct wire *w = wire_of(state);
	const char *active = run_new(w, "t_none");

	check_error("the only write", field(expect_ok(w, "batch", batch, active), "results[0][0]"),
		"run_active", NULL);
	expect_ok(w, "batch", two_creates, "t_b6", "none");
	expect_error(w, "batch", "idempotency_conflict", NULL, batch, active);
}

/* A store so small that it is soon full, with a run and a batch from before that. */
static void what_was_applied_is_answered_when_the_store_is_full(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run = expect_ok(w, "runs.create", CREATE, "t_room", "room");
	json_t *batch = expect_ok(w, "batch", two_creates, "t_room2", "batch");
	json_t *reply;

	for (size_t size = 20000; size; size /= 10) {
		do {
			reply = wire_call(w, "runs.create",
				"{'thread_id':'t_full','assistant_id':'a','on_active':'parallel',"
				"'instructions':'%s'}",
				repeated(w, "f", size));
		} while (json_is_null(field(reply, "error")));
		check_error("the last run", field(reply, "error"), "store_full", NULL);
	}
	expect_error(w, "runs.create", "store_full", NULL, CREATE, "t_new", "new");
	expect_same(expect_ok(w, "runs.create", CREATE, "t_room", "room"), run);
	expect_same(expect_ok(w, "batch", two_creates, "t_room2", "batch"), batch);
	expect_error(w, "runs.create", "idempotency_conflict", NULL, CREATE, "t_other", "room");
}

static int start_small(void **state)
{
	static const char *args[] = {"--map-size", "4M", NULL};

	*state = args;
	return fixture_start(state);
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
		cmocka_unit_test(keys_with_nuls_are_not_those_of_the_requests_of_a_batch),
		cmocka_unit_test(the_key_of_a_batch_is_no_key_for_another_request),
		cmocka_unit_test(the_key_of_a_request_is_no_key_for_a_batch),
		cmocka_unit_test(a_batch_that_applied_nothing_records_no_key),
		cmocka_unit_test_setup_teardown(what_was_applied_is_answered_when_the_store_is_full,
			start_small, fixture_stop),
	};

	return cmocka_run_group_tests_name("idempotency", tests, fixture_start, fixture_stop);
}
