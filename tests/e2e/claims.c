/* runs.claim: what it hands out, to whom, in which order, and how it is asked. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#include <stdio.h>

/* What comes at once comes before this. */
#define AT_ONCE_MS 3000

static void expect_claims(struct wire *w, const char *name, const char *id)
{
	assert_string_equal(text(work_claim(w, "w", name, ""), "run.id"), id);
}

static void a_claim_hands_out_a_run_and_a_lease(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "form", "");
	json_int_t began = unix_ms();
	json_t *claim = work_claim(w, "the worker", "form", ",'lease_ms':20000");

	expect_fields(claim,
		"{'run.id':'%s','run.status':'in_progress','run.thread_id':'form',"
		"'run.completed_at':null,'lease.attempt':1,'hints':{}}",
		id);
	expect_now(claim, "run.started_at");
	assert_in_range(number(claim, "lease.expires_ms"), began + 19000, unix_ms() + 21000);
	expect_same(run_get(w, id), field(claim, "run"));
}

static void a_lease_lasts_thirty_seconds_by_default(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t began;
	json_t *claim;

	work_new(w, "default", "");
	began = unix_ms();
	claim = work_claim(w, "w", "default", ",'lease_ms':null,'wait_ms':null");
	assert_in_range(number(claim, "lease.expires_ms"), began + 29000, unix_ms() + 31000);
}

static void nothing_to_claim_is_nil_at_once(void **state)
{
	long began = clock_ms();

	work_expect_none(wire_of(state), "nothing");
	assert_in_range(clock_ms() - began, 0, AT_ONCE_MS);
}

static void a_run_is_handed_out_once(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "once", "");

	expect_claims(w, "once", id);
	work_expect_none(w, "once");
}

static void the_oldest_comes_first(void **state)
{
	struct wire *w = wire_of(state);
	const char *ids[4];

	for (int i = 0; i < 3; i++) {
		ids[i] = work_new(w, "oldest", "");
	}
	import_one(w, run_object("{'id':'oldest_import','status':'queued',"
				 "'assistant_id':'oldest'}"));
	/* Of 2023: older than those that came before it. */
	expect_claims(w, "oldest", "oldest_import");
	for (int i = 0; i < 3; i++) {
		expect_claims(w, "oldest", ids[i]);
	}
	work_expect_none(w, "oldest");
}

static void runs_of_any_assistant_are_claimed_unless_some_are_named(void **state)
{
	struct wire *w = wire_of(state);
	const char *ids[4];

	for (int i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof(name), "any_%d", i);
		ids[i] = work_new(w, name, "");
	}
	expect_claims(w, "any_2", ids[2]);
	expect_fields(expect_ok(w, "runs.claim",
			      "{'worker':'w','assistant_ids':['any_3','any_2','any_1']}"),
		"{'run.id':'%s'}", ids[1]);
	expect_fields(expect_ok(w, "runs.claim", "{'worker':'w'}"), "{'run.id':'%s'}", ids[0]);
	expect_fields(expect_ok(w, "runs.claim", "{'worker':'w','assistant_ids':null}"),
		"{'run.id':'%s'}", ids[3]);
	work_check_none(expect_ok(w, "runs.claim", "{'worker':'w'}"));
}

static void none_but_queued_runs_are_claimed(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 1; i < N_STATUSES; i++) {
		run_in(w, "t_statuses", run_statuses[i]);
	}
	work_expect_none(w, "asst_1");
	expect_claims(w, "asst_1", run_in(w, "t_statuses", "queued"));
}

static void hints_hold_the_effort_of_the_create(void **state)
{
	struct wire *w = wire_of(state);

	work_new(w, "effort", ",'reasoning_effort':'high','model':'m'");
	expect_fields(work_claim(w, "w", "effort", ""), "{'hints':{'reasoning_effort':'high'}}");
	work_new(w, "effort", ",'reasoning_effort':null");
	expect_fields(work_claim(w, "w", "effort", ""), "{'hints':{}}");
}

#define RESOURCES                                                                                  \
	"'tool_resources':{'code_interpreter':{'file_ids':['file_1','file_2']},"                   \
	"'file_search':{'vector_store_ids':['vs_1']}}"

static void hints_hold_the_tool_resources_of_the_create(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "resources", "," RESOURCES);

	assert_null(field(run_get(w, id), "tool_resources"));
	expect_fields(work_claim(w, "w", "resources", ""), "{'hints':{" RESOURCES "}}");
	work_new(w, "resources", ",'reasoning_effort':'low'," RESOURCES);
	expect_fields(work_claim(w, "w", "resources", ""),
		"{'hints':{'reasoning_effort':'low'," RESOURCES "}}");
}

