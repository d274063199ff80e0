/*
 * A program that writes without an end, whatever becomes of the daemon, and keeps in its ledger
 * what it was told is stored. Ends with status 0 when its ledger says to stop.
 *
 *   writer URL LEDGER NUMBER SEED
 */
#include "cmocka_all.h"

#include "daemon.h"
#include "dice.h"
#include "message.h"
#include "objects.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* How long to wait for a reply before sending again, and until giving up. */
enum { PATIENCE_MS = 400, LIMIT_MS = 30000 };

struct writer {
	struct wire wire;
	struct ledger *ledger;
	struct dice dice;
	struct asked asked; /* as it is in the ledger */
	unsigned int number;
	uint32_t n_messages;
};

/* A run of the ledger that is fit, or NULL. */
static struct ledger_run *pick(struct writer *w, bool (*fits)(const struct ledger_run *))
{
	size_t from = dice_roll(&w->dice, LEDGER_RUNS);

	for (size_t i = 0; i < LEDGER_RUNS; i++) {
		struct ledger_run *run = &w->ledger->told.runs[(from + i) % LEDGER_RUNS];

		if (run->serial && fits(run)) {
			return run;
		}
	}
	return NULL;
}

static bool any_run(const struct ledger_run *run)
{
	return true;
}

static bool takes_steps(const struct ledger_run *run)
{
	return run->status == IN_PROGRESS && run->n_steps + 4 <= LEDGER_STEPS;
}

static bool moves(const struct ledger_run *run)
{
	return !ledger_ended(run->status);
}

static size_t open_steps(const struct ledger_run *run)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n_steps; i++) {
		n += run->steps[i].status == IN_PROGRESS;
	}
	return n;
}

static bool has_open_step(const struct ledger_run *run)
{
	return run->status == IN_PROGRESS && open_steps(run);
}

/* Add a change to the message. What is made gets the next serial number and its own id. */
static struct change *ask(struct writer *w, enum change_kind kind, uint32_t run, enum status status)
{
	struct asked *asked = &w->asked;
	struct change *change = &asked->changes[asked->n++];

	assert_true(asked->n <= LEDGER_CHANGES);
	*change = (struct change){.kind = kind, .run = run, .status = status};
	if (kind == RUN_NEW) {
		change->run = ++w->ledger->last_serial;
		snprintf(change->id, LEDGER_ID, "r-%u-%u", w->number, change->run);
	} else if (kind == STEP_NEW) {
		change->step = ++w->ledger->last_serial;
		snprintf(change->id, LEDGER_ID, "s-%u-%u", w->number, change->step);
	}
	return change;
}

static void let_issue(struct writer *w, struct change *change)
{
	change->issued = dice_chance(&w->dice, 50);
	if (change->issued) {
		change->id[0] = '\0';
	}
}

static void ask_new_run(struct writer *w)
{
	let_issue(w, ask(w, RUN_NEW, 0, QUEUED));
}

static void ask_new_step(struct writer *w)
{
	const struct ledger_run *run = pick(w, takes_steps);

	if (run) {
		let_issue(w, ask(w, STEP_NEW, run->serial, IN_PROGRESS));
	}
}

static enum status next_status(struct writer *w, const struct ledger_run *run)
{
	if (run->status == QUEUED) {
		return dice_chance(&w->dice, 85) ? IN_PROGRESS : CANCELLED;
	}
	return open_steps(run) ? FAILED : COMPLETED;
}

static void ask_move(struct writer *w)
{
	const struct ledger_run *run = pick(w, moves);

	if (run) {
		ask(w, RUN_MOVE, run->serial, next_status(w, run));
	}
}

static void ask_end_step(struct writer *w)
{
	const struct ledger_run *run = pick(w, has_open_step);

	for (size_t i = 0; run && i < run->n_steps; i++) {
		if (run->steps[i].status == IN_PROGRESS) {
			ask(w, STEP_MOVE, run->serial, COMPLETED)->step = run->steps[i].serial;
			return;
		}
	}
}

static void ask_delete(struct writer *w)
{
	const struct ledger_run *run = pick(w, any_run);

	if (run) {
		ask(w, RUN_DELETE, run->serial, QUEUED);
	}
}

