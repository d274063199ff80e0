/* runstore why THREAD. */
#include "tools/cli/why.h"
#include "tools/cli/ask.h"
#include "tools/cli/change.h"
#include "tools/cli/command.h"
#include "tools/cli/leases.h"

#include <stdio.h>
#include <stdlib.h>

#define TRIES 5
#define FEED_PAGE 1000

static void why_finish(struct why *w)
{
	runstore_batch_close(w->batch);
	free(w->runs);
}

static int add_run(struct why *w, const char *id)
{
	struct why_one *runs = w->runs;

	if (!(w->n & (w->n - 1))) {
		runs = realloc(runs, (w->n ? 2 * w->n : 1) * sizeof(*runs));
		if (!runs) {
			return cli_error("Out of memory.");
		}
		w->runs = runs;
	}
	snprintf(runs[w->n].id, sizeof(runs[w->n].id), "%s", id);
	runs[w->n++].fate = WHY_GONE;
	return 0;
}

static int list_runs(struct why *w)
{
	static const enum runstore_run_status statuses[] = {RUNSTORE_RUN_QUEUED,
		RUNSTORE_RUN_IN_PROGRESS, RUNSTORE_RUN_REQUIRES_ACTION, RUNSTORE_RUN_CANCELLING};
	struct runstore_run_list list = {.page.order = RUNSTORE_ORDER_ASC,
		.thread_id = w->thread,
		.statuses = statuses,
		.n_statuses = 4};
	const struct runstore_run *run;
	struct runstore_runs *runs;
	struct runstore_error error;
	int r, told = 0;

	w->n = 0;
	if (runstore_runs_open(w->cli->rs, &list, &runs, &error)) {
		return cli_refused(&error);
	}
	while (!told && !(r = runstore_runs_next(runs, &run, &error)) && run) {
		told = add_run(w, run->id);
	}
	runstore_runs_close(runs);
	return told || !r ? told : cli_refused(&error);
}

static int add_request(struct why *w, const char *method)
{
	struct runstore_error error;
	char params[96];

	snprintf(params, sizeof(params), "{\"run_id\":\"%s\"}", w->runs[0].id);
	return runstore_batch_add_json(w->batch, method, params, &error) ? cli_refused(&error) : 0;
}

/* The first run and its lease, at one moment. No run when it has ended since it was listed. */
static int look_at_first(struct why *w)
{
	struct runstore_value run;
	struct runstore_error error;
	int status, r;

	w->run = w->lease = slice_of(NULL, 0);
	runstore_batch_clear(w->batch);
	r = add_request(w, "runs.get");
	if (!r) {
		r = add_request(w, "runs.lease");
	}
	if (!r && runstore_batch_run(w->cli->rs, w->batch, false, &error)) {
		r = cli_refused(&error);
	}
	if (r || runstore_batch_result(w->batch, 0, &run, NULL)) {
		return r;
	}
	w->lease = leases_result(w->batch, 1);
	status = run_status_of(mp_lookup(w->lease, "status"));
	if (status >= 0 && !run_status_terminal((enum run_status)status)) {
		w->status = (enum run_status)status;
		w->run = slice_of(run.data, run.size);
	}
	return 0;
}

static enum why_fate fate_of(struct slice lease)
{
	int status = run_status_of(mp_lookup(lease, "status"));
	bool claimable = false;

	if (status < 0 || run_status_terminal((enum run_status)status)) {
		return WHY_GONE;
	}
	mp_get_bool(mp_lookup(lease, "claimable"), &claimable);
	return status == RUN_QUEUED && !claimable ? WHY_WAITS : WHY_BESIDE;
}

/* Up to LEASES_MOST runs from @from on. */
static int look_at_some(struct why *w, struct runstore_batch *batch, size_t from)
{
	struct slice ids[LEASES_MOST];
	size_t n;
	int r;

	for (n = 0; n < LEASES_MOST && from + n < w->n; n++) {
		ids[n] = slice_str(w->runs[from + n].id);
	}
	r = leases_ask(w->cli, batch, ids, n);
	for (size_t i = 0; !r && i < n; i++) {
		w->runs[from + i].fate = fate_of(leases_result(batch, i));
	}
	return r;
}

