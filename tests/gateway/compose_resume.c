#include "cmocka_all.h"

#include "tests/gateway/listener.h"
#include "tests/gateway/saga.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Behind the last of the adjacent events of @id that come first; NULL when there are none. */
static const char *behind(const char *text, int64_t id)
{
	const char *at;
	char line[40];

	snprintf(line, sizeof(line), "id: %" PRId64 "\n", id);
	at = strncmp(text, line, strlen(line)) == 0 ? text : NULL;
	if (!at) {
		char inner[44];

		snprintf(inner, sizeof(inner), "\n\n%s", line);
		at = strstr(text, inner);
		at = at ? at + 2 : NULL;
	}
	while (at && strncmp(at, line, strlen(line)) == 0) {
		at = strstr(at, "\n\n") + 2;
	}
	return at;
}

/* At every id the rest is what is left of the whole; at others there is nothing. */
static void check_every_id(struct saga *s, const struct compose_options *options)
{
	struct compose_options resumed = *options;
	char *whole = saga_play(s, options, NULL);

	for (int64_t id = 1; id <= s->seq + 1; id++) {
		const char *rest = behind(whole, id);
		char *text;

		resumed.resume_seq = id;
		text = saga_play(s, &resumed, NULL);
		assert_string_equal(text ? text : "", rest ? rest : "");
		free(text);
	}
	free(whole);
}

/* A run with all that makes its order differ from the feed's. */
static void long_run(struct saga *s)
{
	saga_begins(s);
	saga_opens_calls(s, "step_1");
	saga_message(s, "msg_0", "created", NULL, "completed",
		"[{'type':'text','text':{'value':'Hi','annotations':[]}}]");
	saga_opens_calls(s, "step_2");
	saga_ends_calls(s, "step_2");
	saga_run(s, "updated", "in_progress", "in_progress");
	saga_run(s, "requires_action", "in_progress", "requires_action");
	saga_step(s, "step_1", "completed", "in_progress", "completed",
		"{'type':'tool_calls','tool_calls':[{'id':'call_1','type':'function','function':"
		"{'name':'f','arguments':'{}','output':'1'}}]}");
	saga_run(s, "queued", "requires_action", "queued");
	saga_run(s, "in_progress", "queued", "in_progress");
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_opens_calls(s, "step_3");
	saga_opens_speech(s, "step_4", "msg_1");
	saga_says(s, "msg_1", "a");
	saga_says(s, "msg_1", "ab");
	saga_message(s, "msg_1", "completed", "in_progress", "completed",
		"[{'type':'text','text':{'value':'abc','annotations':[]}}]");
	saga_ends_calls(s, "step_3");
	saga_ends_speech(s, "step_4", "msg_1");
	saga_run(s, "completed", "in_progress", "completed");
}

static void the_rest_of_the_stream_follows_every_id(void **state)
{
	struct saga *s = *state;

	long_run(s);
	check_every_id(s, &(struct compose_options){.through_actions = true});
	check_every_id(s, &(struct compose_options){.through_actions = false});
	check_every_id(s, &(struct compose_options){.begin_seq = 8});
}

static void an_unfinished_stream_resumes_too(void **state)
{
	const struct compose_options through = {.through_actions = true};
	struct saga whole, *s = *state;

	saga_init(&whole);
	long_run(&whole);
	for (size_t n = 1; n < json_array_size(whole.changes); n++) {
		json_array_append(s->changes, json_array_get(whole.changes, n - 1));
		s->seq++;
		check_every_id(s, &through);
	}
	saga_finish(&whole);
}

static void imports_resume_at_their_beginning(void **state)
{
	struct saga *s = *state;

	saga_run(s, "imported", NULL, "completed");
	saga_step(s, "step_1", "imported", NULL, "completed", "{'type':'tool_calls'}");
	saga_expect(s, &(struct compose_options){.resume_seq = 1}, true,
		"step.created:step_1 step.completed:step_1 run.completed done");
	saga_expect(s, &(struct compose_options){.resume_seq = 2}, true, "run.completed done");
}

static void behind_the_last_event_there_is_only_the_end(void **state)
{
	struct saga *s = *state;

	long_run(s);
	saga_expect(s, &(struct compose_options){.resume_seq = s->seq, .through_actions = true},
		true, "done");
	saga_expect(s, &(struct compose_options){.resume_seq = 8}, true, "done");
}

