/* steps.update: step_details that grow are a delta, anything else is an update. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"

#define DELTA "thread.run.step.delta"
#define UPDATED "thread.run.step.updated"

#define CALLS(calls) "{'type':'tool_calls','tool_calls':[" calls "]}"
#define LOOK(id, arguments, output)                                                                \
	"{'id':'" id "','type':'function','function':{'name':'look','arguments':'" arguments       \
	"','output':" output "}}"
#define CODE(input, outputs)                                                                       \
	"{'id':'c1','type':'code_interpreter','code_interpreter':{'input':'" input                 \
	"','outputs':[" outputs "]}}"
#define LOGS(text) "{'type':'logs','logs':'" text "'}"

static const struct row {
	const char *before, *after, *event;
} rows[] = {
	{CALLS(""), CALLS(LOOK("c1", "", "null")), DELTA},
	{CALLS(LOOK("c1", "", "null")), CALLS(LOOK("c1", "{", "null")), DELTA},
	{CALLS(LOOK("c1", "{", "null")), CALLS(LOOK("c1", "{}", "null")), DELTA},
	{CALLS(LOOK("c1", "{}", "null")), CALLS(LOOK("c1", "{}", "'seen'")), DELTA},
	{CALLS(LOOK("c1", "{}", "'se'")), CALLS(LOOK("c1", "{}", "'seen'")), DELTA},
	{CALLS(LOOK("c1", "{}", "null")),
		CALLS(LOOK("c1", "{}", "null") "," LOOK("c2", "", "null")), DELTA},
	{CALLS(CODE("1+", "")), CALLS(CODE("1+1", "")), DELTA},
	{CALLS(CODE("1+1", "")), CALLS(CODE("1+1", LOGS("2"))), DELTA},
	{CALLS(CODE("1+1", LOGS("2"))), CALLS(CODE("1+1", LOGS("2\\n3"))), DELTA},
	{CALLS(LOOK("c1", "{}", "null")), CALLS(LOOK("c1", "{}", "null")), UPDATED},
	{CALLS(LOOK("c1", "{}", "null")), CALLS(LOOK("c1", "{", "null")), UPDATED},
	{CALLS(LOOK("c1", "{}", "null")), CALLS(LOOK("c2", "{}", "null")), UPDATED},
	{CALLS(LOOK("c1", "{}", "'seen'")), CALLS(LOOK("c1", "{}", "null")), UPDATED},
	{CALLS(LOOK("c1", "{}", "'seen'")), CALLS(LOOK("c1", "{}", "'saw'")), UPDATED},
	{CALLS(LOOK("c1", "{}", "null") "," LOOK("c2", "", "null")),
		CALLS(LOOK("c1", "{}", "null")), UPDATED},
	{CALLS(LOOK("c1", "{}", "null")), CALLS(CODE("1+1", "")), UPDATED},
	{CALLS(CODE("1+1", LOGS("2"))), CALLS(CODE("1+1", LOGS("3"))), UPDATED},
};

static const char *step_with(struct wire *w, const char *run, const char *details)
{
	return text(expect_ok(w, "steps.create",
			    "{'run_id':'%s','type':'tool_calls','step_details':%s}", run, details),
		"id");
}

/* The store's last change is @event of @step, which it shows. */
static void expect_told(struct wire *w, const char *event, const json_t *step)
{
	json_t *changes = history_since(w, history_last(w) - 1, ",'objects':true");

	expect_fields(changes, "{'[0].event':'%s','[0].step_id':'%s'}", event, text(step, "id"));
	expect_same(field(changes, "[0].object"), step);
	assert_null(field(changes, "[0].message_id"));
}

static void details_that_grow_are_a_delta_and_others_an_update(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_rows", "in_progress");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *id = step_with(w, run, rows[i].before);

		print_message("# %s -> %s\n", rows[i].before, rows[i].after);
		expect_told(w, rows[i].event,
			expect_ok(w, "steps.update",
				"{'run_id':'%s','step_id':'%s','step_details':%s}", run, id,
				rows[i].after));
	}
}

static void a_change_of_status_is_told_as_such(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_status", "in_progress");
	const char *id = step_with(w, run, CALLS(LOOK("c1", "{", "null")));

	expect_told(w, "thread.run.step.completed",
		expect_ok(w, "steps.update",
			"{'run_id':'%s','step_id':'%s','status':'completed','step_details':%s}",
			run, id, CALLS(LOOK("c1", "{}", "'o'"))));
	expect_told(w, UPDATED,
		expect_ok(w, "steps.update", "{'run_id':'%s','step_id':'%s','metadata':{'k':'v'}}",
			run, id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(details_that_grow_are_a_delta_and_others_an_update),
		cmocka_unit_test(a_change_of_status_is_told_as_such),
	};

	return cmocka_run_group_tests_name("steps grow", tests, fixture_start, fixture_stop);
}
