/* The public iterators: filters in, C structures or values out, the pages in pages.c. */
#include "client/fail.h"
#include "client/json.h"
#include "client/object.h"
#include "client/pages.h"
#include "client/util.h"

#include <stdlib.h>

#define RUNS(member, kind) PARAM_ROW(runstore_run_list, member, kind)
#define STEPS(member, kind) PARAM_ROW(runstore_step_list, member, kind)

static const struct param_row run_rows[] = {
	RUNS(thread_id, PARAM_TEXT),
	RUNS(assistant_id, PARAM_TEXT),
	RUNS(model, PARAM_TEXT),
	RUNS(created_after, PARAM_INTEGER),
	RUNS(created_before, PARAM_INTEGER),
	RUNS(metadata, PARAM_JSON),
};

static const struct param_row step_rows[] = {
	STEPS(thread_id, PARAM_TEXT),
	STEPS(type, PARAM_STEP_TYPE),
};

struct runstore_runs {
	struct pages pages;
	struct runstore_run *run;
};

struct runstore_steps {
	struct pages pages;
	struct runstore_step *step;
};

struct runstore_threads {
	struct pages pages;
	struct runstore_thread *thread;
};

struct runstore_list {
	struct pages pages;
	char *method;
};

void runstore_runs_close(struct runstore_runs *runs)
{
	if (runs) {
		free(runs->run);
		pages_finish(&runs->pages);
		free(runs);
	}
}

void runstore_steps_close(struct runstore_steps *steps)
{
	if (steps) {
		free(steps->step);
		pages_finish(&steps->pages);
		free(steps);
	}
}

void runstore_threads_close(struct runstore_threads *threads)
{
	if (threads) {
		free(threads->thread);
		pages_finish(&threads->pages);
		free(threads);
	}
}

static int init_runs(
	struct request *q, const struct runstore_run_list *list, struct runstore_error *error)
{
	int r;

	r = params_rows(&q->params, run_rows, sizeof(run_rows) / sizeof(*run_rows), list, error);
	if (r) {
		return r;
	}
	return params_enums(
		&q->params, "status", PARAM_RUN_STATUS, list->statuses, list->n_statuses, error);
}

int runstore_runs_open(struct runstore *rs, const struct runstore_run_list *params,
	struct runstore_runs **out, struct runstore_error *error)
{
	static const struct runstore_run_list all;
	struct runstore_runs *runs = calloc(1, sizeof(*runs));
	int r;

	if (!runs) {
		return fail_memory(error);
	}
	params = params ? params : &all;
	runs->pages.request = (struct request){.rs = rs, .method = "runs.list"};
	r = pages_init(&runs->pages, &params->page, error);
	if (!r) {
		r = init_runs(&runs->pages.request, params, error);
	}
	if (r) {
		runstore_runs_close(runs);
		return r;
	}
	*out = runs;
	return 0;
}

int runstore_runs_next(
	struct runstore_runs *runs, const struct runstore_run **out, struct runstore_error *error)
{
	struct runstore_run *run = NULL;
	struct slice object;
	int r;

	r = pages_next(&runs->pages, &object, error);
	if (!r && object.ptr) {
		r = object_run(object, &run, error);
	}
	if (r) {
		return r;
	}
	free(runs->run);
	*out = runs->run = run;
	return 0;
}

static int init_steps(struct request *q, const char *run_id, const struct runstore_step_list *list,
	struct runstore_error *error)
{
	int r;

	request_text(q, "run_id", run_id);
	request_include(q, list->include_content);
	r = params_rows(&q->params, step_rows, sizeof(step_rows) / sizeof(*step_rows), list, error);
	if (r) {
		return r;
	}
	return params_enums(
		&q->params, "status", PARAM_STEP_STATUS, list->statuses, list->n_statuses, error);
}

int runstore_steps_open(struct runstore *rs, const char *run_id,
	const struct runstore_step_list *params, struct runstore_steps **out,
	struct runstore_error *error)
{
	static const struct runstore_step_list all;
	struct runstore_steps *steps = calloc(1, sizeof(*steps));
	int r;

