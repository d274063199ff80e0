/* Issued ids count up within a millisecond, and callers may choose ids that look like them. */
#include "cmocka_all.h"

#include "objects.h"
#include "shelf.h"

#include <stdio.h>
#include <string.h>

enum { CHOSEN = 20 };

/* Count up the number at the end of an issued id. */
static void next_id(char *id)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	for (size_t at = strlen(id) - 1; id[at] != '_'; at--) {
		const char *digit = strchr(digits, id[at]);

		assert_non_null(digit);
		if (digit[1]) {
			id[at] = digit[1];
			return;
		}
		id[at] = digits[0];
	}
}

static const char *create_run(struct shelf *s, const char *thread, const char *member)
{
	return text(shelf_call(s, "runs.create",
			    "{'thread_id':'%s','assistant_id':'a','on_active':'parallel'%s}",
			    thread, member),
		"id");
}

static void expect_thread(struct shelf *s, const char *run, const char *thread)
{
	expect_fields(shelf_call(s, "runs.get", "{'run_id':'%s'}", run),
		"{'id':'%s','thread_id':'%s'}", run, thread);
}

static void a_run_is_not_issued_an_id_that_a_caller_chose(void **state)
{
	struct shelf *s = *state;
	const char *first = create_run(s, "t_first", ""), *last;
	char chosen[40], member[96];

	snprintf(chosen, sizeof(chosen), "%s", first);
	for (int i = 0; i < CHOSEN; i++) {
		next_id(chosen);
		snprintf(member, sizeof(member), ",'id':'%s'", chosen);
		create_run(s, "t_chosen", member);
	}
	last = create_run(s, "t_last", "");
	expect_thread(s, first, "t_first");
	expect_thread(s, last, "t_last");
	snprintf(chosen, sizeof(chosen), "%s", first);
	for (int i = 0; i < CHOSEN; i++) {
		next_id(chosen);
		expect_thread(s, chosen, "t_chosen");
	}
	next_id(chosen);
	assert_string_equal(last, chosen);
	assert_int_equal(shelf_count(s, T_RUNS), CHOSEN + 2);
	assert_int_equal(shelf_count(s, T_RUN_IDS), CHOSEN + 2);
}

static const char *create_step(struct shelf *s, const char *run, const char *member)
{
	return text(shelf_call(s, "steps.create",
			    "{'run_id':'%s','type':'message_creation','step_details':{'type':"
			    "'message_creation','message_creation':{'message_id':'m'}}%s}",
			    run, member),
		"id");
}

static void a_step_is_not_issued_an_id_that_a_caller_chose(void **state)
{
	struct shelf *s = *state;
	const char *run = create_run(s, "t", ""), *last;
	char chosen[40], member[96];

	shelf_call(s, "runs.update", "{'run_id':'%s','status':'in_progress'}", run);
	snprintf(chosen, sizeof(chosen), "%s", create_step(s, run, ""));
	for (int i = 0; i < CHOSEN; i++) {
		next_id(chosen);
		snprintf(member, sizeof(member), ",'id':'%s','metadata':{'is':'chosen'}", chosen);
		create_step(s, run, member);
	}
	last = create_step(s, run, "");
	expect_fields(shelf_call(s, "steps.get", "{'run_id':'%s','step_id':'%s'}", run, chosen),
		"{'metadata':{'is':'chosen'}}");
	next_id(chosen);
	assert_string_equal(last, chosen);
	assert_int_equal(shelf_count(s, T_STEPS), CHOSEN + 2);
	assert_int_equal(shelf_count(s, T_STEP_IDS), CHOSEN + 2);
}

/* A step that is made for a run's tool calls gets its id in another way. */
static void nor_is_the_step_that_is_made_for_tool_calls(void **state)
{
	struct shelf *s = *state;
	const char *run = create_run(s, "t", "");
	char chosen[40], member[96];

	shelf_call(s, "runs.update", "{'run_id':'%s','status':'in_progress'}", run);
	snprintf(chosen, sizeof(chosen), "%s", create_step(s, run, ""));
	next_id(chosen);
	snprintf(member, sizeof(member), ",'id':'%s'", chosen);
	create_step(s, run, member);
	shelf_call(s, "runs.update",
		"{'run_id':'%s','status':'requires_action','required_action':%s}", run,
		required_action_json);
	expect_fields(shelf_call(s, "steps.get", "{'run_id':'%s','step_id':'%s'}", run, chosen),
		"{'type':'message_creation'}");
	next_id(chosen);
	expect_fields(shelf_call(s, "steps.get", "{'run_id':'%s','step_id':'%s'}", run, chosen),
		"{'type':'tool_calls'}");
	assert_int_equal(shelf_count(s, T_STEPS), 3);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, shelf_start, shelf_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(a_run_is_not_issued_an_id_that_a_caller_chose),
		ALONE(a_step_is_not_issued_an_id_that_a_caller_chose),
		ALONE(nor_is_the_step_that_is_made_for_tool_calls),
	};

	return cmocka_run_group_tests_name("issued ids", tests, NULL, NULL);
}
