/* What is published on events.sock. */
#include "cmocka_all.h"

#include "feed.h"
#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#include <stdio.h>
#include <string.h>

#define EVENT_MS 10000

static void subscribe(struct feed *feed, void **state, const char *topic, size_t len)
{
	const struct fixture *fixture = *state;

	feed_open(feed, fixture->daemon.events, topic, len);
}

/* The next events must be @changes, one by one and alike. */
static void expect_published(struct feed *feed, const json_t *changes)
{
	for (size_t i = 0; i < json_array_size(changes); i++) {
		json_t *change = feed_next(feed, EVENT_MS);

		assert_non_null(change);
		expect_same(change, json_array_get(changes, i));
	}
}

static void every_change_is_published_once_and_in_order(void **state)
{
	struct wire *w = wire_of(state);
	struct feed feed;
	struct lease lease;
	json_t *changes;
	json_int_t last;

	subscribe(&feed, state, "", 0);
	feed_sync(&feed, w, run_new(w, "t_warm"));
	last = history_last(w);
	lease = work_take(w, "life", 60000);
	work_step(w, &lease);
	expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'k':'v'}}", lease.run);
	work_move(w, &lease, "failed");
	import_one(w, run_object("{'id':'imported'}"));
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", lease.run);
	changes = history_since(w, last, NULL);
	assert_true(json_array_size(changes) >= 8);
	expect_published(&feed, changes);
	assert_null(feed_next(&feed, 200));
	feed_close(&feed);
}

static void a_topic_selects_a_thread_or_a_run(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_topic", "in_progress");
	const char *other = run_in(w, "t_topic", "in_progress"), *run_in_other;
	struct feed of_thread, of_run;
	char topic[160];
	json_int_t last;

	snprintf(topic, sizeof(topic), "t_topic/%s", run);
	subscribe(&of_thread, state, "t_topic/", strlen("t_topic/"));
	/* With its NUL, so that no longer id matches. */
	subscribe(&of_run, state, topic, strlen(topic) + 1);
	feed_sync(&of_run, w, run);
	feed_sync(&of_thread, w, run);
	while (feed_next(&of_run, 200)) {
	}
	last = history_last(w);
	run_in_other = run_new(w, "t_topic_2");
	step_new(w, other);
	step_new(w, run);
	run_move(w, run_in_other, "in_progress");
	run_move(w, run, "failed");
	expect_published(&of_thread, history_since(w, last, ",'thread_id':'t_topic'"));
	expect_published(&of_run, history_since(w, last, ",'run_id':'%s'", run));
	assert_null(feed_next(&of_thread, 200));
	assert_null(feed_next(&of_run, 0));
	feed_close(&of_thread);
	feed_close(&of_run);
}

static void a_published_change_has_no_object(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_bare");
	struct feed feed;
	json_t *change;

	subscribe(&feed, state, "t_bare/", strlen("t_bare/"));
	feed_sync(&feed, w, run);
	run_move(w, run, "in_progress");
	change = feed_next(&feed, EVENT_MS);
	assert_non_null(change);
	assert_int_equal(json_object_size(change), 9);
	assert_null(field(change, "object"));
	expect_fields(change,
		"{'event':'thread.run.in_progress','from':'queued','to':'in_progress',"
		"'by':'client','step_id':null}");
	feed_close(&feed);
}

static void what_is_published_can_be_read(void **state)
{
	struct wire *w = wire_of(state);
	struct feed feed;

	subscribe(&feed, state, "t_read/", strlen("t_read/"));
	feed_sync(&feed, w, run_new(w, "t_read"));
	for (int i = 0; i < 20; i++) {
		json_t *change;

		run_new(w, "t_read");
		change = feed_next(&feed, EVENT_MS);
		assert_non_null(change);
		run_get(w, text(change, "run_id"));
		assert_true(history_last(w) >= number(change, "seq"));
	}
	feed_close(&feed);
}

