/* In which order the changes of steps and messages are told that are open at the same time. */
#include "cmocka_all.h"

#include "tests/gateway/saga.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct compose_options through = {.through_actions = true};

static void a_second_step_waits_for_the_first(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	saga_ends_calls(s, "step_2");
	saga_expect(s, NULL, false,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1");
	saga_opens_calls(s, "step_3");
	saga_ends_calls(s, "step_1");
	saga_expect(s, NULL, false,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 "
		"step.completed:step_1 step.created:step_2 step.in_progress:step_2 "
		"step.completed:step_2 step.created:step_3 step.in_progress:step_3");
	saga_ends_calls(s, "step_3");
	saga_run(s, "completed", "in_progress", "completed");
	saga_expect_sense(s, NULL);
}

static void run_events_wait_for_nobody(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	saga_run(s, "cancelling", "in_progress", "cancelling");
	saga_expect(s, NULL, false,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 "
		"run.cancelling");
}

static void what_is_held_comes_before_the_end(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	saga_step(s, "step_2", "cancelled", "in_progress", "cancelled", "{'type':'tool_calls'}");
	saga_run(s, "cancelled", "in_progress", "cancelled");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 "
		"step.created:step_2 step.in_progress:step_2 step.cancelled:step_2 run.cancelled "
		"done");
}

static void a_message_comes_within_its_step(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_opens_speech(s, "step_1", "msg_1");
	saga_message(s, "msg_2", "created", NULL, "in_progress", "[]");
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_opens_calls(s, "step_2");
	saga_ends_speech(s, "step_1", "msg_1");
	saga_message(s, "msg_1", "completed", "in_progress", "completed", "[]");
	saga_expect(s, NULL, false,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 "
		"message.created:msg_1 message.in_progress:msg_1 step.completed:step_1 "
		"message.completed:msg_1 message.created:msg_2 message.in_progress:msg_2");
	saga_message(s, "msg_2", "completed", "in_progress", "completed", "[]");
	saga_ends_calls(s, "step_2");
	saga_run(s, "completed", "in_progress", "completed");
	saga_expect_sense(s, NULL);
}

/* A worker may make the message first: it needs its id for the step. */
static void a_step_joins_its_open_message(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_opens_calls(s, "step_2");
	saga_opens_speech(s, "step_1", "msg_1");
	saga_says(s, "msg_1", "a");
	saga_message(s, "msg_1", "completed", "in_progress", "completed",
		"[{'type':'text','text':{'value':'a','annotations':[]}}]");
	saga_expect(s, NULL, false,
		"run.created run.queued run.in_progress message.created:msg_1 "
		"message.in_progress:msg_1 step.created:step_1 step.in_progress:step_1 "
		"message.delta:msg_1 message.completed:msg_1");
	saga_ends_speech(s, "step_1", "msg_1");
	saga_ends_calls(s, "step_2");
	saga_run(s, "completed", "in_progress", "completed");
	saga_expect_sense(s, NULL);
}

static void an_open_message_that_is_deleted_makes_way(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_opens_calls(s, "step_1");
	saga_message(s, "msg_1", "deleted", "in_progress", NULL, "[]");
	saga_expect(s, NULL, false,
		"run.created run.queued run.in_progress message.created:msg_1 "
		"message.in_progress:msg_1 step.created:step_1 step.in_progress:step_1");
}

static void a_stream_ends_at_requires_action(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	saga_run(s, "requires_action", "in_progress", "requires_action");
	saga_ends_calls(s, "step_1");
	saga_run(s, "queued", "requires_action", "queued");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 run.requires_action done");
	saga_expect(s, &(struct compose_options){.begin_seq = 5}, false,
		"step.completed:step_1 step.created:step_2 step.in_progress:step_2 run.queued");
}

/* No SDK takes a second step; but a message, or a step beside a message, they do. */
static void what_may_be_told_is_told_before_it_ends_there(void **state)
{
	struct saga *s = *state;
	int64_t action;

	saga_begins(s);
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	saga_message(s, "msg_2", "created", NULL, "completed", "[]");
	action = saga_run(s, "requires_action", "in_progress", "requires_action");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress message.created:msg_1 "
		"message.in_progress:msg_1 step.created:step_1 step.in_progress:step_1 "
		"run.requires_action done");
	saga_expect(s, &through, false,
		"run.created run.queued run.in_progress message.created:msg_1 "
		"message.in_progress:msg_1 run.requires_action");
	saga_ends_calls(s, "step_1");
	saga_run(s, "queued", "requires_action", "queued");
	saga_message(s, "msg_1", "completed", "in_progress", "completed", "[]");
	saga_expect(s, &(struct compose_options){.begin_seq = action}, false,
		"step.completed:step_1 run.queued message.created:msg_1 message.in_progress:msg_1 "
		"message.completed:msg_1 step.created:step_2 step.in_progress:step_2");
}

static void or_goes_on_if_it_is_told_to(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	saga_run(s, "requires_action", "in_progress", "requires_action");
	saga_ends_calls(s, "step_1");
	saga_run(s, "queued", "requires_action", "queued");
	saga_ends_calls(s, "step_2");
	saga_run(s, "completed", "in_progress", "completed");
	saga_expect(s, &through, true,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 "
		"run.requires_action step.completed:step_1 step.created:step_2 "
		"step.in_progress:step_2 run.queued step.completed:step_2 run.completed done");
	saga_expect_sense(s, &through);
}

static void very_much_is_not_held(void **state)
{
	struct saga *s = *state;
	char *big = calloc(1, 60001), *details, *text;
	bool over;

	memset(big, 'x', 60000);
	assert_int_not_equal(asprintf(&details, "{'type':'tool_calls','text':'%s'}", big), -1);
	saga_begins(s);
	saga_opens_calls(s, "step_1");
	for (int i = 0; i < 40; i++) {
		char id[20];

		snprintf(id, sizeof(id), "other_%d", i);
		saga_step(s, id, "created", NULL, "in_progress", details);
	}
	text = saga_play(s, NULL, &over);
	assert_non_null(strstr(text, "other_30"));
	free(text);
	free(big);
	free(details);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, saga_setup, saga_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_second_step_waits_for_the_first),
		TEST(run_events_wait_for_nobody),
		TEST(what_is_held_comes_before_the_end),
		TEST(a_message_comes_within_its_step),
		TEST(a_step_joins_its_open_message),
		TEST(an_open_message_that_is_deleted_makes_way),
		TEST(a_stream_ends_at_requires_action),
		TEST(what_may_be_told_is_told_before_it_ends_there),
		TEST(or_goes_on_if_it_is_told_to),
		TEST(very_much_is_not_held),
	};

	return cmocka_run_group_tests_name("compose_order", tests, NULL, NULL);
}
