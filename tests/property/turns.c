/*
 * Claims, leases and turns under any interleaving: random requests at random times, against a book
 * that is kept by the contract alone, on a store whose clock is the test's. With
 * RUNSTORE_TEST_TRACE in the environment all that happens is printed.
 */
#include "cmocka_all.h"

#include "objects.h"
#include "plan.h"
#include "replay.h"
#include "shelf.h"
#include "verdict.h"

#include "daemon/ops/lifecycle.h"
#include "daemon/store/ready.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_TRIALS = 10, N_TURNS = 2500, LOOK_AT_ALL_EVERY = 40, MOST_REQUESTS = 6 };

struct trial {
	struct shelf *shelf;
	struct book book;
	struct replay replay;
	struct plan plan;
	unsigned int number;
	unsigned int turn;
	unsigned int requests;
	unsigned int refused;
	unsigned int claims;
	unsigned int losses;
	bool trace;
};

/* Which runs could be claimed, and for which it was told since that somebody may wait for them. */
struct readiness {
	bool ready[BOOK_RUNS];
	char ids[BOOK_RUNS][40];
	bool woken[BOOK_RUNS];
};

static void print_value(const char *name, const json_t *value)
{
	char *dump = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	fprintf(stderr, "  %s %s\n", name, dump ? dump : "(nothing)");
	free(dump);
}

static void complain_if(
	const struct trial *t, const char *why, const json_t *request, const json_t *got)
{
	if (!why) {
		return;
	}
	fprintf(stderr, "trial %u, turn %u, steady %" PRId64 ": %s\n", t->number, t->turn,
		t->book.steady_ms, why);
	print_value("sent", request);
	print_value("got", got);
	fail_msg("trial %u, turn %u: %s", t->number, t->turn, why);
}

static void look_who_is_ready(const struct trial *t, struct readiness *out)
{
	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		out->ready[i] = book_ready(&t->book, &t->book.runs[i]);
		out->woken[i] = false;
		memcpy(out->ids[i], t->book.runs[i].id, sizeof(out->ids[i]));
	}
}

/* Claims that wait look at what the transaction says and at nothing else. */
static void look_who_is_woken(const struct trial *t, struct readiness *r)
{
	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		r->woken[i] = r->woken[i] ||
			      readied_has(&t->shelf->txn.readied,
				      slice_str(t->book.runs[i].assistant), slice_of(NULL, 0));
	}
}

static void expect_woken(const struct trial *t, const struct readiness *r, const json_t *request)
{
	for (unsigned int i = 0; i < BOOK_RUNS; i++) {
		const struct book_run *run = &t->book.runs[i];
		bool was_ready = r->ready[i] && !strcmp(r->ids[i], run->id);

		if (book_ready(&t->book, run) && !was_ready && !r->woken[i]) {
			complain_if(t, "who waits for a claim is not woken", request, NULL);
		}
	}
}

static void count(struct trial *t, const struct book_answer *answer, const char *method)
{
	t->requests++;
	t->refused += answer->code != NULL;
	t->claims += answer->run && !answer->again && !strcmp(method, "runs.claim");
}

static void play_request(struct trial *t)
{
	json_t *request = plan_next(&t->plan), *params = json_array_get(request, 1), *reply;
	const char *method = json_string_value(json_array_get(request, 0));
	struct book_answer answer;
	struct readiness readiness;

	if (t->trace) {
		fprintf(stderr, "turn %u, steady %" PRId64 "\n", t->turn, t->book.steady_ms);
		print_value("send", request);
	}
	look_who_is_ready(t, &readiness);
	t->shelf->txn.readied = (struct readied){0};
	reply = shelf_try(t->shelf, method, params);
	answer = book_call(&t->book, method, params);
	if (t->trace) {
		print_value("reply", reply);
	}
	count(t, &answer, method);
	complain_if(t, verdict_of(&t->book, method, params, &answer, reply), request, reply);
	look_who_is_woken(t, &readiness);
	expect_woken(t, &readiness, request);
	json_decref(request);
}

