/* What the changes of a run become. */
#include "cmocka_all.h"

#include "tests/gateway/listener.h"
#include "tests/gateway/saga.h"

#include <stdio.h>
#include <stdlib.h>

static const struct compose_options through = {.through_actions = true};

static void a_run_is_told_in_the_order_of_the_api(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_opens_speech(s, "step_1", "msg_1");
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_says(s, "msg_1", "Hello");
	saga_says(s, "msg_1", "Hello today");
	saga_message(s, "msg_1", "completed", "in_progress", "completed",
		"[{'type':'text','text':{'value':'Hello today','annotations':[]}}]");
	saga_ends_speech(s, "step_1", "msg_1");
	saga_run(s, "completed", "in_progress", "completed");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 "
		"message.created:msg_1 message.in_progress:msg_1 message.delta:msg_1 "
		"message.delta:msg_1 message.completed:msg_1 step.completed:step_1 run.completed "
		"done");
	saga_expect_sense(s, NULL);
}

static void events_have_the_form_and_the_object_of_their_change(void **state)
{
	struct saga *s = *state;
	char *text;

	saga_run(s, "created", NULL, "queued");
	saga_run(s, "expired", "queued", "expired");
	text = saga_play(s, NULL, NULL);
	assert_string_equal(text, "id: 1\nevent: thread.run.created\ndata: "
				  "{\"id\":\"run_1\",\"object\":\"thread.run\",\"status\":"
				  "\"queued\",\"seq\":1}\n\n"
				  "id: 1\nevent: thread.run.queued\ndata: "
				  "{\"id\":\"run_1\",\"object\":\"thread.run\",\"status\":"
				  "\"queued\",\"seq\":1}\n\n"
				  "id: 2\nevent: thread.run.expired\ndata: "
				  "{\"id\":\"run_1\",\"object\":\"thread.run\",\"status\":"
				  "\"expired\",\"seq\":2}\n\n"
				  "event: done\ndata: [DONE]\n\n");
	free(text);
}

static void a_message_created_whole_is_told_as_one_that_grew(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_message(s, "msg_1", "created", NULL, "completed",
		"[{'type':'text','text':{'value':'Hi','annotations':[]}}]");
	saga_message(s, "msg_2", "created", NULL, "in_progress",
		"[{'type':'text','text':{'value':'H','annotations':[]}}]");
	saga_message(s, "msg_2", "incomplete", "in_progress", "incomplete",
		"[{'type':'text','text':{'value':'Ho','annotations':[]}}]");
	saga_run(s, "failed", "in_progress", "failed");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress message.created:msg_1 "
		"message.in_progress:msg_1 message.delta:msg_1 message.completed:msg_1 "
		"message.created:msg_2 message.in_progress:msg_2 message.delta:msg_2 "
		"message.delta:msg_2 message.incomplete:msg_2 run.failed done");
	saga_expect_sense(s, NULL);
}

static void growing_calls_are_deltas(void **state)
{
	struct saga *s = *state;
	char *text;

	saga_begins(s);
	saga_step(s, "step_1", "created", NULL, "in_progress",
		"{'type':'tool_calls','tool_calls':[]}");
	saga_step(s, "step_1", "delta", "in_progress", "in_progress",
		"{'type':'tool_calls','tool_calls':[{'id':'c','type':'function','function':"
		"{'name':'f','arguments':'{','output':null}}]}");
	saga_step(s, "step_1", "completed", "in_progress", "completed",
		"{'type':'tool_calls','tool_calls':[{'id':'c','type':'function','function':"
		"{'name':'f','arguments':'{}','output':'1'}}]}");
	saga_run(s, "completed", "in_progress", "completed");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 "
		"step.delta:step_1 step.delta:step_1 step.completed:step_1 run.completed done");
	saga_expect_sense(s, NULL);
	text = saga_play(s, NULL, NULL);
	assert_non_null(
		strstr(text, "id: 4\nevent: thread.run.step.delta\ndata: {\"id\":"
			     "\"step_1\",\"object\":\"thread.run.step.delta\",\"delta\":"
			     "{\"step_details\":{\"type\":\"tool_calls\",\"tool_calls\":[{"
			     "\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":"
			     "{\"name\":\"f\",\"arguments\":\"{\",\"output\":null}}]}}}\n"));
	assert_non_null(strstr(text, "\"tool_calls\":[{\"index\":0,\"type\":\"function\","
				     "\"function\":{\"arguments\":\"}\",\"output\":\"1\"}}]"));
	free(text);
}

