/* Every pair of statuses, allowed and refused; and runs.cancel and runs.delete. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <string.h>

/*
 * What an update may do, in the order of run_statuses. The two ways back to queued are not here:
 * they belong to leases and to tool outputs.
 */
static const struct {
	const char *from;
	const char *allowed[N_STATUSES];
} table[N_STATUSES] = {
	{"queued", {"in_progress", "cancelled", "failed", "expired"}},
	{"in_progress",
		{"requires_action", "completed", "incomplete", "failed", "cancelling", "expired"}},
	{"requires_action", {"cancelled", "failed", "expired"}},
	{"cancelling", {"cancelled", "completed", "incomplete", "failed", "expired"}},
	{"cancelled", {NULL}},
	{"failed", {NULL}},
	{"completed", {NULL}},
	{"incomplete", {NULL}},
	{"expired", {NULL}},
};

static bool is_allowed(int row, const char *to)
{
	for (int i = 0; i < N_STATUSES && table[row].allowed[i]; i++) {
		if (!strcmp(table[row].allowed[i], to)) {
			return true;
		}
	}
	return false;
}

static void try_pair(struct wire *w, int row, const char *to)
{
	const char *id = run_in(w, "t_pairs", table[row].from);
	json_t *before = run_get(w, id);

	expect_fields(before, "{'status':'%s'}", table[row].from);
	if (is_allowed(row, to)) {
		expect_fields(run_move(w, id, to), "{'status':'%s'}", to);
		expect_fields(run_get(w, id), "{'status':'%s'}", to);
		return;
	}
	expect_error(w, "runs.update", "invalid_transition", NULL,
		"{'run_id':'%s','status':'%s'%s}", id, to, status_demands(to));
	expect_same(run_get(w, id), before);
}

static void only_the_table_s_pairs_are_allowed(void **state)
{
	for (int row = 0; row < N_STATUSES; row++) {
		for (int to = 0; to < N_STATUSES; to++) {
			try_pair(wire_of(state), row, run_statuses[to]);
		}
	}
}

static void a_finished_run_still_takes_metadata(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 4; i < N_STATUSES; i++) {
		expect_fields(expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'a':'b'}}",
				      run_in(w, "t_meta", run_statuses[i])),
			"{'status':'%s','metadata':{'a':'b'}}", run_statuses[i]);
	}
}

static void cancel_ends_a_run_that_nobody_works_on_at_once(void **state)
{
	static const char *const from[] = {"queued", "requires_action"};
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		const char *id = run_in(w, "t_cancel", from[i]);
		json_t *run = expect_ok(w, "runs.cancel", "{'run_id':'%s'}", id);

		expect_fields(
			run, "{'status':'cancelled','required_action':null,'expires_at':null}");
		expect_now(run, "cancelled_at");
		expect_same(run_get(w, id), run);
	}
}

static void cancel_asks_the_executor_of_a_run_in_progress(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t_cancel", "in_progress");
	json_t *run = expect_ok(w, "runs.cancel", "{'run_id':'%s'}", id);

	expect_fields(run, "{'status':'cancelling','cancelled_at':null}");
	expect_now(run_move(w, id, "cancelled"), "cancelled_at");
}

static void cancel_of_anything_else_is_refused_in_openai_s_words(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 3; i < N_STATUSES; i++) {
		const char *id = run_in(w, "t_cancel", run_statuses[i]);
		json_t *before = run_get(w, id);
		json_t *error = expect_error(
			w, "runs.cancel", "invalid_transition", NULL, "{'run_id':'%s'}", id);
		char message[80];

		snprintf(message, sizeof(message), "Cannot cancel run with status '%s'.",
			run_statuses[i]);
		assert_string_equal(text(error, "message"), message);
		expect_same(run_get(w, id), before);
	}
}

static void an_unknown_run_is_not_found_by_any_method(void **state)
{
	static const struct {
		const char *method, *more;
	} rows[] = {{"runs.get", ""}, {"runs.cancel", ""}, {"runs.delete", ""},
		{"runs.update", ",'status':'in_progress'"}, {"steps.list", ""},
		{"steps.get", ",'step_id':'step_1'"},
		{"steps.update", ",'step_id':'step_1','status':'completed'"},
		{"steps.create", ",'type':'message_creation','step_details':{'type':"
				 "'message_creation','message_creation':{'message_id':'m'}}"},
		{"runs.submit_tool_outputs", ",'tool_outputs':[]"}};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *error = expect_error(w, rows[i].method, "not_found|invalid_params", NULL,
			"{'run_id':'run_none'%s}", rows[i].more);

		if (strcmp(rows[i].method, "runs.submit_tool_outputs") != 0) {
			assert_string_equal(
				text(error, "message"), "No run found with id 'run_none'.");
		}
	}
}

static void delete_takes_the_run_and_its_steps(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t_delete", "in_progress");
	const char *step = step_new(w, id);
	const char *other = run_new(w, "t_delete");

	expect_same(expect_ok(w, "runs.delete", "{'run_id':'%s'}", id),
		wire_keep(w, codec_parse("{'id':'%s','object':'thread.run.deleted','deleted':true}",
				     id)));
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'%s'}", id);
	expect_error(w, "runs.delete", "not_found", NULL, "{'run_id':'%s'}", id);
	expect_error(w, "steps.get", "not_found", NULL, "{'run_id':'%s','step_id':'%s'}", id, step);
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_delete'}"), other, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_table_s_pairs_are_allowed),
		cmocka_unit_test(a_finished_run_still_takes_metadata),
		cmocka_unit_test(cancel_ends_a_run_that_nobody_works_on_at_once),
		cmocka_unit_test(cancel_asks_the_executor_of_a_run_in_progress),
		cmocka_unit_test(cancel_of_anything_else_is_refused_in_openai_s_words),
		cmocka_unit_test(an_unknown_run_is_not_found_by_any_method),
		cmocka_unit_test(delete_takes_the_run_and_its_steps),
	};

	return cmocka_run_group_tests_name("transitions", tests, fixture_start, fixture_stop);
}
