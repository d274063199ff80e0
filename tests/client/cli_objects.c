/* The commands for threads, messages and assistants. */
#include "cmocka_all.h"

#include "tests/client/commands.h"
#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the command answers has the text @expected at @path. */
static void expect_at(const char *const *words, const char *path, const char *expected)
{
	json_t *got = line_of(0, words);

	assert_string_equal(json_text(got, path), expected);
	json_decref(got);
}

/* The text of the first part of a message's content. */
static const char *first_text(const json_t *message)
{
	return json_text(json_array_get(json_at(message, "content"), 0), "text.value");
}

static void expect_content(const char *const *words, const char *expected)
{
	json_t *got = line_of(0, words);

	assert_string_equal(first_text(got), expected);
	json_decref(got);
}

static void a_thread_is_led_through_its_life(void **state)
{
	json_t *got;

	got = line_of(0,
		WORDS("threads", "create", "--id", "o_thread", "--metadata", "a=1",
			"--tool-resources", "{\"file_search\":{\"vector_store_ids\":[\"vs_1\"]}}"));
	assert_string_equal(json_text(got, "object"), "thread");
	assert_string_equal(json_text(got, "metadata.a"), "1");
	assert_string_equal(json_items(got, "tool_resources.file_search.vector_store_ids"), "vs_1");
	json_decref(got);
	expect_at(WORDS("threads", "update", "o_thread", "--metadata", "b=2", "--metadata", "c=3"),
		"metadata.c", "3");
	got = line_of(0, WORDS("threads", "get", "o_thread"));
	assert_null(json_at(got, "metadata.a"));
	assert_string_equal(json_text(got, "metadata.b"), "2");
	json_decref(got);
	got = line_of(0, WORDS("threads", "update", "o_thread", "--tool-resources", "null"));
	assert_int_equal(json_object_size(json_at(got, "tool_resources")), 0);
	json_decref(got);
	expect_part(cli_terminal(0, WORDS("threads", "get", "o_thread", "--no-color")),
		"object          thread");
	expect_at(WORDS("threads", "delete", "o_thread"), "object", "thread.deleted");
	expect_part(cli_err(1, WORDS("threads", "get", "o_thread")), "not_found");
	expect_part(cli_err(2, WORDS("threads", "get")), "THREAD is missing");
	expect_part(cli_err(2, WORDS("threads", "create", "x")), "one word too many");
}

static void a_message_is_led_through_its_life(void **state)
{
	expect_content(WORDS("messages", "create", "o_talk", "--role", "user", "--content",
			       "Hello, \"you\".", "--id", "o_m1", "--metadata", "k=v"),
		"Hello, \"you\".");
	expect_content(WORDS("messages", "create", "o_talk", "--role=assistant", "--content=H",
			       "--status=in_progress", "--assistant=asst_o", "--id=o_m2"),
		"H");
	expect_content(WORDS("messages", "update", "o_m2", "--content", "Hi"), "Hi");
	expect_at(WORDS("messages", "update", "o_m2", "--status", "completed"), "status",
		"completed");
	expect_at(WORDS("messages", "get", "o_m2", "--thread", "o_talk"), "assistant_id", "asst_o");
	expect_at(WORDS("messages", "update", "o_m1", "--metadata", "null"), "metadata.k", "");
	expect_part(cli_err(1, WORDS("messages", "update", "o_m1", "--content", "x")),
		"invalid_transition");
	expect_part(
		cli_err(1, WORDS("messages", "get", "o_m2", "--thread", "o_else")), "not_found");
	expect_at(WORDS("messages", "delete", "o_m2"), "object", "thread.message.deleted");
	expect_part(cli_err(1, WORDS("messages", "get", "o_m2")), "not_found");
	expect_part(cli_err(2, WORDS("messages", "get")), "MESSAGE is missing");
	expect_part(cli_err(2, WORDS("messages", "create", "o_talk", "--role", "user")),
		"--content is missing");
	expect_part(cli_err(2, WORDS("messages", "create", "--role", "user", "--content", "x")),
		"THREAD is missing");
}