static void what_is_rewritten_has_no_delta_until_it_continues(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_says(s, "msg_1", "Hello");
	saga_message(s, "msg_1", "updated", "in_progress", "in_progress",
		"[{'type':'text','text':{'value':'Bye','annotations':[]}}]");
	saga_says(s, "msg_1", "Bye bye");
	saga_says(s, "msg_1", "Hello you");
	saga_message(s, "msg_1", "completed", "in_progress", "completed",
		"[{'type':'text','text':{'value':'Hello you!','annotations':[]}}]");
	saga_run(s, "completed", "in_progress", "completed");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress message.created:msg_1 "
		"message.in_progress:msg_1 message.delta:msg_1 message.delta:msg_1 "
		"message.delta:msg_1 message.completed:msg_1 run.completed done");
	saga_expect_sense(s, NULL);
}

static void other_changes_are_not_shown(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_run(s, "updated", "in_progress", "in_progress");
	saga_opens_calls(s, "step_1");
	saga_step(s, "step_1", "updated", "in_progress", "in_progress",
		"{'type':'tool_calls','tool_calls':[{'id':'call_1','type':'function','function':"
		"{'name':'f','arguments':'{}','output':null}}]}");
	saga_ends_calls(s, "step_1");
	saga_step(s, "step_1", "updated", "completed", "completed", "{'type':'other'}");
	saga_message(s, "msg_9", "updated", "completed", "completed", "[]");
	saga_message(s, "msg_9", "deleted", "completed", NULL, "[]");
	saga_step(s, "step_9", "deleted", "completed", NULL, "{}");
	saga_run(s, "completed", "in_progress", "completed");
	saga_run(s, "updated", "completed", "completed");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 "
		"step.completed:step_1 run.completed done");
}

static void a_lost_lease_shows_as_queued(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_run(s, "lease_lost", "in_progress", "queued");
	saga_run(s, "in_progress", "queued", "in_progress");
	saga_run(s, "queued", "in_progress", "queued");
	saga_run(s, "in_progress", "queued", "in_progress");
	saga_run(s, "cancelling", "in_progress", "cancelling");
	saga_run(s, "lease_lost", "cancelling", "cancelling");
	saga_run(s, "cancelled", "cancelling", "cancelled");
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress run.queued run.in_progress run.queued "
		"run.in_progress run.cancelling run.cancelled done");
}

static void a_deleted_run_is_an_error(void **state)
{
	struct saga *s = *state;
	json_t *events, *data;
	char *text;

	saga_begins(s);
	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	saga_run(s, "deleted", "in_progress", NULL);
	saga_expect(s, NULL, true,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 error done");
	text = saga_play(s, NULL, NULL);
	events = listener_parse(text);
	data = json_object_get(json_array_get(events, 5), "data");
	assert_string_equal(json_string_value(json_object_get(data, "message")),
		"No run found with id 'run_1'.");
	assert_string_equal(json_string_value(json_object_get(data, "code")), "not_found");
	assert_true(json_is_null(json_object_get(data, "param")));
	json_object_del(json_object_get(data, "error"), "absent");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(data, "error"), "type")),
		"invalid_request_error");
	json_decref(events);
	free(text);
}

static void an_imported_run_ends_behind_its_steps(void **state)
{
	struct saga *s = *state;

	saga_run(s, "imported", NULL, "completed");
	saga_step(s, "step_1", "imported", NULL, "completed", "{'type':'tool_calls'}");
	saga_step(s, "step_2", "imported", NULL, "failed", "{'type':'tool_calls'}");
	saga_expect(s, NULL, true,
		"run.created step.created:step_1 step.completed:step_1 step.created:step_2 "
		"step.failed:step_2 run.completed done");
	saga_run(s, "updated", "completed", "completed");
	saga_expect(s, NULL, true,
		"run.created step.created:step_1 step.completed:step_1 step.created:step_2 "
		"step.failed:step_2 run.completed done");
}

static void an_imported_run_may_go_on(void **state)
{
	struct saga *s = *state;

	saga_run(s, "imported", NULL, "requires_action");
	saga_step(s, "step_1", "imported", NULL, "in_progress", "{'type':'tool_calls'}");
	saga_expect(s, NULL, true,
		"run.created step.created:step_1 step.in_progress:step_1 run.requires_action done");
	saga_expect(s, &through, false,
		"run.created run.requires_action step.created:step_1 step.in_progress:step_1");
	saga_run(s, "cancelled", "requires_action", "cancelled");
	saga_expect(s, &through, true,
		"run.created run.requires_action step.created:step_1 step.in_progress:step_1 "
		"run.cancelled done");
}

