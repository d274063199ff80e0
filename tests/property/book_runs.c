/* What a book has of the methods on runs and threads. */
#include "cmocka_all.h"

#include "entry.h"
#include "objects.h"
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last in the order of lists of a thread's runs that have not ended, or NULL. */
static const struct book_run *last_active(const struct book *book, const char *thread)
{
	const struct book_run *last = NULL;

	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		const struct book_run *run = &book->runs[i];

		if (*run->id && is(run->thread, thread) && !status_ended(run->status) &&
			(!last || book_before(last, run))) {
			last = run;
		}
	}
	return last;
}

/* Expiry is at a time of the wall as it is now, and does not move with it. */
/* What is told by the wall clock may by the steady one be a millisecond off, and is never early. */
#define ROUNDING_MS 1

static void set_expiry(const struct book *book, struct book_run *run, int64_t expires_at)
{
	run->expires_at = expires_at;
	run->expiry_ms =
		expires_at ? book->steady_ms + expires_at * 1000 - book->now_ms + ROUNDING_MS : 0;
}

struct book_answer book_create(struct book *book, const json_t *params)
{
	const char *thread = param_text(params, "thread_id");
	const char *on_active = param_text(params, "on_active");
	const struct book_run *last = last_active(book, thread);
	bool busy = last && (!on_active || is(on_active, "reject"));
	int64_t ttl = param_number(params, "expires_in", 0);
	struct book_run *run;

	if (book_run(book, param_text(params, "id"))) {
		return refused(busy ? "id_conflict|run_active" : "id_conflict");
	}
	if (busy) {
		return refused("run_active");
	}
	run = entry_add_run(book, thread);
	entry_id(book, params, run->id);
	SET(run->assistant, param_text(params, "assistant_id"));
	SET(run->status, "queued");
	run->enqueued = on_active && is(on_active, "enqueue");
	run->created_at = book->now_ms / 1000;
	if (run->enqueued && last && last->created_at > run->created_at) {
		run->created_at = last->created_at;
	}
	set_expiry(book, run, ttl ? run->created_at + ttl : 0);
	entry_begin_run(book, run, "created");
	return shown(run);
}

static const char *first_call(const json_t *object)
{
	return json_string_value(
		field(object, "required_action.submit_tool_outputs.tool_calls[0].id"));
}

static void import_run(struct book *book, const json_t *object)
{
	struct book_run *run = entry_add_run(book, param_text(object, "thread_id"));

	SET(run->id, param_text(object, "id"));
	SET(run->assistant, param_text(object, "assistant_id"));
	SET(run->status, param_text(object, "status"));
	SET(run->call, first_call(object));
	run->created_at = param_number(object, "created_at", 0);
	run->started_at = param_number(object, "started_at", 0);
	set_expiry(book, run, param_number(object, "expires_at", 0));
	run->cancel_ms = is(run->status, "cancelling") ? book->steady_ms + 60000 : 0;
	entry_begin_run(book, run, "imported");
}

struct book_answer book_import(struct book *book, const json_t *params)
{
	const json_t *objects = json_object_get(params, "objects");
	size_t n = json_array_size(objects);

	for (size_t i = 0; i < n; i++) {
		if (book_run(book, param_text(json_array_get(objects, i), "id"))) {
			return refused("id_conflict");
		}
	}
	for (size_t i = 0; i < n; i++) {
		import_run(book, json_array_get(objects, i));
	}
	return shown(NULL);
}

static bool is_asked_for(const struct book_run *run, const json_t *params)
{
	const json_t *assistants = json_object_get(params, "assistant_ids");
	const char *thread = param_text(params, "thread_id");
	bool named = !assistants;

	for (size_t i = 0; i < json_array_size(assistants); i++) {
		named = named ||
			is(json_string_value(json_array_get(assistants, i)), run->assistant);
	}
	return named && (!thread || is(thread, run->thread));
}

static struct book_run *first_ready(struct book *book, const json_t *params)
{
	struct book_run *first = NULL;

	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		struct book_run *run = &book->runs[i];

		if (book_ready(book, run) && is_asked_for(run, params) &&
			(!first || book_before(run, first))) {
			first = run;
		}
	}
	return first;
}

static void write_params(const json_t *params, char out[256])
{
	char *text = json_dumps(params, JSON_COMPACT);

	entry_copy(out, 256, text);
	free(text);
}

static struct book_claim *find_claim(struct book *book, const char *key)
{
	for (unsigned int i = 0; i < BOOK_CLAIMS; i++) {
		if (key && is(book->claims[i].key, key)) {
			return &book->claims[i];
		}
	}
	return NULL;
}

/* A claim that was answered is answered the same, with the run as it is now. */
static struct book_answer repeat(struct book *book, struct book_claim *claim, const json_t *params)
{
	struct book_run *run = book_run(book, claim->run);
	char text[256];

	write_params(params, text);
	if (!is(text, claim->params)) {
		return refused("idempotency_conflict");
	}
	return run ? (struct book_answer){.run = run, .again = claim} : refused("not_found");
}

static void remember(struct book *book, const struct book_run *run, const json_t *params)
{
	struct book_claim *claim = &book->claims[book->n_claims++ % BOOK_CLAIMS];

	*claim = (struct book_claim){.lease = run->lease,
		.expires_ms = book->now_ms + run->lease.lease_ms,
		.attempt = run->attempts};
	SET(claim->key, param_text(params, "idempotency_key"));
	SET(claim->run, run->id);
	write_params(params, claim->params);
}

