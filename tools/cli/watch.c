/* runstore watch. */
#include "tools/cli/ask.h"
#include "tools/cli/change.h"
#include "tools/cli/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct watch {
	struct cli *cli;
	const char *thread;
	const char *run;
	bool objects;
	int64_t since; /* below 0: from now on */
	int64_t left;  /* changes to tell of yet, below 0 for any number */
};

static int take_number(const char *flag, const char *text, int64_t least, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (errno || end == text || *end || *out < least) {
		return cli_usage("--%s: expected a number of %" PRId64 " or more, got '%s'.", flag,
			least, text);
	}
	return 0;
}

static int take_value(struct watch *w, const char *flag, const char *value)
{
	if (!strcmp(flag, "since")) {
		return take_number(flag, value, 0, &w->since);
	}
	if (!strcmp(flag, "limit")) {
		return take_number(flag, value, 1, &w->left);
	}
	if (!strcmp(flag, "thread")) {
		w->thread = value;
	} else {
		w->run = value;
	}
	return 0;
}

/* --thread-id and --run-id, as the parameters are called, will do. */
static const struct flag *own_flag(const struct command *command, const char *name)
{
	name = !strcmp(name, "thread-id") ? "thread" : name;
	name = !strcmp(name, "run-id") ? "run" : name;
	return command_flag(command->flags, name);
}

static int take_flag(struct watch *w, const struct command *command, struct args *args)
{
	const struct flag *flag = own_flag(command, args->name);
	const char *value;
	int r;

	if (!flag) {
		r = command_global(w->cli, args);
		return r < 0 ? command_unknown_flag(command, args) : r;
	}
	if (!flag->value) {
		w->objects = true;
		return args->value ? cli_usage("--%s takes no value.", flag->name) : 0;
	}
	value = args_value(args);
	return value ? take_value(w, flag->name, value) : command_needs_value(command, args);
}

static int parse(struct watch *w, const struct command *command, struct args *args)
{
	enum arg_kind kind;
	int r = 0;

	while (!r && (kind = args_next(args)) != ARG_END) {
		r = kind == ARG_WORD ? command_extra_word(command, args->text)
				     : take_flag(w, command, args);
	}
	return r;
}

static int show(struct watch *w, const struct runstore_change *change)
{
	int r;

	if (change->truncated) {
		cli_note("Changes before %" PRId64 " are missing: they are no longer kept.",
			change->seq);
	}
	r = change_write(w->cli, slice_of(change->value.data, change->value.size));
	w->left -= w->left > 0;
	return r ? r : cli_flush();
}

static int follow(struct watch *w, struct runstore_watch *watch)
{
	const struct runstore_change *change;
	struct runstore_error error;
	int r = 0;

	while (!r && w->left) {
		if (!runstore_watch_next(watch, -1, &change, &error)) {
			r = change ? show(w, change) : 0;
		} else if (!ask_again(w->cli, &error, UNTIL_EVER)) {
			r = cli_refused(&error);
		}
	}
	return r;
}

int watch_run(struct cli *cli, const struct command *command, struct args *args)
{
	struct watch w = {.cli = cli, .since = -1, .left = -1};
	struct runstore_watch_options options = {0};
	struct runstore_watch *watch;
	struct runstore_error error;
	int r;

	r = parse(&w, command, args);
	if (!r) {
		r = cli_connect(cli);
	}
	if (r) {
		return r;
	}
	options.thread_id = w.thread;
	options.run_id = w.run;
	options.objects = w.objects;
	options.since = w.since < 0 ? NULL : &w.since;
	if (runstore_watch_open(cli->rs, &options, &watch, &error)) {
		return cli_refused(&error);
	}
	r = follow(&w, watch);
	runstore_watch_close(watch);
	return r;
}
