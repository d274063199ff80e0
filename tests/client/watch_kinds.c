/* Watching threads, messages and assistants. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void call(struct store *s, const char *method, const char *params)
{
	char *result = NULL;

	OK(s, runstore_call_json(s->rs, method, params, &result, &s->error));
	free(result);
}

static struct runstore_watch *open_watch(
	struct store *s, const struct runstore_watch_options *options)
{
	struct runstore_watch *watch = NULL;

	OK(s, runstore_watch_open(s->rs, options, &watch, &s->error));
	return watch;
}

static const struct runstore_change *next(struct store *s, struct runstore_watch *watch)
{
	const struct runstore_change *change = NULL;

	OK(s, runstore_watch_next(watch, 10000, &change, &s->error));
	assert_non_null(change);
	return change;
}

static void expect_none(struct store *s, struct runstore_watch *watch)
{
	const struct runstore_change *change = (void *)s;

	OK(s, runstore_watch_next(watch, 1500, &change, &s->error));
	assert_null(change);
}

static void expect_text(const char *text, const char *expected)
{
	if (!expected) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, expected);
}

/* What a change must be; NULL where there must be none. */
struct expected {
	const char *event;
	const char *thread_id;
	const char *run_id;
	const char *message_id;
	const char *assistant_id;
	const char *from;
	const char *to;
};

static void expect_change(const struct runstore_change *change, const struct expected *e)
{
	assert_string_equal(change->event, e->event);
	expect_text(change->thread_id, e->thread_id);
	expect_text(change->run_id, e->run_id);
	expect_text(change->step_id, NULL);
	expect_text(change->message_id, e->message_id);
	expect_text(change->assistant_id, e->assistant_id);
	expect_text(change->from, e->from);
	expect_text(change->to, e->to);
	assert_string_equal(change->by, "client");
}

/* A message in progress, made by @run unless that is NULL, and its end. */
static void make_message(struct store *s, const char *thread, const char *run, const char *id)
{
	char params[256];

	snprintf(params, sizeof(params),
		"{\"thread_id\":\"%s\",\"id\":\"%s\",%s%s%s\"role\":\"assistant\",\"content\":"
		"\"x\",\"status\":\"in_progress\"}",
		thread, id, run ? "\"run_id\":\"" : "", run ? run : "", run ? "\"," : "");
	call(s, "messages.create", params);
	snprintf(params, sizeof(params),
		"{\"message_id\":\"%s\",\"content\":\"xy\",\"status\":\"completed\"}", id);
	call(s, "messages.update", params);
}

static void make_run(struct store *s, const char *thread, const char *id)
{
	OK(s, runstore_run_create(s->rs,
		      &(struct runstore_run_create){
			      .thread_id = thread, .assistant_id = "asst_1", .id = id},
		      NULL, &s->error));
}

/* With hints alone and by reading the feed: each change has the ids that apply and no others. */
static void each_kind_of_change_has_its_ids(void **state)
{
	static const struct expected expected[] = {
		{"thread.created", "k_all", NULL, NULL, NULL, NULL, NULL},
		{"thread.message.created", "k_all", NULL, "k_m1", NULL, NULL, "in_progress"},
		{"thread.message.completed", "k_all", NULL, "k_m1", NULL, "in_progress",
			"completed"},
		{"thread.run.created", "k_all", "k_run", NULL, NULL, NULL, "queued"},
		{"thread.message.created", "k_all", "k_run", "k_m2", NULL, NULL, "in_progress"},
		{"thread.message.completed", "k_all", "k_run", "k_m2", NULL, "in_progress",
			"completed"},
		{"thread.message.deleted", "k_all", "k_run", "k_m2", NULL, "completed", NULL},
		{"assistant.created", NULL, NULL, NULL, "k_asst", NULL, NULL},
		{"assistant.deleted", NULL, NULL, NULL, "k_asst", NULL, NULL},
		{"thread.updated", "k_all", NULL, NULL, NULL, NULL, NULL},
	};
	struct store *s = *state;
	const int64_t since = 0;
	struct runstore_watch *heard = open_watch(s, NULL), *read;

	call(s, "threads.create", "{\"id\":\"k_all\"}");
	make_message(s, "k_all", NULL, "k_m1");
	make_run(s, "k_all", "k_run");
	make_message(s, "k_all", "k_run", "k_m2");
	call(s, "messages.delete", "{\"message_id\":\"k_m2\"}");
	call(s, "assistants.create", "{\"model\":\"m\",\"id\":\"k_asst\"}");
	call(s, "assistants.delete", "{\"assistant_id\":\"k_asst\"}");
	call(s, "threads.update", "{\"thread_id\":\"k_all\",\"metadata\":{\"a\":\"b\"}}");
	read = open_watch(s, &(struct runstore_watch_options){.since = &since});
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		expect_change(next(s, heard), &expected[i]);
		expect_change(next(s, read), &expected[i]);
	}
	runstore_watch_close(heard);
	runstore_watch_close(read);
}