static void hold(const struct book *book, struct book_run *run, int64_t lease_ms)
{
	run->lease.until_ms = book->steady_ms + lease_ms + BOOK_ROUNDING_MS;
}

struct book_answer book_claim(struct book *book, const json_t *params)
{
	struct book_claim *again = find_claim(book, param_text(params, "idempotency_key"));
	int64_t lease_ms = param_number(params, "lease_ms", 30000);
	struct book_run *run;

	if (again) {
		return repeat(book, again, params);
	}
	run = first_ready(book, params);
	if (!run) {
		return shown(NULL);
	}
	SET(book->by, param_text(params, "worker"));
	run->attempts++;
	run->lease = (struct book_lease){
		.until_ms = book->steady_ms + lease_ms + ROUNDING_MS, .lease_ms = lease_ms};
	snprintf(run->lease.token, sizeof(run->lease.token), "?%u", ++book->n_marks);
	SET(run->lease.worker, book->by);
	entry_move_run(book, run, "in_progress", "in_progress");
	if (json_object_get(params, "idempotency_key")) {
		remember(book, run, params);
	}
	return shown(run);
}

struct book_answer book_heartbeat(struct book *book, struct book_run *run, const json_t *params)
{
	if (!entry_lease_holds(book, run, params)) {
		return refused("lease_lost");
	}
	hold(book, run, param_number(params, "lease_ms", run->lease.lease_ms));
	return shown(run);
}

struct book_answer book_release(struct book *book, struct book_run *run, const json_t *params)
{
	if (!entry_lease_holds(book, run, params)) {
		return refused("lease_lost");
	}
	if (!is(run->status, "in_progress")) {
		return refused("invalid_transition");
	}
	entry_move_run(book, run, "queued", "queued");
	return shown(run);
}

struct book_answer book_requeue(struct book *book, struct book_run *run, const json_t *params)
{
	if (!is(run->status, "in_progress")) {
		return refused("invalid_transition");
	}
	entry_move_run(book, run, "queued", "queued");
	return shown(run);
}

struct book_answer book_fail(struct book *book, struct book_run *run, const json_t *params)
{
	if (status_ended(run->status)) {
		return refused("invalid_transition");
	}
	entry_move_run(book, run, "failed", "failed");
	return shown(run);
}

/* Why the run may not become that, or NULL. */
static const char *obstacle(const struct book *book, struct book_run *run, const char *to)
{
	bool open = (is(to, "completed") || is(to, "incomplete")) && entry_open_step(run, NULL);

	if (!status_allows(run->status, to)) {
		return open ? "invalid_transition|steps_in_progress" : "invalid_transition";
	}
	if (is(to, "in_progress") && !book_ready(book, run)) {
		return "run_active";
	}
	return open ? "steps_in_progress" : NULL;
}

struct book_answer book_update(struct book *book, struct book_run *run, const json_t *params)
{
	const char *to = param_text(params, "status"), *call = first_call(params), *why;
	char id[40];

	if ((to || param_text(params, "lease")) && !entry_lease_holds(book, run, params)) {
		return refused("lease_lost");
	}
	if (!to) {
		entry_note(book, run, "updated");
		return shown(run);
	}
	why = obstacle(book, run, to);
	if (why) {
		return refused(why);
	}
	if (call && !entry_open_step(run, call)) {
		snprintf(id, sizeof(id), "?%u", ++book->n_marks);
		entry_add_step(book, run, id, "in_progress", call);
	}
	entry_move_run(book, run, to, to);
	SET(run->call, call);
	return shown(run);
}

struct book_answer book_cancel(struct book *book, struct book_run *run, const json_t *params)
{
	if (is(run->status, "in_progress")) {
		entry_move_run(book, run, "cancelling", "cancelling");
	} else if (is(run->status, "queued") || is(run->status, "requires_action")) {
		entry_move_run(book, run, "cancelled", "cancelled");
	} else {
		return refused("invalid_transition");
	}
	return shown(run);
}

struct book_answer book_submit(struct book *book, struct book_run *run, const json_t *params)
{
	const char *call = json_string_value(field(params, "tool_outputs[0].tool_call_id"));
	struct book_step *step;
	char id[40];

	if (!is(run->status, "requires_action")) {
		return refused("invalid_transition");
	}
	if (!is(call, run->call)) {
		return refused("invalid_params");
	}
	step = entry_open_step(run, call);
	if (step) {
		entry_move_step(book, run, step, "completed");
	} else {
		snprintf(id, sizeof(id), "?%u", ++book->n_marks);
		entry_add_step(book, run, id, "completed", call);
	}
	entry_move_run(book, run, "queued", "queued");
	return shown(run);
}

struct book_answer book_delete(struct book *book, struct book_run *run, const json_t *params)
{
	entry_remove_run(book, run);
	return shown(NULL);
}

struct book_answer book_delete_thread(struct book *book, const json_t *params)
{
	const char *thread = param_text(params, "thread_id");
	bool known = false;

	for (int i = 0; i < BOOK_THREADS; i++) {
		if (is(book->threads[i], thread)) {
			book->threads[i][0] = '\0';
			known = true;
		}
	}
	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		if (*book->runs[i].id && is(book->runs[i].thread, thread)) {
			entry_remove_run(book, &book->runs[i]);
		}
	}
	if (!known) {
		return refused("not_found");
	}
	entry_tell_thread_deleted(book, thread);
	return shown(NULL);
}
