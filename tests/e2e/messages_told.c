/* What the feed tells of messages: its form, its filters, its objects, and what is published. */
#include "cmocka_all.h"

#include "feed.h"
#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "pending.h"
#include "talk.h"
#include "work.h"

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>

#include <stdio.h>
#include <string.h>

#define EVENT_MS 10000

static const char *const change_names[] = {"seq", "at_ms", "event", "thread_id", "run_id",
	"step_id", "message_id", "from", "to", "by", NULL};

/* A message of @run, opened, grown, completed, and the updates that it takes then. */
static const char *live(struct wire *w, const char *thread, const char *run)
{
	char members[128] = "";
	const char *id;

	if (run) {
		snprintf(members, sizeof(members), ",'run_id':'%s'", run);
	}
	id = message_open(w, thread, members);
	expect_ok(w, "messages.update", "{'message_id':'%s','content':'Hello'}", id);
	expect_ok(w, "messages.update", "{'message_id':'%s','status':'completed'}", id);
	expect_ok(w, "messages.update", "{'message_id':'%s','metadata':{'k':'v'}}", id);
	expect_ok(w, "messages.delete", "{'thread_id':'%s','message_id':'%s'}", thread, id);
	return id;
}

/* The five changes of live() from @at on. */
static void expect_life(const json_t *changes, size_t at, const char *id, const char *run)
{
	static const struct {
		const char *event, *from, *to;
	} rows[] = {{"created", "null", "'in_progress'"},
		{"delta", "'in_progress'", "'in_progress'"},
		{"completed", "'in_progress'", "'completed'"},
		{"updated", "'completed'", "'completed'"}, {"deleted", "'completed'", "null"}};

	for (size_t i = 0; i < 5; i++) {
		const json_t *change = json_array_get(changes, at + i);

		expect_names(change, change_names);
		expect_fields(change,
			"{'event':'thread.message.%s','message_id':'%s','step_id':null,"
			"'run_id':%s,'from':%s,'to':%s,'by':'client'}",
			rows[i].event, id, run, rows[i].from, rows[i].to);
	}
}

static void a_message_s_life_is_told_in_full(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t began = unix_ms();
	const char *run = run_new(w, "t_life"), *of_run = live(w, "t_life", run);
	const char *of_none = live(w, "t_life", NULL);
	json_t *changes = history_since(w, 0, ",'thread_id':'t_life'");
	char quoted[80];

	assert_int_equal(json_array_size(changes), 11);
	/* A run's change is as it was. */
	assert_int_equal(json_object_size(json_array_get(changes, 0)), 9);
	assert_null(field(changes, "[0].message_id"));
	snprintf(quoted, sizeof(quoted), "'%s'", run);
	expect_life(changes, 1, of_run, quoted);
	expect_life(changes, 6, of_none, "null");
	assert_in_range(number(changes, "[10].at_ms"), began - 1000, unix_ms() + 1000);
}

static void a_message_created_completed_is_one_change(void **state)
{
	struct wire *w = wire_of(state);
	json_t *message = message_say(w, "t_one", "");
	json_t *changes = history_since(w, 0, ",'objects':true,'thread_id':'t_one'");

	assert_int_equal(json_array_size(changes), 1);
	expect_fields(changes,
		"{'[0].event':'thread.message.created','[0].from':null,'[0].to':'completed'}");
	expect_same(field(changes, "[0].object"), message);
}

