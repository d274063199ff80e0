/* runstore export: every thread, oldest first, its runs with their steps behind them. */
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct exporter {
	struct cli *cli;
	const char *thread;
	const char *path; /* NULL for standard output */
	char *part;	  /* what is written until all is there, or NULL: straight to @path */
	FILE *file;
	struct progress progress;
	uint64_t n;
};

static int write_object(struct exporter *ex, struct runstore_value object)
{
	int r;

	r = output_json(ex->file, slice_of(object.data, object.size));
	if (!r && ferror(ex->file)) {
		r = cli_error("Writing %s failed: %s.", ex->path ? ex->path : "the result",
			strerror(errno));
	}
	ex->n++;
	progress_update(&ex->progress, ex->n, ex->n);
	return r;
}

static int export_steps(struct exporter *ex, const char *run_id)
{
	static const struct runstore_step_list list = {
		.page.order = RUNSTORE_ORDER_ASC, .include_content = true};
	const struct runstore_step *step;
	struct runstore_steps *steps;
	struct runstore_error error;
	int r;

	if (runstore_steps_open(ex->cli->rs, run_id, &list, &steps, &error)) {
		return cli_refused(&error);
	}
	while (!(r = runstore_steps_next(steps, &step, &error)) && step) {
		r = write_object(ex, step->object);
		if (r) {
			runstore_steps_close(steps);
			return r;
		}
	}
	runstore_steps_close(steps);
	/* A run that was deleted a moment ago has no steps any more. */
	return r && r != RUNSTORE_E_NOT_FOUND ? cli_refused(&error) : 0;
}

static int export_runs(struct exporter *ex, const char *thread_id, bool has_steps)
{
	struct runstore_run_list list = {.page.order = RUNSTORE_ORDER_ASC, .thread_id = thread_id};
	const struct runstore_run *run;
	struct runstore_runs *runs;
	struct runstore_error error;
	int r;

	if (runstore_runs_open(ex->cli->rs, &list, &runs, &error)) {
		return cli_refused(&error);
	}
	while (!(r = runstore_runs_next(runs, &run, &error)) && run) {
		r = write_object(ex, run->object);
		if (!r && has_steps) {
			r = export_steps(ex, run->id);
		}
		if (r) {
			runstore_runs_close(runs);
			return r;
		}
	}
	runstore_runs_close(runs);
	return r && (ex->thread || r != RUNSTORE_E_NOT_FOUND) ? cli_refused(&error) : 0;
}

static int export_threads(struct exporter *ex)
{
	static const struct runstore_page page = {.order = RUNSTORE_ORDER_ASC};
	const struct runstore_thread *thread;
	struct runstore_threads *threads;
	struct runstore_error error;
	int r;

	if (runstore_threads_open(ex->cli->rs, &page, &threads, &error)) {
		return cli_refused(&error);
	}
	while (!(r = runstore_threads_next(threads, &thread, &error)) && thread) {
		r = export_runs(ex, thread->id, thread->steps > 0);
		if (r) {
			runstore_threads_close(threads);
			return r;
		}
	}
	runstore_threads_close(threads);
	return r ? cli_refused(&error) : 0;
}

/* How many objects there are, 0 when that is not known: for the bar only. */
static uint64_t count_objects(struct exporter *ex)
{
	struct runstore_reply *reply;
	int64_t runs = 0, steps = 0;

	if (ex->thread || runstore_call(ex->cli->rs, "server.stats", NULL, 0, &reply, NULL)) {
		return 0;
	}
	runstore_value_integer(runstore_value_member(runstore_reply_value(reply), "runs"), &runs);
	runstore_value_integer(runstore_value_member(runstore_reply_value(reply), "steps"), &steps);
	runstore_reply_free(reply);
	return (uint64_t)(runs + steps);
}

/* A pipe or a terminal cannot be written beside and renamed. */
static bool is_plain(const char *path)
{
	struct stat st;

	return stat(path, &st) || S_ISREG(st.st_mode);
}

static int open_output(struct exporter *ex)
{
	if (!ex->path) {
		ex->file = stdout;
		return 0;
	}
	if (is_plain(ex->path) && asprintf(&ex->part, "%s.part", ex->path) < 0) {
		ex->part = NULL;
		return cli_error("Out of memory.");
	}
	ex->file = fopen(ex->part ? ex->part : ex->path, "we");
	if (!ex->file) {
		return cli_usage("%s: %s.", ex->part ? ex->part : ex->path, strerror(errno));
	}
	return 0;
}

/* The file gets its name when all of it is on the disk. */
static int close_output(struct exporter *ex)
{
	int failed;

	if (!ex->path) {
		return 0;
	}
	failed = fflush(ex->file) || (ex->part && fsync(fileno(ex->file)));
	failed = fclose(ex->file) || failed;
	ex->file = NULL;
	if (failed || (ex->part && rename(ex->part, ex->path))) {
		return cli_error("Writing %s failed: %s.", ex->path, strerror(errno));
	}
	free(ex->part);
	ex->part = NULL;
	return 0;
}

static void exporter_finish(struct exporter *ex)
{
	if (ex->file && ex->file != stdout) {
		fclose(ex->file);
	}
	if (ex->part) {
		unlink(ex->part);
		free(ex->part);
	}
}

static int take_flag(struct exporter *ex, const struct command *command, struct args *args)
{
	const struct flag *flag = command_flag(command->flags, args->name);
	const char *value;
	int r;

	if (!flag && strcmp(args->name, "thread-id") != 0) {
		r = command_global(ex->cli, args);
		return r < 0 ? command_unknown_flag(command, args) : r;
	}
	value = args_value(args);
	if (!value) {
		return command_needs_value(command, args);
	}
	if (flag && flag->letter) {
		ex->path = strcmp(value, "-") ? value : NULL;
	} else {
		ex->thread = value;
	}
	return 0;
}

static int parse(struct exporter *ex, const struct command *command, struct args *args)
{
	enum arg_kind kind;
	int r = 0;

	while (!r && (kind = args_next(args)) != ARG_END) {
		r = kind == ARG_WORD ? command_extra_word(command, args->text)
				     : take_flag(ex, command, args);
	}
	return r;
}

static int tell(const struct exporter *ex)
{
	if (!ex->path) {
		return 0;
	}
	if (ex->cli->json) {
		printf("{\"exported\":%" PRIu64 "}\n", ex->n);
	} else {
		printf("%" PRIu64 " objects exported to %s\n", ex->n, ex->path);
	}
	return 0;
}

int export_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(exporter_finish) struct exporter ex = {.cli = cli};
	int r;

	r = parse(&ex, command, args);
	if (!r) {
		r = cli_connect(cli);
	}
	if (!r) {
		r = open_output(&ex);
	}
	if (r) {
		return r;
	}
	progress_begin(&ex.progress, "exporting", 0);
	ex.progress.total = ex.progress.on ? count_objects(&ex) : 0;
	ex.progress.on = ex.progress.on && (ex.path || !isatty(STDOUT_FILENO));
	r = ex.thread ? export_runs(&ex, ex.thread, true) : export_threads(&ex);
	progress_end(&ex.progress);
	if (!r) {
		r = close_output(&ex);
	}
	return r ? r : tell(&ex);
}
