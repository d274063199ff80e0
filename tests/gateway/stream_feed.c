/* Streams whose feed is not whole, or not the one that it was, or silent. */
#include "cmocka_all.h"

#include "objects.h"
#include "tests/gateway/listener.h"
#include "tests/gateway/scene.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const few[] = {"--changes-max", "20", NULL};

static struct exchange *open_stream(struct scene *s, const char *id)
{
	return scene_stream(
		s, &(struct stream_options){
			   .thread_id = "thread_1", .run_id = id, .through_actions = true});
}

static const char *read_to(struct exchange *x, const char *part)
{
	const char *text = desk_await(x, 5000) ? desk_read(x, part, 5000) : NULL;

	if (!text) {
		fail_msg("there is no %s", part ? part : "end");
	}
	return text;
}

static void expect_words(struct exchange *x, const char *expected)
{
	char *words = listener_words(read_to(x, NULL));

	assert_string_equal(words, expected);
	free(words);
	desk_leave(x);
}

/* So many changes that none before them is kept. */
static void push_out(struct scene *s)
{
	for (int i = 0; i < 80; i++) {
		run_new(s->wire, "thread_2");
	}
}

static void an_end_that_is_no_longer_kept_is_told_all_the_same(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "failed");
	struct exchange *x;

	push_out(s);
	expect_words(open_stream(s, id), "run.failed done");
	x = scene_stream(s, &(struct stream_options){
				    .thread_id = "thread_1", .run_id = id, .last_event_id = "1"});
	assert_true(desk_await(x, 5000));
	assert_int_equal(desk_code(x), RUNSTORE_E_INVALID_PARAMS);
	desk_leave(x);
}

static void a_run_that_goes_on_is_told_from_there(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress"), *step;
	struct exchange *x;

	step = step_new(s->wire, id);
	push_out(s);
	x = open_stream(s, id);
	assert_true(desk_await(x, 5000));
	assert_null(desk_read(x, "event", 300));
	expect_ok(s->wire, "steps.update", "{'run_id':'%s','step_id':'%s','status':'completed'}",
		id, step);
	run_move(s->wire, id, "completed");
	{
		char *words = listener_words(read_to(x, NULL));

		assert_memory_equal(words, "step.completed:", 15);
		assert_non_null(strstr(words, " run.completed done"));
		free(words);
	}
	desk_leave(x);
}

static void a_reader_who_is_far_behind_gets_the_end(void **state)
{
	struct scene *s = *state;
	const char *id = run_in(s->wire, "thread_1", "in_progress");
	char *big = calloc(1, 50001);
	struct exchange *x;

	memset(big, 'x', 50000);
	for (int i = 0; i < 10; i++) {
		expect_ok(s->wire, "messages.create",
			"{'thread_id':'thread_1','role':'assistant','run_id':'%s','content':'%s'}",
			id, big);
	}
	x = open_stream(s, id);
	read_to(x, "run.in_progress");
	pause_ms(300);
	run_move(s->wire, id, "completed");
	push_out(s);
	assert_non_null(strstr(read_to(x, NULL), "event: thread.run.completed\n"));
	desk_leave(x);
	free(big);
}

static void replace_store(struct scene *s)
{
	char command[200];

	scene_halt(s);
	snprintf(command, sizeof(command), "rm -f %s/data.mdb %s/lock.mdb", s->fixture->daemon.data,
		s->fixture->daemon.data);
	assert_int_equal(system(command), 0);
	scene_resume(s);
}

static void another_store_ends_the_stream(void **state)
{
	struct scene *s = *state;
	struct exchange *x = open_stream(s, run_new(s->wire, "thread_1"));

	read_to(x, "run.queued");
	replace_store(s);
	expect_words(x, "run.created run.queued error done");
}

static void who_waits_is_not_forgotten(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct exchange *x = open_stream(s, id);
	long began;

	read_to(x, "run.queued");
	began = clock_ms();
	assert_non_null(desk_read(x, ": keep-alive\n\n", 20000));
	assert_in_range(clock_ms() - began, 14000, 17500);
	run_move(s->wire, id, "cancelled");
	expect_words(x, "run.created run.queued run.cancelled done");
}

/* A daemon that hangs answers nothing and does not go away either. */
static void a_hanging_daemon_does_not_hold_up_the_end(void **state)
{
	struct scene *s = *state;
	struct exchange *x = open_stream(s, run_new(s->wire, "thread_1"));
	pid_t server = daemon_child(&s->fixture->daemon);
	long began;

	read_to(x, "run.queued");
	assert_int_equal(kill(server, SIGSTOP), 0);
	pause_ms(500);
	began = clock_ms();
	streams_stop(s->gw.streams);
	hub_close(s->gw.hub);
	s->gw.hub = NULL;
	assert_int_equal(kill(server, SIGCONT), 0);
	assert_in_range(clock_ms() - began, 0, 2600);
	desk_leave(x);
}

#define TEST(name, args)                                                                           \
	cmocka_unit_test_prestate_setup_teardown(name, scene_start, scene_stop, (void *)(args))

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_end_that_is_no_longer_kept_is_told_all_the_same, few),
		TEST(a_run_that_goes_on_is_told_from_there, few),
		TEST(a_reader_who_is_far_behind_gets_the_end, few),
		TEST(another_store_ends_the_stream, NULL),
		TEST(who_waits_is_not_forgotten, NULL),
		TEST(a_hanging_daemon_does_not_hold_up_the_end, NULL),
	};

	return cmocka_run_group_tests_name("gateway_stream_feed", tests, NULL, NULL);
}