static void an_id_that_no_event_has_is_not_met(void **state)
{
	static const int64_t ids[] = {7, 1000, -1};
	struct saga *s = *state;

	long_run(s);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct compose_options options = saga_options(s,
			&(struct compose_options){.resume_seq = ids[i], .through_actions = true});
		struct compose *c = NULL;
		struct buf out = {0};

		assert_int_equal(compose_open(&c, &options), 0);
		assert_false(compose_met(c));
		saga_feed(s, c, 0, json_array_size(s->changes), &out);
		assert_false(compose_met(c));
		assert_true(compose_over(c));
		assert_int_equal(out.len, 0);
		compose_close(c);
	}
}

static void submitted_outputs_begin_a_stream_of_their_own(void **state)
{
	struct saga *s = *state;

	long_run(s);
	saga_expect(s, &(struct compose_options){.begin_seq = 8}, true,
		"step.completed:step_1 step.created:step_2 step.in_progress:step_2 "
		"step.completed:step_2 run.queued run.in_progress message.created:msg_1 "
		"message.in_progress:msg_1 step.created:step_4 step.in_progress:step_4 "
		"message.delta:msg_1 message.delta:msg_1 message.delta:msg_1 "
		"message.completed:msg_1 step.completed:step_4 step.created:step_3 "
		"step.in_progress:step_3 step.completed:step_3 run.completed done");
	saga_expect_sense(s, &(struct compose_options){.begin_seq = 8});
}

/* The SDKs throw at a message or a delta of which they have not seen the beginning. */
static void what_was_open_before_is_introduced_again(void **state)
{
	struct saga *s = *state;

	saga_begins(s);
	saga_message(s, "msg_1", "created", NULL, "in_progress", "[]");
	saga_says(s, "msg_1", "a");
	saga_opens_calls(s, "step_1");
	saga_run(s, "requires_action", "in_progress", "requires_action");
	saga_ends_calls(s, "step_1");
	saga_run(s, "queued", "requires_action", "queued");
	saga_run(s, "in_progress", "queued", "in_progress");
	saga_says(s, "msg_1", "ab");
	saga_message(s, "msg_1", "completed", "in_progress", "completed",
		"[{'type':'text','text':{'value':'abc','annotations':[]}}]");
	saga_run(s, "requires_action", "in_progress", "requires_action");
	saga_run(s, "cancelled", "requires_action", "cancelled");
	saga_expect(s, &(struct compose_options){.begin_seq = 6}, true,
		"step.completed:step_1 run.queued run.in_progress message.created:msg_1 "
		"message.in_progress:msg_1 message.delta:msg_1 message.delta:msg_1 "
		"message.completed:msg_1 run.requires_action done");
	saga_expect_sense(s, &(struct compose_options){.begin_seq = 6});
	check_every_id(s, &(struct compose_options){.begin_seq = 6});
}

static void an_import_may_have_been_submitted_to(void **state)
{
	struct saga *s = *state;

	saga_run(s, "imported", NULL, "requires_action");
	saga_step(s, "step_1", "imported", NULL, "in_progress", "{'type':'tool_calls'}");
	saga_step(s, "step_1", "completed", "in_progress", "completed", "{'type':'tool_calls'}");
	saga_run(s, "queued", "requires_action", "queued");
	saga_expect(s, &(struct compose_options){.begin_seq = 1}, false,
		"step.created:step_1 step.in_progress:step_1 step.completed:step_1 run.queued");
}

static void a_feed_without_the_beginning_is_told_from_where_it_begins(void **state)
{
	struct saga *s = *state;

	saga_step(s, "step_1", "delta", "in_progress", "in_progress", "{'type':'tool_calls'}");
	saga_step(s, "step_2", "created", NULL, "in_progress", "{'type':'tool_calls'}");
	saga_step(s, "step_1", "completed", "in_progress", "completed", "{'type':'tool_calls'}");
	saga_step(s, "step_2", "completed", "in_progress", "completed", "{'type':'tool_calls'}");
	saga_says(s, "msg_1", "ab");
	saga_message(s, "msg_1", "completed", "in_progress", "completed",
		"[{'type':'text','text':{'value':'abc','annotations':[]}}]");
	saga_run(s, "completed", "in_progress", "completed");
	saga_expect(s, NULL, true,
		"step.completed:step_1 step.created:step_2 step.in_progress:step_2 "
		"step.completed:step_2 message.created:msg_1 message.in_progress:msg_1 "
		"message.delta:msg_1 message.delta:msg_1 message.completed:msg_1 run.completed "
		"done");
	saga_expect_sense(s, NULL);
}

