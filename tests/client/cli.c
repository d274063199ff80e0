/* The command line: what it takes, what it prints, how it ends. */
#include "cmocka_all.h"

#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int start(void **state)
{
	struct store *s;

	store_start(state);
	s = *state;
	setenv("RUNSTORE_URL", s->daemon.url, 1);
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	return 0;
}

/* The lines of @text as JSON objects, in an array. */
static json_t *lines_of(const char *text)
{
	json_t *lines = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");
		json_error_t e;
		json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);

		if (!json_is_object(line)) {
			fail_msg("no JSON object: %.*s", (int)len, text);
		}
		assert_int_equal(text[len], '\n');
		json_array_append_new(lines, line);
		text += len + 1;
	}
	return lines;
}

static const char *text_at(const json_t *lines, size_t index, const char *name)
{
	return json_string_value(json_object_get(json_array_get(lines, index), name));
}

static void objects_are_json_lines_when_nobody_watches(void **state)
{
	json_t *lines = lines_of(cli_out(
		0, WORDS("runs", "create", "--thread", "t_json", "--assistant-id=asst_1", "--id",
			   "run_json", "--metadata", "a=1", "--metadata", "b=x=y", "--temperature",
			   "0.5", "--tools", "[{\"type\":\"code_interpreter\"}]", "--tool-choice",
			   "required", "--parallel-tool-calls", "false", "--expires-in=0")));
	const json_t *run = json_array_get(lines, 0);

	assert_int_equal(json_array_size(lines), 1);
	assert_string_equal(text_at(lines, 0, "id"), "run_json");
	assert_string_equal(text_at(lines, 0, "thread_id"), "t_json");
	assert_string_equal(text_at(lines, 0, "tool_choice"), "required");
	assert_true(json_is_false(json_object_get(run, "parallel_tool_calls")));
	assert_true(json_real_value(json_object_get(run, "temperature")) == 0.5);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(run, "metadata"), "b")), "x=y");
	json_decref(lines);
}

static void a_run_is_led_to_its_end_by_commands(void **state)
{
	cli_out(0, WORDS("runs", "create", "--thread", "t_life", "--assistant", "a", "--id",
			   "run_life"));
	expect_part(cli_out(0, WORDS("runs", "update", "run_life", "--status", "in_progress")),
		"\"in_progress\"");
	expect_part(
		cli_out(0, WORDS("runs", "update", "run_life", "--status", "requires_action",
				   "--required-action",
				   "{\"type\":\"submit_tool_outputs\",\"submit_tool_outputs\":{"
				   "\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\","
				   "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":"
				   "\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"g\","
				   "\"arguments\":\"{}\"}}]}}")),
		"\"requires_action\"");
	expect_part(cli_out(0, WORDS("runs", "submit", "run_life", "--output", "call_1=one",
				       "--output=call_2=two=2")),
		"\"queued\"");
	expect_part(cli_out(0, WORDS("steps", "list", "run_life")), "two=2");
	cli_out(0, WORDS("runs", "update", "run_life", "--status=in_progress"));
	expect_part(cli_out(0, WORDS("steps", "create", "run_life", "--id", "step_life", "--type",
				       "message_creation", "--details",
				       "{\"type\":\"message_creation\",\"message_creation\":{"
				       "\"message_id\":\"msg_1\"}}")),
		"\"step_life\"");
	expect_part(cli_out(0, WORDS("steps", "update", "run_life", "step_life", "--status",
				       "completed", "--metadata", "{\"k\":\"v\"}")),
		"\"completed\"");
	expect_part(cli_out(0, WORDS("steps", "get", "run_life", "step_life")), "{\"k\":\"v\"}");
	expect_part(
		cli_out(0, WORDS("steps", "update", "run_life", "step_life", "--metadata", "null")),
		"\"metadata\":{}");
	expect_part(cli_out(0, WORDS("runs", "cancel", "run_life")), "\"cancelling\"");
	expect_part(cli_out(0, WORDS("runs", "delete", "run_life")), "\"deleted\":true");
	expect_part(cli_out(0, WORDS("threads", "delete", "t_life")), "\"thread.deleted\"");
}

