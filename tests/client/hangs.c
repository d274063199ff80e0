/* A daemon that is there and does not answer, and times and places that are out of the ordinary. */
#include "cmocka_all.h"

#include "proto/frame.h"
#include "tests/client/store.h"

#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOON_MS 10000 /* whatever the machine */

static struct runstore_lease *claim_new(struct store *s, const char *thread, int64_t lease_ms)
{
	struct runstore_lease *lease = NULL;

	runstore_run_free(store_run(s, thread));
	OK(s, runstore_claim(s->rs,
		      &(struct runstore_claim){
			      .worker = "w",
			      .thread_id = thread,
			      .lease_ms = &lease_ms,
			      .heartbeat = true,
		      },
		      &lease, &s->error));
	assert_non_null(lease);
	return lease;
}

static pid_t halt(const struct store *s)
{
	pid_t daemon = daemon_child(&s->daemon);

	assert_true(daemon > 1);
	kill(daemon, SIGSTOP);
	return daemon;
}

static void a_daemon_that_hangs_does_not_keep_a_lease_from_being_freed(void **state)
{
	struct store *s = *state;
	struct runstore_lease *lease = claim_new(s, "h_free", 60000);
	struct runstore_lease *beating = claim_new(s, "h_free", 3000);
	pid_t daemon = halt(s);
	long start;

	pause_ms(1200); /* one thread of the two waits for an answer now */
	start = clock_ms();
	runstore_lease_free(lease);
	runstore_lease_free(beating);
	kill(daemon, SIGCONT);
	assert_true(clock_ms() - start < 1500);
}

static void a_daemon_that_hangs_does_not_keep_a_watch_beyond_its_time(void **state)
{
	struct store *s = *state;
	const struct runstore_change *change;
	struct runstore_watch *w = NULL;
	long start = clock_ms();
	pid_t daemon;
	int r = 0;

	OK(s, runstore_watch_open(s->rs, NULL, &w, &s->error));
	daemon = halt(s);
	/* Silence makes it look sooner or later. */
	while (!r && clock_ms() - start < SOON_MS) {
		long before = clock_ms();

		r = runstore_watch_next(w, 300, &change, &s->error);
		if (clock_ms() - before > 5000) {
			r = -1;
		}
	}
	kill(daemon, SIGCONT);
	assert_int_equal(r, RUNSTORE_E_UNAVAILABLE);
	runstore_watch_close(w);
}

static void an_events_url_that_cannot_be_is_refused(void **state)
{
	struct store *s = *state;
	struct runstore_watch *w = NULL;
	char url[160] = "ipc:///tmp/";

	memset(url + strlen(url), 'x', 107); /* nanomsg aborts the process over this one */
	assert_int_equal(
		runstore_watch_open(
			s->rs, &(struct runstore_watch_options){.events_url = url}, &w, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_string_equal(s->error.param, "events_url");
}

struct chatter {
	pthread_t thread;
	int publisher;
	atomic_bool stop;
};

/* Well-formed changes of a run that is of no interest, one after the other. */
static void *chatter_on(void *argument)
{
	struct chatter *c = argument;

	for (int64_t seq = 1000000; !atomic_load(&c->stop); seq++) {
		struct buf frame = {0};

		buf_append(&frame, "t/other", 8);
		frame_begin_event(&frame, slice_str("thread.run.updated"));
		mp_put_map(&frame, 4);
		mp_put_cstr(&frame, "seq");
		mp_put_int(&frame, seq);
		mp_put_cstr(&frame, "event");
		mp_put_cstr(&frame, "thread.run.updated");
		mp_put_cstr(&frame, "thread_id");
		mp_put_cstr(&frame, "t");
		mp_put_cstr(&frame, "run_id");
		mp_put_cstr(&frame, "other");
		nn_send(c->publisher, frame.ptr, frame.len, 0);
		buf_finish(&frame);
		pause_ms(20);
	}
	return NULL;
}

/* The hint for it is lost, and those for others leave no silence to look into. */
static void a_run_is_watched_in_the_midst_of_others(void **state)
{
	struct store *s = *state;
	const struct runstore_change *change = NULL;
	struct runstore_watch *w = NULL;
	struct chatter c = {0};
	char url[80];

	snprintf(url, sizeof(url), "ipc://%s/pub", s->daemon.dir);
	c.publisher = nn_socket(AF_SP, NN_PUB);
	assert_true(nn_bind(c.publisher, url) >= 0);
	OK(s, runstore_watch_open(s->rs,
		      &(struct runstore_watch_options){.run_id = "run_mine", .events_url = url}, &w,
		      &s->error));
	pthread_create(&c.thread, NULL, chatter_on, &c);
	pause_ms(500);
	OK(s, runstore_watch_next(w, 0, &change, &s->error));
	OK(s, runstore_run_create(s->rs,
		      &(struct runstore_run_create){
			      .thread_id = "t", .assistant_id = "a", .id = "run_mine"},
		      NULL, &s->error));
	OK(s, runstore_watch_next(w, SOON_MS, &change, &s->error));
	atomic_store(&c.stop, true);
	pthread_join(c.thread, NULL);
	assert_non_null(change);
	assert_string_equal(change->run_id, "run_mine");
	runstore_watch_close(w);
	nn_close(c.publisher);
}

struct patient {
	pthread_t thread;
	struct runstore *rs;
	struct runstore_lease *lease;
	int r;
};

static void *claim_patiently(void *argument)
{
	struct patient *p = argument;

	p->r = runstore_claim(p->rs,
		&(struct runstore_claim){.worker = "w", .thread_id = "h_max", .wait_ms = INT64_MAX},
		&p->lease, NULL);
	return NULL;
}

static void the_longest_wait_is_no_short_one(void **state)
{
	struct store *s = *state;
	struct patient p = {.rs = s->rs};

	pthread_create(&p.thread, NULL, claim_patiently, &p);
	pause_ms(300);
	runstore_run_free(store_run(s, "h_max"));
	pthread_join(p.thread, NULL);
	assert_int_equal(p.r, 0);
	assert_non_null(p.lease);
	runstore_lease_free(p.lease);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_daemon_that_hangs_does_not_keep_a_lease_from_being_freed),
		cmocka_unit_test(a_daemon_that_hangs_does_not_keep_a_watch_beyond_its_time),
		cmocka_unit_test(a_run_is_watched_in_the_midst_of_others),
		cmocka_unit_test(the_longest_wait_is_no_short_one),
		cmocka_unit_test(an_events_url_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, store_start, store_stop);
}
