#include "cmocka_all.h"

#include "objects.h"
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *pick_thread(struct world *world)
{
	return dice_chance(&world->dice, 2) ? "t_unknown"
					    : world_threads[dice_roll(&world->dice, N_THREADS_MAX)];
}

static void pick_id(struct world *world, enum kind kind, char *out)
{
	const struct table *table = &world->oracle.tables[kind];

	strcpy(out, "unknown");
	if (table->n) {
		strcpy(out, table->things[dice_roll(&world->dice, table->n)].id);
	}
}

/* Mostly one of the list, sometimes of another list, deleted or never there. */
static void pick_cursor(struct world *world, const struct query *query, char *out)
{
	struct dice *dice = &world->dice;
	unsigned int chance = (unsigned int)dice_roll(dice, 100);
	struct query all = {.kind = query->kind, .thread = query->thread};
	const struct table *table = &world->oracle.tables[query->kind];
	size_t from = dice_roll(dice, table->n);

	strcpy(all.run, query->run);
	if (chance < 3) {
		strcpy(out, "unknown");
		return;
	}
	if (chance < 7) {
		strcpy(out, world->gone[query->kind][dice_roll(dice, N_GONE)]);
		return;
	}
	pick_id(world, query->kind, out);
	for (size_t i = 0; i < table->n && chance >= 10; i++) {
		const struct thing *thing = &table->things[(from + i) % table->n];

		if (query->kind == RUNS ? !query->thread || !strcmp(query->thread, thing->thread)
					: !strcmp(query->run, thing->run)) {
			strcpy(out, thing->id);
			return;
		}
	}
}

static int roll_limit(struct dice *dice)
{
	switch (dice_roll(dice, 4)) {
	case 0:
		return 0;
	case 1:
		return 1 + (int)dice_roll(dice, 100);
	default:
		return 1 + (int)dice_roll(dice, 8);
	}
}

static unsigned int roll_bits(struct dice *dice, unsigned int n)
{
	unsigned int bits = 1u << dice_roll(dice, n);

	while (dice_chance(dice, 50)) {
		bits |= 1u << dice_roll(dice, n);
	}
	return bits;
}

static int64_t roll_second(struct dice *dice)
{
	return EPOCH - 1 + (int64_t)dice_roll(dice, N_SECONDS + 2);
}

static void roll_filters(struct world *world, struct query *query)
{
	struct dice *dice = &world->dice;

	if (dice_chance(dice, 30)) {
		query->statuses = roll_bits(dice, query->kind == RUNS ? 9 : N_STEP_STATUSES);
	}
	if (query->kind == STEPS) {
		query->types = dice_chance(dice, 30) ? roll_bits(dice, N_TYPES) : 0;
		return;
	}
	if (dice_chance(dice, 15)) {
		query->assistant = world_assistants[dice_roll(dice, N_ASSISTANTS)];
	}
	if (dice_chance(dice, 15)) {
		query->model = world_models[dice_roll(dice, N_MODELS)];
	}
	if (dice_chance(dice, 20)) {
		query->created_after = roll_second(dice);
	}
	if (dice_chance(dice, 20)) {
		query->created_before = roll_second(dice);
	}
	for (int i = 0; i < N_PAIRS; i++) {
		query->pairs[i] = dice_chance(dice, 10) ? (int)dice_roll(dice, 3) : -1;
	}
}

void query_roll(struct world *world, struct query *query, bool bare)
{
	struct dice *dice = &world->dice;

	*query = (struct query){.kind = (enum kind)(dice_roll(dice, 5) / 2),
		.created_after = -1,
		.created_before = -1,
		.pairs = {-1, -1, -1}};
	if (query->kind == RUNS) {
		query->thread = dice_chance(dice, 60) ? pick_thread(world) : NULL;
	} else if (query->kind == STEPS) {
		pick_id(world, RUNS, query->run);
	}
	query->order = (enum order)dice_roll(dice, 3);
	if (query->kind != THREADS && dice_chance(dice, 60)) {
		roll_filters(world, query);
	}
	if (bare) {
		return;
	}
	query->limit = roll_limit(dice);
	if (dice_chance(dice, 45)) {
		pick_cursor(world, query, query->after);
	}
	if (dice_chance(dice, 35)) {
		pick_cursor(world, query, query->before);
	}
}

const char *query_method(const struct query *query)
{
	static const char *const methods[N_KINDS] = {"runs.list", "steps.list", "threads.list"};

	return methods[query->kind];
}

/* A single name stands alone or in an array, as the bits have it; several in an array. */
static json_t *names_of(unsigned int bits, const char *const *names, unsigned int n)
{
	json_t *array = json_array(), *first;

	for (unsigned int i = 0; i < n; i++) {
		if (bits & 1u << i) {
			json_array_append_new(array, json_string(names[i]));
		}
	}
	if (json_array_size(array) > 1 || bits % 4 == 1) {
		return array;
	}
	first = json_incref(json_array_get(array, 0));
	json_decref(array);
	return first;
}

static void set_text(json_t *params, const char *name, const char *value)
{
	if (value && *value) {
		json_object_set_new(params, name, json_string(value));
	}
}

static void set_filters(json_t *params, const struct query *query)
{
	json_t *pairs = world_pairs(query->pairs);

	if (query->statuses) {
		json_object_set_new(params, "status",
			query->kind == RUNS
				? names_of(query->statuses, run_statuses, N_STATUSES)
				: names_of(query->statuses, step_statuses, N_STEP_STATUSES));
	}
	if (query->types) {
		json_object_set_new(params, "type", names_of(query->types, step_types, N_TYPES));
	}
	set_text(params, "assistant_id", query->assistant);
	if (query->model) {
		json_object_set_new(params, "model", json_string(query->model));
	}
	if (query->created_after >= 0) {
		json_object_set_new(params, "created_after", json_integer(query->created_after));
	}
	if (query->created_before >= 0) {
		json_object_set_new(params, "created_before", json_integer(query->created_before));
	}
	if (query->kind == RUNS && json_object_size(pairs)) {
		json_object_set(params, "metadata", pairs);
	}
	json_decref(pairs);
}