static void expect_event(struct store *s, struct runstore_watch *watch, const char *event)
{
	assert_string_equal(next(s, watch)->event, event);
}

static void a_thread_is_watched_with_its_messages_and_its_end(void **state)
{
	struct store *s = *state;
	struct runstore_watch *watch =
		open_watch(s, &(struct runstore_watch_options){.thread_id = "k_thread"});

	call(s, "assistants.create", "{\"model\":\"m\"}");
	call(s, "threads.create", "{\"id\":\"k_other\"}");
	make_message(s, "k_other", NULL, "k_other_m");
	call(s, "threads.create", "{\"id\":\"k_thread\"}");
	make_message(s, "k_thread", NULL, "k_thread_m");
	call(s, "threads.delete", "{\"thread_id\":\"k_thread\"}");
	expect_event(s, watch, "thread.created");
	expect_event(s, watch, "thread.message.created");
	expect_event(s, watch, "thread.message.completed");
	expect_event(s, watch, "thread.deleted");
	expect_none(s, watch);
	runstore_watch_close(watch);
}

static void a_run_is_watched_with_the_messages_that_it_made(void **state)
{
	struct store *s = *state;
	struct runstore_watch *alone =
		open_watch(s, &(struct runstore_watch_options){.run_id = "k_maker"});
	struct runstore_watch *both = open_watch(
		s, &(struct runstore_watch_options){.thread_id = "k_made", .run_id = "k_maker"});

	make_message(s, "k_made", NULL, "k_made_1");
	call(s, "threads.update", "{\"thread_id\":\"k_made\",\"metadata\":{\"a\":\"b\"}}");
	make_run(s, "k_made", "k_maker");
	make_message(s, "k_made", "k_maker", "k_made_2");
	call(s, "assistants.create", "{\"model\":\"m\"}");
	for (int i = 0; i < 2; i++) {
		struct runstore_watch *watch = i ? both : alone;

		expect_event(s, watch, "thread.run.created");
		assert_string_equal(next(s, watch)->message_id, "k_made_2");
		assert_string_equal(next(s, watch)->message_id, "k_made_2");
		expect_none(s, watch);
		runstore_watch_close(watch);
	}
}

static void expect_object(struct store *s, struct runstore_watch *watch, const char *part)
{
	char *text = runstore_value_json(next(s, watch)->object);

	assert_non_null(text);
	if (!strstr(text, part)) {
		fail_msg("'%s' is not in %s", part, text);
	}
	free(text);
}

static void objects_of_each_kind_are_as_the_change_left_them(void **state)
{
	struct store *s = *state;
	struct runstore_watch *watch =
		open_watch(s, &(struct runstore_watch_options){.objects = true});

	call(s, "threads.create", "{\"id\":\"k_o\",\"metadata\":{\"n\":\"1\"}}");
	call(s, "threads.update", "{\"thread_id\":\"k_o\",\"metadata\":{\"n\":\"2\"}}");
	make_message(s, "k_o", NULL, "k_o_m");
	call(s, "assistants.create", "{\"model\":\"m\",\"id\":\"k_o_a\",\"name\":\"n\"}");
	call(s, "threads.delete", "{\"thread_id\":\"k_o\"}");
	expect_object(s, watch, "\"metadata\":{\"n\":\"1\"}");
	expect_object(s, watch, "\"metadata\":{\"n\":\"2\"}");
	expect_object(s, watch, "\"value\":\"x\"");
	expect_object(s, watch, "\"value\":\"xy\"");
	expect_object(s, watch, "\"name\":\"n\"");
	expect_object(s, watch, "null");
	runstore_watch_close(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_change_has_its_ids),
		cmocka_unit_test(a_thread_is_watched_with_its_messages_and_its_end),
		cmocka_unit_test(a_run_is_watched_with_the_messages_that_it_made),
		cmocka_unit_test(objects_of_each_kind_are_as_the_change_left_them),
	};

	return cmocka_run_group_tests(tests, store_start, store_stop);
}
