#include "cmocka_all.h"

#include "entry.h"
#include "objects.h"
#include "plan.h"
#include "status.h"

#include <stdio.h>
#include <string.h>

enum { MANY_RUNS = BOOK_RUNS - 16, HOUR_MS = 3600000 };

static const char ACTIVE[] = "queued in_progress requires_action cancelling";

static bool chance(struct plan *p, unsigned int percent)
{
	return dice_chance(&p->dice, percent);
}

static int roll(struct plan *p, int n)
{
	return (int)dice_roll(&p->dice, (uint64_t)n);
}

static const struct book_run *any_run(struct plan *p)
{
	return &p->book->runs[roll(p, BOOK_RUNS)];
}

/* A run, rather one whose status is among @statuses; NULL when there is hardly one. */
static const struct book_run *pick(struct plan *p, const char *statuses)
{
	const struct book_run *run, *found = NULL;

	for (int i = 0; i < 200; i++) {
		run = any_run(p);
		if (*run->id) {
			found = run;
		}
		if (*run->id && strstr(statuses, run->status)) {
			break;
		}
	}
	return found;
}

static void put(json_t *params, const char *name, const char *value)
{
	if (value) {
		json_object_set_new(params, name, json_string(value));
	}
}

static void put_number(json_t *params, const char *name, int64_t value)
{
	json_object_set_new(params, name, json_integer(value));
}

static json_t *naming(struct plan *p, const struct book_run *run)
{
	return json_pack("{ss}", "run_id", run && !chance(p, 1) ? run->id : "run_unknown");
}

/* To the threads q… nothing comes but by enqueue. */
static const char *thread_name(struct plan *p, bool any)
{
	static const char *const names[] = {"m", "m1", "m11", "q", "q1", "q11"};

	return names[roll(p, any ? 6 : 3)];
}

static const char *assistant_name(struct plan *p)
{
	static const char *const names[] = {"a", "aa", "ab"};

	return names[roll(p, 3)];
}

/* The right token mostly; or an old one, that of another run, one that never was, or none. */
static const char *token_of(struct plan *p, const struct book_run *run)
{
	const char *token = run && *run->lease.token ? run->lease.token : NULL;
	const struct book_run *other = any_run(p);

	switch (roll(p, 20)) {
	case 0:
		return "lease_that_never_was";
	case 1:
		return *other->id && *other->lease.token ? other->lease.token : NULL;
	case 2:
		return NULL;
	case 3:
		return run && *run->old_token ? run->old_token : token;
	default:
		return token;
	}
}

static json_t *create(struct plan *p)
{
	static const char *const modes[] = {"reject", "enqueue", "enqueue", "parallel"};
	const char *thread = thread_name(p, true);
	const struct book_run *known = any_run(p);
	json_t *params =
		json_pack("{ssss}", "thread_id", thread, "assistant_id", assistant_name(p));

	put(params, "on_active", *thread == 'q' ? "enqueue" : modes[roll(p, 4)]);
	if (chance(p, 70)) {
		json_object_set_new(params, "id", json_sprintf("r%d", ++p->serial));
	} else if (chance(p, 10)) {
		put(params, "id", *known->id ? known->id : NULL);
	} else if (chance(p, 50) && p->serial) {
		/* An id that was deleted may come again. */
		json_object_set_new(params, "id", json_sprintf("r%d", 1 + roll(p, (int)p->serial)));
	}
	if (chance(p, 40)) {
		put_number(params, "expires_in", chance(p, 20) ? 0 : 1 + roll(p, 120));
	}
	return params;
}

/* Again under the same key, or, to be refused, something else. */
static json_t *repeat(struct plan *p, const char *claim)
{
	json_t *params = json_loads(claim, 0, NULL);

	if (chance(p, 15)) {
		put(params, "worker", "w9");
	}
	return params;
}

static void filter(struct plan *p, json_t *params)
{
	if (chance(p, 35)) {
		json_object_set_new(params, "assistant_ids", json_pack("[s]", assistant_name(p)));
		if (chance(p, 40)) {
			json_array_append_new(json_object_get(params, "assistant_ids"),
				json_string(assistant_name(p)));
		}
	}
	if (chance(p, 25)) {
		put(params, "thread_id", thread_name(p, true));
	}
}

static void put_key(struct plan *p, json_t *params)
{
	json_object_set_new(params, "idempotency_key", json_sprintf("k%d", ++p->serial));
	json_decref(p->keyed);
	p->keyed = json_deep_copy(params);
}