	if (!steps) {
		return fail_memory(error);
	}
	params = params ? params : &all;
	steps->pages.request = (struct request){.rs = rs, .method = "steps.list"};
	r = pages_init(&steps->pages, &params->page, error);
	if (!r) {
		r = init_steps(&steps->pages.request, run_id, params, error);
	}
	if (r) {
		runstore_steps_close(steps);
		return r;
	}
	*out = steps;
	return 0;
}

int runstore_steps_next(struct runstore_steps *steps, const struct runstore_step **out,
	struct runstore_error *error)
{
	struct runstore_step *step = NULL;
	struct slice object;
	int r;

	r = pages_next(&steps->pages, &object, error);
	if (!r && object.ptr) {
		r = object_step(object, &step, error);
	}
	if (r) {
		return r;
	}
	free(steps->step);
	*out = steps->step = step;
	return 0;
}

int runstore_threads_open(struct runstore *rs, const struct runstore_page *page,
	struct runstore_threads **out, struct runstore_error *error)
{
	static const struct runstore_page all;
	struct runstore_threads *threads = calloc(1, sizeof(*threads));
	int r;

	if (!threads) {
		return fail_memory(error);
	}
	threads->pages.request = (struct request){.rs = rs, .method = "threads.list"};
	r = pages_init(&threads->pages, page ? page : &all, error);
	if (r) {
		runstore_threads_close(threads);
		return r;
	}
	*out = threads;
	return 0;
}

int runstore_threads_next(struct runstore_threads *threads, const struct runstore_thread **out,
	struct runstore_error *error)
{
	struct runstore_thread *thread = NULL;
	struct slice object;
	int r;

	r = pages_next(&threads->pages, &object, error);
	if (!r && object.ptr) {
		r = object_thread(object, &thread, error);
	}
	if (r) {
		return r;
	}
	free(threads->thread);
	*out = threads->thread = thread;
	return 0;
}

void runstore_list_close(struct runstore_list *list)
{
	if (list) {
		pages_finish(&list->pages);
		free(list->method);
		free(list);
	}
}

/* What turns the pages is not the filters' to say. */
static int check_filters(struct slice filters, struct runstore_error *error)
{
	static const char *const paging[] = {"limit", "order", "after", "before"};

	for (size_t i = 0; i < sizeof(paging) / sizeof(*paging); i++) {
		if (mp_lookup(filters, paging[i]).ptr) {
			return fail(error, RUNSTORE_E_INVALID_PARAMS, paging[i],
				"The iterator pages by itself: '%s' is no parameter of it.",
				paging[i]);
		}
	}
	return 0;
}

static int init_list(struct request *q, const char *text, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf filters = {0};
	struct slice pairs;
	struct mp map;
	int r;

	r = json_read(text, strlen(text), NULL, &filters, error);
	if (r) {
		return r;
	}
	pairs = buf_slice(&filters);
	if (!mp_read(&pairs, &map) || map.type != MP_MAP) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, NULL,
			"The parameters are not a JSON object.");
	}
	r = check_filters(buf_slice(&filters), error);
	if (!r) {
		q->params.n += map.n;
		buf_put(&q->params.pairs, pairs);
	}
	return r;
}

int runstore_list_open(struct runstore *rs, const char *method, const char *params,
	const struct runstore_page *page, struct runstore_list **out, struct runstore_error *error)
{
	static const struct runstore_page all;
	struct runstore_list *list = calloc(1, sizeof(*list));
	int r;

	if (!list) {
		return fail_memory(error);
	}
	list->method = strdup(method);
	list->pages.request = (struct request){.rs = rs, .method = list->method};
	r = list->method ? pages_init(&list->pages, page ? page : &all, error) : fail_memory(error);
	if (!r && params) {
		r = init_list(&list->pages.request, params, error);
	}
	if (r) {
		runstore_list_close(list);
		return r;
	}
	*out = list;
	return 0;
}

int runstore_list_next(
	struct runstore_list *list, struct runstore_value *out, struct runstore_error *error)
{
	struct slice object;
	int r;

	r = pages_next(&list->pages, &object, error);
	if (!r) {
		*out = (struct runstore_value){object.ptr, object.ptr ? object.len : 0};
	}
	return r;
}
