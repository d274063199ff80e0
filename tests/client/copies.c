/* An export that is imported into an empty store makes the same lists. */
#include "cmocka_all.h"

#include "tests/client/dump.h"
#include "tests/client/follow.h"
#include "tests/client/pair.h"
#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void call(struct store *s, const char *method, const char *format, ...)
{
	char params[1024], *result = NULL;
	va_list ap;

	va_start(ap, format);
	vsnprintf(params, sizeof(params), format, ap);
	va_end(ap);
	OK(s, runstore_call_json(s->rs, method, params, &result, &s->error));
	free(result);
}

static void expect_same(const char *from, const char *to)
{
	size_t at = 0;

	while (from[at] && from[at] == to[at]) {
		at++;
	}
	if (from[at] || to[at]) {
		while (at && from[at - 1] != '\n') {
			at--;
		}
		fail_msg("first difference:\n%.300s\n%.300s", from + at, to + at);
	}
}

/* Export, import, compare; and again, which changes nothing. */
static void expect_copy(struct pair *p, int n)
{
	char expected[80], *from, *to;

	pair_use(p->from);
	snprintf(expected, sizeof(expected), "{\"exported\":%d}\n", n);
	assert_string_equal(cli_out(0, WORDS("export", "-o", p->path)), expected);
	pair_use(p->to);
	snprintf(
		expected, sizeof(expected), "{\"imported\":%d,\"unchanged\":0,\"skipped\":0}\n", n);
	assert_string_equal(cli_out(0, WORDS("import", p->path)), expected);
	snprintf(
		expected, sizeof(expected), "{\"imported\":0,\"unchanged\":%d,\"skipped\":0}\n", n);
	assert_string_equal(cli_out(0, WORDS("import", p->path)), expected);
	from = store_dump(p->from);
	to = store_dump(p->to);
	expect_same(from, to);
	free(from);
	free(to);
}

#define SEARCH                                                                                     \
	"{\"type\":\"tool_calls\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"file_search\","         \
	"\"file_search\":{\"results\":[{\"file_id\":\"f\",\"file_name\":\"n\",\"score\":0.5,"      \
	"\"content\":[{\"type\":\"text\",\"text\":\"the needle\"}]}]}}]}"
#define CREATION "{\"type\":\"message_creation\",\"message_creation\":{\"message_id\":\"m\"}}"

/* 2 assistants, 3 threads, 5 messages, 3 runs, 3 steps. */
static void fill(struct store *s)
{
	call(s, "assistants.create",
		"{\"model\":\"m\",\"id\":\"asst_1\",\"name\":\"n\",\"reasoning_effort\":\"low\"}");
	call(s, "assistants.create", "{\"model\":\"m\",\"metadata\":{\"a\":\"b\"}}");
	call(s, "threads.create",
		"{\"id\":\"t_full\",\"metadata\":{\"a\":\"b\"},\"tool_resources\":{\"file_search\":"
		"{\"vector_store_ids\":[\"vs_1\"]}}}");
	call(s, "threads.create", "{\"id\":\"t_empty\"}");
	call(s, "messages.create",
		"{\"thread_id\":\"t_said\",\"role\":\"user\",\"content\":\"\xc3\xbc\"}");
	for (int i = 0; i < 3; i++) {
		call(s, "runs.create",
			"{\"thread_id\":\"t_full\",\"assistant_id\":\"asst_1\",\"id\":\"run_%d\","
			"\"expires_in\":0,\"on_active\":\"parallel\"}",
			i);
		call(s, "runs.update", "{\"run_id\":\"run_%d\",\"status\":\"in_progress\"}", i);
		call(s, "steps.create",
			"{\"run_id\":\"run_%d\",\"type\":\"%s\",\"step_details\":%s}", i,
			i ? "message_creation" : "tool_calls", i ? CREATION : SEARCH);
		call(s, "messages.create",
			"{\"thread_id\":\"t_full\",\"role\":\"assistant\",\"run_id\":\"run_%d\","
			"\"id\":\"msg_%d\",\"status\":\"in_progress\",\"content\":\"x\"}",
			i, i);
	}
	call(s, "messages.update", "{\"message_id\":\"msg_0\",\"status\":\"completed\"}");
	call(s, "runs.fail", "{\"run_id\":\"run_2\",\"message\":\"no use\"}");
	call(s, "messages.create",
		"{\"thread_id\":\"t_full\",\"role\":\"assistant\",\"content\":[{\"type\":"
		"\"image_file\",\"image_file\":{\"file_id\":\"f\"}}],\"attachments\":[{\"file_id\":"
		"\"f\",\"tools\":[{\"type\":\"code_interpreter\"}]}],\"metadata\":{\"k\":\"v\"}}");
}

static void a_copy_has_all_that_was_in_the_store(void **state)
{
	struct pair *p = *state;

	fill(p->from);
	expect_copy(p, 2 + 3 + 5 + 3 + 3);
}