static void content_is_a_text_or_json(void **state)
{
	struct store *s = *state;
	char path[64], from_file[72];
	json_t *got;
	FILE *file;

	got = line_of(0, WORDS("messages", "create", "o_parts", "--role", "user", "--content",
				 "[{\"type\":\"text\",\"text\":\"@you\"},{\"type\":\"image_url\","
				 "\"image_url\":{\"url\":\"http://x/y.png\"}}]"));
	assert_int_equal(json_array_size(json_at(got, "content")), 2);
	assert_string_equal(first_text(got), "@you");
	json_decref(got);
	snprintf(path, sizeof(path), "%s/parts", s->daemon.dir);
	file = fopen(path, "we");
	fputs("[\n{\"type\":\"text\",\"text\":\"from a file\"}]\n", file);
	fclose(file);
	snprintf(from_file, sizeof(from_file), "@%s", path);
	expect_content(
		WORDS("messages", "create", "o_parts", "--role", "user", "--content", from_file),
		"from a file");
	unlink(path);
	expect_part(cli_err(2, WORDS("messages", "create", "o_parts", "--role", "user", "--content",
				       "[sic] so")),
		"begins with [ or @ goes into JSON");
	expect_part(cli_err(2, WORDS("messages", "create", "o_parts", "--role", "user", "--content",
				       "@nobody")),
		"begins with [ or @ goes into JSON");
	expect_content(WORDS("messages", "create", "o_parts", "--role", "user", "--content",
			       "{\"a\": [1]} null"),
		"{\"a\": [1]} null");
	expect_content(
		WORDS("messages", "create", "o_parts", "--role", "user", "--content", "null"),
		"null");
}

static void an_assistant_is_led_through_its_life(void **state)
{
	json_t *got;

	got = line_of(0,
		WORDS("assistants", "create", "--model", "gpt-4o", "--id", "o_asst", "--name",
			"null", "--instructions", "Be brief.", "--temperature", "0.25", "--tools",
			"[{\"type\":\"code_interpreter\"}]", "--reasoning-effort", "low"));
	assert_string_equal(json_text(got, "object"), "assistant");
	assert_string_equal(json_text(got, "name"), "null");
	assert_true(json_real_value(json_at(got, "temperature")) == 0.25);
	json_decref(got);
	got = line_of(0, WORDS("assistants", "update", "o_asst", "--name", "null", "--instructions",
				 "null", "--temperature", "null", "--tools", "null",
				 "--reasoning-effort", "null", "--response-format", "null"));
	assert_true(json_is_null(json_at(got, "name")));
	assert_true(json_is_null(json_at(got, "instructions")));
	assert_true(json_real_value(json_at(got, "temperature")) == 1);
	assert_int_equal(json_array_size(json_at(got, "tools")), 0);
	assert_string_equal(json_text(got, "response_format"), "auto");
	json_decref(got);
	expect_at(WORDS("assistants", "update", "o_asst", "--model", "gpt-4o-mini"), "model",
		"gpt-4o-mini");
	expect_at(WORDS("assistants", "get", "o_asst"), "model", "gpt-4o-mini");
	expect_at(WORDS("assistants", "delete", "o_asst"), "object", "assistant.deleted");
	expect_part(cli_err(1, WORDS("assistants", "get", "o_asst")), "not_found");
	expect_part(cli_err(2, WORDS("assistants", "create")), "--model is missing");
	expect_part(cli_err(2, WORDS("assistants", "get")), "ASSISTANT is missing");
	expect_part(
		cli_err(2, WORDS("assistants", "create", "--model", "m", "--temperature", "null")),
		"number");
}

/* How many lines @text has, and that each is an object of the kind @object. */
static int count_of(const char *text, const char *object)
{
	int n = 0;

	for (; *text; text += strcspn(text, "\n") + 1, n++) {
		json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);

		assert_string_equal(json_text(line, "object"), object);
		json_decref(line);
	}
	return n;
}

static void make_message(const char *thread, const char *id, const char *run)
{
	cli_out(0, WORDS("messages", "create", thread, "--role", "assistant", "--content", id,
			   "--id", id, run ? "--run" : NULL, run));
}

static void messages_are_listed_by_thread_and_run(void **state)
{
	char id[16];

	run_make("o_list", "o_run", "parallel");
	for (int i = 0; i < 25; i++) {
		snprintf(id, sizeof(id), "o_list_%d", i);
		make_message("o_list", id, i < 3 ? "o_run" : NULL);
	}
	assert_int_equal(
		count_of(cli_out(0, WORDS("messages", "list", "o_list")), "thread.message"), 20);
	assert_int_equal(
		count_of(cli_out(0, WORDS("messages", "list", "o_list", "--all", "--limit", "10")),
			"thread.message"),
		25);
	assert_int_equal(count_of(cli_out(0, WORDS("messages", "list", "o_list", "--run", "o_run")),
				 "thread.message"),
		3);
	expect_at(WORDS("messages", "list", "o_list", "--order", "asc", "--limit=1", "--after",
			  "o_list_4"),
		"id", "o_list_5");
	expect_part(cli_err(1, WORDS("messages", "list", "o_nix")), "not_found");
	expect_part(cli_err(2, WORDS("messages", "list")), "THREAD is missing");
	expect_part(cli_err(2, WORDS("messages", "list", "o_list", "--all", "--before", "x")),
		"--before");
}

