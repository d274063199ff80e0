#include "tools/cli/cli.h"
#include "tools/cli/command.h"
#include "tools/cli/term.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void write_message(const char *format, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, ap);
	fflush(stdout);
	fputs("runstore: ", stderr);
	term_write(stderr, slice_str(text));
	fputc('\n', stderr);
}

int cli_usage(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_message(format, ap);
	va_end(ap);
	return CLI_USAGE;
}

int cli_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_message(format, ap);
	va_end(ap);
	return CLI_REFUSED;
}

void cli_note(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_message(format, ap);
	va_end(ap);
}

int cli_refused(const struct runstore_error *error)
{
	cli_error("%s%s%s (%s)", error->param, *error->param ? ": " : "", error->message,
		error->name);
	if (!strcmp(error->param, "url")) {
		return CLI_USAGE;
	}
	return error->code == RUNSTORE_E_UNAVAILABLE ? CLI_NO_DAEMON : CLI_REFUSED;
}

int cli_flush(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		return cli_error("Writing the result failed: %s.", strerror(errno));
	}
	return 0;
}

static int64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t cli_clock_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t cli_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int cli_connect(struct cli *cli)
{
	struct runstore_options options = {
		.timeout_ms = cli->timeout_ms, .connect_timeout_ms = cli->connect_ms};
	struct runstore_error error;

	if (cli->timeout_ms && cli->timeout_ms < (cli->connect_ms ? cli->connect_ms : 2000)) {
		options.connect_timeout_ms = cli->timeout_ms;
	}
	if (runstore_open(&cli->rs, cli->url, &options, &error)) {
		return error.code == RUNSTORE_E_INVALID_PARAMS ? cli_usage("%s", error.message)
							       : cli_refused(&error);
	}
	return 0;
}

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       !(term && !strcmp(term, "dumb"));
}

/* Is --help among the words that are left? */
static bool wants_help(const struct args *args)
{
	for (int i = args->at; i < args->argc && strcmp(args->argv[i], "--"); i++) {
		if (!strcmp(args->argv[i], "--help") || !strcmp(args->argv[i], "-h")) {
			return true;
		}
	}
	return false;
}

/* Flags up to the next word. 0 with the word, or NULL at the end; -1 when all is said. */
static int next_word(struct cli *cli, struct args *args, const char **word)
{
	enum arg_kind kind;
	int r;

	while ((kind = args_next(args)) == ARG_FLAG) {
		if (!strcmp(args->name, "version")) {
			printf("runstore %s\n", runstore_version());
			return -1;
		}
		r = command_global(cli, args);
		if (r) {
			return r > 0 ? r
				     : cli_usage("There is no flag --%s; 'runstore --help' lists "
						 "those there are.",
					       args->name);
		}
	}
	*word = kind == ARG_WORD ? args->text : NULL;
	return 0;
}

static int run_command(struct cli *cli, const struct command *command, struct args *args)
{
	if (strcmp(command->name, "complete") != 0 && wants_help(args)) {
		help_command(command);
		return 0;
	}
	return command->run(cli, command, args);
}

static int run_group(struct cli *cli, const char *group, struct args *args)
{
	const struct command *command;
	const char *verb = NULL;
	int r;

	if (args->at < args->argc && args->argv[args->at][0] == '-' && wants_help(args)) {
		help_group(group);
		return 0;
	}
	r = next_word(cli, args, &verb);
	if (r) {
		return r;
	}
	if (!verb) {
		return cli_usage("What about %s? 'runstore %s --help' lists what there is to do.",
			group, group);
	}
	command = command_find(group, verb);
	if (!command) {
		return cli_usage("There is no command '%s %s'; 'runstore %s --help' lists those "
				 "there are.",
			group, verb, group);
	}
	return run_command(cli, command, args);
}

static int dispatch(struct cli *cli, struct args *args)
{
	const struct command *command;
	const char *word = NULL;
	int r;

	if (args->at < args->argc && args->argv[args->at][0] == '-' && wants_help(args)) {
		help_all();
		return 0;
	}
	r = next_word(cli, args, &word);
	if (r) {
		return r < 0 ? 0 : r;
	}
	if (!word) {
		return cli_usage("A command is missing; 'runstore --help' lists them.");
	}
	command = command_find(NULL, word);
	if (command) {
		return run_command(cli, command, args);
	}
	if (!command_is_group(word)) {
		return cli_usage(
			"There is no command '%s'; 'runstore --help' lists those there are.", word);
	}
	r = run_group(cli, word, args);
	return r < 0 ? 0 : r;
}

int cli_main(int argc, char **argv)
{
	struct args args = {.argc = argc, .argv = argv, .at = 1};
	struct cli cli = {
		.json = !isatty(STDOUT_FILENO),
		.color = wants_color(),
		.columns = term_columns(STDOUT_FILENO),
		.now = time(NULL),
	};
	int r;

	term_init();
	r = dispatch(&cli, &args);
	runstore_close(cli.rs);
	return r ? r : cli_flush();
}
