#include "cmocka_all.h"

#include "objects.h"
#include "view.h"

#include "daemon/store/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_problem(void *context, const char *what)
{
	print_error("store: %s\n", what);
}

static json_t *read_table(struct kv_txn *kv, enum table table)
{
	json_t *objects = json_array();
	struct kv_cursor c;

	kv_cursor_open(kv, table, &c);
	for (bool more = kv_first(&c); more; more = kv_next(&c)) {
		json_t *object = codec_unpack(c.value.ptr, c.value.len);

		assert_non_null(object);
		json_array_append_new(objects, object);
	}
	kv_cursor_close(&c);
	return objects;
}

void view_read(struct view *view, const char *data_dir)
{
	const struct store_options options = {.dir = data_dir, .map_size_bytes = 1 << 30};
	struct check check = {.problem = print_problem};
	struct store *store;
	struct kv_txn *kv;
	struct txn txn;
	char why[256];

	if (store_open(&store, &options, why)) {
		fail_msg("the store cannot be opened: %s", why);
	}
	assert_int_equal(kv_read_open(store_kv(store), &kv), 0);
	assert_int_equal(kv_read_begin(kv), 0);
	txn_init_read(&txn, store, kv, 0);
	check_store(&txn, &check);
	view->runs = read_table(kv, T_RUNS);
	view->steps = read_table(kv, T_STEPS);
	assert_int_equal(kv_error(kv), 0);
	kv_read_end(kv);
	kv_read_close(kv);
	store_close(store);
	assert_int_equal(check.n_problems, 0);
}

void view_finish(struct view *view)
{
	json_decref(view->runs);
	json_decref(view->steps);
}

static unsigned int mark_of(const json_t *object, const char *name)
{
	return (unsigned int)strtoul(text(field(object, "metadata"), name), NULL, 10);
}

void view_expect_writers(const struct view *view, unsigned int n_writers)
{
	json_t *object;
	size_t i;

	json_array_foreach(view->runs, i, object)
	{
		assert_in_range(mark_of(object, "w"), 0, n_writers - 1);
	}
	json_array_foreach(view->steps, i, object)
	{
		assert_in_range(mark_of(object, "w"), 0, n_writers - 1);
	}
}

static enum status status_of(const json_t *object)
{
	const char *name = text(object, "status");

	for (int i = 0; i < N_LEDGER_STATUSES; i++) {
		if (!strcmp(name, ledger_statuses[i])) {
			return (enum status)i;
		}
	}
	fail_msg("nobody asked for the status %s of %s", name, text(object, "id"));
	return N_LEDGER_STATUSES;
}

static void expect_payload(unsigned int writer, const json_t *object, const char *path)
{
	char *payload = ledger_payload(writer, mark_of(object, "n"));

	if (strcmp(text(object, path), payload) != 0) {
		fail_msg("%s of %s is another", path, text(object, "id"));
	}
	free(payload);
}

/* Objects of one writer in one list stand by created_at and then in the order of creation. */
static void expect_order(const json_t *before, const json_t *object)
{
	json_int_t older = number(before, "created_at"), newer = number(object, "created_at");

	if (older > newer || (older == newer && mark_of(before, "n") >= mark_of(object, "n"))) {
		fail_msg("%s stands before %s", text(before, "id"), text(object, "id"));
	}
}

static void take_runs(const struct view *view, unsigned int writer, struct ledger_runs *out)
{
	const json_t *before = NULL;
	struct ledger_run *run;
	json_t *object;
	size_t i;

	json_array_foreach(view->runs, i, object)
	{
		if (mark_of(object, "w") != writer) {
			continue;
		}
		if (before && !strcmp(text(before, "thread_id"), text(object, "thread_id"))) {
			expect_order(before, object);
		}
		before = object;
		expect_payload(writer, object, "instructions");
		run = ledger_find(out, 0);
		assert_non_null(run);
		run->serial = mark_of(object, "n");
		run->status = status_of(object);
		snprintf(run->id, LEDGER_ID, "%s", text(object, "id"));
	}
}