/* In one transaction, which may come to nothing. */
static void play_requests(struct trial *t)
{
	static struct book before;
	bool lost = dice_chance(&t->plan.dice, 4);
	uint64_t n =
		dice_chance(&t->plan.dice, 60) ? 1 : 1 + dice_roll(&t->plan.dice, MOST_REQUESTS);

	if (lost) {
		before = t->book;
	}
	shelf_begin(t->shelf);
	for (; n; n--) {
		play_request(t);
	}
	if (lost) {
		shelf_abort(t->shelf);
		t->book = before;
	} else {
		shelf_commit(t->shelf);
	}
}

/* What is due is done, in transactions of any size. */
static void settle(struct trial *t)
{
	unsigned int most = dice_chance(&t->plan.dice, 50) ? 1000 : 1, done;
	unsigned int told = t->book.n_told;
	struct readiness readiness;

	look_who_is_ready(t, &readiness);
	do {
		shelf_begin(t->shelf);
		done = lifecycle_settle(&t->shelf->txn, most);
		look_who_is_woken(t, &readiness);
		shelf_commit(t->shelf);
	} while (done == most);
	book_settle(&t->book);
	expect_woken(t, &readiness, NULL);
	for (; told < t->book.n_told; told++) {
		t->losses += !strcmp(t->book.told[told].event, "lease_lost");
	}
}

static void pass_time(struct trial *t)
{
	int64_t set_ms = plan_clock_set(&t->plan);

	t->shelf->now_ms += plan_time(&t->plan) + set_ms;
	t->shelf->ahead_ms += set_ms;
	t->book.now_ms = t->shelf->now_ms;
	t->book.steady_ms = t->shelf->now_ms - t->shelf->ahead_ms;
}

/* What the feed tells of this turn. */
static void read_feed(struct trial *t)
{
	json_t *changes, *change;
	size_t i;

	do {
		changes = field(shelf_call(t->shelf, "changes.list",
					"{'after':%" PRIu64 ",'limit':1000}", t->replay.last_seq),
			"changes");
		json_array_foreach(changes, i, change)
		{
			if (t->trace) {
				print_value("change", change);
			}
			complain_if(t, replay_change(&t->replay, &t->book, change), NULL, change);
		}
	} while (json_array_size(changes));
	complain_if(t, replay_end(&t->replay, &t->book), NULL, NULL);
	t->book.n_told = 0;
}

static void look_at_all(struct trial *t)
{
	if (book_next_due(&t->book) <= t->book.steady_ms) {
		settle(t);
		read_feed(t);
	}
	complain_if(t, verdict_of_store(&t->book, t->shelf), NULL, NULL);
	shelf_check(t->shelf);
}

static void play_turn(struct trial *t)
{
	pass_time(t);
	if (book_next_due(&t->book) <= t->book.steady_ms && dice_chance(&t->plan.dice, 85)) {
		settle(t);
	}
	play_requests(t);
	read_feed(t);
	if (t->turn % LOOK_AT_ALL_EVERY == 0) {
		look_at_all(t);
	}
	if (dice_chance(&t->plan.dice, 1) && dice_chance(&t->plan.dice, 30)) {
		shelf_reopen(t->shelf);
	}
	json_array_clear(t->shelf->kept);
}

static void play_trial(struct trial *t)
{
	shelf_start((void **)&t->shelf);
	book_init(&t->book);
	t->replay = (struct replay){0};
	t->plan = (struct plan){.book = &t->book};
	dice_init(&t->plan.dice, dice_seed(), 300 + t->number);
	for (t->turn = 1; t->turn <= N_TURNS; t->turn++) {
		play_turn(t);
	}
	look_at_all(t);
}

static int start(void **state)
{
	static struct trial t;

	t.trace = getenv("RUNSTORE_TEST_TRACE");
	*state = &t;
	return 0;
}

/* Also of a trial that failed. */
static int end_trial(void **state)
{
	struct trial *t = *state;

	if (t->shelf) {
		plan_finish(&t->plan);
		shelf_stop((void **)&t->shelf);
		t->shelf = NULL;
	}
	return 0;
}

static void enqueued_runs_take_turns_and_leases_hold_under_any_interleaving(void **state)
{
	struct trial *t = *state;

	for (t->number = 1; t->number <= N_TRIALS; t->number++) {
		play_trial(t);
		end_trial(state);
	}
	printf("# %u requests, %u of them refused; %u claims, %u leases ran out\n", t->requests,
		t->refused, t->claims, t->losses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			enqueued_runs_take_turns_and_leases_hold_under_any_interleaving, start,
			end_trial),
	};

	dice_seed();
	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