/* 45 runs in a thread, oldest first in @ids. */
static void make_runs(struct store *s, const char *thread, char ids[45][65])
{
	for (int i = 0; i < 45; i++) {
		struct runstore_run *run = store_run(s, thread);

		snprintf(ids[i], 65, "%s", run->id);
		runstore_run_free(run);
	}
}

static void lists_page_and_all_pages_to_the_end(void **state)
{
	char ids[45][65];
	json_t *lines;

	make_runs(*state, "t_many", ids);
	lines = lines_of(cli_out(0, WORDS("runs", "list", "--thread", "t_many")));
	assert_int_equal(json_array_size(lines), 20);
	assert_string_equal(text_at(lines, 0, "id"), ids[44]);
	json_decref(lines);
	lines = lines_of(cli_out(0,
		WORDS("runs", "list", "--thread=t_many", "--all", "--limit", "10", "--order=asc")));
	assert_int_equal(json_array_size(lines), 45);
	for (size_t i = 0; i < 45; i++) {
		assert_string_equal(text_at(lines, i, "id"), ids[i]);
	}
	json_decref(lines);
	lines = lines_of(cli_out(
		0, WORDS("runs", "list", "--thread", "t_many", "--all", "--after", ids[5])));
	assert_int_equal(json_array_size(lines), 5);
	json_decref(lines);
	lines = lines_of(cli_out(
		0, WORDS("runs", "list", "--thread", "t_many", "--before", ids[40], "--limit=2")));
	assert_int_equal(json_array_size(lines), 2);
	assert_string_equal(text_at(lines, 0, "id"), ids[42]);
	json_decref(lines);
	assert_string_equal(cli_out(0, WORDS("runs", "list", "--thread", "t_many", "--status",
					       "failed,completed")),
		"");
	lines = lines_of(cli_out(0, WORDS("runs", "list", "--thread", "t_many", "--status",
					    "failed", "--status", "queued", "--limit", "3")));
	assert_int_equal(json_array_size(lines), 3);
	json_decref(lines);
}

static void refusals_end_with_1_and_say_why(void **state)
{
	const char *text = cli_err(1, WORDS("runs", "get", "run_nix"));

	expect_part(text, "No run found with id 'run_nix'.");
	expect_part(text, "not_found");
	expect_part(cli_err(1, WORDS("runs", "get", "no id")), "run_id");
	expect_part(cli_err(1, WORDS("runs", "list", "--limit", "101")), "1 to 100");
	expect_part(cli_err(1, WORDS("runs", "list", "--order", "up")), "order");
	expect_part(cli_err(1, WORDS("call", "no.such")), "no.such");
	assert_string_equal(cli_out(1, WORDS("runs", "get", "run_nix")), "");
}

static void wrong_usage_ends_with_2_and_says_what_is_right(void **state)
{
	expect_part(cli_err(2, WORDS(NULL)), "--help");
	expect_part(cli_err(2, WORDS("rums")), "rums");
	expect_part(cli_err(2, WORDS("runs")), "runstore runs --help");
	expect_part(cli_err(2, WORDS("runs", "fetch")), "fetch");
	expect_part(cli_err(2, WORDS("runs", "get")), "RUN is missing");
	expect_part(cli_err(2, WORDS("runs", "get", "a", "b")), "one word too many");
	expect_part(
		cli_err(2, WORDS("runs", "create", "--thread", "t")), "--assistant-id is missing");
	expect_part(cli_err(2, WORDS("runs", "list", "--nonsense")), "--nonsense");
	expect_part(cli_err(2, WORDS("--nonsense")), "--nonsense");
	expect_part(cli_err(2, WORDS("runs", "list", "--limit")), "value is missing");
	expect_part(cli_err(2, WORDS("runs", "list", "--limit", "ten")), "integer");
	expect_part(cli_err(2, WORDS("runs", "list", "--all", "--before", "x")), "--before");
	expect_part(cli_err(2, WORDS("runs", "list", "--all=yes")), "no value");
	expect_part(cli_err(2, WORDS("runs", "update", "x", "--metadata", "k")), "KEY=VALUE");
	expect_part(cli_err(2, WORDS("runs", "update", "x", "--usage", "{\"a\":}")), "column 6");
	expect_part(cli_err(2, WORDS("runs", "create", "--temperature", "hot")), "number");
	expect_part(cli_err(2, WORDS("runs", "create", "--parallel-tool-calls", "yes")),
		"true or false");
	expect_part(cli_err(2, WORDS("runs", "submit", "x", "--output", "y")), "CALL=TEXT");
	expect_part(cli_err(2, WORDS("call")), "method is missing");
	expect_part(cli_err(2, WORDS("call", "runs.list", "{")), "JSON");
	expect_part(cli_err(2, WORDS("import")), "file is missing");
	expect_part(cli_err(2, WORDS("import", "/does/not/exist")), "/does/not/exist");
	expect_part(cli_err(2, WORDS("import", "/tmp")), "directory");
	expect_part(cli_err(2, WORDS("--timeout", "soon", "info")), "seconds");
	expect_part(cli_err(2, WORDS("--url", "http://x", "info")), "http://x");
	expect_part(cli_err(2, WORDS("--url", "tcp://nowhere", "info")), "tcp://nowhere");
}

