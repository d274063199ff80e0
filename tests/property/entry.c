#include "cmocka_all.h"

#include "entry.h"
#include "status.h"

#include <stdio.h>
#include <string.h>

enum { CANCEL_GRACE_MS = 60000 };

void entry_copy(char *out, size_t size, const char *text)
{
	assert_in_range(snprintf(out, size, "%s", text ? text : ""), 0, size - 1);
}

bool is(const char *text, const char *other)
{
	return !strcmp(text, other);
}

const char *param_text(const json_t *params, const char *name)
{
	return json_string_value(json_object_get(params, name));
}

int64_t param_number(const json_t *params, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(params, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

void entry_id(struct book *book, const json_t *params, char out[40])
{
	const char *given = param_text(params, "id");

	if (given) {
		entry_copy(out, 40, given);
	} else {
		snprintf(out, 40, "?%u", ++book->n_marks);
	}
}

struct book_answer refused(const char *code)
{
	return (struct book_answer){.code = code};
}

struct book_answer shown(struct book_run *run)
{
	return (struct book_answer){.run = run};
}

static void tell(struct book *book, const struct book_run *run, const char *step, const char *event,
	const char *from, const char *to)
{
	struct book_change *change = &book->told[book->n_told++];

	assert_in_range(book->n_told, 1, BOOK_TOLD);
	*change = (struct book_change){
		.enqueued = run->enqueued, .created_at = run->created_at, .number = run->number};
	SET(change->run, run->id);
	SET(change->thread, run->thread);
	SET(change->step, step);
	SET(change->event, event);
	SET(change->from, from);
	SET(change->to, to);
	SET(change->by, book->by);
}

void entry_tell_thread_deleted(struct book *book, const char *thread)
{
	struct book_run none = {0};

	SET(none.thread, thread);
	tell(book, &none, "", "deleted", "", "");
}

static void know_thread(struct book *book, const char *thread)
{
	int free = -1;

	for (int i = 0; i < BOOK_THREADS; i++) {
		if (is(book->threads[i], thread)) {
			return;
		}
		free = *book->threads[i] ? free : i;
	}
	assert_true(free >= 0);
	SET(book->threads[free], thread);
}

struct book_run *entry_add_run(struct book *book, const char *thread)
{
	unsigned int i = 0;

	while (i < BOOK_RUNS && *book->runs[i].id) {
		i++;
	}
	assert_in_range(i, 0, BOOK_RUNS - 1);
	book->runs[i] = (struct book_run){.number = ++book->n_inserted};
	SET(book->runs[i].thread, thread);
	know_thread(book, thread);
	book->n_runs++;
	return &book->runs[i];
}

void entry_begin_run(struct book *book, const struct book_run *run, const char *event)
{
	tell(book, run, NULL, event, NULL, run->status);
}

void entry_remove_run(struct book *book, struct book_run *run)
{
	tell(book, run, NULL, "deleted", run->status, NULL);
	run->id[0] = '\0';
	book->n_runs--;
}

void entry_note(struct book *book, const struct book_run *run, const char *event)
{
	tell(book, run, NULL, event, run->status, run->status);
}

void entry_end_lease(struct book_run *run)
{
	if (*run->lease.token) {
		memcpy(run->old_token, run->lease.token, sizeof(run->old_token));
		run->lease.token[0] = '\0';
	}
}

void entry_end_steps(struct book *book, struct book_run *run, const char *to)
{
	for (unsigned int i = 0; i < run->n_steps; i++) {
		if (is(run->steps[i].status, "in_progress")) {
			entry_move_step(book, run, &run->steps[i], to);
		}
	}
}

void entry_move_run(struct book *book, struct book_run *run, const char *to, const char *event)
{
	char from[20];

	SET(from, run->status);
	if (is(to, "in_progress") && !run->started_at) {
		run->started_at = book->now_ms / 1000;
	}
	if (!is(to, "in_progress") && !is(to, "cancelling")) {
		entry_end_lease(run);
	}
	run->cancel_ms = is(to, "cancelling") ? book->steady_ms + CANCEL_GRACE_MS : 0;
	if (status_ended(to)) {
		run->expires_at = run->expiry_ms = 0;
		entry_end_steps(book, run, to);
	}
	SET(run->status, to);
	tell(book, run, NULL, event, from, to);
}

struct book_step *entry_add_step(struct book *book, struct book_run *run, const char *id,
	const char *status, const char *call)
{
	struct book_step *step = &run->steps[run->n_steps++];

	assert_in_range(run->n_steps, 1, BOOK_STEPS);
	SET(step->id, id);
	SET(step->status, status);
	SET(step->call, call);
	step->created_at = book->now_ms / 1000;
	tell(book, run, id, "created", NULL, status);
	return step;
}

void entry_move_step(
	struct book *book, const struct book_run *run, struct book_step *step, const char *to)
{
	tell(book, run, step->id, to, step->status, to);
	SET(step->status, to);
}

struct book_step *entry_open_step(struct book_run *run, const char *call)
{
	for (unsigned int i = 0; i < run->n_steps; i++) {
		if (is(run->steps[i].status, "in_progress") &&
			(!call || is(run->steps[i].call, call))) {
			return &run->steps[i];
		}
	}
	return NULL;
}

bool entry_lease_holds(struct book *book, const struct book_run *run, const json_t *params)
{
	const char *token = param_text(params, "lease");

	if (!*run->lease.token) {
		return !token;
	}
	if (!token || !is(token, run->lease.token) || run->lease.until_ms <= book->steady_ms) {
		return false;
	}
	SET(book->by, run->lease.worker);
	return true;
}
