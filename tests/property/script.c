#include "cmocka_all.h"

#include "objects.h"
#include "rules.h"
#include "script_parts.h"

enum { MAX_BATCH = 10 };

static json_t *runs_cancel(struct script *s)
{
	return naming(s, pick_run(s, ACTIVE));
}

static json_t *runs_delete(struct script *s)
{
	return naming(s, pick_run(s, ENDED));
}

static json_t *threads_delete(struct script *s)
{
	return json_pack("{ss}", "thread_id", chance(s, 30) ? thread_name(s) : "thread_unknown");
}

static json_t *plan_one(struct script *s)
{
	static const struct {
		const char *method;
		json_t *(*params)(struct script *);
		unsigned int weight;
	} plans[] = {
		{"runs.create", params_of_runs_create, 14},
		{"runs.update", params_of_runs_update, 36},
		{"runs.cancel", runs_cancel, 5},
		{"runs.submit_tool_outputs", params_of_runs_submit, 10},
		{"runs.delete", runs_delete, 4},
		{"steps.create", params_of_steps_create, 20},
		{"steps.update", params_of_steps_update, 16},
		{"threads.delete", threads_delete, 1},
		{"objects.import", params_of_import, 3},
	};
	uint64_t roll = dice_roll(&s->dice, 109);
	size_t i = 0;

	while (roll >= plans[i].weight) {
		roll -= plans[i++].weight;
	}
	return json_pack("[so]", plans[i].method, plans[i].params(s));
}

static json_t *plan_batch(struct script *s)
{
	bool atomic = chance(s, 50);
	json_t *requests = json_array();
	uint64_t left = 1 + dice_roll(&s->dice, atomic ? MAX_BATCH / 2 : MAX_BATCH);

	for (; left; left--) {
		json_array_append_new(
			requests, chance(s, 1) ? json_pack("[s{}]", "runs.nope") : plan_one(s));
	}
	return json_pack("[s{sosb}]", "batch", "requests", requests, "atomic", atomic);
}

/* Under a new key or, what must be refused, under that of another message. */
static void put_key(struct script *s, json_t *message)
{
	json_t **kept = &s->kept[dice_roll(&s->dice, N_KEPT)], *key = NULL;

	if (*kept && chance(s, 20)) {
		key = json_object_get(json_array_get(*kept, 1), "idempotency_key");
	}
	json_object_set_new(json_array_get(message, 1), "idempotency_key",
		key ? json_incref(key) : json_sprintf("key %u", ++s->serial));
	json_decref(*kept);
	*kept = json_deep_copy(message);
}

json_t *script_next(struct script *s)
{
	json_t *message, *kept = s->kept[dice_roll(&s->dice, N_KEPT)];

	if (kept && chance(s, 15)) {
		return json_deep_copy(kept);
	}
	message = chance(s, 35) ? plan_batch(s) : plan_one(s);
	if (chance(s, 50)) {
		put_key(s, message);
	}
	return message;
}

void script_finish(struct script *s)
{
	for (size_t i = 0; i < N_KEPT; i++) {
		json_decref(s->kept[i]);
	}
}
