#include "cmocka_all.h"

#include "entry.h"
#include "replay.h"
#include "status.h"

#include <string.h>

/* "" for null. */
static const char *of(const json_t *change, const char *name)
{
	const char *value = param_text(change, name);

	return value ? value : "";
}

static bool is_told(const struct book_change *told, const json_t *change)
{
	const char *step = of(change, "step_id");
	const char *event = of(change, "event");
	const char *prefix = *step ? "thread.run.step." : *told->run ? "thread.run." : "thread.";

	return (*told->step == '?' ? *step != '\0' : is(told->step, step)) &&
	       is(told->thread, of(change, "thread_id")) &&
	       !strncmp(event, prefix, strlen(prefix)) && is(told->event, event + strlen(prefix)) &&
	       is(told->from, of(change, "from")) && is(told->to, of(change, "to")) &&
	       is(told->by, of(change, "by"));
}

/* In what order the steps of a run end together is not laid down. */
static bool may_follow(const struct book_change *told, const json_t *change)
{
	const char *step = of(change, "step_id");

	return *told->step && *step && !is(told->step, step);
}

/* What the book tells next of the change's run, if it is that; NULL if it is not. */
static struct book_change *hear(struct book *book, const json_t *change)
{
	for (unsigned int i = 0; i < book->n_told; i++) {
		struct book_change *told = &book->told[i];

		if (told->heard || !is(told->run, of(change, "run_id"))) {
			continue;
		}
		if (is_told(told, change)) {
			if (*told->step == '?') {
				book_learn(book, told->step, of(change, "step_id"));
			}
			told->heard = true;
			return told;
		}
		if (!may_follow(told, change)) {
			return NULL;
		}
	}
	return NULL;
}

static struct replayed *find(struct replay *replay, const struct book_change *told)
{
	for (unsigned int i = 0; i < replay->n_seen; i++) {
		struct replayed *seen = &replay->seen[i];

		if (is(seen->run, told->run) && is(seen->step, told->step)) {
			return seen;
		}
	}
	return NULL;
}

static struct replayed *add(struct replay *replay, const struct book_change *told)
{
	struct replayed *seen = &replay->seen[replay->n_seen++];

	assert_in_range(replay->n_seen, 1, BOOK_RUNS * (BOOK_STEPS + 1));
	*seen = (struct replayed){
		.enqueued = told->enqueued, .created_at = told->created_at, .number = told->number};
	SET(seen->run, told->run);
	SET(seen->step, told->step);
	SET(seen->thread, told->thread);
	return seen;
}

/* The run and its steps. */
static void remove_run(struct replay *replay, const char *run)
{
	for (unsigned int i = replay->n_seen; i-- > 0;) {
		if (is(replay->seen[i].run, run)) {
			replay->seen[i] = replay->seen[--replay->n_seen];
		}
	}
}

static bool is_before(const struct replayed *a, const struct replayed *b)
{
	return a->created_at != b->created_at ? a->created_at < b->created_at
					      : a->number < b->number;
}

/* Why an enqueued run may not go in progress while @other is what it is; NULL if it may. */
static const char *conflict(const struct replayed *run, const struct replayed *other)
{
	bool active = !status_ended(other->status);

	if (other == run || *other->step || !is(other->thread, run->thread)) {
		return NULL;
	}
	if (active && is_before(other, run)) {
		return "an enqueued run is in progress before an earlier one has ended";
	}
	if (active && other->enqueued && !is(other->status, "queued")) {
		return "two enqueued runs of a thread are executed";
	}
	return other->enqueued && other->begun && !run->begun && other->number > run->number
		       ? "enqueued runs of a thread begin in another order"
		       : NULL;
}

static const char *take_turn(struct replay *replay, struct replayed *run)
{
	const char *why = NULL;

	for (unsigned int i = 0; i < replay->n_seen && run->enqueued && !why; i++) {
		why = conflict(run, &replay->seen[i]);
	}
	run->begun = true;
	return why;
}

/* From where it was. */
static const char *go_on(struct replay *replay, const struct book_change *told)
{
	struct replayed *seen = find(replay, told);
	const char *why = NULL;

	if (!seen != !*told->from || (seen && !is(seen->status, told->from))) {
		return "the change does not go on from where its object was";
	}
	if (!*told->to) {
		remove_run(replay, told->run);
		return NULL;
	}
	seen = seen ? seen : add(replay, told);
	if (!*told->step && is(told->to, "in_progress") && !is(told->from, told->to)) {
		why = take_turn(replay, seen);
	}
	SET(seen->status, told->to);
	return why;
}

const char *replay_change(struct replay *replay, struct book *book, const json_t *change)
{
	const struct book_change *told;

	if (param_number(change, "seq", 0) != (int64_t)++replay->last_seq) {
		return "the feed does not count on by one";
	}
	if (param_number(change, "at_ms", 0) != book->now_ms) {
		return "the change is of another time";
	}
	told = hear(book, change);
	return told ? go_on(replay, told) : "the change is not what the book tells";
}

const char *replay_end(const struct replay *replay, struct book *book)
{
	unsigned int runs = 0;

	for (unsigned int i = 0; i < book->n_told; i++) {
		if (!book->told[i].heard) {
			return "the feed leaves something out";
		}
	}
	for (unsigned int i = 0; i < replay->n_seen; i++) {
		const struct replayed *seen = &replay->seen[i];
		const struct book_run *run = book_run(book, seen->run);

		if (!*seen->step && (!run || !is(run->status, seen->status))) {
			return "the feed leads elsewhere";
		}
		runs += !*seen->step;
	}
	return runs == book->n_runs ? NULL : "the feed leads to other runs";
}
