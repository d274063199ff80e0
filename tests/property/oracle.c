#include "cmocka_all.h"

#include "objects.h"
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

const char *const step_statuses[N_STEP_STATUSES] = {
	"in_progress", "cancelled", "failed", "completed", "expired"};
const char *const step_types[N_TYPES] = {"message_creation", "tool_calls"};

void oracle_finish(struct oracle *oracle)
{
	for (int kind = 0; kind < N_KINDS; kind++) {
		free(oracle->tables[kind].things);
	}
}

unsigned int name_number(const char *const *names, unsigned int n, const char *name)
{
	unsigned int i = 0;

	while (i < n && strcmp(names[i], name) != 0) {
		i++;
	}
	assert_true(i < n);
	return i;
}

bool run_is_terminal(const struct thing *run)
{
	return name_number(run_statuses, N_STATUSES, run->status) >= 4;
}

struct thing *oracle_find(struct oracle *oracle, enum kind kind, const char *id)
{
	struct table *table = &oracle->tables[kind];

	for (size_t i = 0; i < table->n; i++) {
		if (!strcmp(table->things[i].id, id)) {
			return &table->things[i];
		}
	}
	return NULL;
}

static struct thing *append(struct oracle *oracle, enum kind kind, const struct thing *thing)
{
	struct table *table = &oracle->tables[kind];

	if (table->n == table->size) {
		table->size = table->size * 2 + 64;
		table->things = realloc(table->things, table->size * sizeof(*table->things));
		assert_non_null(table->things);
	}
	table->things[table->n] = *thing;
	table->things[table->n].seq = ++oracle->seq;
	return &table->things[table->n++];
}

/* A thread is as old as the earliest run that it has had. */
static void add_thread_of(struct oracle *oracle, const struct thing *run)
{
	struct thing *known = oracle_find(oracle, THREADS, run->thread);
	struct thing thread = {.created_at = run->created_at};

	if (!known) {
		strcpy(thread.id, run->thread);
		append(oracle, THREADS, &thread);
	} else if (run->created_at < known->created_at) {
		known->created_at = run->created_at;
	}
}

void oracle_add(struct oracle *oracle, enum kind kind, const struct thing *thing)
{
	append(oracle, kind, thing);
	if (kind == RUNS) {
		add_thread_of(oracle, thing);
	}
}

static bool is_or_is_in(const struct thing *thing, enum kind kind, enum kind of, const char *id)
{
	if (kind == of) {
		return !strcmp(thing->id, id);
	}
	if (of == THREADS) {
		return !strcmp(thing->thread, id);
	}
	return of == RUNS && kind == STEPS && !strcmp(thing->run, id);
}

void oracle_remove(struct oracle *oracle, enum kind of, const char *id)
{
	char kept[ID_SIZE];

	strcpy(kept, id); /* it may be the thing's own */
	for (int kind = 0; kind < N_KINDS; kind++) {
		struct table *table = &oracle->tables[kind];
		size_t n = 0;

		for (size_t i = 0; i < table->n; i++) {
			if (!is_or_is_in(&table->things[i], (enum kind)kind, of, kept)) {
				table->things[n++] = table->things[i];
			}
		}
		table->n = n;
	}
}

static int compare(const void *left, const void *right)
{
	const struct thing *a = *(const struct thing *const *)left;
	const struct thing *b = *(const struct thing *const *)right;

	if (a->created_at != b->created_at) {
		return a->created_at < b->created_at ? -1 : 1;
	}
	return a->seq < b->seq ? -1 : 1;
}

static bool in_scope(const struct query *query, const struct thing *thing)
{
	switch (query->kind) {
	case RUNS:
		return !query->thread || !strcmp(query->thread, thing->thread);
	case STEPS:
		return !strcmp(query->run, thing->run);
	default:
		return true;
	}
}

/* All that the list could hold, in its order. Returns how many; the caller frees @out. */
static size_t collect(
	const struct oracle *oracle, const struct query *query, const struct thing ***out)
{
	const struct table *table = &oracle->tables[query->kind];
	const struct thing **things = calloc(table->n + 1, sizeof(struct thing *));
	size_t n = 0;

	assert_non_null(things);
	for (size_t i = 0; i < table->n; i++) {
		if (in_scope(query, &table->things[i])) {
			things[n++] = &table->things[i];
		}
	}
	qsort(things, n, sizeof(struct thing *), compare);
	for (size_t i = 0; query->order != ORDER_ASC && i < n / 2; i++) {
		const struct thing *swap = things[i];

		things[i] = things[n - 1 - i];
		things[n - 1 - i] = swap;
	}
	*out = things;
	return n;
}

