/* Watching where the feed, or what is published of it, is not as it should be. */
#include "cmocka_all.h"

#include "proto/frame.h"
#include "tests/client/store.h"

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_MS 20000 /* for what must happen soon, on whatever machine */

static const char *const short_feed[] = {"--changes-max", "50", NULL};

static int start(void **state)
{
	struct store *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	daemon_init(&s->daemon);
	daemon_start(&s->daemon, short_feed);
	OK(s, runstore_open(&s->rs, s->daemon.url,
		      &(struct runstore_options){.connect_timeout_ms = 10000}, &s->error));
	*state = s;
	return 0;
}

static struct runstore_watch *watch(struct store *s, const struct runstore_watch_options *options)
{
	struct runstore_watch *w = NULL;

	OK(s, runstore_watch_open(s->rs, options, &w, &s->error));
	return w;
}

static const struct runstore_change *next(struct store *s, struct runstore_watch *w)
{
	const struct runstore_change *change = NULL;

	OK(s, runstore_watch_next(w, LIMIT_MS, &change, &s->error));
	assert_non_null(change);
	return change;
}

static void new_runs(struct store *s, const char *thread, int n)
{
	while (n--) {
		runstore_run_free(store_run(s, thread));
	}
}

static void a_gap_in_the_feed_is_told_with_the_change_behind_it(void **state)
{
	struct store *s = *state;
	const struct runstore_change *c;
	struct runstore_watch *w;
	int64_t seq;

	new_runs(s, "g_gap", 120);
	w = watch(s, &(struct runstore_watch_options){.since = &(int64_t){5}});
	c = next(s, w);
	seq = c->seq;
	assert_true(c->truncated);
	assert_true(seq > 6 && seq <= 120);
	for (; seq < 120; seq++) {
		c = next(s, w);
		assert_int_equal(c->seq, seq + 1);
		assert_false(c->truncated);
	}
	new_runs(s, "g_gap", 1);
	assert_false(next(s, w)->truncated);
	runstore_watch_close(w);
}

static void a_gap_is_remembered_until_there_is_a_change(void **state)
{
	struct store *s = *state;
	const struct runstore_change *change = NULL;
	struct runstore_watch *w;

	new_runs(s, "g_other", 120);
	w = watch(
		s, &(struct runstore_watch_options){.thread_id = "g_late", .since = &(int64_t){0}});
	OK(s, runstore_watch_next(w, 300, &change, &s->error));
	assert_null(change);
	new_runs(s, "g_late", 2);
	assert_true(next(s, w)->truncated);
	assert_false(next(s, w)->truncated);
	runstore_watch_close(w);
}

static void a_watch_that_is_overtaken_by_the_end_of_the_feed_goes_on_behind_it(void **state)
{
	struct store *s = *state;
	struct runstore_watch *w = watch(s, NULL);
	const struct runstore_change *c;
	int64_t before = runstore_watch_seq(w), end = before + 300;

	new_runs(s, "g_slow", 300);
	do {
		c = next(s, w);
		assert_true(c->truncated == (c->seq != before + 1));
		before = c->seq;
	} while (c->seq < end);
	runstore_watch_close(w);
}

/* A publisher of the test's own, under a URL of its own. */
static int publish_at(struct store *s, char *url, size_t size)
{
	int publisher = nn_socket(AF_SP, NN_PUB);

	snprintf(url, size, "ipc://%s/pub", s->daemon.dir);
	assert_true(publisher >= 0);
	assert_true(nn_bind(publisher, url) >= 0);
	return publisher;
}

static void what_nobody_publishes_is_told_all_the_same(void **state)
{
	struct store *s = *state;
	struct runstore_watch *w;
	char url[80];
	int publisher = publish_at(s, url, sizeof(url));

	w = watch(s, &(struct runstore_watch_options){.events_url = url});
	for (int i = 0; i < 4; i++) {
		struct runstore_run *run = store_run(s, "g_silent");

		assert_string_equal(next(s, w)->run_id, run->id);
		runstore_run_free(run);
	}
	nn_close(publisher);
	new_runs(s, "g_silent", 1);
	next(s, w);
	runstore_watch_close(w);
}

