#include "cmocka_all.h"

#include "tests/client/commands.h"
#include "tests/client/spawn.h"
#include "tests/client/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int commands_start(void **state)
{
	struct store *s;

	store_start(state);
	s = *state;
	setenv("RUNSTORE_URL", s->daemon.url, 1);
	setenv("USER", "ada", 1);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	return 0;
}

json_t *line_of(int status, const char *const *words)
{
	const char *text = cli_out(status, words);
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(line) || strchr(text, '\n') != text + strlen(text) - 1) {
		fail_msg("not one line of JSON: %s", text);
	}
	return line;
}

const json_t *json_at(const json_t *object, const char *path)
{
	char name[64];

	while (*path) {
		size_t len = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		object = json_object_get(object, name);
		path += len + (path[len] == '.');
	}
	return object;
}

const char *json_text(const json_t *object, const char *path)
{
	const char *text = json_string_value(json_at(object, path));

	return text ? text : "";
}

json_int_t json_number(const json_t *object, const char *path)
{
	assert_true(json_is_integer(json_at(object, path)));
	return json_integer_value(json_at(object, path));
}

const char *json_items(const json_t *object, const char *path)
{
	static char text[1024];
	const json_t *array = json_at(object, path);

	assert_true(json_is_array(array));
	*text = '\0';
	for (size_t i = 0; i < json_array_size(array); i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
			json_string_value(json_array_get(array, i)));
	}
	return text;
}

void run_make(const char *thread, const char *id, const char *on_active)
{
	cli_out(0, WORDS("runs", "create", "--thread", thread, "--assistant", thread, "--id", id,
			   "--on-active", on_active));
}

void run_claim(const char *assistants, char token[80])
{
	json_t *claim = line_of(0, WORDS("runs", "claim", "--assistant", assistants, "--worker",
					   "w", "--lease-ms", "60000"));

	snprintf(token, 80, "%s", json_text(claim, "lease.token"));
	json_decref(claim);
}

void run_move(const char *id, const char *status)
{
	cli_out(0, WORDS("runs", "update", id, "--status", status));
}

#define ACTION                                                                                     \
	"{\"type\":\"submit_tool_outputs\",\"submit_tool_outputs\":{\"tool_calls\":["              \
	"{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"get_time\","            \
	"\"arguments\":\"{}\"}},{\"id\":\"call 2\",\"type\":\"function\",\"function\":{\"name\":"  \
	"\"get_place\",\"arguments\":\"{}\"}}]}}"

void run_ask(const char *id)
{
	run_move(id, "in_progress");
	cli_out(0, WORDS("runs", "update", id, "--status", "requires_action", "--required-action",
			   ACTION));
}