static void filters_show_a_run_s_messages_and_no_others(void **state)
{
	static const char create[] =
		"{'thread_id':'t_filter','role':'assistant','content':'a','run_id':%s,'id':'%s'}";
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_filter", "in_progress"), *other = run_new(w, "t_filter");
	char quoted[80];
	json_t *changes;

	snprintf(quoted, sizeof(quoted), "'%s'", run);
	expect_ok(w, "messages.create", create, quoted, "f_1");
	step_new(w, run);
	snprintf(quoted, sizeof(quoted), "'%s'", other);
	expect_ok(w, "messages.create", create, quoted, "f_2");
	expect_ok(w, "messages.create", create, "null", "f_3");
	message_say(w, "t_filter_2", ",'id':'f_4'");
	changes = history_since(w, 0, ",'run_id':'%s'", run);
	assert_int_equal(json_array_size(changes), 4);
	expect_fields(changes, "{'[2].message_id':'f_1','[3].event':'thread.run.step.created'}");
	assert_null(field(changes, "[3].message_id"));
	changes = history_since(w, 0, ",'run_id':'%s'", other);
	assert_int_equal(json_array_size(changes), 2);
	expect_fields(changes, "{'[1].message_id':'f_2'}");
	assert_int_equal(json_array_size(history_since(w, 0, ",'thread_id':'t_filter'")), 7);
	assert_int_equal(json_array_size(history_since(w, 0, ",'thread_id':'t_filter_2'")), 1);
}

static void each_change_shows_the_message_as_it_left_it(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_shown", "");
	json_t *messages[5], *changes;

	messages[0] = message_get(w, "t_shown", id);
	messages[1] = expect_ok(w, "messages.update", "{'message_id':'%s','content':'Hello'}", id);
	messages[2] =
		expect_ok(w, "messages.update", "{'message_id':'%s','status':'completed'}", id);
	messages[3] =
		expect_ok(w, "messages.update", "{'message_id':'%s','metadata':{'k':'v'}}", id);
	messages[4] = wire_keep(w, json_null());
	expect_ok(w, "messages.delete", "{'thread_id':'t_shown','message_id':'%s'}", id);
	changes = history_since(w, 0, ",'objects':true,'thread_id':'t_shown'");
	assert_int_equal(json_array_size(changes), 5);
	for (size_t i = 0; i < 5; i++) {
		const json_t *object = field(json_array_get(changes, i), "object");

		expect_same(object, messages[i]);
		if (i < 4) {
			expect_names(object, message_names);
		}
	}
}

static void a_message_over_64_kib_is_not_shown(void **state)
{
	static const char create[] = "{'thread_id':'t_large','role':'user','content':'%s'}";
	struct wire *w = wire_of(state);
	json_t *fits = expect_ok(w, "messages.create", create, repeated(w, "x", 60000)), *changes;

	expect_ok(w, "messages.create", create, repeated(w, "x", 66000));
	changes = history_since(w, 0, ",'objects':true,'thread_id':'t_large'");
	expect_same(field(changes, "[0].object"), fits);
	assert_true(json_is_null(field(changes, "[1].object")));
}

/* Growth is told as what it is of objects that are too large to be shown too. */
static void a_large_message_that_grows_is_a_delta(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_large_2", "");
	json_t *changes;

	for (size_t size = 70000; size <= 70002; size += 2) {
		expect_ok(w, "messages.update", "{'message_id':'%s','content':'Hel%s'}", id,
			repeated(w, "x", size));
	}
	expect_ok(w, "messages.update", "{'message_id':'%s','content':'%s'}", id,
		repeated(w, "y", 70005));
	changes = history_since(w, 0, ",'thread_id':'t_large_2'");
	expect_fields(changes,
		"{'[1].event':'thread.message.delta','[2].event':'thread.message.delta',"
		"'[3].event':'thread.message.updated'}");
}

static void a_message_wakes_who_waits_for_changes(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire, other;
	const char *run = run_new(w, "t_wake");
	char filters[2][128];

	snprintf(filters[0], sizeof(filters[0]), "'thread_id':'t_wake'");
	snprintf(filters[1], sizeof(filters[1]), "'run_id':'%s'", run);
	for (int i = 0; i < 2; i++) {
		json_t *page;

		wire_open(&other, fixture->daemon.url, WIRE_TIMEOUT_MS);
		pending_send(&other, "changes.list",
			"{'after':%" JSON_INTEGER_FORMAT ",'wait_ms':60000,%s}", history_last(w),
			filters[i]);
		pending_settle();
		message_say(w, "t_other", "");
		assert_null(pending_poll(&other, 100));
		expect_ok(w, "messages.create",
			"{'thread_id':'t_wake','role':'assistant','content':'a','run_id':'%s'}",
			run);
		page = pending_result(&other, EVENT_MS);
		assert_int_equal(json_array_size(field(page, "changes")), 1);
		expect_fields(page, "{'changes[0].event':'thread.message.created'}");
		wire_close(&other);
	}
}

