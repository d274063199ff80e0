/* changes.list with wait_ms: it waits for a change that matches. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "pending.h"
#include "work.h"

#include <pthread.h>
#include <stdio.h>

#define SEQ "%" JSON_INTEGER_FORMAT
#define AT_ONCE_MS 5000
#define WAKE_MS 10000

static void what_is_there_is_answered_at_once(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_there");
	long began = clock_ms();
	json_t *page = expect_ok(w, "changes.list", "{'run_id':'%s','wait_ms':9000}", run);

	assert_in_range(clock_ms() - began, 0, AT_ONCE_MS);
	assert_int_equal(json_array_size(field(page, "changes")), 1);
}

static void nothing_comes_with_the_last_seq_after_the_wait(void **state)
{
	static const char *const filters[] = {
		"", ",'run_id':'none'", ",'thread_id':'none'", ",'objects':true"};
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);

	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		long began = clock_ms();
		json_t *page = expect_ok(
			w, "changes.list", "{'after':" SEQ ",'wait_ms':400%s}", last, filters[i]);

		assert_in_range(clock_ms() - began, 380, AT_ONCE_MS);
		expect_fields(page, "{'changes':[],'last_seq':" SEQ ",'truncated':false}", last);
	}
}

/* Open @other and list on it, parked, what comes after @after. */
static void park(struct wire *other, void **state, json_int_t after, const char *members)
{
	const struct fixture *fixture = *state;

	wire_open(other, fixture->daemon.url, WIRE_TIMEOUT_MS);
	pending_send(other, "changes.list", "{'after':" SEQ ",'wait_ms':60000%s}", after, members);
}

static void the_next_change_ends_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;
	json_int_t last = history_last(w);
	const char *run;
	json_t *page;

	park(&other, state, last, "");
	pending_settle();
	run = run_new(w, "t_next");
	page = pending_result(&other, WAKE_MS);
	expect_fields(page,
		"{'changes[0].run_id':'%s','changes[0].event':'thread.run.created','truncated':"
		"false,'last_seq':" SEQ "}",
		run, last + 1);
	expect_same(field(page, "changes"), history_since(w, last, NULL));
	wire_close(&other);
}

static void what_does_not_match_does_not_end_the_wait(void **state)
{
	struct wire *w = wire_of(state), by_run, by_thread;
	const char *run = run_new(w, "t_match");
	char filter[128];
	json_int_t last = history_last(w);

	snprintf(filter, sizeof(filter), ",'run_id':'%s'", run);
	park(&by_run, state, last, filter);
	park(&by_thread, state, last, ",'thread_id':'t_match'");
	pending_settle();
	run_in(w, "t_else", "failed");
	assert_null(pending_poll(&by_run, 300));
	assert_null(pending_poll(&by_thread, 0));
	run_move(w, run, "in_progress");
	for (int i = 0; i < 2; i++) {
		json_t *page = pending_result(i ? &by_thread : &by_run, WAKE_MS);

		assert_int_equal(json_array_size(field(page, "changes")), 1);
		expect_fields(page,
			"{'changes[0].run_id':'%s','changes[0].to':'in_progress',"
			"'last_seq':" SEQ "}",
			run, last + 4);
	}
	wire_close(&by_run);
	wire_close(&by_thread);
}

static void the_changes_of_a_transaction_come_together(void **state)
{
	struct wire *w = wire_of(state), other;
	json_int_t last = history_last(w);
	json_t *page;

	park(&other, state, last, ",'thread_id':'together','limit':1000");
	pending_settle();
	work_new_many(w, "together", 100);
	page = pending_result(&other, WAKE_MS);
	assert_int_equal(json_array_size(field(page, "changes")), 100);
	assert_int_equal(number(page, "last_seq"), last + 100);
	wire_close(&other);
}

static void the_daemon_s_changes_end_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;
	struct lease lease = work_take(w, "daemon", 3000);
	json_t *page;

	park(&other, state, history_last(w), ",'thread_id':'daemon'");
	page = pending_result(&other, WAKE_MS);
	expect_fields(page,
		"{'changes[0].event':'thread.run.lease_lost','changes[0].run_id':'%s',"
		"'changes[0].by':'daemon'}",
		lease.run);
	wire_close(&other);
}

static void objects_come_with_what_ends_the_wait(void **state)
{
	struct wire *w = wire_of(state), other;
	const char *run = run_new(w, "t_objects");
	json_t *page, *got;

	park(&other, state, history_last(w), ",'objects':true,'thread_id':'t_objects'");
	pending_settle();
	got = run_move(w, run, "in_progress");
	page = pending_result(&other, WAKE_MS);
	expect_same(field(page, "changes[0].object"), got);
	wire_close(&other);
}

/* Follow the store until its change @until, and count what is told. */
static int follow(struct wire *w, json_int_t after, json_int_t until)
{
	int n = 0;

	while (after < until) {
		json_t *page = expect_ok(
			w, "changes.list", "{'after':" SEQ ",'limit':7,'wait_ms':5000}", after);
		size_t size = json_array_size(field(page, "changes"));

		assert_true(size > 0);
		for (size_t i = 0; i < size; i++) {
			assert_int_equal(
				number(json_array_get(field(page, "changes"), i), "seq"), ++after);
			n++;
		}
		assert_int_equal(number(page, "last_seq"), after);
	}
	return n;
}

enum { FOLLOWED_RUNS = 100 };

/* On a thread. A check that fails here ends the process. */
static void *write_many(void *url)
{
	struct wire wire;

	wire_open(&wire, url, WIRE_TIMEOUT_MS);
	for (int i = 0; i < FOLLOWED_RUNS; i++) {
		run_in(&wire, "t_follow", "completed");
	}
	wire_close(&wire);
	return NULL;
}

static void who_follows_misses_nothing(void **state)
{
	struct fixture *fixture = *state;
	json_int_t last = history_last(&fixture->wire);
	pthread_t writer;

	assert_int_equal(pthread_create(&writer, NULL, write_many, fixture->daemon.url), 0);
	assert_int_equal(follow(&fixture->wire, last, last + 3 * FOLLOWED_RUNS), 3 * FOLLOWED_RUNS);
	assert_int_equal(pthread_join(writer, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_is_answered_at_once),
		cmocka_unit_test(nothing_comes_with_the_last_seq_after_the_wait),
		cmocka_unit_test(the_next_change_ends_the_wait),
		cmocka_unit_test(what_does_not_match_does_not_end_the_wait),
		cmocka_unit_test(the_changes_of_a_transaction_come_together),
		cmocka_unit_test(the_daemon_s_changes_end_the_wait),
		cmocka_unit_test(objects_come_with_what_ends_the_wait),
		cmocka_unit_test(who_follows_misses_nothing),
	};

	return cmocka_run_group_tests_name("changes wait", tests, fixture_start, fixture_stop);
}