static void what_is_refused_or_undone_is_not_published(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_undone");
	struct feed feed;
	json_int_t last;

	subscribe(&feed, state, "", 0);
	feed_sync(&feed, w, run);
	last = history_last(w);
	expect_error(w, "runs.update", "invalid_transition", NULL,
		"{'run_id':'%s','status':'completed'}", run);
	expect_error(w, "batch", "not_found", NULL,
		"{'atomic':true,'requests':[['runs.update',{'run_id':'%s','metadata':{'k':'v'}}],"
		"['runs.get',{'run_id':'none'}]]}",
		run);
	run_move(w, run, "in_progress");
	expect_published(&feed, history_since(w, last, NULL));
	assert_null(feed_next(&feed, 200));
	feed_close(&feed);
}

static void what_the_daemon_does_is_published(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = work_new(w, "daemon", "");
	struct feed feed;
	struct lease lease;
	json_t *change;

	subscribe(&feed, state, "daemon/", strlen("daemon/"));
	feed_sync(&feed, w, run);
	lease = work_lease(work_claim(w, "w", "daemon", ",'lease_ms':300"));
	assert_string_equal(lease.run, run);
	expect_fields(feed_next(&feed, EVENT_MS), "{'event':'thread.run.in_progress','by':'w'}");
	change = feed_next(&feed, EVENT_MS);
	expect_fields(change,
		"{'event':'thread.run.lease_lost','from':'in_progress','to':'queued',"
		"'by':'daemon','run_id':'%s'}",
		run);
	feed_close(&feed);
}

static void a_batch_is_published_change_by_change(void **state)
{
	struct wire *w = wire_of(state);
	struct feed feed;
	json_int_t last;

	subscribe(&feed, state, "many/", strlen("many/"));
	feed_sync(&feed, w, work_new(w, "many", ""));
	last = history_last(w);
	work_new_many(w, "many", 50);
	expect_published(&feed, history_since(w, last, NULL));
	feed_close(&feed);
}

static void subscribers_all_get_the_same(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_new(w, "t_all");
	struct feed feeds[3];
	json_int_t last;

	for (int i = 0; i < 3; i++) {
		subscribe(&feeds[i], state, "t_all/", strlen("t_all/"));
	}
	for (int i = 0; i < 3; i++) {
		feed_sync(&feeds[i], w, run);
	}
	last = history_last(w);
	run_move(w, run, "in_progress");
	for (int i = 0; i < 3; i++) {
		json_t *change;

		do {
			change = feed_next(&feeds[i], EVENT_MS);
			assert_non_null(change);
		} while (number(change, "seq") <= last);
		expect_fields(change, "{'to':'in_progress'}");
		feed_close(&feeds[i]);
	}
}

static void a_subscriber_hears_the_daemon_that_comes_after(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	struct feed feed;
	json_int_t last;
	char run[80];

	snprintf(run, sizeof(run), "%s", run_new(w, "t_after"));
	subscribe(&feed, state, "t_after/", strlen("t_after/"));
	feed_sync(&feed, w, run);
	fixture_crash(fixture);
	fixture_resume(fixture);
	feed_sync(&feed, w, run);
	last = history_last(w);
	run_move(w, run, "in_progress");
	expect_published(&feed, history_since(w, last, NULL));
	feed_close(&feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_change_is_published_once_and_in_order),
		cmocka_unit_test(a_topic_selects_a_thread_or_a_run),
		cmocka_unit_test(a_published_change_has_no_object),
		cmocka_unit_test(what_is_published_can_be_read),
		cmocka_unit_test(what_is_refused_or_undone_is_not_published),
		cmocka_unit_test(what_the_daemon_does_is_published),
		cmocka_unit_test(a_batch_is_published_change_by_change),
		cmocka_unit_test(subscribers_all_get_the_same),
		cmocka_unit_test(a_subscriber_hears_the_daemon_that_comes_after),
	};

	return cmocka_run_group_tests_name("published", tests, fixture_start, fixture_stop);
}
