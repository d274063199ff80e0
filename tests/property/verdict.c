#include "cmocka_all.h"

#include "entry.h"
#include "objects.h"
#include "status.h"
#include "verdict.h"

#include "daemon/store/deadlines.h"

#include <stdio.h>
#include <string.h>

static bool is_text(const json_t *object, const char *path, const char *want)
{
	const char *got = json_string_value(field(object, path));

	return got && is(got, want);
}

/* 0 stands for null. */
static bool is_number(const json_t *object, const char *path, int64_t want)
{
	const json_t *got = field(object, path);

	return want ? json_is_integer(got) && json_integer_value(got) == want : json_is_null(got);
}

static const char *of_refusal(const char *codes, const json_t *error)
{
	const char *code = json_string_value(field(error, "code"));
	char listed[80], word[40];

	if (!code) {
		return "it was not refused";
	}
	snprintf(listed, sizeof(listed), "|%s|", codes);
	snprintf(word, sizeof(word), "|%s|", code);
	return strstr(listed, word) ? NULL : "it was refused otherwise";
}

/* The book knows it now. False when what was known is another one. */
static bool learn(struct book *book, char *mark, const json_t *id)
{
	const char *text = json_string_value(id);

	if (text && *mark == '?') {
		book_learn(book, mark, text);
	}
	return text && is(mark, text);
}

static const char *of_run(struct book *book, struct book_run *run, const json_t *got)
{
	const json_t *action = field(got, "required_action.submit_tool_outputs.tool_calls[0].id");
	bool waits = is(run->status, "requires_action");

	if (!learn(book, run->id, field(got, "id")) || !is_text(got, "object", "thread.run")) {
		return "another run";
	}
	if (!is_text(got, "status", run->status)) {
		return "another status";
	}
	if (!is_text(got, "thread_id", run->thread) ||
		!is_text(got, "assistant_id", run->assistant)) {
		return "another thread or assistant";
	}
	if (!is_number(got, "created_at", run->created_at) ||
		!is_number(got, "started_at", run->started_at) ||
		!is_number(got, "expires_at", run->expires_at)) {
		return "another time";
	}
	return !action == !waits && (!waits || is(json_string_value(action), run->call))
		       ? NULL
		       : "another tool call";
}

static bool is_held_elsewhere(const struct book *book, const json_t *token)
{
	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		if (is(book->runs[i].lease.token, json_string_value(token)) ||
			is(book->runs[i].old_token, json_string_value(token))) {
			return true;
		}
	}
	return false;
}

static const char *of_lease(struct book *book, struct book_lease *lease, int64_t expires_ms,
	int attempt, const json_t *got)
{
	const json_t *token = field(got, "token");

	if (!json_is_string(token) || (*lease->token == '?' && is_held_elsewhere(book, token)) ||
		!learn(book, lease->token, token)) {
		return "another token";
	}
	if (!is_text(got, "worker", lease->worker)) {
		return "another worker";
	}
	if (!is_number(got, "expires_ms", expires_ms)) {
		return "another end of the lease";
	}
	return is_number(got, "attempt", attempt) ? NULL : "another attempt";
}

/* When the lease ends, as the wall clock will have it. */
static int64_t told_ms(const struct book *book, const struct book_run *run)
{
	return run->lease.until_ms - BOOK_ROUNDING_MS - book->steady_ms + book->now_ms;
}

static const char *of_claim(
	struct book *book, const struct book_answer *answer, const json_t *result)
{
	struct book_run *run = answer->run;
	struct book_claim *again = answer->again;
	const json_t *lease = field(result, "lease");
	const char *why;

	if (!run) {
		return json_is_null(result) ? NULL : "there was nothing to claim";
	}
	if (json_is_null(result)) {
		return "there was a run to claim";
	}
	why = of_run(book, run, field(result, "run"));
	if (why || json_object_size(field(result, "hints"))) {
		return why ? why : "there were no hints";
	}
	return again ? of_lease(book, &again->lease, again->expires_ms, again->attempt, lease)
		     : of_lease(book, &run->lease, told_ms(book, run), run->attempts, lease);
}

static const char *of_heartbeat(struct book *book, struct book_run *run, const json_t *result)
{
	if (!is_text(result, "status", run->status)) {
		return "another status";
	}
	return of_lease(
		book, &run->lease, told_ms(book, run), run->attempts, field(result, "lease"));
}