static void what_was_exported_from_a_copy_is_the_same_file(void **state)
{
	struct pair *p = *state;
	char *first;

	fill(p->from);
	pair_use(p->from);
	first = strdup(cli_out(0, WORDS("export")));
	pair_use(p->to);
	cli_input(0, first, WORDS("import", "-"));
	expect_same(first, cli_out(0, WORDS("export")));
	free(first);
}

/* The kinds of the lines of @text, a letter for each: Assistant, Thread, Message, Run, Step. */
static const char *kinds_of(const char *text)
{
	static const char *const objects[] = {"\"object\":\"assistant\"", "\"object\":\"thread\"",
		"\"object\":\"thread.message\"", "\"object\":\"thread.run\"",
		"\"object\":\"thread.run.step\""};
	static char kinds[100];
	size_t n = 0;

	for (; *text; text += strcspn(text, "\n") + 1) {
		const char *end = text + strcspn(text, "\n");

		for (int i = 0; i < 5; i++) {
			const char *at = strstr(text, objects[i]);

			if (at && at < end) {
				kinds[n++] = "ATMRS"[i];
			}
		}
	}
	kinds[n] = '\0';
	return kinds;
}

static void what_belongs_to_an_object_stands_behind_it(void **state)
{
	struct pair *p = *state;

	fill(p->from);
	pair_use(p->from);
	assert_string_equal(kinds_of(cli_out(0, WORDS("export"))), "AATMMMMTTMRSRSRS");
}

static void one_thread_is_copied_with_all_that_is_in_it(void **state)
{
	struct pair *p = *state;
	const char *text;
	char *from;

	fill(p->from);
	pair_use(p->from);
	call(p->from, "runs.create", "{\"thread_id\":\"t_else\",\"assistant_id\":\"a\"}");
	text = cli_out(0, WORDS("export", "--thread", "t_full"));
	assert_string_equal(kinds_of(text), "TMMMMRSRSRS");
	from = strdup(text);
	pair_use(p->to);
	cli_input(0, from, WORDS("import", "-"));
	expect_same(from, cli_out(0, WORDS("export", "--thread", "t_full")));
	free(from);
	for (int i = 0; i < 2; i++) {
		const char *const *words = i ? WORDS("runs", "list", "--thread", "t_full")
					     : WORDS("messages", "list", "t_full");

		pair_use(p->from);
		from = strdup(cli_out(0, words));
		pair_use(p->to);
		expect_same(from, cli_out(0, words));
		assert_string_not_equal(from, "");
		free(from);
	}
	assert_string_equal(cli_out(0, WORDS("assistants", "list")), "");
	expect_part(cli_err(1, WORDS("export", "--thread", "t_nix")), "not_found");
	expect_part(cli_err(1, WORDS("export", "--thread", "a\"b")), "invalid_id");
}

static void import_run(struct store *s, const char *thread, int i, int created_at)
{
	call(s, "objects.import",
		"{\"objects\":[{\"object\":\"thread.run\",\"id\":\"run_%d\",\"thread_id\":\"%s\","
		"\"assistant_id\":\"a\",\"status\":\"completed\",\"created_at\":%d}]}",
		i, thread, created_at);
}

/* A thread is as old as the earliest run that it ever had, and stands where it came in. */
static void threads_keep_their_times_and_places(void **state)
{
	struct pair *p = *state;

	import_run(p->from, "t_b", 1, 100);
	import_run(p->from, "t_a", 2, 50);
	import_run(p->from, "t_b", 3, 50);
	import_run(p->from, "t_old", 4, 10);
	import_run(p->from, "t_old", 5, 60);
	call(p->from, "runs.delete", "{\"run_id\":\"run_4\"}");
	import_run(p->from, "t_gone", 6, 20);
	call(p->from, "runs.delete", "{\"run_id\":\"run_6\"}");
	call(p->from, "threads.create", "{\"id\":\"t_new\",\"metadata\":{\"a\":\"b\"}}");
	import_run(p->from, "t_new", 7, 50);
	expect_copy(p, 5 + 5);
}

/* Objects of few seconds in many threads, stored in any order. */
static void what_one_second_created_keeps_its_order(void **state)
{
	struct pair *p = *state;
	unsigned int seed = 7;

	for (int i = 0; i < 400; i++) {
		int kind = rand_r(&seed) % 8, at = 1000 + rand_r(&seed) % 3;
		char thread[16];

		snprintf(thread, sizeof(thread), "t_%d", rand_r(&seed) % 40);
		if (kind == 0) {
			call(p->from, "objects.import",
				"{\"objects\":[{\"object\":\"assistant\",\"id\":\"asst_%d\","
				"\"model\":\"m\",\"created_at\":%d}]}",
				i, at);
		} else if (kind < 3) {
			call(p->from, "objects.import",
				"{\"objects\":[{\"object\":\"thread.message\",\"id\":\"msg_%d\","
				"\"thread_id\":\"%s\",\"role\":\"user\",\"content\":\"x\","
				"\"created_at\":%d}]}",
				i, thread, at);
		} else {
			import_run(p->from, thread, i, at);
		}
	}
	for (int i = 0; i < 40; i += 3) {
		call(p->from, "threads.update",
			"{\"thread_id\":\"t_%d\",\"metadata\":{\"a\":\"b\"}}", i);
	}
	expect_copy(p, 400 + 40);
}