static json_t *claim(struct plan *p)
{
	const struct book_claim *kept = &p->book->claims[roll(p, BOOK_CLAIMS)];
	json_t *params;

	if (*kept->key && chance(p, 12)) {
		return repeat(p, kept->params);
	}
	if (p->keyed && chance(p, 4)) {
		return json_deep_copy(p->keyed);
	}
	params = json_pack("{so}", "worker", json_sprintf("w%d", roll(p, 4)));
	if (chance(p, 80)) {
		put_number(params, "lease_ms",
			chance(p, 60) ? 100 + roll(p, 4000) : 100 + roll(p, 90000));
	}
	filter(p, params);
	if (chance(p, 30)) {
		put_key(p, params);
	}
	return params;
}

static json_t *under_lease(struct plan *p)
{
	const struct book_run *run = pick(p, "in_progress cancelling");
	const char *token = token_of(p, run);
	json_t *params = naming(p, run);

	put(params, "lease", token ? token : "lease_of_nobody");
	return params;
}

static json_t *heartbeat(struct plan *p)
{
	json_t *params = under_lease(p);

	if (chance(p, 50)) {
		put_number(params, "lease_ms", 100 + roll(p, chance(p, 50) ? 2000 : 60000));
	}
	return params;
}

static json_t *requeue(struct plan *p)
{
	return naming(p, pick(p, "in_progress"));
}

static json_t *any_active(struct plan *p)
{
	return naming(p, pick(p, ACTIVE));
}

static json_t *delete (struct plan *p)
{
	bool many = p->book->n_runs >= MANY_RUNS;

	return naming(
		p, pick(p, many || chance(p, 60) ? "completed incomplete failed cancelled expired"
						 : ACTIVE));
}

static json_t *delete_thread(struct plan *p)
{
	return json_pack("{ss}", "thread_id", thread_name(p, true));
}

/* One that may follow, mostly, and rather one that does not end the run. */
static const char *next_status(struct plan *p, const struct book_run *run)
{
	const char *to = run_statuses[roll(p, N_STATUSES)];
	bool end = chance(p, 40);

	for (int i = 0; i < 20 && chance(p, 98); i++) {
		if (status_allows(run->status, to) && end == status_ended(to)) {
			break;
		}
		to = run_statuses[roll(p, N_STATUSES)];
	}
	return to;
}

/* That of an open step or, mostly, another. */
static json_t *some_call(struct plan *p, const struct book_run *run)
{
	for (unsigned int i = 0; run && i < run->n_steps && chance(p, 70); i++) {
		if (*run->steps[i].call && is(run->steps[i].status, "in_progress")) {
			return json_string(run->steps[i].call);
		}
	}
	return json_sprintf("c%d", ++p->serial);
}

static json_t *function_call(json_t *id)
{
	return json_pack("{sosss{ssss}}", "id", id, "type", "function", "function", "name", "look",
		"arguments", "{}");
}

static json_t *required_action(json_t *call)
{
	return json_pack("{sss{s[o]}}", "type", "submit_tool_outputs", "submit_tool_outputs",
		"tool_calls", function_call(call));
}

static void put_details(
	struct plan *p, json_t *params, const struct book_run *run, const char *status)
{
	if (is(status, "failed")) {
		json_object_set_new(params, "last_error",
			json_pack("{ssss}", "code", "server_error", "message", "it broke"));
	} else if (is(status, "incomplete")) {
		json_object_set_new(params, "incomplete_details",
			json_pack("{ss}", "reason", "max_prompt_tokens"));
	} else if (is(status, "requires_action")) {
		json_object_set_new(params, "required_action", required_action(some_call(p, run)));
	}
}

static json_t *update(struct plan *p)
{
	const struct book_run *run = pick(p, chance(p, 85) ? "in_progress cancelling" : ACTIVE);
	json_t *params = naming(p, run);
	const char *to = run ? next_status(p, run) : "completed";

	put(params, "lease", token_of(p, run));
	if (chance(p, 10) || (is(to, "requires_action") && run && run->n_steps > BOOK_STEPS - 2)) {
		json_object_set_new(params, "metadata", json_object());
		if (chance(p, 70)) {
			json_object_del(params, "lease");
		}
		return params;
	}
	put(params, "status", to);
	put_details(p, params, run, to);
	return params;
}

static json_t *submit(struct plan *p)
{
	const struct book_run *run = pick(p, "requires_action");
	json_t *params = naming(p, run);

	json_object_set_new(params, "tool_outputs",
		json_pack("[{ssss}]", "tool_call_id",
			run && *run->call && chance(p, 95) ? run->call : "c0", "output", "o"));
	return params;
}

static json_t *step_details(struct plan *p, bool of_call)
{
	json_t *details;

	if (!of_call) {
		return json_pack("{sss{ss}}", "type", "message_creation", "message_creation",
			"message_id", "msg_1");
	}
	details = json_pack("{sss[o]}", "type", "tool_calls", "tool_calls",
		function_call(json_sprintf("c%d", ++p->serial)));
	json_object_set_new(field(details, "tool_calls[0].function"), "output", json_null());
	return details;
}