static void a_terminal_gets_tables_of_messages(void **state)
{
	const char *text;

	cli_out(0, WORDS("messages", "create", "o_table", "--role", "user", "--id", "o_t1",
			   "--content",
			   "  One\n\tline \xc3\xbc\x1b[31m of a text that goes on and on, much "
			   "further than the terminal is wide, so that it is cut off THE END"));
	cli_out(0, WORDS("messages", "create", "o_table", "--role", "assistant", "--id", "o_t2",
			   "--content",
			   "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://x/y\"}},"
			   "{\"type\":\"text\",\"text\":\"there\"},{\"type\":\"refusal\","
			   "\"refusal\":\"no more\"}]"));
	cli_out(0, WORDS("messages", "create", "o_table", "--role", "assistant", "--id", "o_t3",
			   "--status", "in_progress", "--content", "[]"));
	text = cli_terminal(0, WORDS("messages", "list", "o_table", "--no-color"));
	expect_part(text, "ID    CREATED   ROLE       STATUS       TEXT");
	expect_part(text, "o_t3  just now  assistant  in_progress  -\r");
	expect_part(text, "o_t2  just now  assistant  completed    (image_url) there no more\r");
	expect_part(text, "o_t1  just now  user       completed    One line \xc3\xbc?[31m of a ");
	expect_part(text, "\xe2\x80\xa6\r");
	assert_null(strstr(text, "THE END"));
	expect_part(cli_terminal(0, WORDS("messages", "list", "o_table")),
		"\033[34min_progress\033[0m");
	expect_part(cli_terminal(0, WORDS("messages", "list", "o_table", "--limit=1")),
		"There is more: --after o_t3");
	expect_part(cli_terminal(0, WORDS("messages", "get", "o_t2", "--no-color")),
		"    refusal         no more");
}

static void a_terminal_gets_tables_of_assistants(void **state)
{
	const char *text;

	cli_out(0, WORDS("assistants", "create", "--model", "gpt-4o", "--id", "o_a1", "--name",
			   "Weather"));
	cli_out(0, WORDS("assistants", "create", "--model", "m", "--id", "o_a2"));
	text = cli_terminal(0, WORDS("assistants", "list", "--no-color"));
	expect_part(text, "ID    NAME     MODEL   CREATED");
	expect_part(text, "o_a1  Weather  gpt-4o  just now");
	expect_part(text, "o_a2  -        m       just now");
	assert_int_equal(count_of(cli_out(0, WORDS("assistants", "list")), "assistant"), 2);
	expect_part(cli_terminal(0, WORDS("assistants", "get", "o_a1", "--no-color")),
		"name             Weather");
}

static void help_and_completion_know_them(void **state)
{
	const char *text = cli_out(0, WORDS("--help"));

	expect_part(text, "messages create THREAD");
	expect_part(text, "assistants update ASSISTANT");
	expect_part(cli_out(0, WORDS("messages", "--help")), "messages delete MESSAGE");
	text = cli_out(0, WORDS("messages", "create", "--help"));
	expect_part(text, "--role user|assistant");
	expect_part(text, "--content TEXT|JSON");
	text = cli_out(0, WORDS("assistants", "update", "-h"));
	expect_part(text, "at most 256 characters; null: its default");
	cli_out(0, WORDS("assistants", "create", "--model", "m", "--id", "o_complete"));
	cli_out(0, WORDS("threads", "create", "--id", "o_thread_c"));
	assert_string_equal(cli_out(0, WORDS("complete", "")),
		"runs\nsteps\nthreads\nmessages\nassistants\nwhy\nwatch\nimport\nexport\ninfo\n"
		"stats\ncall\n");
	assert_string_equal(cli_out(0, WORDS("complete", "messages", "")),
		"create\nget\nlist\nupdate\ndelete\n");
	assert_string_equal(cli_out(0, WORDS("complete", "messages", "create", "x", "--role", "")),
		"user\nassistant\n");
	assert_string_equal(
		cli_out(0, WORDS("complete", "messages", "list", "o_th")), "o_thread_c\n");
	assert_string_equal(
		cli_out(0, WORDS("complete", "assistants", "get", "o_c")), "o_complete\n");
	assert_string_equal(cli_out(0, WORDS("complete", "runs", "create", "--assistant", "o_c")),
		"o_complete\n");
	assert_string_equal(cli_out(0, WORDS("complete", "runs", "claim", "--assistant", "o_c")),
		"o_complete\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_is_led_through_its_life),
		cmocka_unit_test(a_message_is_led_through_its_life),
		cmocka_unit_test(content_is_a_text_or_json),
		cmocka_unit_test(an_assistant_is_led_through_its_life),
		cmocka_unit_test(messages_are_listed_by_thread_and_run),
		cmocka_unit_test(a_terminal_gets_tables_of_messages),
		cmocka_unit_test(a_terminal_gets_tables_of_assistants),
		cmocka_unit_test(help_and_completion_know_them),
	};

	return cmocka_run_group_tests(tests, commands_start, store_stop);
}
