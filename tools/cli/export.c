/*
 * runstore export: assistants, threads with their messages behind each, runs with their steps
 * behind each. Every list is in its own order, oldest first, so that an import of the file makes
 * the same lists again: the order of what one second created is that in which it is stored. So runs
 * are not written by thread, and every thread is an object of its own.
 */
#include "tools/cli/ask.h"
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PART 50		      /* objects whose belongings are asked for in one message */
#define PART_BYTES (8u << 20) /* of those objects */
#define PARAMS_BYTES 256

/* What is asked about an object, by its id. */
struct question {
	const char *method;
	const char *id;	  /* the parameter that is the object's id */
	const char *more; /* JSON of further parameters, begins with a comma */
	bool is_list;
};

static const struct question about_thread[] = {
	{"threads.get", "thread_id", "", false},
	{"messages.list", "thread_id", "", true},
};

static const struct question about_run[] = {
	{"steps.list", "run_id",
		",\"include\":[\"step_details.tool_calls[*].file_search.results[*].content\"]",
		true},
};

#define N_OF(array) (sizeof(array) / sizeof(*(array)))

/* How the objects of a list are written. */
struct form {
	bool itself; /* as it is in the list */
	const struct question *questions;
	size_t n_questions;
};

static const struct form plain = {true, NULL, 0};
static const struct form summaries = {false, about_thread, N_OF(about_thread)};
static const struct form runs = {true, about_run, N_OF(about_run)};

struct exporter {
	struct cli *cli;
	const char *thread;
	struct output out;
	struct progress progress;
	uint64_t n;
	struct runstore_batch *batch;
	struct buf part; /* objects of a list, encoded, one after the other */
	uint32_t n_part;
};

static int write_object(struct exporter *ex, struct slice object)
{
	int r;

	r = output_line(&ex->out, object);
	ex->n++;
	progress_update(&ex->progress, ex->n, ex->n);
	return r;
}

static const char *params_of(const struct question *q, struct slice object, const char *page,
	char out[static PARAMS_BYTES])
{
	struct slice id = SLICE_LIT("");

	mp_get_str(mp_lookup(object, "id"), &id);
	snprintf(out, PARAMS_BYTES, "{\"%s\":\"%.*s\"%s%s}", q->id, (int)id.len,
		(const char *)id.ptr, q->more, page);
	return out;
}

/* What was deleted meanwhile has nothing that belongs to it. */
static int unless_gone(const struct runstore_error *error)
{
	bool gone = error->code == RUNSTORE_E_NOT_FOUND && strcmp(error->param, "after") != 0;

	return gone ? 0 : cli_refused(error);
}

static int write_pages(struct exporter *ex, const struct question *q, struct slice object)
{
	static const struct runstore_page page = {.order = RUNSTORE_ORDER_ASC};
	struct runstore_list *list;
	struct runstore_value item;
	struct runstore_error error;
	char params[PARAMS_BYTES];
	int r, told = 0;

	params_of(q, object, "", params);
	if (runstore_list_open(ex->cli->rs, q->method, params, &page, &list, &error)) {
		return cli_refused(&error);
	}
	while (!told && !(r = runstore_list_next(list, &item, &error)) && item.data) {
		told = write_object(ex, slice_of(item.data, item.size));
	}
	runstore_list_close(list);
	return told || !r ? told : unless_gone(&error);
}

/* The first page of a list. One of several is left to the iterator, which loses no cursor. */
static int write_list(
	struct exporter *ex, const struct question *q, struct slice object, struct slice page)
{
	struct slice data = mp_lookup(page, "data");
	struct mp t = {0};
	bool more = false;
	int r = 0;

	mp_get_bool(mp_lookup(page, "has_more"), &more);
	if (more) {
		return write_pages(ex, q, object);
	}
	mp_read(&data, &t);
	for (uint32_t i = 0; i < t.n && !r; i++) {
		r = write_object(ex, mp_value(&data));
	}
	return r;
}

static int write_alone(struct exporter *ex, const struct question *q, struct slice object)
{
	char params[PARAMS_BYTES];
	struct runstore_reply *reply;
	struct runstore_error error;
	void *data;
	size_t size;
	int r;

	params_of(q, object, "", params);
	if (runstore_json_to_msgpack(params, &data, &size, &error)) {
		return cli_refused(&error);
	}
	r = runstore_call(ex->cli->rs, q->method, data, size, &reply, &error);
	free(data);
	if (r) {
		return unless_gone(&error);
	}
	r = write_object(ex, ask_result(reply));
	runstore_reply_free(reply);
	return r;
}

/* What did not fit into the reply to the batch is asked for by itself. */
static int write_answer(
	struct exporter *ex, const struct question *q, struct slice object, size_t index)
{
	struct runstore_value answer;
	struct runstore_error error;
	int r;

	r = runstore_batch_result(ex->batch, index, &answer, &error);
	if (r == RUNSTORE_E_TOO_LARGE) {
		return q->is_list ? write_pages(ex, q, object) : write_alone(ex, q, object);
	}
	if (r) {
		return unless_gone(&error);
	}
	return q->is_list ? write_list(ex, q, object, slice_of(answer.data, answer.size))
			  : write_object(ex, slice_of(answer.data, answer.size));
}

