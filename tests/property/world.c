#include "cmocka_all.h"

#include "objects.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

const char *const world_threads[N_THREADS_MAX] = {"t", "t1", "t-2", "T_3", "t10", "thread_5"};
const char *const world_assistants[N_ASSISTANTS] = {"asst_1", "asst_2", "asst_10"};
const char *const world_models[N_MODELS] = {"", "m", "model-2"};

static const char *const pair_values[] = {"", "a", "\xc3\xa4"};

void world_init(struct world *world, struct wire *wire, uint64_t stream)
{
	memset(world, 0, sizeof(*world));
	world->wire = wire;
	dice_init(&world->dice, dice_seed(), stream);
}

void world_finish(struct world *world)
{
	oracle_finish(&world->oracle);
}

json_t *world_pairs(const int *pairs)
{
	json_t *metadata = json_object();
	char name[8];

	for (int i = 0; i < N_PAIRS; i++) {
		if (pairs[i] >= 0) {
			snprintf(name, sizeof(name), "k%d", i);
			json_object_set_new(metadata, name, json_string(pair_values[pairs[i]]));
		}
	}
	return metadata;
}

static void roll_pairs(struct dice *dice, int *pairs)
{
	for (int i = 0; i < N_PAIRS; i++) {
		pairs[i] = dice_chance(dice, 40) ? (int)dice_roll(dice, 3) : -1;
	}
}

static void roll_thing(struct world *world, enum kind kind, const char *thread, struct thing *thing)
{
	struct dice *dice = &world->dice;

	*thing = (struct thing){.thread = thread};
	dice_id(dice, kind == RUNS ? "run_" : "step_", thing->id, sizeof(thing->id));
	thing->created_at = EPOCH + (int64_t)dice_roll(dice, N_SECONDS);
	thing->status = kind == RUNS ? run_statuses[dice_roll(dice, N_STATUSES)]
				     : step_statuses[dice_roll(dice, N_STEP_STATUSES)];
	thing->type = step_types[dice_roll(dice, N_TYPES)];
	thing->assistant = world_assistants[dice_roll(dice, N_ASSISTANTS)];
	thing->model = world_models[dice_roll(dice, N_MODELS)];
	roll_pairs(dice, thing->pairs);
}

static json_t *details_of(const char *type)
{
	if (!strcmp(type, "tool_calls")) {
		return codec_parse("{'type':'tool_calls','tool_calls':[{'id':'call_1','type':"
				   "'function','function':{'name':'look','arguments':'{}',"
				   "'output':null}}]}");
	}
	return codec_parse("{'type':'message_creation',"
			   "'message_creation':{'message_id':'msg_1'}}");
}

static json_t *object_of(const struct thing *thing, enum kind kind)
{
	json_t *object =
		kind == RUNS ? run_object("{'model':'%s'}", thing->model)
			     : step_object("{'run_id':'%s','type':'%s'}", thing->run, thing->type);

	json_object_set_new(object, "id", json_string(thing->id));
	json_object_set_new(object, "thread_id", json_string(thing->thread));
	json_object_set_new(object, "assistant_id", json_string(thing->assistant));
	json_object_set_new(object, "created_at", json_integer(thing->created_at));
	json_object_set_new(object, "status", json_string(thing->status));
	json_object_set_new(object, "metadata", world_pairs(thing->pairs));
	if (kind == STEPS) {
		json_object_set_new(object, "step_details", details_of(thing->type));
	}
	return object;
}

/* A run that fits, or NULL. */
static struct thing *pick_run(
	struct world *world, const char *thread, bool (*fits)(const struct thing *))
{
	struct table *runs = &world->oracle.tables[RUNS];
	size_t from = dice_roll(&world->dice, runs->n);

	for (size_t i = 0; i < runs->n; i++) {
		struct thing *run = &runs->things[(from + i) % runs->n];

		if (!strcmp(run->thread, thread) && (!fits || fits(run))) {
			return run;
		}
	}
	return NULL;
}

/* The run of an imported step: of the same import, or of the store. */
static const char *pick_parent(struct world *world, const struct deed *deed, const char *thread)
{
	const struct thing *run;

	for (size_t i = 0; i < deed->n && dice_chance(&world->dice, 60); i++) {
		if (deed->kinds[i] == RUNS) {
			return deed->things[i].id;
		}
	}
	run = pick_run(world, thread, NULL);
	return run ? run->id : NULL;
}