static json_t *create_step(struct plan *p)
{
	const struct book_run *run = pick(p, "in_progress cancelling");
	bool full = run && run->n_steps > BOOK_STEPS - 4, of_call = chance(p, 40);
	json_t *params = naming(p, full ? NULL : run);

	put(params, "type", of_call ? "tool_calls" : "message_creation");
	json_object_set_new(params, "step_details", step_details(p, of_call));
	put(params, "lease", token_of(p, run));
	if (chance(p, 50)) {
		json_object_set_new(params, "id", json_sprintf("s%d", ++p->serial));
	}
	return params;
}

/* One whose id is known; what outputs are waited for in is left alone. NULL when there is none. */
static const struct book_step *pick_step(struct plan *p, const struct book_run *run)
{
	const struct book_step *step;

	if (!run || !run->n_steps || is(run->status, "requires_action")) {
		return NULL;
	}
	step = &run->steps[roll(p, (int)run->n_steps)];
	return *step->id == '?' ? NULL : step;
}

static json_t *update_step(struct plan *p)
{
	static const char *const statuses[] = {"completed", "cancelled", "failed", "expired"};
	const char *to = statuses[chance(p, 60) ? 0 : roll(p, 4)];
	const struct book_run *run = NULL;
	const struct book_step *step = NULL;
	json_t *params;

	for (int i = 0; i < 10 && (!step || !is(step->status, "in_progress")); i++) {
		run = pick(p, chance(p, 90) ? "in_progress cancelling" : ACTIVE);
		step = pick_step(p, run);
	}
	params = naming(p, run);
	put(params, "step_id", step ? step->id : "step_unknown");
	put(params, "status", to);
	put_details(p, params, NULL, to);
	put(params, "lease", token_of(p, run));
	return params;
}

/* Of a time before all others mostly, in a status that has not ended mostly. */
static json_t *new_import(struct plan *p)
{
	static const char *const statuses[] = {
		"queued", "queued", "in_progress", "requires_action", "cancelling", "completed"};
	const char *status = statuses[roll(p, 6)];
	int64_t now = p->book->now_ms / 1000;
	json_t *run = run_object("{'thread_id':'%s','assistant_id':'%s','status':'%s'}",
		thread_name(p, false), assistant_name(p), status);

	json_object_set_new(run, "id", json_sprintf("r%d", ++p->serial));
	put_number(run, "created_at", chance(p, 10) ? now + roll(p, 4000) : now - roll(p, 100));
	if (chance(p, 40) && !status_ended(status)) {
		put_number(run, "expires_at", now - 10 + roll(p, 120));
	}
	if (is(status, "requires_action")) {
		json_object_set_new(
			run, "required_action", required_action(json_sprintf("c%d", ++p->serial)));
	}
	return run;
}

static json_t *import(struct plan *p)
{
	json_t *objects = json_pack("[o]", new_import(p));

	if (chance(p, 30)) {
		json_array_append_new(objects, new_import(p));
	}
	return json_pack("{so}", "objects", objects);
}

json_t *plan_next(struct plan *p)
{
	static const struct {
		const char *method;
		json_t *(*params)(struct plan *p);
		int weight;
	} plans[] = {
		{"runs.delete", delete, 4},
		{"runs.claim", claim, 26},
		{"runs.heartbeat", heartbeat, 6},
		{"runs.release", under_lease, 4},
		{"runs.requeue", requeue, 2},
		{"runs.fail", any_active, 2},
		{"runs.update", update, 26},
		{"runs.cancel", any_active, 4},
		{"runs.submit_tool_outputs", submit, 6},
		{"steps.create", create_step, 8},
		{"steps.update", update_step, 8},
		{"threads.delete", delete_thread, 1},
		{"runs.create", create, 22},
		{"objects.import", import, 3},
	};
	int left = roll(p, p->book->n_runs < MANY_RUNS ? 122 : 97);
	size_t i = 0;

	while (left >= plans[i].weight) {
		left -= plans[i++].weight;
	}
	return json_pack("[so]", plans[i].method, plans[i].params(p));
}

void plan_finish(struct plan *p)
{
	json_decref(p->keyed);
}

int64_t plan_time(struct plan *p)
{
	int64_t due_ms = book_next_due(p->book) - p->book->steady_ms;

	switch (roll(p, 40)) {
	case 0:
		return roll(p, 600000);
	case 1:
	case 2:
	case 3:
		return roll(p, 30000);
	case 4:
	case 5:
	case 6:
	case 7:
		return due_ms > 0 && due_ms < HOUR_MS ? due_ms - 1 + roll(p, 2) : 0;
	default:
		return chance(p, 50) ? roll(p, 400) : 0;
	}
}

int64_t plan_clock_set(struct plan *p)
{
	return chance(p, 2) ? chance(p, 50) ? -HOUR_MS : HOUR_MS : 0;
}