static int ask_about(struct exporter *ex, const struct form *form)
{
	struct slice in = buf_slice(&ex->part);
	struct runstore_error error;
	char params[PARAMS_BYTES];

	runstore_batch_clear(ex->batch);
	while (in.len) {
		struct slice object = mp_value(&in);

		for (size_t i = 0; i < form->n_questions; i++) {
			const struct question *q = &form->questions[i];

			params_of(q, object, q->is_list ? ",\"order\":\"asc\",\"limit\":100" : "",
				params);
			if (runstore_batch_add_json(ex->batch, q->method, params, &error)) {
				return cli_refused(&error);
			}
		}
	}
	return runstore_batch_run(ex->cli->rs, ex->batch, false, &error) ? cli_refused(&error) : 0;
}

/* Write the objects at hand, each with what belongs to it. */
static int write_part(struct exporter *ex, const struct form *form)
{
	struct slice in = buf_slice(&ex->part);
	size_t index = 0;
	int r = 0;

	if (form->n_questions && in.len) {
		r = ask_about(ex, form);
	}
	while (!r && in.len) {
		struct slice object = mp_value(&in);

		r = form->itself ? write_object(ex, object) : 0;
		for (size_t i = 0; !r && i < form->n_questions; i++) {
			r = write_answer(ex, &form->questions[i], object, index++);
		}
	}
	buf_reset(&ex->part, PART_BYTES);
	ex->n_part = 0;
	return r;
}

static int add_to_part(struct exporter *ex, const struct form *form, struct runstore_value object)
{
	buf_append(&ex->part, object.data, object.size);
	if (buf_error(&ex->part)) {
		return cli_error("Out of memory.");
	}
	return ++ex->n_part == PART || ex->part.len > PART_BYTES ? write_part(ex, form) : 0;
}

static int export_list(
	struct exporter *ex, const char *method, const char *params, const struct form *form)
{
	static const struct runstore_page page = {.order = RUNSTORE_ORDER_ASC};
	struct runstore_list *list;
	struct runstore_value object;
	struct runstore_error error;
	int r, told = 0;

	if (runstore_list_open(ex->cli->rs, method, params, &page, &list, &error)) {
		return cli_refused(&error);
	}
	while (!told && !(r = runstore_list_next(list, &object, &error)) && object.data) {
		told = add_to_part(ex, form, object);
	}
	runstore_list_close(list);
	if (told || r) {
		return told ? told : cli_refused(&error);
	}
	return write_part(ex, form);
}

static int export_store(struct exporter *ex)
{
	int r;

	r = export_list(ex, "assistants.list", NULL, &plain);
	if (!r) {
		r = export_list(ex, "threads.list", NULL, &summaries);
	}
	return r ? r : export_list(ex, "runs.list", NULL, &runs);
}

/* The first request has the id as it was typed; if it can be none it goes no further. */
static int export_thread(struct exporter *ex)
{
	_cleanup_(buf_finish) struct buf params = {0};
	struct runstore_reply *reply;
	char of_thread[PARAMS_BYTES];
	int r;

	mp_put_map(&params, 1);
	mp_put_cstr(&params, "thread_id");
	mp_put_cstr(&params, ex->thread);
	r = ask(ex->cli, "threads.get", &params, &reply);
	if (r) {
		return r;
	}
	r = write_object(ex, ask_result(reply));
	runstore_reply_free(reply);
	snprintf(of_thread, sizeof(of_thread), "{\"thread_id\":\"%s\"}", ex->thread);
	if (!r) {
		r = export_list(ex, "messages.list", of_thread, &plain);
	}
	return r ? r : export_list(ex, "runs.list", of_thread, &runs);
}

/* How many objects there are, 0 when that is not known: for the bar only. */
static uint64_t count_objects(struct exporter *ex)
{
	static const char *const kinds[] = {"assistants", "threads", "messages", "runs", "steps"};
	struct runstore_reply *reply;
	int64_t n = 0;

	if (ex->thread || runstore_call(ex->cli->rs, "server.stats", NULL, 0, &reply, NULL)) {
		return 0;
	}
	for (size_t i = 0; i < N_OF(kinds); i++) {
		int64_t count = 0;

		mp_get_int(mp_lookup(ask_result(reply), kinds[i]), &count);
		n += count;
	}
	runstore_reply_free(reply);
	return (uint64_t)n;
}

static void exporter_finish(struct exporter *ex)
{
	output_finish(&ex->out);
	runstore_batch_close(ex->batch);
	buf_finish(&ex->part);
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
		ex->out.path = strcmp(value, "-") ? value : NULL;
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
	if (!ex->out.path) {
		return 0;
	}
	if (ex->cli->json) {
		printf("{\"exported\":%" PRIu64 "}\n", ex->n);
	} else {
		printf("%" PRIu64 " objects exported to %s\n", ex->n, ex->out.path);
	}
	return 0;
}

int export_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(exporter_finish) struct exporter ex = {.cli = cli};
	struct runstore_error error;
	int r;

	r = parse(&ex, command, args);
	if (!r) {
		r = cli_connect(cli);
	}
	if (!r && runstore_batch_open(&ex.batch, &error)) {
		r = cli_refused(&error);
	}
	if (!r) {
		r = output_open(&ex.out);
	}
	if (r) {
		return r;
	}
	progress_begin(&ex.progress, "exporting", 0);
	ex.progress.total = ex.progress.on ? count_objects(&ex) : 0;
	ex.progress.on = ex.progress.on && (ex.out.path || !isatty(STDOUT_FILENO));
	r = ex.thread ? export_thread(&ex) : export_store(&ex);
	progress_end(&ex.progress);
	if (!r) {
		r = output_keep(&ex.out);
	}
	return r ? r : tell(&ex);
}