/* Steps with issued ids, one after the other. */
static void ask_plain_batch(struct writer *w)
{
	const struct ledger_run *run = pick(w, takes_steps);

	w->asked.form = PLAIN_BATCH;
	for (uint64_t left = 1 + dice_roll(&w->dice, 4); run && left; left--) {
		let_issue(w, ask(w, STEP_NEW, run->serial, IN_PROGRESS));
	}
	if (run && dice_chance(&w->dice, 30)) {
		ask(w, RUN_MOVE, run->serial, FAILED);
	}
}

/* A run from its creation on, perhaps to its end, as one. */
static void ask_atomic_batch(struct writer *w)
{
	uint32_t run = ask(w, RUN_NEW, 0, QUEUED)->run, step;

	w->asked.form = ATOMIC_BATCH;
	w->asked.doomed = dice_chance(&w->dice, 15);
	ask(w, RUN_MOVE, run, IN_PROGRESS);
	for (uint64_t left = dice_roll(&w->dice, 6); left; left--) {
		step = ask(w, STEP_NEW, run, IN_PROGRESS)->step;
		if (dice_chance(&w->dice, 60)) {
			ask(w, STEP_MOVE, run, COMPLETED)->step = step;
		}
	}
	if (dice_chance(&w->dice, 50)) {
		ask(w, RUN_MOVE, run, FAILED);
	}
}

static void ask_import(struct writer *w)
{
	static const enum status statuses[] = {QUEUED, IN_PROGRESS, COMPLETED, FAILED};
	enum status status = statuses[dice_roll(&w->dice, 4)];
	uint32_t run = ask(w, RUN_NEW, 0, status)->run;

	w->asked.form = IMPORT;
	for (uint64_t left = dice_roll(&w->dice, LEDGER_STEPS); left; left--) {
		ask(w, STEP_NEW, run, dice_chance(&w->dice, 50) ? COMPLETED : FAILED);
	}
}

/* Decide on the next message; nothing but deletes when the ledger is nearly full. */
static void plan(struct writer *w)
{
	static void (*const plans[])(struct writer *) = {ask_new_run, ask_new_step, ask_new_step,
		ask_new_step, ask_move, ask_move, ask_end_step, ask_end_step, ask_delete,
		ask_plain_batch, ask_atomic_batch, ask_import};
	const size_t n = sizeof(plans) / sizeof(plans[0]);
	size_t used = 0;

	for (size_t i = 0; i < LEDGER_RUNS; i++) {
		used += w->ledger->told.runs[i].serial != 0;
	}
	do {
		w->asked = (struct asked){.form = SINGLE};
		(used + 2 > LEDGER_RUNS ? ask_delete : plans[dice_roll(&w->dice, n)])(w);
	} while (!w->asked.n);
	pthread_mutex_lock(&w->ledger->lock);
	w->ledger->asked = w->asked;
	pthread_mutex_unlock(&w->ledger->lock);
}

/* Send until there is an answer. The reply belongs to the wire. */
static json_t *send_until_answered(struct writer *w, const msgpack_sbuffer *frame)
{
	long deadline = clock_ms() + LIMIT_MS;
	json_t *reply;

	while (!(reply = wire_exchange(&w->wire, frame->data, frame->size))) {
		w->ledger->n_resent++;
		if (clock_ms() > deadline) {
			fail_msg("writer %u: message %u was not answered in %d ms", w->number,
				w->n_messages, LIMIT_MS);
		}
	}
	return reply;
}

/* A request of a batch is answered with the object as it is now, perhaps further on: by id. */
static bool alike(const struct writer *w, const json_t *first, const json_t *second)
{
	const json_t *a = field(first, "[3].results"), *b = field(second, "[3].results");

	if (w->asked.form == SINGLE || w->asked.form == IMPORT || w->asked.doomed) {
		return same(first, second);
	}
	for (size_t i = 0; i < json_array_size(a); i++) {
		const json_t *x = json_array_get(a, i), *y = json_array_get(b, i);

		if (!same(field(x, "[0]"), field(y, "[0]")) ||
			!same(field(x, "[1].id"), field(y, "[1].id"))) {
			return false;
		}
	}
	return json_array_size(a) == json_array_size(b);
}

/* The same message again, on purpose: the second answer must be like the first. */
static void send_again(struct writer *w, const msgpack_sbuffer *frame, const json_t *first)
{
	json_t *second = send_until_answered(w, frame);

	w->ledger->n_resent++;
	if (!alike(w, first, second)) {
		fail_msg("writer %u: sent again, %s became %s", w->number, json_dumps(first, 0),
			json_dumps(second, 0));
	}
}

