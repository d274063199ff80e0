#include "cmocka_all.h"

#include "objects.h"
#include "tests/gateway/listener.h"
#include "tests/gateway/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct exchange *open_stream(struct scene *s, const char *id, bool through)
{
	struct exchange *x = scene_stream(
		s, &(struct stream_options){
			   .thread_id = "thread_1", .run_id = id, .through_actions = through});

	assert_true(desk_await(x, 5000));
	return x;
}

static void await_count(struct scene *s, unsigned int n)
{
	long until = clock_ms() + 5000;

	while (streams_count(s->gw.streams) != n) {
		assert_true(clock_ms() < until);
		pause_ms(1);
	}
}

/* Its text has @part in it, or (NULL) it ends. */
static const char *read_to(struct exchange *x, const char *part)
{
	const char *text = desk_await(x, 5000) ? desk_read(x, part, 5000) : NULL;

	if (!text) {
		fail_msg("there is no %s", part ? part : "end");
	}
	return text;
}

/* All of it, to its end, as words. It leaves. */
static void expect_words(struct exchange *x, const char *expected)
{
	char *words = listener_words(read_to(x, NULL));

	assert_string_equal(words, expected);
	free(words);
	desk_leave(x);
}

static void expect_sense(struct exchange *x)
{
	struct listener l;

	listener_init(&l);
	listener_take(&l, read_to(x, NULL));
	assert_true(l.done);
	listener_finish(&l);
	desk_leave(x);
}

static const char *say(struct scene *s, const char *run_id, const char *status, const char *text_)
{
	return text(expect_ok(s->wire, "messages.create",
			    "{'thread_id':'thread_1','role':'assistant','run_id':'%s',"
			    "'status':'%s','content':'%s'}",
			    run_id, status, text_),
		"id");
}

static void a_run_is_told_as_it_happens(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1"), *step, *message;
	struct exchange *x = open_stream(s, id, false);

	assert_int_equal(desk_status(x), 200);
	read_to(x, "event: thread.run.queued\n");
	run_move(s->wire, id, "in_progress");
	read_to(x, "event: thread.run.in_progress\n");
	message = say(s, id, "in_progress", "Hel");
	read_to(x, "\"value\":\"Hel\"");
	step = text(expect_ok(s->wire, "steps.create",
			    "{'run_id':'%s','type':'message_creation','step_details':{'type':"
			    "'message_creation','message_creation':{'message_id':'%s'}}}",
			    id, message),
		"id");
	read_to(x, "event: thread.run.step.in_progress\n");
	expect_ok(s->wire, "messages.update",
		"{'thread_id':'thread_1','message_id':'%s','content':'Hello'}", message);
	read_to(x, "\"value\":\"lo\"");
	expect_ok(s->wire, "messages.update",
		"{'thread_id':'thread_1','message_id':'%s','content':'Hello you','status':"
		"'completed'}",
		message);
	read_to(x, "event: thread.message.completed\n");
	expect_ok(s->wire, "steps.update", "{'run_id':'%s','step_id':'%s','status':'completed'}",
		id, step);
	run_move(s->wire, id, "completed");
	read_to(x, NULL);
	expect_sense(x);
	await_count(s, 0);
}

static const char *cancelled_run(struct scene *s)
{
	const char *id = run_new(s->wire, "thread_1");

	run_move(s->wire, id, "cancelled");
	return id;
}

static void what_is_over_is_told_at_once(void **state)
{
	struct scene *s = *state;
	const char *id = cancelled_run(s);

	expect_words(open_stream(s, id, true), "run.created run.queued run.cancelled done");
	await_count(s, 0);
}

static const char *with_call(struct scene *s, const char *call)
{
	const char *id = run_in(s->wire, "thread_1", "in_progress");

	step_calls_new(s->wire, id, call);
	return id;
}

static void act(struct scene *s, const char *id, const char *call)
{
	expect_ok(s->wire, "runs.update",
		"{'run_id':'%s','status':'requires_action','required_action':{'type':"
		"'submit_tool_outputs','submit_tool_outputs':{'tool_calls':[{'id':'%s','type':"
		"'function','function':{'name':'f','arguments':'{}'}}]}}}",
		id, call);
}

static void submit(struct scene *s, const char *id, const char *call)
{
	expect_ok(s->wire, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'%s','output':'70'}]}", id, call);
}