static void large_objects_are_asked_for(void **state)
{
	struct saga *s = *state;

	saga_run(s, "created", NULL, "queued");
	saga_drop_object(s);
	saga_step(s, "step_1", "created", NULL, "in_progress", "{}");
	saga_drop_object(s);
	saga_step(s, "step_1", "updated", "in_progress", "in_progress", "{}");
	saga_drop_object(s);
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_drop_object(s);
	saga_step(s, "step_1", "completed", "in_progress", "completed", "{}");
	saga_drop_object(s);
	json_object_set_new(s->now, "run_1", json_pack("{s:s,s:s}", "id", "run_1", "now", "yes"));
	json_object_set_new(s->now, "step_1",
		json_pack("{s:s,s:{s:s}}", "id", "step_1", "step_details", "type", "x"));
	saga_expect(s, NULL, false,
		"run.created run.queued step.created:step_1 step.in_progress:step_1 "
		"step.completed:step_1");
	assert_int_equal(s->fetched, 4);
}

static void a_run_that_cannot_be_had_is_passed_over(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_drop_object(s);
	saga_run(s, "completed", "in_progress", "completed");
	saga_drop_object(s);
	saga_run(s, "deleted", "completed", NULL);
	saga_expect(s, NULL, true, "run.created run.queued error done");
}

static void after_trouble_the_same_change_is_given_again(void **state)
{
	struct saga *s = *state;
	struct compose_options options = saga_options(s, NULL);
	struct compose *c = NULL;
	struct buf out = {0};
	uint8_t change[] = "\x84\xa5"
			   "event\xb2thread.run.created\xa6run_id\xa5run_1\xa2to\xa6queued"
			   "\xa3seq\x01";

	s->trouble = RUNSTORE_E_UNAVAILABLE;
	assert_int_equal(compose_open(&c, &options), 0);
	assert_int_equal(compose_change(c, slice_of(change, sizeof(change) - 1), &out),
		RUNSTORE_E_UNAVAILABLE);
	assert_int_equal(out.len, 0);
	assert_false(compose_whole(c));
	s->trouble = 0;
	json_object_set_new(s->now, "run_1", json_object());
	assert_int_equal(compose_change(c, slice_of(change, sizeof(change) - 1), &out), 0);
	assert_true(compose_whole(c));
	assert_int_not_equal(out.len, 0);
	saga_feed(s, c, 0, 0, &out);
	compose_close(c);
	buf_finish(&out);
}

static void what_searches_found_is_shown_only_if_asked_for(void **state)
{
	static const char details[] =
		"{'type':'tool_calls','tool_calls':[{'id':'c','type':'file_search','file_search':"
		"{'results':[{'file_id':'f','content':[{'text':'secret'}]}]}}]}";
	const struct compose_options all = {.include_content = true};
	struct saga *s = *state;
	char *text;

	saga_begins(s);
	saga_step(s, "step_1", "created", NULL, "in_progress", "{'type':'tool_calls'}");
	saga_step(s, "step_1", "delta", "in_progress", "in_progress", details);
	saga_step(s, "step_1", "completed", "in_progress", "completed", details);
	text = saga_play(s, NULL, NULL);
	assert_null(strstr(text, "secret"));
	assert_non_null(strstr(text, "file_id"));
	free(text);
	text = saga_play(s, &all, NULL);
	assert_non_null(strstr(text, "\"results\":[{\"index\":0,\"file_id\":\"f\",\"content\":[{"
				     "\"index\":0,\"text\":\"secret\"}]}]"));
	assert_non_null(strstr(text, "\"results\":[{\"file_id\":\"f\",\"content\":[{\"text\":"
				     "\"secret\"}]}]"));
	free(text);
}

static void changes_of_others_are_nothing(void **state)
{
	static const char *const events[] = {"thread.created", "assistant.created", "thread.run",
		"thread.runs.created", "", "thread.run.step.created"};
	struct saga *s = *state;

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		saga_run(s, "created", NULL, "queued");
		json_object_set_new(json_array_get(s->changes, i), "event", json_string(events[i]));
	}
	json_array_append_new(s->changes, json_object());
	json_array_append_new(s->changes, json_null());
	json_array_append_new(s->changes, json_integer(3));
	saga_expect(s, NULL, false, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, saga_setup, saga_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_run_is_told_in_the_order_of_the_api),
		TEST(events_have_the_form_and_the_object_of_their_change),
		TEST(a_message_created_whole_is_told_as_one_that_grew),
		TEST(growing_calls_are_deltas),
		TEST(what_is_rewritten_has_no_delta_until_it_continues),
		TEST(other_changes_are_not_shown),
		TEST(a_lost_lease_shows_as_queued),
		TEST(a_deleted_run_is_an_error),
		TEST(an_imported_run_ends_behind_its_steps),
		TEST(an_imported_run_may_go_on),
		TEST(large_objects_are_asked_for),
		TEST(a_run_that_cannot_be_had_is_passed_over),
		TEST(after_trouble_the_same_change_is_given_again),
		TEST(what_searches_found_is_shown_only_if_asked_for),
		TEST(changes_of_others_are_nothing),
	};

	return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