/* The id of what @change made, from its [.., error, result] or [error, result]. */
static void learn(struct writer *w, struct change *change, const json_t *outcome)
{
	size_t n = json_array_size(outcome);
	const json_t *error = json_array_get(outcome, n - 2);
	const json_t *result = json_array_get(outcome, n - 1);

	if (!json_is_null(error)) {
		fail_msg("writer %u: refused: %s", w->number, json_dumps(error, JSON_ENCODE_ANY));
	}
	if (change->kind == RUN_NEW || change->kind == STEP_NEW) {
		expect_fields(result, "{'metadata':{'w':'%u','n':'%u'}}", w->number,
			change->kind == RUN_NEW ? change->run : change->step);
		snprintf(change->id, LEDGER_ID, "%s", text(result, "id"));
	}
}

static void take_reply(struct writer *w, struct asked *asked, const json_t *reply)
{
	const json_t *error = json_array_get(reply, 2), *results;

	if (asked->doomed) {
		check_error("an atomic batch", error, "not_found", "requests[*");
		asked->n = 0;
		return;
	}
	if (asked->form == SINGLE) {
		learn(w, &asked->changes[0], reply);
		return;
	}
	if (!json_is_null(error)) {
		fail_msg("writer %u: refused: %s", w->number, json_dumps(error, JSON_ENCODE_ANY));
	}
	results = field(json_array_get(reply, 3), "results");
	for (size_t i = 0; i < asked->n && asked->form != IMPORT; i++) {
		learn(w, &asked->changes[i], json_array_get(results, i));
	}
	if (asked->form == IMPORT) {
		expect_fields(json_array_get(reply, 3), "{'imported':%zu,'unchanged':0}", asked->n);
	}
}

static void note(struct writer *w, const json_t *reply)
{
	struct ledger *ledger = w->ledger;

	take_reply(w, &w->asked, reply);
	pthread_mutex_lock(&ledger->lock);
	for (size_t i = 0; i < w->asked.n; i++) {
		ledger_apply(&ledger->told, &w->asked.changes[i]);
	}
	ledger->asked.n = 0;
	ledger->n_told++;
	pthread_mutex_unlock(&ledger->lock);
}

static void write_once(struct writer *w)
{
	json_t *params, *reply;
	msgpack_sbuffer frame;
	char key[32];

	plan(w);
	params = message_params(w->number, &w->ledger->told, &w->asked);
	snprintf(key, sizeof(key), "%u-%u", w->number, ++w->n_messages);
	json_object_set_new(params, "idempotency_key", json_string(key));
	msgpack_sbuffer_init(&frame);
	codec_pack_request(&frame, w->n_messages, message_method(&w->asked), params);
	reply = send_until_answered(w, &frame);
	if (dice_chance(&w->dice, 15)) {
		send_again(w, &frame, reply);
	}
	note(w, reply);
	msgpack_sbuffer_destroy(&frame);
	json_decref(params);
}

/* What was acknowledged can be read, also by who did not ask again. */
static void read_once(struct writer *w)
{
	const struct ledger_run *run = pick(w, any_run);
	msgpack_sbuffer frame;
	json_t *params, *reply;

	if (!run) {
		return;
	}
	params = json_pack("{ss}", "run_id", run->id);
	msgpack_sbuffer_init(&frame);
	codec_pack_request(&frame, w->n_messages, "runs.get", params);
	reply = send_until_answered(w, &frame);
	expect_fields(json_array_get(reply, 3),
		"{'id':'%s','status':'%s','metadata':{'w':'%u','n':'%u'}}", run->id,
		ledger_statuses[run->status], w->number, run->serial);
	msgpack_sbuffer_destroy(&frame);
	json_decref(params);
}

int main(int argc, char **argv)
{
	struct writer w = {0};

	assert_int_equal(argc, 5);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	wire_open(&w.wire, argv[1], PATIENCE_MS);
	w.ledger = ledger_open(argv[2], false);
	w.number = (unsigned int)strtoul(argv[3], NULL, 10);
	dice_init(&w.dice, strtoull(argv[4], NULL, 10), 1000 + w.number);
	while (!w.ledger->stop) {
		write_once(&w);
		if (dice_chance(&w.dice, 20)) {
			read_once(&w);
		}
		json_array_clear(w.wire.kept);
	}
	wire_close(&w.wire);
	ledger_close(w.ledger);
	return 0;
}
