#include "tools/cli/command.h"

#include <stdio.h>
#include <stdlib.h>

static const struct flag list_flags[] = {
	{"all", NULL, NULL, "page through everything behind --after"},
	{NULL, NULL, NULL, NULL},
};

static const struct flag runs_flags[] = {
	{"all", NULL, NULL, "page through everything behind --after"},
	{"stale", NULL, NULL, "only runs under way that no worker holds a lease on"},
	{NULL, NULL, NULL, NULL},
};

/* What of a parameter is another thing than the method makes of it. */
static const struct flag claim_flags[] = {
	{"worker", NULL, "TEXT", "name of who claims, default $USER@host"},
	{NULL, NULL, NULL, NULL},
};

static const struct flag wait_flags[] = {
	{"timeout-ms", NULL, "N", "how long to wait in all, default as --timeout, or for ever"},
	{NULL, NULL, NULL, NULL},
};

static const struct flag watch_flags[] = {
	{"thread", NULL, "ID", "only changes in this thread"},
	{"run", NULL, "ID", "only changes of this run, its steps and messages"},
	{"since", NULL, "N", "begin behind the change N; 0: with the oldest that is kept"},
	{"objects", NULL, NULL, "with each object as the change left it"},
	{"limit", NULL, "N", "end after N changes"},
	{NULL, NULL, NULL, NULL},
};

static const struct flag submit_flags[] = {
	{"output", NULL, "CALL=TEXT", "the output of one tool call; repeat it for each"},
	{NULL, NULL, NULL, NULL},
};

static const struct flag import_flags[] = {
	{"skip-existing", NULL, NULL, "leave out objects whose id is taken by another content"},
	{NULL, NULL, NULL, NULL},
};

static const struct flag export_flags[] = {
	{"thread", NULL, "ID", "only this thread"},
	{"output", "o", "FILE", "write to FILE, which appears only when it is complete"},
	{NULL, NULL, NULL, NULL},
};

const struct flag global_flags[] = {
	{"url", NULL, "URL", "where the daemon is, default $RUNSTORE_URL or its own default"},
	{"timeout", NULL, "SECONDS", "how long to wait for an answer, default 30"},
	{"json", NULL, NULL, "one JSON object a line, as when it is not for a terminal"},
	{"no-color", NULL, NULL, "no colours, like NO_COLOR in the environment"},
	{"help", "h", NULL, "this text"},
	{"version", NULL, NULL, "the version"},
	{NULL, NULL, NULL, NULL},
};

#define OBJECT(group, name, method, ...)                                                           \
	{                                                                                          \
		group, name, method, {__VA_ARGS__}, NULL, NULL, SHOW_OBJECT, method_run            \
	}
#define LIST(group, name, method, ...)                                                             \
	{                                                                                          \
		group, name, method, {__VA_ARGS__}, list_flags, NULL, SHOW_LIST, method_run        \
	}