static void a_stream_of_submitted_outputs_begins_with_them(void **state)
{
	struct scene *s = *state;
	const char *id = with_call(s, "call_1");
	struct exchange *x;

	act(s, id, "call_1");
	x = open_stream(s, id, false);
	read_to(x, NULL);
	expect_sense(x);
	submit(s, id, "call_1");
	run_move(s->wire, id, "in_progress");
	x = scene_stream(
		s, &(struct stream_options){
			   .thread_id = "thread_1", .run_id = id, .from = STREAM_FROM_SUBMIT});
	assert_true(desk_await(x, 5000));
	read_to(x, "run.in_progress\n");
	act(s, id, "call_2");
	read_to(x, NULL);
	submit(s, id, "call_2");
	run_move(s->wire, id, "in_progress");
	run_move(s->wire, id, "completed");
	{
		char *words = listener_words(read_to(x, NULL));
		const char *expected = "step.completed:";

		assert_memory_equal(words, expected, strlen(expected));
		assert_non_null(strstr(words, " run.queued run.in_progress step.created:"));
		assert_non_null(strstr(words, " run.requires_action done"));
		free(words);
	}
	desk_leave(x);
	x = scene_stream(
		s, &(struct stream_options){
			   .thread_id = "thread_1", .run_id = id, .from = STREAM_FROM_SUBMIT});
	assert_true(desk_await(x, 5000));
	{
		char *words = listener_words(read_to(x, NULL));

		assert_non_null(strstr(words, " run.queued run.in_progress run.completed done"));
		free(words);
	}
	desk_leave(x);
	x = open_stream(s, id, true);
	read_to(x, NULL);
	expect_sense(x);
}

static struct exchange *resume(struct scene *s, const char *id, const char *last)
{
	struct exchange *x = scene_stream(s, &(struct stream_options){.thread_id = "thread_1",
						     .run_id = id,
						     .through_actions = true,
						     .last_event_id = last});

	assert_true(desk_await(x, 5000));
	return x;
}

static void expect_refusal(struct exchange *x, int code, const char *param)
{
	assert_true(desk_await(x, 5000));
	assert_int_equal(desk_code(x), code);
	assert_string_equal(desk_param(x), param);
	desk_leave(x);
}

static void every_id_is_gone_on_from(void **state)
{
	struct scene *s = *state;
	const char *id = with_call(s, "call_1");
	json_t *events;
	char *whole;
	struct exchange *x;

	for (int i = 0; i < 40; i++) {
		say(s, id, "completed", "Hi");
	}
	run_move(s->wire, id, "failed");
	x = open_stream(s, id, true);
	whole = strdup(read_to(x, NULL));
	desk_leave(x);
	events = listener_parse(whole);
	for (size_t i = 0; i < json_array_size(events); i += 5) {
		json_int_t seq =
			json_integer_value(json_object_get(json_array_get(events, i), "id"));
		const char *rest;
		char last[24];

		if (!seq) {
			continue;
		}
		snprintf(last, sizeof(last), "%" JSON_INTEGER_FORMAT, seq);
		x = resume(s, id, last);
		rest = read_to(x, NULL);
		assert_true(strlen(rest) < strlen(whole));
		assert_string_equal(rest, whole + strlen(whole) - strlen(rest));
		desk_leave(x);
	}
	json_decref(events);
	free(whole);
}

static void an_id_that_is_none_is_refused(void **state)
{
	static const char *const ids[] = {"", "0", "-1", "abc", "1 ", " 1", "01", "99999999",
		"9223372036854775807", "9223372036854775808", "111111111111111111111111", "1.0"};
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress");

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		expect_refusal(resume(s, id, ids[i]), RUNSTORE_E_INVALID_PARAMS, "Last-Event-ID");
	}
	run_move(s->wire, id, "failed");
	expect_refusal(resume(s, id, "77"), RUNSTORE_E_INVALID_PARAMS, "Last-Event-ID");
	expect_refusal(scene_stream(s, &(struct stream_options){.thread_id = "thread_1",
					       .run_id = "run_none"}),
		RUNSTORE_E_NOT_FOUND, "run_id");
	expect_refusal(
		scene_stream(s, &(struct stream_options){.thread_id = "thread_2", .run_id = id}),
		RUNSTORE_E_NOT_FOUND, "run_id");
	await_count(s, 0);
}

static void a_thread_is_told_first(void **state)
{
	struct scene *s = *state;
	const char *id = cancelled_run(s);
	struct exchange *x = scene_stream(
		s, &(struct stream_options){.thread_id = "thread_1", .run_id = id, .thread = "{}"});

	expect_words(x, "created run.created run.queued run.cancelled done");
}

static void a_deleted_run_ends_it(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct exchange *x = open_stream(s, id, true);

	read_to(x, "run.queued");
	expect_ok(s->wire, "threads.delete", "{'thread_id':'thread_1'}");
	expect_words(x, "run.created run.queued error done");
}

static void a_restart_of_the_daemon_is_survived(void **state)
{
	struct scene *s = *state;
	struct exchange *x;
	char id[80];

	snprintf(id, sizeof(id), "%s", run_new(s->wire, "thread_1"));
	x = open_stream(s, id, true);
	read_to(x, "run.queued");
	scene_halt(s);
	pause_ms(500);
	scene_resume(s);
	run_move(s->wire, id, "in_progress");
	read_to(x, "run.in_progress");
	run_move(s->wire, id, "failed");
	expect_words(x, "run.created run.queued run.in_progress run.failed done");
}