static int look_at_others(struct why *w)
{
	struct runstore_batch *batch;
	int r = 0;

	if (runstore_batch_open(&batch, NULL)) {
		return cli_error("Out of memory.");
	}
	for (size_t i = 1; !r && i < w->n; i += LEASES_MOST) {
		r = look_at_some(w, batch, i);
	}
	runstore_batch_close(batch);
	return r;
}

/* The time of the last change of status on a page of the feed; returns how many changes it has. */
static uint32_t read_page(struct why *w, struct slice page, int64_t *after)
{
	struct slice changes = mp_lookup(page, "changes");
	struct mp t = {0};
	int64_t at_ms;

	mp_get_int(mp_lookup(page, "last_seq"), after);
	mp_read(&changes, &t);
	for (uint32_t i = 0; i < t.n; i++) {
		struct slice change = mp_value(&changes);

		if (change_is_of_run(change) &&
			!slice_eq(mp_lookup(change, "from"), mp_lookup(change, "to")) &&
			mp_get_int(mp_lookup(change, "at_ms"), &at_ms)) {
			w->since = at_ms / 1000;
		}
	}
	return t.n;
}

/* What the feed no longer has is known by the run alone, more or less. */
static void guess_since(struct why *w)
{
	mp_get_int(mp_lookup(w->run, "created_at"), &w->since);
	if (w->status != RUN_QUEUED) {
		mp_get_int(mp_lookup(w->run, "started_at"), &w->since);
	}
}

static int find_since(struct why *w)
{
	int64_t after = 0;
	uint32_t n;
	int r;

	guess_since(w);
	do {
		_cleanup_(buf_finish) struct buf params = {0};
		struct runstore_reply *reply;

		mp_put_map(&params, 3);
		mp_put_cstr(&params, "run_id");
		mp_put_cstr(&params, w->runs[0].id);
		mp_put_cstr(&params, "after");
		mp_put_int(&params, after);
		mp_put_cstr(&params, "limit");
		mp_put_int(&params, FEED_PAGE);
		r = ask(w->cli, "changes.list", &params, &reply);
		if (r) {
			return r;
		}
		n = read_page(w, ask_result(reply), &after);
		runstore_reply_free(reply);
	} while (n == FEED_PAGE);
	return 0;
}

/* What ends between two requests is looked for anew. */
static int gather(struct why *w)
{
	int r;

	for (int i = 0; i < TRIES; i++) {
		r = list_runs(w);
		if (r || !w->n) {
			return r;
		}
		r = look_at_first(w);
		if (r) {
			return r;
		}
		if (w->run.ptr) {
			r = look_at_others(w);
			return r ? r : find_since(w);
		}
	}
	return cli_error(
		"The runs of thread '%s' end faster than they can be looked at.", w->thread);
}

static int parse(struct why *w, const struct command *command, struct args *args)
{
	enum arg_kind kind;
	int r = 0;

	while (!r && (kind = args_next(args)) != ARG_END) {
		if (kind == ARG_FLAG) {
			r = command_global(w->cli, args);
			r = r < 0 ? command_unknown_flag(command, args) : r;
		} else if (w->thread) {
			r = command_extra_word(command, args->text);
		} else {
			w->thread = args->text;
		}
	}
	if (!r && !w->thread) {
		return cli_usage("THREAD is missing, as in 'runstore why thread_1'.");
	}
	return r;
}

int why_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(why_finish) struct why w = {.cli = cli};
	struct runstore_error error;
	int r;

	r = parse(&w, command, args);
	if (!r) {
		r = cli_connect(cli);
	}
	if (!r && runstore_batch_open(&w.batch, &error)) {
		r = cli_refused(&error);
	}
	if (!r) {
		r = gather(&w);
	}
	return r ? r : why_show(&w);
}
