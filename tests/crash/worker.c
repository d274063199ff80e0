/*
 * A program that claims runs and executes them, whatever becomes of the daemon, and keeps in its
 * journal what it asked for under its leases and was told. Now and then it sleeps longer than its
 * lease, or gives the run back, and writes with the token all the same. Ends with status 0 when
 * its journal says to stop and no run is left.
 *
 *   worker URL JOURNAL NUMBER SEED
 */
#include "cmocka_all.h"

#include "daemon.h"
#include "dice.h"
#include "journal.h"
#include "objects.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* How long to wait for a reply, beyond a claim's wait, before sending again; until giving up. */
enum { PATIENCE_MS = 1000, LIMIT_MS = 30000 };

struct worker {
	struct wire wire;
	struct journal *journal;
	struct dice dice;
	uint32_t number;
	uint32_t n_messages;
	/* What it holds, or believes to hold. */
	uint32_t run;
	uint32_t attempt;
	char run_id[16];
	char token[72];
};

/* Send until there is an answer. The reply belongs to the wire. */
static json_t *send_until_answered(struct worker *w, const msgpack_sbuffer *frame)
{
	long deadline = clock_ms() + LIMIT_MS;
	json_t *reply;

	while (!(reply = wire_exchange(&w->wire, frame->data, frame->size))) {
		if (clock_ms() > deadline) {
			fail_msg("w%" PRIu32 ": message %" PRIu32 " was not answered in %d ms",
				w->number, w->n_messages, LIMIT_MS);
		}
	}
	return reply;
}

/* Equal, or both missing. */
static bool agree(const json_t *a, const json_t *b, const char *path)
{
	const json_t *x = field(a, path), *y = field(b, path);

	return x && y ? same(x, y) : x == y;
}

/*
 * The same message again, on purpose: what was done is answered with the same object or lease.
 * Returns the second reply.
 */
static json_t *send_again(struct worker *w, const msgpack_sbuffer *frame, const json_t *first)
{
	json_t *second = send_until_answered(w, frame);

	if (json_is_object(json_array_get(first, 3)) &&
		(!json_is_null(json_array_get(second, 2)) || !agree(first, second, "[3].id") ||
			!agree(first, second, "[3].lease.token"))) {
		fail_msg("w%" PRIu32 ": sent again, %s became %s", w->number, json_dumps(first, 0),
			json_dumps(second, 0));
	}
	return second;
}

/* The reply to a request that is sent as often as it takes. Takes @params. */
static json_t *ask(struct worker *w, const char *method, json_t *params)
{
	msgpack_sbuffer frame;
	json_t *reply;

	msgpack_sbuffer_init(&frame);
	codec_pack_request(&frame, ++w->n_messages, method, params);
	reply = send_until_answered(w, &frame);
	if (dice_chance(&w->dice, 5)) {
		reply = send_again(w, &frame, reply);
	}
	msgpack_sbuffer_destroy(&frame);
	json_decref(params);
	return reply;
}

/* The same for a write, which is done once however often it is sent. */
static json_t *ask_once(struct worker *w, const char *method, json_t *params)
{
	char key[32];

	snprintf(key, sizeof(key), "%" PRIu32 "-%" PRIu32, w->number, w->n_messages);
	json_object_set_new(params, "idempotency_key", json_string(key));
	return ask(w, method, params);
}

static uint32_t wait_ms(struct worker *w)
{
	uint32_t most = w->journal->wait_ms;

	return most / 8 + (uint32_t)dice_roll(&w->dice, most - most / 8);
}

static struct entry *begin(struct worker *w, enum deed deed)
{
	struct entry entry = {
		.deed = deed,
		.worker = w->number,
		.run = w->run,
		.attempt = w->attempt,
		.sent_us = journal_now_us(),
	};

	strcpy(entry.token, w->token);
	return journal_add(w->journal, &entry);
}

/*
 * A write under the lease: @params has what is besides that. Returns the result, or NULL when it
 * was refused because the lease was lost; any other refusal ends the program. Takes @params.
 */
static json_t *write_leased(
	struct worker *w, struct entry *entry, const char *method, json_t *params)
{
	json_t *reply, *error;

	json_object_set_new(params, "run_id", json_string(w->run_id));
	json_object_set_new(params, "lease", json_string(w->token));
	reply = ask_once(w, method, params);
	entry->told_us = journal_now_us();
	error = json_array_get(reply, 2);
	if (!json_is_null(error)) {
		check_error(method, error, "lease_lost", NULL);
		entry->outcome = REFUSED;
		return NULL;
	}
	return json_array_get(reply, 3);
}

static bool beat(struct worker *w)
{
	struct entry *entry = begin(w, BEAT);
	json_t *result = write_leased(w, entry, "runs.heartbeat", json_object());

	if (result) {
		entry->expires_ms = number(result, "lease.expires_ms");
		entry->outcome = DONE;
	}
	return result;
}

/* Returns the new step's id, which the wire keeps, or NULL. */
static const char *make_step(struct worker *w)
{
	struct entry *entry = begin(w, STEP_NEW);
	json_t *result = write_leased(w, entry, "steps.create",
		codec_parse("{'type':'message_creation','step_details':{'type':'message_creation',"
			    "'message_creation':{'message_id':'msg_1'}}}"));

	if (!result) {
		return NULL;
	}
	snprintf(entry->step, sizeof(entry->step), "%s", text(result, "id"));
	entry->outcome = DONE;
	return text(result, "id");
}