void world_plan_import(struct world *world, const char *thread, size_t n, struct deed *deed)
{
	json_t *objects = json_array();

	*deed = (struct deed){.kind = DEED_IMPORT};
	while (deed->n < n) {
		struct thing *thing = &deed->things[deed->n];
		const char *parent = pick_parent(world, deed, thread);
		enum kind kind = parent && dice_chance(&world->dice, 65) ? STEPS : RUNS;

		roll_thing(world, kind, thread, thing);
		if (kind == STEPS) {
			strcpy(thing->run, parent);
		}
		json_array_append_new(objects, object_of(thing, kind));
		deed->kinds[deed->n++] = kind;
	}
	deed->request = json_pack("[s{so}]", "objects.import", "objects", objects);
}

static void plan_create_run(struct world *world, const char *thread, struct deed *deed)
{
	struct thing *run = &deed->things[0];
	json_t *params;

	roll_thing(world, RUNS, thread, run);
	run->status = "queued";
	params = json_pack("{ssssssssso}", "thread_id", thread, "assistant_id", run->assistant,
		"model", run->model, "on_active", "parallel", "metadata", world_pairs(run->pairs));
	if (dice_chance(&world->dice, 50)) {
		json_object_set_new(params, "id", json_string(run->id));
	}
	deed->request = json_pack("[so]", "runs.create", params);
}

static bool takes_steps(const struct thing *run)
{
	return !strcmp(run->status, "in_progress") || !strcmp(run->status, "cancelling");
}

static void plan_create_step(struct world *world, const char *thread, struct deed *deed)
{
	struct thing *run = pick_run(world, thread, takes_steps), *step = &deed->things[0];
	json_t *params;

	if (!run) {
		return;
	}
	roll_thing(world, STEPS, thread, step);
	strcpy(step->run, run->id);
	step->status = "in_progress";
	params = json_pack("{ssssso}", "run_id", run->id, "type", step->type, "step_details",
		details_of(step->type));
	if (dice_chance(&world->dice, 50)) {
		json_object_set_new(params, "id", json_string(step->id));
	}
	deed->request = json_pack("[so]", "steps.create", params);
}

static bool is_active(const struct thing *run)
{
	return !run_is_terminal(run);
}

static const char *next_status(struct world *world, const struct thing *run)
{
	static const char *const ways[4][5] = {
		{"in_progress", "in_progress", "cancelled", "failed", "expired"},
		{"completed", "incomplete", "failed", "cancelling", "expired"},
		{"cancelled", "cancelled", "failed", "failed", "expired"},
		{"cancelled", "completed", "incomplete", "failed", "expired"},
	};
	unsigned int from = name_number(run_statuses, N_STATUSES, run->status);
	const char *to = ways[from][dice_roll(&world->dice, 5)];

	if (strstr(to, "complete") && oracle_open_step(&world->oracle, run, run->thread)) {
		return "failed";
	}
	return to;
}

static void plan_move_run(struct world *world, const char *thread, struct deed *deed)
{
	struct thing *run = pick_run(world, thread, is_active);
	const char *to;

	if (!run) {
		return;
	}
	to = next_status(world, run);
	deed->things[0] = *run;
	deed->things[0].status = to;
	deed->request = codec_parse(
		"['runs.update',{'run_id':'%s','status':'%s'%s}]", run->id, to, status_demands(to));
}

static void plan_move_step(struct world *world, const char *thread, struct deed *deed)
{
	struct thing *step = oracle_open_step(&world->oracle, NULL, thread);

	if (!step) {
		return;
	}
	deed->things[0] = *step;
	deed->things[0].status =
		step_statuses[dice_chance(&world->dice, 70) ? 3 : 1 + dice_roll(&world->dice, 4)];
	deed->request = codec_parse(
		"['steps.update',{'run_id':'%s','step_id':'%s','status':'%s'%s}]", step->run,
		step->id, deed->things[0].status, status_demands(deed->things[0].status));
}

static void plan_metadata(struct world *world, const char *thread, struct deed *deed)
{
	struct thing *run = pick_run(world, thread, NULL);

	if (!run) {
		return;
	}
	deed->things[0] = *run;
	roll_pairs(&world->dice, deed->things[0].pairs);
	deed->request = json_pack("[s{ssso}]", "runs.update", "run_id", run->id, "metadata",
		world_pairs(deed->things[0].pairs));
}

static void plan_delete_run(struct world *world, const char *thread, struct deed *deed)
{
	struct thing *run = pick_run(world, thread, NULL);

	if (run) {
		deed->things[0] = *run;
		deed->request = json_pack("[s{ss}]", "runs.delete", "run_id", run->id);
	}
}

static void plan_delete_thread(struct world *world, const char *thread, struct deed *deed)
{
	struct thing *known = oracle_find(&world->oracle, THREADS, thread);

	if (known) {
		deed->things[0] = *known;
		deed->request = json_pack("[s{ss}]", "threads.delete", "thread_id", thread);
	}
}