static void no_daemon_ends_with_3(void **state)
{
	const char *text = cli_err(3,
		WORDS("runs", "list", "--url=ipc:///tmp/nobody-is-here.sock", "--timeout", "0.2"));

	expect_part(text, "ipc:///tmp/nobody-is-here.sock");
	expect_part(text, "runstored");
	cli_err(3, WORDS("--url", "ipc:///tmp/nobody-is-here.sock", "--timeout=0.2", "export"));
}

static void help_is_everywhere(void **state)
{
	expect_part(cli_out(0, WORDS("--help")), "runs create");
	expect_part(cli_out(0, WORDS("-h")), "import FILE");
	expect_part(cli_out(0, WORDS("runs", "--help")), "runs submit RUN");
	expect_part(cli_out(0, WORDS("runs", "create", "--help")), "--reasoning-effort");
	expect_part(cli_out(0, WORDS("runs", "list", "-h")), "queued|in_progress");
	expect_part(cli_out(0, WORDS("steps", "get", "--help")), "steps get RUN STEP");
	expect_part(cli_out(0, WORDS("import", "--help")), "--skip-existing");
	expect_part(cli_out(0, WORDS("export", "--help")), "-o, --output FILE");
	expect_part(cli_out(0, WORDS("call", "--help")), "METHOD");
	expect_part(cli_out(0, WORDS("info", "--help")), "what the daemon is");
	expect_part(cli_out(0, WORDS("--version")), "runstore ");
}

static void call_takes_json_from_word_and_input(void **state)
{
	expect_part(cli_out(0, WORDS("call", "server.info")), "\"protocol\":");
	expect_part(
		cli_out(0, WORDS("call", "threads.list", "{\"limit\":1}")), "\"object\":\"list\"");
	expect_part(cli_input(0, "{\"limit\":\n1}", WORDS("call", "threads.list", "-")),
		"\"object\":\"list\"");
	expect_part(cli_out(0, WORDS("info")), "\"version\":");
	expect_part(cli_out(0, WORDS("stats")), "\"runs\":");
}

static void a_terminal_gets_tables(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_table");
	const char *text = cli_terminal(0, WORDS("runs", "list", "--thread", "t_table"));

	expect_part(text, "STATUS");
	expect_part(text, "\033[34min_progress");
	expect_part(text, "just now");
	assert_null(strstr(text, "THREAD"));
	assert_null(strstr(text, "{"));
	runstore_step_free(store_step(s, run->id, "msg_table"));
	expect_part(cli_terminal(0, WORDS("steps", "list", run->id)), "msg_table");
	expect_part(cli_terminal(0, WORDS("threads", "list", "--limit", "100")), "ACTIVE RUN");
	text = cli_terminal(0, WORDS("runs", "get", run->id));
	expect_part(text, "assistant_id");
	expect_part(text, "(just now)");
	expect_part(cli_terminal(0, WORDS("runs", "list", "--json")), "{\"id\":");
	expect_part(cli_terminal(0, WORDS("runs", "list", "--status", "incomplete")), "none");
	runstore_run_free(run);
}

