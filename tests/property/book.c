#include "cmocka_all.h"

#include "entry.h"
#include "status.h"

#include <string.h>

void book_init(struct book *book)
{
	memset(book, 0, sizeof(*book));
}

bool book_before(const struct book_run *a, const struct book_run *b)
{
	return a->created_at != b->created_at ? a->created_at < b->created_at
					      : a->number < b->number;
}

struct book_run *book_run(struct book *book, const char *id)
{
	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		if (id && *id && is(book->runs[i].id, id)) {
			return &book->runs[i];
		}
	}
	return NULL;
}

/* Queued, and not enqueued behind one of its thread that has not ended. */
bool book_ready(const struct book *book, const struct book_run *run)
{
	if (!*run->id || !is(run->status, "queued")) {
		return false;
	}
	for (unsigned int i = 0; i < BOOK_RUNS && run->enqueued; i++) {
		const struct book_run *other = &book->runs[i];

		if (*other->id && is(other->thread, run->thread) && !status_ended(other->status) &&
			book_before(other, run)) {
			return false;
		}
	}
	return true;
}

static const struct {
	const char *name;
	book_method *method;
	book_run_method *run_method;
} methods[] = {
	{"runs.create", book_create, NULL},
	{"runs.claim", book_claim, NULL},
	{"runs.heartbeat", NULL, book_heartbeat},
	{"runs.release", NULL, book_release},
	{"runs.requeue", NULL, book_requeue},
	{"runs.fail", NULL, book_fail},
	{"runs.update", NULL, book_update},
	{"runs.cancel", NULL, book_cancel},
	{"runs.submit_tool_outputs", NULL, book_submit},
	{"runs.delete", NULL, book_delete},
	{"steps.create", NULL, book_create_step},
	{"steps.update", NULL, book_update_step},
	{"threads.delete", book_delete_thread, NULL},
	{"objects.import", book_import, NULL},
};

struct book_answer book_call(struct book *book, const char *method, const json_t *params)
{
	struct book_run *run;
	size_t i = 0;

	SET(book->by, "client");
	while (!is(methods[i].name, method)) {
		i++;
	}
	if (methods[i].method) {
		return methods[i].method(book, params);
	}
	run = book_run(book, param_text(params, "run_id"));
	return run ? methods[i].run_method(book, run, params) : refused("not_found");
}

/* What falls due of a run first; of what does at the same time, what ends the run. */
struct due {
	int64_t at_ms;
	enum { DUE_EXPIRY, DUE_CANCEL, DUE_LEASE } what;
};

static void sooner(struct due *due, int64_t at_ms, int what)
{
	if (at_ms && at_ms < due->at_ms) {
		*due = (struct due){at_ms, what};
	}
}

static struct due next_due(const struct book_run *run)
{
	struct due due = {INT64_MAX, DUE_EXPIRY};

	if (*run->id) {
		sooner(&due, run->expiry_ms, DUE_EXPIRY);
		sooner(&due, run->cancel_ms, DUE_CANCEL);
		sooner(&due, *run->lease.token ? run->lease.until_ms : 0, DUE_LEASE);
	}
	return due;
}

int64_t book_next_due(const struct book *book)
{
	int64_t first = INT64_MAX;

	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		int64_t at_ms = next_due(&book->runs[i]).at_ms;

		first = at_ms < first ? at_ms : first;
	}
	return first;
}

static void lose_lease(struct book *book, struct book_run *run)
{
	entry_end_lease(run);
	if (is(run->status, "cancelling")) {
		entry_note(book, run, "lease_lost");
		return;
	}
	run->losses++;
	if (run->losses == 3) {
		entry_end_steps(book, run, "failed"); /* before what is told of their run */
	}
	entry_move_run(book, run, "queued", "lease_lost");
	if (run->losses == 3) {
		entry_move_run(book, run, "failed", "failed");
	}
}

static void settle_run(struct book *book, struct book_run *run)
{
	struct due due;

	while ((due = next_due(run)).at_ms <= book->steady_ms) {
		if (due.what == DUE_EXPIRY) {
			entry_move_run(book, run, "expired", "expired");
		} else if (due.what == DUE_CANCEL) {
			entry_move_run(book, run, "cancelled", "cancelled");
		} else {
			lose_lease(book, run);
		}
	}
}

void book_settle(struct book *book)
{
	SET(book->by, "daemon");
	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		settle_run(book, &book->runs[i]);
	}
}

static void learn(char *text, size_t size, const char *mark, const char *id)
{
	if (is(text, mark)) {
		entry_copy(text, size, id);
	}
}

static void learn_in_run(struct book_run *run, const char *mark, const char *id)
{
	learn(run->id, sizeof(run->id), mark, id);
	learn(run->lease.token, sizeof(run->lease.token), mark, id);
	learn(run->old_token, sizeof(run->old_token), mark, id);
	for (unsigned int i = 0; i < run->n_steps; i++) {
		learn(run->steps[i].id, sizeof(run->steps[i].id), mark, id);
	}
}

void book_learn(struct book *book, const char *mark, const char *id)
{
	char was[40];

	SET(was, mark);
	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		learn_in_run(&book->runs[i], was, id);
	}
	for (unsigned int i = 0; i < BOOK_CLAIMS; i++) {
		struct book_claim *claim = &book->claims[i];

		learn(claim->run, sizeof(claim->run), was, id);
		learn(claim->lease.token, sizeof(claim->lease.token), was, id);
	}
	for (unsigned int i = 0; i < book->n_told; i++) {
		learn(book->told[i].run, sizeof(book->told[i].run), was, id);
		learn(book->told[i].step, sizeof(book->told[i].step), was, id);
	}
}