static void hints_come_with_every_claim_of_the_run(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	struct lease lease;

	work_new(w, "again", ",'reasoning_effort':'medium'");
	for (int i = 1; i <= 3; i++) {
		json_t *claim = work_claim(w, "w", "again", "");

		expect_fields(
			claim, "{'hints':{'reasoning_effort':'medium'},'lease.attempt':%d}", i);
		lease = work_lease(claim);
		work_release(w, &lease);
		if (i == 2) {
			fixture_crash(fixture);
			fixture_resume(fixture);
		}
	}
}

static void params_out_of_bounds_are_refused(void **state)
{
	static const char *const rows[][3] = {
		{"{}", "missing_param", "worker"},
		{"{'worker':''}", "invalid_params", "worker"},
		{"{'worker':5}", "invalid_params", "worker"},
		{"{'worker':['w']}", "invalid_params", "worker"},
		{"{'worker':'w','lease_ms':99}", "invalid_params", "lease_ms"},
		{"{'worker':'w','lease_ms':-1}", "invalid_params", "lease_ms"},
		{"{'worker':'w','lease_ms':3600001}", "invalid_params", "lease_ms"},
		{"{'worker':'w','lease_ms':'1000'}", "invalid_params", "lease_ms"},
		{"{'worker':'w','lease_ms':1000.5}", "invalid_params", "lease_ms"},
		{"{'worker':'w','wait_ms':-1}", "invalid_params", "wait_ms"},
		{"{'worker':'w','wait_ms':60001}", "invalid_params", "wait_ms"},
		{"{'worker':'w','wait_ms':true}", "invalid_params", "wait_ms"},
		{"{'worker':'w','assistant_ids':[]}", "invalid_params", "assistant_ids"},
		{"{'worker':'w','assistant_ids':'a'}", "invalid_params", "assistant_ids"},
		{"{'worker':'w','assistant_ids':['a b']}", "invalid_id", "assistant_ids[0]"},
		{"{'worker':'w','assistant_ids':['a','']}", "invalid_id", "assistant_ids[1]"},
		{"{'worker':'w','assistant_ids':['a',5]}", "invalid_params|invalid_id",
			"assistant_ids[1]"},
		{"{'worker':'w','idempotency_key':''}", "invalid_params", "idempotency_key"},
		{"{'worker':'w','patience':5}", "unknown_param", "patience"},
	};
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "refused", "");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(w, "runs.claim", rows[i][1], rows[i][2], "%s", rows[i][0]);
	}
	expect_fields(run_get(w, id), "{'status':'queued','started_at':null}");
}

/* @n names of assistants of which no run is. */
static json_t *strangers(int n)
{
	json_t *ids = json_array();

	for (int i = 0; i < n; i++) {
		json_array_append_new(ids, json_sprintf("stranger_%d", i));
	}
	return ids;
}

static void sixty_four_assistants_can_be_named_and_no_more(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "stranger_63", "");

	expect_error_take(w, "runs.claim", "invalid_params", "assistant_ids",
		json_pack("{ssso}", "worker", "w", "assistant_ids", strangers(65)));
	expect_fields(expect_ok_take(w, "runs.claim",
			      json_pack("{ssso}", "worker", "w", "assistant_ids", strangers(64))),
		"{'run.id':'%s'}", id);
}

static void a_worker_s_name_has_at_most_256_characters(void **state)
{
	struct wire *w = wire_of(state);
	const char *name = repeated(w, "\xc3\xa4", 256);

	work_new(w, "names", "");
	expect_error(w, "runs.claim", "invalid_params", "worker", "{'worker':'%s\xc3\xa4'}", name);
	work_claim(w, name, "names", "");
}

static void the_bounds_themselves_are_accepted(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		work_new(w, "bounds", "");
	}
	work_claim(w, "w", "bounds", ",'lease_ms':3600000,'wait_ms':60000");
	work_claim(w, "w", "bounds", ",'lease_ms':100,'wait_ms':0");
}

#define KEYED ",'idempotency_key':'%s'"

static json_t *claim_under(struct wire *w, const char *worker, const char *name, const char *key)
{
	return expect_ok(w, "runs.claim", "{'worker':'%s','assistant_ids':['%s']" KEYED "}", worker,
		name, key);
}

static void a_claim_sent_again_is_answered_with_the_same_lease(void **state)
{
	struct wire *w = wire_of(state);
	const char *first = work_new(w, "keyed", ""), *second = work_new(w, "keyed", "");
	json_t *claim = claim_under(w, "w", "keyed", "k1"), *again;

	assert_string_equal(text(claim, "run.id"), first);
	expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'since':'then'}}", first);
	again = claim_under(w, "w", "keyed", "k1");
	work_check(again, "w");
	expect_same(field(again, "lease.token"), field(claim, "lease.token"));
	expect_same(field(again, "lease.attempt"), field(claim, "lease.attempt"));
	expect_same(field(again, "run"), run_get(w, first));
	expect_fields(run_get(w, second), "{'status':'queued'}");
	expect_error(w, "runs.claim", "idempotency_conflict", NULL,
		"{'worker':'w2','assistant_ids':['keyed']" KEYED "}", "k1");
	assert_string_equal(text(claim_under(w, "w", "keyed", "k2"), "run.id"), second);
}