static void colours_can_be_turned_off(void **state)
{
	assert_null(strchr(cli_terminal(0, WORDS("runs", "list", "--no-color")), 033));
	setenv("NO_COLOR", "1", 1);
	assert_null(strchr(cli_terminal(0, WORDS("runs", "list")), 033));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	assert_null(strchr(cli_terminal(0, WORDS("runs", "list")), 033));
	setenv("TERM", "xterm", 1);
}

/* Columns up to @part in the line of @text that has it: one for each character. */
static int column_of(const char *text, const char *part)
{
	const char *at = strstr(text, part);
	int columns = 0;

	assert_non_null(at);
	for (; at > text && at[-1] != '\n'; at--) {
		columns += ((unsigned char)at[-1] & 0xc0) != 0x80;
	}
	return columns;
}

static void columns_align_and_nothing_escapes(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_align");
	const char *text;
	int column;

	runstore_step_free(store_step(s, run->id, "m\xc3\xbcsl\xc3\xad"));
	runstore_step_free(store_step(s, run->id, "plain_x"));
	runstore_step_free(store_step(s, run->id, "a\\u001b[31mb"));
	text = cli_terminal(0, WORDS("steps", "list", run->id, "--no-color"));
	column = column_of(text, "CREATED");
	assert_int_equal(column_of(text, "just now"), column);
	assert_int_equal(
		column_of(strstr(text, "plain_x"), "just now") + column_of(text, "plain_x"),
		column);
	expect_part(text, "a?[31mb");
	runstore_run_free(run);
}

static void completion_knows_commands_flags_and_ids(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_run(s, "t_complete");

	assert_string_equal(cli_out(0, WORDS("complete", "ru")), "runs\n");
	assert_string_equal(cli_out(0, WORDS("complete", "runs", "c")), "create\ncancel\nclaim\n");
	assert_string_equal(
		cli_out(0, WORDS("complete", "runs", "create", "--te")), "--temperature\n");
	assert_string_equal(
		cli_out(0, WORDS("complete", "runs", "list", "--order", "")), "asc\ndesc\n");
	assert_string_equal(
		cli_out(0, WORDS("complete", "call", "server.")), "server.info\nserver.stats\n");
	expect_part(cli_out(0, WORDS("complete", "runs", "get", "run_")), run->id);
	expect_part(cli_out(0, WORDS("complete", "threads", "delete", "")), "t_complete");
	assert_string_equal(cli_out(0, WORDS("complete")), "");
	runstore_run_free(run);
}

static void the_completion_script_works_in_bash(void **state)
{
	char command[1024], text[256] = "";
	FILE *pipe;

	snprintf(command, sizeof(command),
		"bash -c 'set -eu; . \"$RUNSTORE_COMPLETION\"; complete -p runstore >/dev/null; "
		"COMP_WORDS=(\"$RUNSTORE\" runs list --status = que); COMP_CWORD=5; _runstore; "
		"echo \"${COMPREPLY[@]}\"' 2>&1");
	pipe = popen(command, "re");
	assert_non_null(pipe);
	assert_non_null(fgets(text, sizeof(text), pipe));
	assert_int_equal(pclose(pipe), 0);
	assert_string_equal(text, "queued\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_json_lines_when_nobody_watches),
		cmocka_unit_test(a_run_is_led_to_its_end_by_commands),
		cmocka_unit_test(lists_page_and_all_pages_to_the_end),
		cmocka_unit_test(refusals_end_with_1_and_say_why),
		cmocka_unit_test(wrong_usage_ends_with_2_and_says_what_is_right),
		cmocka_unit_test(no_daemon_ends_with_3),
		cmocka_unit_test(help_is_everywhere),
		cmocka_unit_test(call_takes_json_from_word_and_input),
		cmocka_unit_test(a_terminal_gets_tables),
		cmocka_unit_test(colours_can_be_turned_off),
		cmocka_unit_test(columns_align_and_nothing_escapes),
		cmocka_unit_test(completion_knows_commands_flags_and_ids),
		cmocka_unit_test(the_completion_script_works_in_bash),
	};

	return cmocka_run_group_tests(tests, start, store_stop);
}