static size_t position(const struct thing **things, size_t n, const char *id)
{
	size_t i = 0;

	while (i < n && strcmp(things[i]->id, id) != 0) {
		i++;
	}
	return i;
}

static bool has_pairs(const struct thing *thing, const struct query *query)
{
	for (int i = 0; i < N_PAIRS; i++) {
		if (query->pairs[i] >= 0 && query->pairs[i] != thing->pairs[i]) {
			return false;
		}
	}
	return true;
}

static bool status_is_among(const struct thing *thing, unsigned int statuses, enum kind kind)
{
	if (!statuses) {
		return true;
	}
	return statuses &
	       1u << (kind == RUNS ? name_number(run_statuses, N_STATUSES, thing->status)
				   : name_number(step_statuses, N_STEP_STATUSES, thing->status));
}

static bool passes(const struct thing *thing, const struct query *query)
{
	if (query->kind == THREADS) {
		return true;
	}
	if (!status_is_among(thing, query->statuses, query->kind)) {
		return false;
	}
	if (query->kind == STEPS) {
		return !query->types ||
		       query->types & 1u << name_number(step_types, N_TYPES, thing->type);
	}
	return (!query->assistant || !strcmp(query->assistant, thing->assistant)) &&
	       (!query->model || !strcmp(query->model, thing->model)) &&
	       (query->created_after < 0 || thing->created_at > query->created_after) &&
	       (query->created_before < 0 || thing->created_at < query->created_before) &&
	       has_pairs(thing, query);
}

/* The first or, with only before, the last @limit of what remained. */
static void cut(
	const struct thing **things, size_t n, const struct query *query, struct answer *answer)
{
	size_t limit = query->limit ? (size_t)query->limit : 20;
	bool from_end = *query->before && !*query->after;
	size_t from = 0;

	answer->has_more = n > limit;
	answer->n = n > limit ? limit : n;
	if (from_end) {
		from = n - answer->n;
	}
	for (size_t i = 0; i < answer->n; i++) {
		answer->data[i] = things[from + i];
	}
}

static bool scope_exists(const struct oracle *oracle, const struct query *query)
{
	struct oracle *all = (struct oracle *)oracle;

	if (query->kind == STEPS) {
		return oracle_find(all, RUNS, query->run);
	}
	return query->kind != RUNS || !query->thread || oracle_find(all, THREADS, query->thread);
}

void oracle_list(const struct oracle *oracle, const struct query *query, struct answer *answer)
{
	const struct thing **things;
	size_t n = collect(oracle, query, &things);
	size_t low = *query->after ? position(things, n, query->after) + 1 : 0;
	size_t high = *query->before ? position(things, n, query->before) : n;
	size_t left = 0;

	*answer = (struct answer){0};
	if (!scope_exists(oracle, query)) {
		answer->not_found = query->kind == STEPS ? "run_id" : "thread_id";
	} else if (low > n) {
		answer->not_found = "after";
	} else if (*query->before && high == n) {
		answer->not_found = "before";
	} else {
		for (size_t i = low; i < high; i++) {
			if (passes(things[i], query)) {
				things[left++] = things[i];
			}
		}
		cut(things, left, query, answer);
	}
	free(things);
}

void oracle_sum_up(const struct oracle *oracle, const struct thing *thread, struct summary *summary)
{
	const struct table *runs = &oracle->tables[RUNS], *steps = &oracle->tables[STEPS];

	*summary = (struct summary){.last_run_at = -1};
	for (size_t i = 0; i < runs->n; i++) {
		const struct thing *run = &runs->things[i];

		if (strcmp(run->thread, thread->id) != 0) {
			continue;
		}
		summary->runs++;
		if (run->created_at > summary->last_run_at) {
			summary->last_run_at = run->created_at;
		}
		if (!run_is_terminal(run) &&
			(!summary->active || compare(&run, &summary->active) < 0)) {
			summary->active = run;
		}
	}
	for (size_t i = 0; i < steps->n; i++) {
		summary->steps += !strcmp(steps->things[i].thread, thread->id);
	}
}

struct thing *oracle_open_step(struct oracle *oracle, const struct thing *run, const char *thread)
{
	struct table *steps = &oracle->tables[STEPS];

	for (size_t i = 0; i < steps->n; i++) {
		struct thing *step = &steps->things[i];

		if (!strcmp(step->status, "in_progress") && !strcmp(step->thread, thread) &&
			(run ? !strcmp(step->run, run->id)
			     : !run_is_terminal(oracle_find(oracle, RUNS, step->run)))) {
			return step;
		}
	}
	return NULL;
}
