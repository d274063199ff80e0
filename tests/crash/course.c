#include "cmocka_all.h"

#include "course.h"

#include "journal.h"
#include "objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LOSSES 3

struct change {
	const json_t *json;
	const char *event;
	const char *step_id; /* NULL for the run's own */
	const char *from;    /* NULL for nil, as to */
	const char *to;
	const char *by;
	int64_t at_ms;
};

enum by { CLIENT, DAEMON, HOLDER, NEWCOMER };

/* All that may happen: to a run, or to a step of a run, that is in the status @at. */
struct rule {
	const char *event;
	const char *at;
	const char *from;
	const char *to;
	enum by by;
	enum tenure_end ends; /* HELD: no tenure ends */
};

#define RUN "thread.run."
#define STEP "thread.run.step."

static const struct rule rules[] = {
	{RUN "created", NULL, NULL, "queued", CLIENT, HELD},
	{RUN "in_progress", "queued", "queued", "in_progress", NEWCOMER, HELD},
	{RUN "lease_lost", "in_progress", "in_progress", "queued", DAEMON, LOST},
	{RUN "queued", "in_progress", "in_progress", "queued", HOLDER, GIVEN_BACK},
	{RUN "requires_action", "in_progress", "in_progress", "requires_action", HOLDER, ASKED},
	{RUN "queued", "requires_action", "requires_action", "queued", CLIENT, HELD},
	{RUN "completed", "in_progress", "in_progress", "completed", HOLDER, ENDED},
	{RUN "failed", "in_progress", "in_progress", "failed", HOLDER, ENDED},
	{RUN "failed", "queued", "queued", "failed", DAEMON, HELD},
	{STEP "created", "in_progress", NULL, "in_progress", HOLDER, HELD},
	{STEP "completed", "in_progress", "in_progress", "completed", HOLDER, HELD},
	{STEP "completed", "requires_action", "in_progress", "completed", CLIENT, HELD},
	{STEP "failed", "in_progress", "in_progress", "failed", HOLDER, HELD},
	{STEP "failed", "in_progress", "in_progress", "failed", DAEMON, HELD},
};

static bool equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static const char *text_or_null(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static void read_change(const json_t *json, struct change *out)
{
	*out = (struct change){
		.json = json,
		.event = text(json, "event"),
		.step_id = text_or_null(json, "step_id"),
		.from = text_or_null(json, "from"),
		.to = text_or_null(json, "to"),
		.by = text(json, "by"),
		.at_ms = number(json, "at_ms"),
	};
}

static void refuse(const struct course *course, const struct change *change, const char *why)
{
	char by[16] = "nobody";

	if (course->n_tenures && course->tenures[course->n_tenures - 1].end == HELD) {
		snprintf(by, sizeof(by), "w%u", course->tenures[course->n_tenures - 1].worker);
	}
	fail_msg("the run is %s, held by %s, after %zu claims and %u losses; then %s: %s",
		course->status ? course->status : "not there", by, course->n_tenures,
		course->n_losses, why, json_dumps(change->json, 0));
}

static struct tenure *holder(struct course *course)
{
	struct tenure *last = course->n_tenures ? &course->tenures[course->n_tenures - 1] : NULL;

	return last && last->end == HELD ? last : NULL;
}

static bool is_by(struct course *course, const struct change *change, enum by by)
{
	const struct tenure *held = holder(course);
	char name[16] = "";

	switch (by) {
	case CLIENT:
		return !strcmp(change->by, "client");
	case DAEMON:
		return !strcmp(change->by, "daemon");
	case HOLDER:
		snprintf(name, sizeof(name), "w%u", held ? held->worker : 0);
		return !strcmp(change->by, name);
	default:
		return !held && journal_worker(change->by);
	}
}

static const struct rule *find_rule(struct course *course, const struct change *change)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];

		if (!strcmp(rule->event, change->event) && equal(rule->at, course->status) &&
			equal(rule->from, change->from) && equal(rule->to, change->to)) {
			if (is_by(course, change, rule->by)) {
				return rule;
			}
			known = true;
		}
	}
	refuse(course, change, known ? "somebody else wrote" : "this is not allowed");
	return NULL;
}

/* Room for one more behind the @n there are. */
static void *grow(void *items, size_t n, size_t size)
{
	if (n & (n - 1)) {
		return items;
	}
	items = realloc(items, (n ? 2 * n : 1) * size);
	assert_non_null(items);
	return items;
}

static void begin_tenure(struct course *course, const struct change *change)
{
	course->tenures = grow(course->tenures, course->n_tenures, sizeof(*course->tenures));
	course->tenures[course->n_tenures++] = (struct tenure){
		.worker = journal_worker(change->by),
		.from_ms = change->at_ms,
	};
}

static void make_step(struct course *course, const struct change *change)
{
	struct course_step *step;

	course->steps = grow(course->steps, course->n_steps, sizeof(*course->steps));
	step = &course->steps[course->n_steps++];
	*step = (struct course_step){
		.made_in = (uint32_t)course->n_tenures, .made_ms = change->at_ms};
	snprintf(step->id, sizeof(step->id), "%s", change->step_id);
	holder(course)->n_steps++;
}

static struct course_step *find_step(struct course *course, const char *id)
{
	for (size_t i = 0; i < course->n_steps; i++) {
		if (!strcmp(course->steps[i].id, id)) {
			return &course->steps[i];
		}
	}
	return NULL;
}