static const struct {
	const char *bytes;
	size_t len;
} garbage[] = {
#define BYTES(text)                                                                                \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	BYTES(""),
	BYTES("t/r"),
	BYTES("t/r\0"),
	BYTES("\0"),
	BYTES("t/r\0\xc1"),
	BYTES("t/r\0\xdd\xff\xff\xff\xff"),
	BYTES("t/r\0\x93\x02\xa1x\x91"),
	BYTES("t/r\0\x93\x02\xa1x\x90"),
	BYTES("t/r\0\x93\x02\xa1x\x91\xc0"),
	BYTES("t/r\0\x93\x02\xa1x\x91\x80"),
	BYTES("t/r\0\x94\x01\x01\xc0\xc0"),
	BYTES("t/r\0\x93\x02\xa1x\x91\x81\xa3seq\xa1z"),
	BYTES("t/r\0\x93\x02\xa1x\x91\x81\xa3seq\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
	BYTES("t/r\0\x93\x02\xa1x\x91\x81\xa3seq\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
	BYTES("t/r\0\x93\x02\xa1x\x91\x81\xa3seq\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
	BYTES("t/r\0\x93\x02\xa1x\x91\x82\xa3seq\xcd\x40\x00\xa5"
	      "event\xc0"),
#undef BYTES
};

static void garbage_that_is_published_disturbs_nobody(void **state)
{
	struct store *s = *state;
	struct runstore_watch *w;
	char url[80];
	int publisher = publish_at(s, url, sizeof(url));

	w = watch(s, &(struct runstore_watch_options){.events_url = url});
	for (int i = 0; i < 5; i++) {
		struct runstore_run *run = store_run(s, "g_garbage");

		for (size_t k = 0; k < sizeof(garbage) / sizeof(*garbage); k++) {
			nn_send(publisher, garbage[k].bytes, garbage[k].len, 0);
		}
		assert_string_equal(next(s, w)->run_id, run->id);
		runstore_run_free(run);
	}
	runstore_watch_close(w);
	nn_close(publisher);
}

/* The next number, and no change: it is read from the feed instead. */
static void a_change_that_is_published_without_its_event_is_looked_up(void **state)
{
	struct store *s = *state;
	struct runstore_watch *w;
	struct runstore_run *run;
	struct buf frame = {0};
	char url[80];
	int publisher = publish_at(s, url, sizeof(url));

	w = watch(s, &(struct runstore_watch_options){.events_url = url});
	buf_append(&frame, "t/r", 4);
	frame_begin_event(&frame, slice_str("x"));
	mp_put_map(&frame, 1);
	mp_put_cstr(&frame, "seq");
	mp_put_int(&frame, runstore_watch_seq(w) + 1);
	run = store_run(s, "g_half");
	for (int i = 0; i < 5; i++) {
		nn_send(publisher, frame.ptr, frame.len, 0);
		pause_ms(20);
	}
	assert_string_equal(next(s, w)->run_id, run->id);
	runstore_run_free(run);
	buf_finish(&frame);
	runstore_watch_close(w);
	nn_close(publisher);
}

static void remove_store(const struct store *s)
{
	static const char *const files[] = {"data.mdb", "lock.mdb"};
	char path[80];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", s->daemon.data, files[i]);
		assert_int_equal(unlink(path), 0);
	}
}

static void a_store_that_is_replaced_is_told(void **state)
{
	struct store *s = *state;
	struct runstore_watch *w = watch(s, NULL);
	const struct runstore_change *change;

	assert_true(runstore_watch_seq(w) > 3);
	daemon_stop(&s->daemon, SIGTERM);
	remove_store(s);
	daemon_start(&s->daemon, short_feed);
	new_runs(s, "g_replaced", 3);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(runstore_watch_next(w, LIMIT_MS, &change, &s->error),
			RUNSTORE_E_INVALID_PARAMS);
		assert_string_equal(s->error.param, "after");
	}
	runstore_watch_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_in_the_feed_is_told_with_the_change_behind_it),
		cmocka_unit_test(a_gap_is_remembered_until_there_is_a_change),
		cmocka_unit_test(
			a_watch_that_is_overtaken_by_the_end_of_the_feed_goes_on_behind_it),
		cmocka_unit_test(what_nobody_publishes_is_told_all_the_same),
		cmocka_unit_test(garbage_that_is_published_disturbs_nobody),
		cmocka_unit_test(a_change_that_is_published_without_its_event_is_looked_up),
		cmocka_unit_test(a_store_that_is_replaced_is_told),
	};

	return cmocka_run_group_tests(tests, start, store_stop);
}