/* What a stream does when it finds that changes are gone. */
static void the_end_is_told_from_the_run_itself(void **state)
{
	static const uint8_t working[] = "\x81\xa6status\xabin_progress";
	static const uint8_t acting[] = "\x81\xa6status\xafrequires_action";
	static const uint8_t failed[] = "\x81\xa6status\xa6"
					"failed";
	struct saga *s = *state;
	struct compose_options options = saga_options(s, NULL);
	struct compose *c = NULL;
	struct buf out = {0};

	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	options.through_actions = true;
	assert_int_equal(compose_open(&c, &options), 0);
	saga_feed(s, c, 0, 2, &out);
	assert_false(compose_whole(c));
	compose_run(c, slice_of(working, sizeof(working) - 1), &out);
	compose_run(c, slice_of(acting, sizeof(acting) - 1), &out);
	assert_false(compose_over(c));
	compose_run(c, slice_of(failed, sizeof(failed) - 1), &out);
	assert_true(compose_over(c));
	compose_run(c, slice_of(failed, sizeof(failed) - 1), &out);
	buf_append(&out, "", 1);
	assert_non_null(strstr((char *)out.ptr, "\"id\":\"step_2\""));
	assert_non_null(strstr((char *)out.ptr,
		"\n\nevent: thread.run.failed\ndata: {\"status\":\"failed\"}\n\nevent: done\n"));
	compose_close(c);
	buf_finish(&out);
}

static void a_gap_lets_go_of_what_waits(void **state)
{
	struct saga *s = *state;
	struct compose_options options = saga_options(s, NULL);
	struct compose *c = NULL;
	struct buf out = {0};
	char *words;

	saga_begins(s);
	saga_opens_calls(s, "step_1");
	saga_opens_calls(s, "step_2");
	saga_opens_calls(s, "step_3");
	saga_ends_calls(s, "step_2");
	assert_int_equal(compose_open(&c, &options), 0);
	saga_feed(s, c, 0, 4, &out);
	compose_gap(c, &out);
	saga_feed(s, c, 4, 6, &out);
	buf_append(&out, "", 1);
	words = listener_words((char *)out.ptr);
	assert_string_equal(words,
		"run.created run.queued run.in_progress step.created:step_1 "
		"step.in_progress:step_1 step.created:step_2 step.in_progress:step_2 "
		"step.created:step_3 step.in_progress:step_3");
	free(words);
	compose_close(c);
	buf_finish(&out);
}

static void a_failure_ends_the_stream(void **state)
{
	const struct runstore_error error = {.type = "server_error",
		.name = "internal",
		.message = "Out of \"memory\".",
		.param = "p"};
	struct saga *s = *state;
	struct compose_options options = saga_options(s, NULL);
	struct compose *c = NULL;
	struct buf out = {0};

	assert_int_equal(compose_open(&c, &options), 0);
	compose_fail(c, &error, &out);
	compose_fail(c, &error, &out);
	compose_pause(c, &out);
	compose_gap(c, &out);
	buf_append(&out, "", 1);
	assert_string_equal((char *)out.ptr,
		"event: error\ndata: {\"message\":\"Out of \\\"memory\\\".\",\"type\":"
		"\"server_error\",\"param\":\"p\",\"code\":\"internal\",\"error\":{\"message\":"
		"\"Out of \\\"memory\\\".\",\"type\":\"server_error\",\"param\":\"p\",\"code\":"
		"\"internal\"}}\n\nevent: done\ndata: [DONE]\n\n");
	compose_close(c);
	buf_finish(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, saga_setup, saga_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_rest_of_the_stream_follows_every_id),
		TEST(an_unfinished_stream_resumes_too),
		TEST(imports_resume_at_their_beginning),
		TEST(behind_the_last_event_there_is_only_the_end),
		TEST(an_id_that_no_event_has_is_not_met),
		TEST(submitted_outputs_begin_a_stream_of_their_own),
		TEST(what_was_open_before_is_introduced_again),
		TEST(an_import_may_have_been_submitted_to),
		TEST(a_feed_without_the_beginning_is_told_from_where_it_begins),
		TEST(the_end_is_told_from_the_run_itself),
		TEST(a_gap_lets_go_of_what_waits),
		TEST(a_failure_ends_the_stream),
	};

	return cmocka_run_group_tests_name("compose_resume", tests, NULL, NULL);
}