json_t *query_params(const struct query *query)
{
	static const char *const orders[] = {NULL, "asc", "desc"};
	json_t *params = json_object();

	set_text(params, "thread_id", query->thread);
	set_text(params, "run_id", query->run);
	set_text(params, "order", orders[query->order]);
	set_text(params, "after", query->after);
	set_text(params, "before", query->before);
	if (query->limit) {
		json_object_set_new(params, "limit", json_integer(query->limit));
	}
	set_filters(params, query);
	return params;
}

static json_t *ids_of(const struct answer *answer)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < answer->n; i++) {
		json_array_append_new(ids, json_string(answer->data[i]->id));
	}
	return ids;
}

static json_t *ids_in(const json_t *list)
{
	const json_t *data = json_object_get(list, "data");
	json_t *ids = json_array();

	for (size_t i = 0; i < json_array_size(data); i++) {
		json_array_append(ids, json_object_get(json_array_get(data, i), "id"));
	}
	return ids;
}

/* To stderr by itself: cmocka cuts its own messages. Takes @value. */
static void print_value(const char *name, json_t *value)
{
	char *dump = json_dumps(value, JSON_ENCODE_ANY);

	fprintf(stderr, "  %s %s\n", name, dump ? dump : "(nothing)");
	free(dump);
	json_decref(value);
}

__attribute__((noreturn)) static void complain(const char *where, const char *what,
	const struct query *query, const struct answer *answer, const json_t *outcome)
{
	const json_t *list = json_array_get(outcome, 1);

	fprintf(stderr, "%s: %s\n  expected not_found=%s has_more=%d\n", where, what,
		answer->not_found ? answer->not_found : "-", answer->has_more);
	print_value(query_method(query), query_params(query));
	print_value("expected ids", ids_of(answer));
	print_value("got error", json_incref(json_array_get(outcome, 0)));
	print_value("got ids", ids_in(list));
	print_value("first_id", json_incref(json_object_get(list, "first_id")));
	print_value("last_id", json_incref(json_object_get(list, "last_id")));
	print_value("has_more", json_incref(json_object_get(list, "has_more")));
	fail_msg("%s: %s", where, what);
	abort();
}

static bool is_text(const json_t *object, const char *name, const char *value)
{
	const json_t *got = json_object_get(object, name);

	return value ? json_is_string(got) && !strcmp(json_string_value(got), value)
		     : json_is_null(got);
}

static bool is_number(const json_t *object, const char *name, int64_t value)
{
	const json_t *got = json_object_get(object, name);

	return value < 0 ? json_is_null(got)
			 : json_is_integer(got) && json_integer_value(got) == value;
}

static bool shows_thread(
	const struct oracle *oracle, const json_t *object, const struct thing *thread)
{
	struct summary summary;

	oracle_sum_up(oracle, thread, &summary);
	return is_text(object, "object", "thread.summary") &&
	       is_number(object, "last_run_at", summary.last_run_at) &&
	       is_number(object, "runs", (int64_t)summary.runs) &&
	       is_number(object, "steps", (int64_t)summary.steps) &&
	       is_text(object, "active_run_id", summary.active ? summary.active->id : NULL);
}

static bool shows(
	const struct world *world, enum kind kind, const json_t *object, const struct thing *thing)
{
	if (!is_text(object, "id", thing->id) ||
		!is_number(object, "created_at", thing->created_at)) {
		return false;
	}
	if (kind == THREADS) {
		return shows_thread(&world->oracle, object, thing);
	}
	return is_text(object, "status", thing->status);
}

void query_check(const char *where, const struct world *world, const struct query *query,
	const json_t *outcome)
{
	const json_t *error = json_array_get(outcome, 0), *list = json_array_get(outcome, 1);
	const json_t *data = json_object_get(list, "data");
	struct answer answer;

	oracle_list(&world->oracle, query, &answer);
	if (answer.not_found) {
		if (!is_text(error, "code", "not_found") ||
			!is_text(error, "param", answer.not_found)) {
			complain(where, "no such refusal", query, &answer, outcome);
		}
		return;
	}
	if (!json_is_null(error) || json_array_size(data) != answer.n) {
		complain(where, "another number of objects", query, &answer, outcome);
	}
	for (size_t i = 0; i < answer.n; i++) {
		if (!shows(world, query->kind, json_array_get(data, i), answer.data[i])) {
			complain(where, "another object", query, &answer, outcome);
		}
	}
	if (!is_text(list, "object", "list") ||
		!is_text(list, "first_id", answer.n ? answer.data[0]->id : NULL) ||
		!is_text(list, "last_id", answer.n ? answer.data[answer.n - 1]->id : NULL) ||
		json_is_true(json_object_get(list, "has_more")) != answer.has_more) {
		complain(where, "another frame", query, &answer, outcome);
	}
}

json_t *query_ask(const char *where, const struct world *world, const struct query *query)
{
	json_t *reply = wire_call_take(world->wire, query_method(query), query_params(query));
	json_t *outcome = wire_keep(world->wire, json_pack("[OO]", json_object_get(reply, "error"),
							 json_object_get(reply, "result")));

	query_check(where, world, query, outcome);
	return json_array_get(outcome, 1);
}