static void messages_of_runs_are_published_under_their_run(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	const char *run = run_in(w, "t_pub", "in_progress");
	json_t *changes;
	struct feed feed;
	json_int_t last;
	char topic[160];

	snprintf(topic, sizeof(topic), "t_pub/%s", run);
	feed_open(&feed, fixture->daemon.events, topic, strlen(topic) + 1);
	feed_sync(&feed, w, run);
	last = history_last(w);
	live(w, "t_pub", run);
	message_say(w, "t_pub", "");
	run_move(w, run, "completed");
	changes = history_since(w, last, ",'run_id':'%s'", run);
	assert_int_equal(json_array_size(changes), 6);
	for (size_t i = 0; i < 6; i++) {
		expect_same(feed_next(&feed, EVENT_MS), json_array_get(changes, i));
	}
	feed_close(&feed);
}

/* The next change that @feed hears of, which may be of no run, and its topic. */
static json_t *next_of_any(struct feed *feed, char *topic, size_t size)
{
	int timeout_ms = EVENT_MS, n;
	void *bytes = NULL;
	const char *end;
	json_t *frame;

	nn_setsockopt(feed->socket, NN_SOL_SOCKET, NN_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	n = nn_recv(feed->socket, &bytes, NN_MSG, 0);
	assert_true(n > 0);
	end = memchr(bytes, '\0', (size_t)n);
	assert_non_null(end);
	snprintf(topic, size, "%s", (const char *)bytes);
	frame = codec_unpack(end + 1, (size_t)n - strlen(topic) - 1);
	assert_non_null(frame);
	json_array_append_new(feed->kept, frame);
	nn_freemsg(bytes);
	return field(frame, "[2][0]");
}

static void what_is_of_no_run_is_published_under_its_thread(void **state)
{
	struct fixture *fixture = *state;
	struct wire *w = &fixture->wire;
	const char *run = run_in(w, "t_none", "in_progress");
	json_t *changes;
	struct feed feed;
	json_int_t last;

	feed_open(&feed, fixture->daemon.events, "t_none/", strlen("t_none/"));
	feed_sync(&feed, w, run);
	last = history_last(w);
	message_say(w, "t_none", "");
	expect_ok(w, "threads.update", "{'thread_id':'t_none','metadata':{'k':'v'}}");
	changes = history_since(w, last, NULL);
	assert_int_equal(json_array_size(changes), 2);
	for (size_t i = 0; i < 2; i++) {
		char topic[160];

		expect_same(next_of_any(&feed, topic, sizeof(topic)), json_array_get(changes, i));
		assert_string_equal(topic, "t_none/");
	}
	feed_close(&feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_s_life_is_told_in_full),
		cmocka_unit_test(a_message_created_completed_is_one_change),
		cmocka_unit_test(filters_show_a_run_s_messages_and_no_others),
		cmocka_unit_test(each_change_shows_the_message_as_it_left_it),
		cmocka_unit_test(a_message_over_64_kib_is_not_shown),
		cmocka_unit_test(a_large_message_that_grows_is_a_delta),
		cmocka_unit_test(a_message_wakes_who_waits_for_changes),
		cmocka_unit_test(messages_of_runs_are_published_under_their_run),
		cmocka_unit_test(what_is_of_no_run_is_published_under_its_thread),
	};

	return cmocka_run_group_tests_name("messages told", tests, fixture_start, fixture_stop);
}