/* The daemon is away when the reader lets the stream go on. */
static void what_cannot_be_read_is_read_later(void **state)
{
	struct scene *s = *state;
	char id[80], *big = calloc(1, 8193);
	struct exchange *x;

	memset(big, 'x', 8192);
	snprintf(id, sizeof(id), "%s", run_in(s->wire, "thread_1", "in_progress"));
	for (int i = 0; i < 100; i++) {
		say(s, id, "completed", big);
	}
	run_move(s->wire, id, "completed");
	x = open_stream(s, id, true);
	pause_ms(300);
	scene_halt(s);
	assert_null(desk_read(x, NULL, 1000));
	scene_resume(s);
	expect_sense(x);
	free(big);
}

static void a_slow_reader_holds_it_up(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress");
	char *big = calloc(1, 30001);
	struct exchange *x;
	ssize_t n;

	memset(big, 'x', 30000);
	for (int i = 0; i < 100; i++) {
		say(s, id, "completed", big);
	}
	run_move(s->wire, id, "completed");
	x = open_stream(s, id, true);
	pause_ms(700);
	/* All that it fetched is there by now; no more comes while half of it is read. */
	n = desk_read_once(x, 1 << 20);
	assert_in_range(n, 256 << 10, (256 << 10) + 200000);
	do {
		n = desk_read_once(x, 5000);
	} while (n > 0);
	assert_int_not_equal(n, EXCHANGE_END);
	expect_sense(x);
	free(big);
}

static void large_objects_are_fetched(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress"), *message;
	char *big = calloc(1, 70001);
	struct exchange *x = open_stream(s, id, true);

	memset(big, 'x', 70000);
	message = say(s, id, "in_progress", "x");
	for (int i = 0; i < 5; i++) {
		expect_ok(s->wire, "messages.update",
			"{'thread_id':'thread_1','message_id':'%s','content':'%s%d'}", message, big,
			i ? 0 : 0);
	}
	expect_ok(s->wire, "messages.update",
		"{'thread_id':'thread_1','message_id':'%s','status':'completed'}", message);
	run_move(s->wire, id, "completed");
	expect_sense(x);
	free(big);
}

static void many_are_told_at_once(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct exchange *x[200];

	for (int i = 0; i < 200; i++) {
		x[i] = open_stream(s, id, i % 2);
	}
	assert_int_equal(streams_count(s->gw.streams), 200);
	run_move(s->wire, id, "in_progress");
	for (int i = 0; i < 10; i++) {
		say(s, id, "completed", "Hi");
	}
	run_move(s->wire, id, "completed");
	for (int i = 0; i < 200; i++) {
		expect_sense(x[i]);
	}
	await_count(s, 0);
}

static void clients_may_go_at_any_time(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress");

	for (int i = 0; i < 50; i++) {
		struct exchange *x = open_stream(s, id, true);

		if (i % 3 == 0) {
			read_to(x, "run.in_progress");
		}
		if (i % 2 == 0) {
			say(s, id, "completed", "Hi");
		}
		desk_leave(x);
	}
	await_count(s, 0);
}

static void all_end_when_it_is_stopped(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress");
	struct exchange *x[20];

	for (int i = 0; i < 20; i++) {
		x[i] = open_stream(s, id, true);
		read_to(x[i], "run.in_progress");
	}
	streams_stop(s->gw.streams);
	assert_int_equal(streams_count(s->gw.streams), 0);
	for (int i = 0; i < 20; i++) {
		assert_non_null(desk_read(x[i], NULL, 1000));
		desk_leave(x[i]);
	}
	expect_refusal(
		scene_stream(s, &(struct stream_options){.thread_id = "thread_1", .run_id = id}),
		RUNSTORE_E_UNAVAILABLE, "");
}

static void it_may_be_stopped_while_they_open(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress");
	struct exchange *x[50];

	for (int i = 0; i < 50; i++) {
		x[i] = scene_stream(s, &(struct stream_options){.thread_id = "thread_1",
					       .run_id = id,
					       .last_event_id = i % 2 ? "1" : NULL});
	}
	pause_ms(3);
	streams_stop(s->gw.streams);
	for (int i = 0; i < 50; i++) {
		assert_true(desk_await(x[i], 5000));
		desk_leave(x[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_start, scene_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_run_is_told_as_it_happens),
		TEST(what_is_over_is_told_at_once),
		TEST(a_stream_of_submitted_outputs_begins_with_them),
		TEST(every_id_is_gone_on_from),
		TEST(an_id_that_is_none_is_refused),
		TEST(a_thread_is_told_first),
		TEST(a_deleted_run_ends_it),
		TEST(a_restart_of_the_daemon_is_survived),
		TEST(what_cannot_be_read_is_read_later),
		TEST(a_slow_reader_holds_it_up),
		TEST(large_objects_are_fetched),
		TEST(many_are_told_at_once),
		TEST(clients_may_go_at_any_time),
		TEST(all_end_when_it_is_stopped),
		TEST(it_may_be_stopped_while_they_open),
	};

	return cmocka_run_group_tests_name("gateway_stream", tests, NULL, NULL);
}