static struct ledger_run *find_by_id(struct ledger_runs *runs, const char *id)
{
	for (size_t i = 0; i < LEDGER_RUNS; i++) {
		if (runs->runs[i].serial && !strcmp(runs->runs[i].id, id)) {
			return &runs->runs[i];
		}
	}
	fail_msg("a step is of the run %s, which is not there", id);
	return NULL;
}

static void take_step(unsigned int writer, const json_t *object, struct ledger_run *run)
{
	struct ledger_step *step = &run->steps[run->n_steps++];

	assert_true(run->n_steps <= LEDGER_STEPS);
	expect_payload(writer, object, "step_details.tool_calls[0].function.arguments");
	step->serial = mark_of(object, "n");
	step->status = status_of(object);
	snprintf(step->id, LEDGER_ID, "%s", text(object, "id"));
	if (ledger_ended(run->status) && !ledger_ended(step->status)) {
		fail_msg("the run %s has ended and its step %s has not", run->id, step->id);
	}
}

static void take_steps(const struct view *view, unsigned int writer, struct ledger_runs *out)
{
	const json_t *before = NULL;
	json_t *object;
	size_t i;

	json_array_foreach(view->steps, i, object)
	{
		if (mark_of(object, "w") != writer) {
			continue;
		}
		if (before && !strcmp(text(before, "run_id"), text(object, "run_id"))) {
			expect_order(before, object);
		}
		before = object;
		take_step(writer, object, find_by_id(out, text(object, "run_id")));
	}
}

/* An id that the writer has not been told yet may be any. */
static bool same_id(const char *want, const char *got)
{
	return !*want || !strcmp(want, got);
}

static bool same_run(const struct ledger_run *want, const struct ledger_run *got)
{
	if (want->status != got->status || want->n_steps != got->n_steps ||
		!same_id(want->id, got->id)) {
		return false;
	}
	for (size_t i = 0; i < want->n_steps; i++) {
		const struct ledger_step *a = &want->steps[i], *b = &got->steps[i];

		if (a->serial != b->serial || a->status != b->status || !same_id(a->id, b->id)) {
			return false;
		}
	}
	return true;
}

/* Returns the serial number of a run that differs, 0 when none does. */
static uint32_t differs(struct ledger_runs *want, struct ledger_runs *got)
{
	for (size_t i = 0; i < LEDGER_RUNS; i++) {
		const struct ledger_run *run = &want->runs[i], *found;

		if (run->serial) {
			found = ledger_find(got, run->serial);
			if (!found || !same_run(run, found)) {
				return run->serial;
			}
		}
		if (got->runs[i].serial && !ledger_find(want, got->runs[i].serial)) {
			return got->runs[i].serial;
		}
	}
	return 0;
}

static void print_run(const char *what, const struct ledger_run *run)
{
	if (!run) {
		print_error("%s: no such run\n", what);
		return;
	}
	print_error("%s: %s is %s, steps", what, run->id, ledger_statuses[run->status]);
	for (size_t i = 0; i < run->n_steps; i++) {
		print_error(" %u:%s", run->steps[i].serial, ledger_statuses[run->steps[i].status]);
	}
	print_error("\n");
}

static bool may_be_cut(const struct asked *asked, size_t done)
{
	return !done || (!asked->doomed && (done == asked->n || asked->form == PLAIN_BATCH));
}

void view_expect(const struct view *view, unsigned int writer, const struct ledger *ledger)
{
	struct ledger_runs want = ledger->told, got = {0};
	const struct asked *asked = &ledger->asked;
	uint32_t first = 0, wrong;

	take_runs(view, writer, &got);
	take_steps(view, writer, &got);
	for (size_t done = 0;; done++) {
		wrong = may_be_cut(asked, done) ? differs(&want, &got) : first;
		if (!wrong) {
			return;
		}
		first = first ? first : wrong;
		if (done == asked->n) {
			break;
		}
		ledger_apply(&want, &asked->changes[done]);
	}
	want = ledger->told;
	print_run("acknowledged", ledger_find(&want, first));
	print_run("stored", ledger_find(&got, first));
	fail_msg("writer %u, run %u: neither what was acknowledged nor what was asked for (%zu "
		 "changes) is stored",
		writer, first, asked->n);
}