static bool end_step(struct worker *w, const char *step)
{
	struct entry *entry = begin(w, STEP_END);
	json_t *result;

	snprintf(entry->step, sizeof(entry->step), "%s", step);
	result = write_leased(w, entry, "steps.update",
		codec_parse("{'step_id':'%s','status':'completed'}", step));
	if (result) {
		entry->outcome = DONE;
	}
	return result;
}

/* The last write under a lease: runs.update with these members, or runs.release without any. */
static bool let_go(struct worker *w, enum deed deed, const char *members)
{
	struct entry *entry = begin(w, deed);
	const char *method = deed == GIVE_BACK ? "runs.release" : "runs.update";
	json_t *result = write_leased(w, entry, method, codec_parse("{%s}", members));

	if (result) {
		entry->outcome = DONE;
	}
	return result;
}

static void think(struct worker *w)
{
	pause_ms(5 + (int)dice_roll(&w->dice, 45));
	if (dice_chance(&w->dice, 1)) {
		pause_ms((int)(w->journal->lease_ms + 20 + dice_roll(&w->dice, 300)));
	}
}

/* What a predecessor left behind. */
static bool end_open_steps(struct worker *w)
{
	json_t *reply = ask(w, "steps.list",
		codec_parse("{'run_id':'%s','status':'in_progress','limit':100}", w->run_id));
	json_t *steps = field(json_array_get(reply, 3), "data");

	for (size_t i = 0; i < json_array_size(steps); i++) {
		if (!end_step(w, text(json_array_get(steps, i), "id"))) {
			return false;
		}
	}
	return true;
}

static bool do_step(struct worker *w)
{
	const char *step;

	think(w);
	if (dice_chance(&w->dice, 20) && !beat(w)) {
		return false;
	}
	step = make_step(w);
	if (!step) {
		return false;
	}
	think(w);
	return end_step(w, step);
}

/*
 * The calls are answered by this program too: if it is killed before, by the test. Each attempt
 * has a call of its own, so that nobody answers another's.
 */
static bool ask_action(struct worker *w)
{
	char members[320];
	json_t *error;

	snprintf(members, sizeof(members),
		"'status':'requires_action','required_action':{'type':'submit_tool_outputs',"
		"'submit_tool_outputs':{'tool_calls':[{'id':'call_%" PRIu32 "','type':'function',"
		"'function':{'name':'look','arguments':'{}'}}]}}",
		w->attempt);
	if (!let_go(w, ASK_ACTION, members)) {
		return false;
	}
	pause_ms((int)dice_roll(&w->dice, 30));
	error = json_array_get(
		ask_once(w, "runs.submit_tool_outputs",
			codec_parse("{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_%" PRIu32
				    "','output':'seen'}]}",
				w->run_id, w->attempt)),
		2);
	if (!json_is_null(error)) {
		check_error("submit", error, "invalid_transition|invalid_params", NULL);
	}
	return true;
}

static bool finish(struct worker *w)
{
	static const char failed[] = "'status':'failed','last_error':{'code':'server_error',"
				     "'message':'it broke'}";
	uint64_t roll = dice_roll(&w->dice, 100);

	if (roll < 6) {
		return let_go(w, GIVE_BACK, "");
	}
	if (roll < 14) {
		return ask_action(w);
	}
	if (roll < 20) { /* the open step fails with its run */
		return make_step(w) && let_go(w, END, failed);
	}
	return let_go(w, END, roll < 25 ? failed : "'status':'completed'");
}

static void execute(struct worker *w)
{
	bool held = w->attempt == 1 || end_open_steps(w);

	for (uint64_t left = 1 + dice_roll(&w->dice, 3); left && held; left--) {
		held = do_step(w);
	}
	held = held && finish(w);
	if (dice_chance(&w->dice, held ? 15 : 50)) {
		make_step(w); /* with a token that is over */
	}
}

/* Returns whether there was a run. */
static bool claim(struct worker *w)
{
	struct entry *entry;
	json_t *reply, *result;

	w->run = w->attempt = 0;
	w->token[0] = '\0';
	entry = begin(w, CLAIM);
	reply = ask_once(w, "runs.claim",
		codec_parse("{'worker':'w%" PRIu32 "','lease_ms':%" PRIu32 ",'wait_ms':%" PRIu32
			    "}",
			w->number, w->journal->lease_ms, wait_ms(w)));
	entry->told_us = journal_now_us();
	result = json_array_get(reply, 3);
	if (!json_is_object(result)) {
		if (!json_is_null(json_array_get(reply, 2))) {
			fail_msg("a claim was refused: %s", json_dumps(reply, 0));
		}
		entry->outcome = DONE;
		return false;
	}
	w->run = entry->run = journal_run(text(result, "run.id"));
	w->attempt = entry->attempt = (uint32_t)number(result, "lease.attempt");
	snprintf(w->run_id, sizeof(w->run_id), "%s", text(result, "run.id"));
	snprintf(w->token, sizeof(w->token), "%s", text(result, "lease.token"));
	strcpy(entry->token, w->token);
	entry->expires_ms = number(result, "lease.expires_ms");
	entry->outcome = DONE;
	return true;
}

int main(int argc, char **argv)
{
	struct worker w = {0};
	bool found = true;

	assert_int_equal(argc, 5);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	w.journal = journal_open(argv[2], false);
	wire_open(&w.wire, argv[1], (int)w.journal->wait_ms + PATIENCE_MS);
	w.number = (uint32_t)strtoul(argv[3], NULL, 10);
	dice_init(&w.dice, strtoull(argv[4], NULL, 10), 100000 + w.number);
	while (found || !w.journal->stop) {
		found = claim(&w);
		if (found) {
			execute(&w);
		}
		json_array_clear(w.wire.kept);
	}
	wire_close(&w.wire);
	journal_close(w.journal);
	return 0;
}