void world_plan(struct world *world, const char *thread, bool may_delete, struct deed *deed)
{
	static void (*const plans[N_DEED_KINDS])(struct world *, const char *, struct deed *) = {
		[DEED_CREATE_RUN] = plan_create_run,
		[DEED_CREATE_STEP] = plan_create_step,
		[DEED_MOVE_RUN] = plan_move_run,
		[DEED_MOVE_STEP] = plan_move_step,
		[DEED_METADATA] = plan_metadata,
		[DEED_DELETE_RUN] = plan_delete_run,
		[DEED_DELETE_THREAD] = plan_delete_thread,
	};
	struct dice *dice = &world->dice;
	enum deed_kind kind = (enum deed_kind)dice_roll(
		dice, may_delete ? DEED_DELETE_RUN + 1 : DEED_METADATA + 1);

	if (may_delete && dice_chance(dice, 2)) {
		kind = DEED_DELETE_THREAD;
	}
	*deed = (struct deed){.kind = kind, .n = 1};
	if (plans[kind]) {
		plans[kind](world, thread, deed);
	}
	if (!deed->request) {
		world_plan_import(world, thread, 1 + dice_roll(dice, 6), deed);
	}
}

/* What a deleted object leaves: an id that is no cursor any more. */
static void remember_gone(struct world *world, enum kind kind, const char *id)
{
	strcpy(world->gone[kind][dice_roll(&world->dice, N_GONE)], id);
}

static void apply_delete(struct world *world, enum kind kind, const struct thing *thing)
{
	const struct table *steps = &world->oracle.tables[STEPS];

	for (size_t i = 0; i < steps->n; i++) {
		if (!strcmp(steps->things[i].run, thing->id)) {
			remember_gone(world, STEPS, steps->things[i].id);
		}
	}
	remember_gone(world, kind, thing->id);
	oracle_remove(&world->oracle, kind, thing->id);
}

static void apply_run_move(struct world *world, const struct thing *to)
{
	struct thing *run = oracle_find(&world->oracle, RUNS, to->id), *step;

	run->status = to->status;
	if (!run_is_terminal(run)) {
		return;
	}
	while ((step = oracle_open_step(&world->oracle, run, run->thread)) != NULL) {
		step->status = to->status;
	}
}

static void apply_creation(
	struct world *world, enum kind kind, const struct thing *made, const json_t *result)
{
	struct thing thing = *made;

	snprintf(thing.id, sizeof(thing.id), "%s", text(result, "id"));
	thing.created_at = number(result, "created_at");
	expect_fields(result, "{'status':'%s'}", made->status);
	oracle_add(&world->oracle, kind, &thing);
}

void world_apply(struct world *world, const struct deed *deed, const json_t *outcome)
{
	const struct thing *thing = &deed->things[0];
	const json_t *result = json_array_get(outcome, 1);

	if (!json_is_null(json_array_get(outcome, 0))) {
		fail_msg(
			"%s was refused: %s", json_dumps(deed->request, 0), json_dumps(outcome, 0));
	}
	switch (deed->kind) {
	case DEED_IMPORT:
		expect_fields(result, "{'imported':%zu,'unchanged':0}", deed->n);
		for (size_t i = 0; i < deed->n; i++) {
			oracle_add(&world->oracle, deed->kinds[i], &deed->things[i]);
		}
		break;
	case DEED_CREATE_RUN:
		apply_creation(world, RUNS, thing, result);
		break;
	case DEED_CREATE_STEP:
		apply_creation(world, STEPS, thing, result);
		break;
	case DEED_MOVE_RUN:
		apply_run_move(world, thing);
		break;
	case DEED_MOVE_STEP:
		oracle_find(&world->oracle, STEPS, thing->id)->status = thing->status;
		break;
	case DEED_METADATA:
		memcpy(oracle_find(&world->oracle, RUNS, thing->id)->pairs, thing->pairs,
			sizeof(thing->pairs));
		break;
	default:
		apply_delete(world, deed->kind == DEED_DELETE_RUN ? RUNS : THREADS, thing);
	}
}

void world_do(struct world *world, struct deed *deed)
{
	json_t *params = json_incref(json_array_get(deed->request, 1));
	json_t *reply = wire_call_take(
		world->wire, json_string_value(json_array_get(deed->request, 0)), params);
	json_t *outcome = json_pack(
		"[OO]", json_object_get(reply, "error"), json_object_get(reply, "result"));

	world_apply(world, deed, outcome);
	json_decref(outcome);
	json_decref(deed->request);
}