static void the_answer_to_a_claim_sent_again_shows_the_run_as_it_is(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease;
	json_t *again;

	work_new(w, "now", "");
	lease = work_lease(claim_under(w, "w", "now", "now"));
	work_move(w, &lease, "completed");
	again = claim_under(w, "w", "now", "now");
	expect_fields(again, "{'run.id':'%s','run.status':'completed','lease.token':'%s'}",
		lease.run, lease.token);
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", lease.run);
	expect_error(w, "runs.claim", "not_found", NULL,
		"{'worker':'w','assistant_ids':['now']" KEYED "}", "now");
}

static void the_key_of_a_claim_outlives_a_crash(void **state)
{
	struct fixture *fixture = *state;
	struct lease lease, again;

	work_new(&fixture->wire, "crash", "");
	work_new(&fixture->wire, "crash", "");
	lease = work_lease(claim_under(&fixture->wire, "w", "crash", "crash"));
	fixture_crash(fixture);
	fixture_resume(fixture);
	again = work_lease(claim_under(&fixture->wire, "w", "crash", "crash"));
	assert_string_equal(again.run, lease.run);
	assert_string_equal(again.token, lease.token);
}

static void a_claim_of_nothing_leaves_no_key(void **state)
{
	struct wire *w = wire_of(state);
	const char *id;

	work_check_none(claim_under(w, "w", "empty", "empty"));
	id = work_new(w, "empty", "");
	assert_string_equal(text(claim_under(w, "w", "empty", "empty"), "run.id"), id);
	/* Nor does it take that of another request. */
	work_check_none(claim_under(w, "w", "empty", "taken"));
	expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{}" KEYED "}", id, "taken");
}

static void a_claim_of_nothing_changes_nothing(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);

	work_expect_none(w, "unchanged");
	work_check_none(work_try(w, "w", "unchanged", ",'wait_ms':100"));
	assert_int_equal(history_last(w), last);
}

static void a_claim_is_not_made_in_a_batch(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "batch", "");
	json_t *reply = expect_ok(
		w, "batch", "{'requests':[['server.info',{}],['runs.claim',{'worker':'w'}]]}");

	check_error("the claim", field(reply, "results[1][0]"), "invalid_params", NULL);
	expect_error(w, "batch", "invalid_params", "requests[0]*",
		"{'atomic':true,'requests':[['runs.claim',{'worker':'w'}]]}");
	expect_fields(run_get(w, id), "{'status':'queued'}");
}

/* The group's daemon is no argument of this one. */
static int start_alone(void **state)
{
	*state = NULL;
	return fixture_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_hands_out_a_run_and_a_lease),
		cmocka_unit_test(a_lease_lasts_thirty_seconds_by_default),
		cmocka_unit_test(nothing_to_claim_is_nil_at_once),
		cmocka_unit_test(a_run_is_handed_out_once),
		cmocka_unit_test(the_oldest_comes_first),
		cmocka_unit_test_setup_teardown(
			runs_of_any_assistant_are_claimed_unless_some_are_named, start_alone,
			fixture_stop),
		cmocka_unit_test(none_but_queued_runs_are_claimed),
		cmocka_unit_test(hints_hold_the_effort_of_the_create),
		cmocka_unit_test(hints_hold_the_tool_resources_of_the_create),
		cmocka_unit_test(hints_come_with_every_claim_of_the_run),
		cmocka_unit_test(params_out_of_bounds_are_refused),
		cmocka_unit_test(sixty_four_assistants_can_be_named_and_no_more),
		cmocka_unit_test(a_worker_s_name_has_at_most_256_characters),
		cmocka_unit_test(the_bounds_themselves_are_accepted),
		cmocka_unit_test(a_claim_sent_again_is_answered_with_the_same_lease),
		cmocka_unit_test(the_answer_to_a_claim_sent_again_shows_the_run_as_it_is),
		cmocka_unit_test(the_key_of_a_claim_outlives_a_crash),
		cmocka_unit_test(a_claim_of_nothing_leaves_no_key),
		cmocka_unit_test_setup_teardown(
			a_claim_of_nothing_changes_nothing, start_alone, fixture_stop),
		cmocka_unit_test(a_claim_is_not_made_in_a_batch),
	};

	return cmocka_run_group_tests_name("claims", tests, fixture_start, fixture_stop);
}