/* Call with @size bytes of text between what the parameters begin and end with. */
static void call_long(
	struct store *s, const char *method, const char *before, size_t size, const char *behind)
{
	size_t at = strlen(before);
	char *params = malloc(at + size + strlen(behind) + 1), *result = NULL;

	memcpy(params, before, at);
	memset(params + at, 'x', size);
	strcpy(params + at + size, behind);
	OK(s, runstore_call_json(s->rs, method, params, &result, &s->error));
	free(result);
	free(params);
}

/* A message whose text has @size bytes. */
static void make_long(struct store *s, const char *thread, size_t size)
{
	char before[100];

	snprintf(before, sizeof(before), "{\"thread_id\":\"%s\",\"role\":\"user\",\"content\":\"",
		thread);
	call_long(s, "messages.create", before, size, "\"}");
}

/* The reply about all threads is full at the second: of the third not even the thread is in it. */
static void long_messages_are_copied(void **state)
{
	struct pair *p = *state;

	for (int i = 0; i < 4; i++) {
		make_long(p->from, "t_first", 4000000);
	}
	make_long(p->from, "t_second", 4100000);
	make_long(p->from, "t_second", 10);
	call(p->from, "threads.create", "{\"id\":\"t_third\",\"metadata\":{\"a\":\"b\"}}");
	make_long(p->from, "t_third", 10);
	for (int i = 0; i < 5; i++) {
		make_long(p->from, "t_fourth", 4000000);
	}
	expect_copy(p, 4 + 12);
}

static void long_lists_are_copied(void **state)
{
	struct pair *p = *state;
	struct runstore_run *run;

	for (int i = 0; i < 120; i++) {
		call(p->from, "threads.create", "{}");
		make_long(p->from, "t_many", 1);
		call(p->from, "assistants.create", "{\"model\":\"m\"}");
	}
	run = store_working_run(p->from, "t_many");
	for (int i = 0; i < 230; i++) {
		runstore_step_free(store_step(p->from, run->id, "m"));
	}
	for (int i = 0; i < 130; i++) {
		runstore_run_free(store_run(p->from, "t_runs"));
	}
	runstore_run_free(run);
	expect_copy(p, 120 + 122 + 120 + 131 + 230);
}

/*
 * What an export writes while @method is called in the middle of it: what comes first is so long
 * that it waits for its reader. For free().
 */
static char *export_during(struct store *s, const char *method, const char *params)
{
	char *text = calloc(1, 1 << 20);
	struct follower f;
	size_t len = 0;
	ssize_t n;

	pair_use(s);
	follow(&f, WORDS("export"));
	assert_true(follow_ready(&f, 20000));
	call(s, method, "%s", params);
	while ((n = read(f.out, text + len, (1 << 20) - 1 - len)) > 0) {
		len += (size_t)n;
	}
	follow_end(&f, 0);
	return text;
}

/* More than 50 objects: what belongs to the last ones is asked for when they are gone. */
static void what_is_deleted_meanwhile_is_no_failure(void **state)
{
	struct pair *p = *state;
	char *text;

	for (int i = 0; i < 60; i++) {
		call(p->from, "threads.create", "{\"id\":\"t_%d\"}", i);
		import_run(p->to, "t_runs", i, 100);
	}
	make_long(p->from, "t_0", 300000);
	text = export_during(p->from, "threads.delete", "{\"thread_id\":\"t_55\"}");
	assert_null(strstr(text, "\"t_55\""));
	expect_part(text, "\"t_59\"");
	free(text);
	call_long(p->to, "objects.import",
		"{\"objects\":[{\"object\":\"thread.run.step\",\"id\":\"s\",\"created_at\":100,"
		"\"thread_id\":\"t_runs\",\"run_id\":\"run_0\",\"assistant_id\":\"a\",\"status\":"
		"\"completed\",\"type\":\"message_creation\",\"step_details\":{\"type\":"
		"\"message_creation\",\"message_creation\":{\"message_id\":\"",
		300000, "\"}}}]}");
	text = export_during(p->to, "runs.delete", "{\"run_id\":\"run_55\"}");
	expect_part(text, "\"run_55\"");
	expect_part(text, "\"run_59\"");
	free(text);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, pair_start, pair_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_copy_has_all_that_was_in_the_store),
		TEST(what_was_exported_from_a_copy_is_the_same_file),
		TEST(what_belongs_to_an_object_stands_behind_it),
		TEST(one_thread_is_copied_with_all_that_is_in_it),
		TEST(threads_keep_their_times_and_places),
		TEST(what_one_second_created_keeps_its_order),
		TEST(long_messages_are_copied),
		TEST(long_lists_are_copied),
		TEST(what_is_deleted_meanwhile_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