static void end_step(struct course *course, const struct rule *rule, const struct change *change)
{
	struct course_step *step = find_step(course, change->step_id);

	if (!step || step->ended_ms) {
		refuse(course, change, "a step ends that is not open");
		return;
	}
	step->ended_ms = change->at_ms;
	step->ended_in = rule->by != DAEMON && holder(course) ? (uint32_t)course->n_tenures : 0;
	if (rule->by == DAEMON && course->n_losses != MAX_LOSSES - 1) {
		refuse(course, change,
			"a step fails of a run that is not about to be lost for good");
	}
}

static void apply_to_step(
	struct course *course, const struct rule *rule, const struct change *change)
{
	if (change->from) {
		end_step(course, rule, change);
	} else if (find_step(course, change->step_id)) {
		refuse(course, change, "a step is made a second time");
	} else {
		make_step(course, change);
	}
}

static bool has_open_step(const struct course *course)
{
	for (size_t i = 0; i < course->n_steps; i++) {
		if (!course->steps[i].ended_ms) {
			return true;
		}
	}
	return false;
}

/* What of a run's own rules is not in the table. */
static void check_run(struct course *course, const struct rule *rule, const struct change *change)
{
	bool given_up = course->n_losses >= MAX_LOSSES;

	if (rule->by == NEWCOMER && given_up) {
		refuse(course, change, "a run is claimed that was lost for good");
	}
	if (rule->by == DAEMON && rule->ends == HELD && !given_up) {
		refuse(course, change, "a run fails that is not lost for good");
	}
	if ((!strcmp(rule->to, "completed") || !strcmp(rule->to, "failed")) &&
		has_open_step(course)) {
		refuse(course, change, "a run ends whose steps have not");
	}
}

/* Claims hand out the oldest run that is queued. */
static void check_turn(
	struct courses *courses, const struct course *course, const struct change *change)
{
	struct course *oldest;

	do {
		oldest = &courses->runs[courses->oldest];
	} while (!equal(oldest->status, "queued") && courses->oldest++ < courses->n);
	if (oldest != course) {
		refuse(oldest, change, "a younger one is claimed");
	}
}

static void apply_to_run(
	struct courses *courses, uint32_t run, const struct rule *rule, const struct change *change)
{
	struct course *course = &courses->runs[run];
	struct tenure *held = holder(course);

	check_run(course, rule, change);
	if (rule->by == NEWCOMER) {
		check_turn(courses, course, change);
		begin_tenure(course, change);
	} else if (rule->ends != HELD) {
		held->end = rule->ends;
		held->to_ms = change->at_ms;
		courses->n_ends[rule->ends]++;
	}
	course->n_losses += rule->ends == LOST;
	course->n_ends += !strcmp(rule->to, "completed") || !strcmp(rule->to, "failed");
	courses->n_tenures += rule->by == NEWCOMER;
	courses->n_given_up += rule->by == DAEMON && rule->ends == HELD;
	course->status = rule->to;
	if (!strcmp(rule->to, "queued") && run < courses->oldest) {
		courses->oldest = run;
	}
}

static void apply(struct courses *courses, const json_t *json)
{
	uint32_t run = journal_run(text(json, "run_id"));
	const struct rule *rule;
	struct course *course;
	struct change change;

	assert_in_range(run, 1, courses->n);
	course = &courses->runs[run];
	read_change(json, &change);
	rule = find_rule(course, &change);
	if (change.step_id) {
		apply_to_step(course, rule, &change);
	} else {
		apply_to_run(courses, run, rule, &change);
	}
}

/* Returns how many changes there were after the last that was read. */
static size_t read_page(struct courses *courses, struct wire *wire)
{
	const json_t *page = expect_ok(wire, "changes.list", "{'after':%llu,'limit':1000}",
		(unsigned long long)courses->n_changes);
	const json_t *changes = field(page, "changes");
	size_t n = json_array_size(changes);

	assert_true(json_is_false(field(page, "truncated")));
	for (size_t i = 0; i < n; i++) {
		const json_t *change = json_array_get(changes, i);

		courses->n_changes++;
		if (number(change, "seq") != (json_int_t)courses->n_changes) {
			fail_msg("where seq %llu should be, there is %s",
				(unsigned long long)courses->n_changes, json_dumps(change, 0));
		}
		apply(courses, change);
	}
	json_array_clear(wire->kept);
	return n;
}

void courses_read(struct courses *courses, struct wire *wire, uint32_t n)
{
	*courses = (struct courses){.n = n, .runs = calloc(n + 1, sizeof(*courses->runs))};
	assert_non_null(courses->runs);
	while (read_page(courses, wire)) {
	}
}

void courses_finish(struct courses *courses)
{
	for (uint32_t run = 0; courses->runs && run <= courses->n; run++) {
		free(courses->runs[run].tenures);
		free(courses->runs[run].steps);
	}
	free(courses->runs);
	courses->runs = NULL;
}

const struct tenure *course_tenure(const struct courses *courses, uint32_t run, uint32_t attempt)
{
	const struct course *course = &courses->runs[run];

	return attempt && attempt <= course->n_tenures ? &course->tenures[attempt - 1] : NULL;
}

const struct course_step *course_step(const struct courses *courses, uint32_t run, const char *id)
{
	return find_step(&courses->runs[run], id);
}