static const char *of_step(struct book *book, struct book_step *step, const json_t *got)
{
	return learn(book, step->id, field(got, "id")) && is_text(got, "status", step->status)
		       ? NULL
		       : "another step";
}

static const char *of_data(const json_t *params, const json_t *result)
{
	const json_t *objects = json_object_get(params, "objects");

	if (objects) {
		return is_number(result, "imported", (int64_t)json_array_size(objects))
			       ? NULL
			       : "another number of imports";
	}
	return json_is_true(field(result, "deleted")) ? NULL : "it was not deleted";
}

const char *verdict_of(struct book *book, const char *method, const json_t *params,
	const struct book_answer *answer, const json_t *reply)
{
	const json_t *error = field(reply, "error"), *result = field(reply, "result");

	if (answer->code) {
		return of_refusal(answer->code, error);
	}
	if (!json_is_null(error)) {
		return "it was refused";
	}
	if (is(method, "runs.claim")) {
		return of_claim(book, answer, result);
	}
	if (is(method, "runs.heartbeat")) {
		return of_heartbeat(book, answer->run, result);
	}
	if (answer->step) {
		return of_step(book, answer->step, result);
	}
	return answer->run ? of_run(book, answer->run, result) : of_data(params, result);
}

static json_t *read_of(struct shelf *shelf, const char *method, const char *run_id)
{
	json_t *params = json_pack("{ss}", "run_id", run_id);
	json_t *result;

	if (is(method, "steps.list")) {
		json_object_set_new(params, "order", json_string("asc"));
	}
	result = field(shelf_try(shelf, method, params), "result");
	json_decref(params);
	return result;
}

/* Who holds the run, and how often somebody did. */
static const char *of_holder(const struct book *book, const struct book_run *run, const json_t *got)
{
	bool held = *run->lease.token;

	if (json_is_true(field(got, "claimable")) != book_ready(book, run)) {
		return "it can be claimed, or not, otherwise";
	}
	if (json_is_null(field(got, "lease")) == held) {
		return "it is leased, or not, otherwise";
	}
	if (held && (!is_text(got, "lease.worker", run->lease.worker) ||
			    !is_number(got, "lease.expires_ms", told_ms(book, run)) ||
			    !is_number(got, "lease.attempt", run->attempts))) {
		return "it is leased otherwise";
	}
	if (!status_ended(run->status) && (number(got, "attempts") != run->attempts ||
						  number(got, "losses") != run->losses)) {
		return "another number of leases or losses";
	}
	return NULL;
}

/* In the list of the run's steps. */
static size_t place_of(const struct book_run *run, const struct book_step *step)
{
	size_t before = 0;

	for (unsigned int i = 0; i < run->n_steps; i++) {
		const struct book_step *other = &run->steps[i];

		before += other->created_at < step->created_at ||
			  (other->created_at == step->created_at && other < step);
	}
	return before;
}

static const char *of_steps(struct book *book, struct book_run *run, const json_t *list)
{
	const json_t *data = field(list, "data");
	const char *why = NULL;

	if (json_array_size(data) != run->n_steps) {
		return "another number of steps";
	}
	for (unsigned int i = 0; i < run->n_steps && !why; i++) {
		struct book_step *step = &run->steps[i];

		why = of_step(book, step, json_array_get(data, place_of(run, step)));
	}
	return why;
}

static const char *of_stored(struct book *book, struct shelf *shelf, struct book_run *run)
{
	const char *why = of_run(book, run, read_of(shelf, "runs.get", run->id));

	if (!why) {
		why = of_holder(book, run, read_of(shelf, "runs.lease", run->id));
	}
	return why ? why : of_steps(book, run, read_of(shelf, "steps.list", run->id));
}

const char *verdict_of_store(struct book *book, struct shelf *shelf)
{
	const char *why = NULL;

	shelf_begin(shelf);
	for (unsigned int i = 0; i < BOOK_RUNS && !why; i++) {
		if (*book->runs[i].id) {
			why = of_stored(book, shelf, &book->runs[i]);
		}
	}
	if (!why && kv_count(shelf->txn.kv, T_RUNS) != book->n_runs) {
		why = "another number of runs";
	}
	if (!why && deadlines_next(&shelf->txn) != book_next_due(book)) {
		why = "something else falls due next";
	}
	shelf_abort(shelf);
	return why;
}