const struct command commands[] = {
	OBJECT("runs", "create", "runs.create", NULL),
	OBJECT("runs", "get", "runs.get", "run_id"),
	{"runs", "list", "runs.list", {NULL}, runs_flags, NULL, SHOW_LIST, method_run},
	OBJECT("runs", "update", "runs.update", "run_id"),
	OBJECT("runs", "cancel", "runs.cancel", "run_id"),
	{"runs", "submit", "runs.submit_tool_outputs", {"run_id"}, submit_flags, NULL, SHOW_OBJECT,
		method_run},
	OBJECT("runs", "delete", "runs.delete", "run_id"),
	{"runs", "claim", "runs.claim", {NULL}, claim_flags, NULL, SHOW_OBJECT, claim_run},
	OBJECT("runs", "heartbeat", "runs.heartbeat", "run_id"),
	OBJECT("runs", "release", "runs.release", "run_id"),
	OBJECT("runs", "lease", "runs.lease", "run_id"),
	{"runs", "wait", "runs.wait", {"run_id"}, wait_flags,
		"wait until a run has ended, or until --until says", SHOW_OBJECT, wait_run},
	OBJECT("runs", "requeue", "runs.requeue", "run_id"),
	OBJECT("runs", "fail", "runs.fail", "run_id"),
	OBJECT("steps", "create", "steps.create", "run_id"),
	OBJECT("steps", "get", "steps.get", "run_id", "step_id"),
	LIST("steps", "list", "steps.list", "run_id"),
	OBJECT("steps", "update", "steps.update", "run_id", "step_id"),
	OBJECT("threads", "create", "threads.create", NULL),
	OBJECT("threads", "get", "threads.get", "thread_id"),
	LIST("threads", "list", "threads.list", NULL),
	OBJECT("threads", "update", "threads.update", "thread_id"),
	OBJECT("threads", "delete", "threads.delete", "thread_id"),
	OBJECT("messages", "create", "messages.create", "thread_id"),
	OBJECT("messages", "get", "messages.get", "message_id"),
	LIST("messages", "list", "messages.list", "thread_id"),
	OBJECT("messages", "update", "messages.update", "message_id"),
	OBJECT("messages", "delete", "messages.delete", "message_id"),
	OBJECT("assistants", "create", "assistants.create", NULL),
	OBJECT("assistants", "get", "assistants.get", "assistant_id"),
	LIST("assistants", "list", "assistants.list", NULL),
	OBJECT("assistants", "update", "assistants.update", "assistant_id"),
	OBJECT("assistants", "delete", "assistants.delete", "assistant_id"),
	{NULL, "why", NULL, {"thread_id"}, NULL,
		"which run holds a thread, and what would move it on", SHOW_OBJECT, why_run},
	{NULL, "watch", NULL, {NULL}, watch_flags, "tell of changes as they happen", SHOW_OBJECT,
		watch_run},
	{NULL, "import", NULL, {"FILE"}, import_flags,
		"store objects as they are, one in JSON a line; - is standard input", SHOW_OBJECT,
		import_run},
	{NULL, "export", NULL, {NULL}, export_flags, "write all objects, as import takes them",
		SHOW_OBJECT, export_run},
	OBJECT(NULL, "info", "server.info", NULL),
	OBJECT(NULL, "stats", "server.stats", NULL),
	{NULL, "call", NULL, {"METHOD", "JSON"}, NULL,
		"call any method with parameters in JSON; - is standard input", SHOW_OBJECT,
		call_run},
	{NULL, "complete", NULL, {NULL}, NULL, NULL, SHOW_OBJECT, complete_run},
};

const size_t n_commands = sizeof(commands) / sizeof(*commands);

const struct method *command_method(const struct command *command)
{
	return command->method ? method_find(slice_str(command->method)) : NULL;
}

static bool same_group(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

const struct command *command_find(const char *group, const char *name)
{
	for (size_t i = 0; i < n_commands; i++) {
		if (same_group(commands[i].group, group) && !strcmp(commands[i].name, name)) {
			return &commands[i];
		}
	}
	return NULL;
}

bool command_is_group(const char *name)
{
	for (size_t i = 0; i < n_commands; i++) {
		if (same_group(commands[i].group, name)) {
			return true;
		}
	}
	return false;
}

const struct flag *command_flag(const struct flag *flags, const char *name)
{
	for (; flags && flags->name; flags++) {
		if (!strcmp(flags->name, name) || (flags->letter && !strcmp(flags->letter, name))) {
			return flags;
		}
	}
	return NULL;
}

const char *command_title(const struct command *command, char out[static 64])
{
	snprintf(out, 64, "%s%s%s", command->group ? command->group : "", command->group ? " " : "",
		command->name);
	return out;
}

static int set_timeout(struct cli *cli, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds <= 86400)) {
		return cli_usage("--timeout: expected seconds, up to 86400, got '%s'.", text);
	}
	cli->timeout_ms = seconds < 0.001 ? 1 : (int)(seconds * 1000);
	return 0;
}

int command_global(struct cli *cli, struct args *args)
{
	const struct flag *flag = command_flag(global_flags, args->name);
	const char *value = NULL;

	if (!flag) {
		return -1;
	}
	if (!flag->value && args->value) {
		return cli_usage("--%s takes no value.", flag->name);
	}
	if (flag->value && !(value = args_value(args))) {
		return cli_usage("--%s: %s is missing.", flag->name, flag->value);
	}
	if (!strcmp(flag->name, "url")) {
		cli->url = value;
	} else if (!strcmp(flag->name, "timeout")) {
		return set_timeout(cli, value);
	} else if (!strcmp(flag->name, "json")) {
		cli->json = true;
	} else if (!strcmp(flag->name, "no-color")) {
		cli->color = false;
	}
	return 0;
}

int command_unknown_flag(const struct command *command, const struct args *args)
{
	char title[64];

	return cli_usage("There is no flag --%s here; 'runstore %s --help' lists those there are.",
		args->name, command_title(command, title));
}

int command_needs_value(const struct command *command, const struct args *args)
{
	char title[64];

	return cli_usage("--%s: its value is missing; 'runstore %s --help' says what it takes.",
		args->name, command_title(command, title));
}

int command_extra_word(const struct command *command, const char *word)
{
	char title[64];

	return cli_usage("'%s' is one word too many; 'runstore %s --help' says what is taken.",
		word, command_title(command, title));
}
