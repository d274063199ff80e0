#include "cmocka_all.h"

#include "objects.h"
#include "tests/gateway/scene.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A waiter that counts. */
struct ear {
	struct hub_waiter waiter;
	atomic_int status, part, unsure;
	char last[32]; /* status */
	pthread_mutex_t lock;
	pthread_cond_t heard;
};

static void hear(struct hub_waiter *w, enum hub_news news, const char *status)
{
	struct ear *e = (struct ear *)(void *)w;

	pthread_mutex_lock(&e->lock);
	if (status) {
		snprintf(e->last, sizeof(e->last), "%s", status);
	}
	*(news == HUB_STATUS ? &e->status : news == HUB_PART ? &e->part : &e->unsure) += 1;
	pthread_cond_signal(&e->heard);
	pthread_mutex_unlock(&e->lock);
}

static void attend(struct scene *s, struct ear *e, const char *run_id)
{
	*e = (struct ear){.waiter = {.run_id = run_id, .wake = hear}};
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->heard, NULL);
	hub_join(s->gw.hub, &e->waiter);
}

static void leave(struct scene *s, struct ear *e)
{
	hub_leave(s->gw.hub, &e->waiter);
	pthread_cond_destroy(&e->heard);
	pthread_mutex_destroy(&e->lock);
}

/* Wait until @counter is at least @n. */
static void await(const atomic_int *counter, int n)
{
	long until = clock_ms() + 5000;

	while (*counter < n) {
		if (clock_ms() > until) {
			fail_msg("heard %d times in 5 s, not %d", *counter, n);
		}
		pause_ms(1);
	}
}

static void await_well(struct scene *s, bool well)
{
	long until = clock_ms() + 5000;

	while (hub_well(s->gw.hub) != well) {
		assert_true(clock_ms() < until);
		pause_ms(1);
	}
}

static void changes_wake_who_waits_for_the_run(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1"), *other = run_new(s->wire, "thread_1");
	struct ear a, b, c;
	int unsure;

	attend(s, &a, id);
	attend(s, &b, id);
	attend(s, &c, other);
	await_well(s, true);
	await(&a.unsure, 1);
	unsure = a.unsure;
	run_move(s->wire, id, "in_progress");
	await(&a.status, 1);
	await(&b.status, 1);
	assert_string_equal(a.last, "in_progress");
	step_new(s->wire, id);
	await(&a.part, 1);
	run_move(s->wire, id, "failed");
	await(&a.status, 2);
	assert_string_equal(a.last, "failed");
	expect_ok(s->wire, "runs.delete", "{'run_id':'%s'}", id);
	await(&a.unsure, unsure + 1);
	run_move(s->wire, other, "in_progress");
	await(&c.status, 1);
	assert_int_equal(a.status, 2);
	assert_int_equal(c.part, 0);
	leave(s, &a);
	leave(s, &b);
	leave(s, &c);
}

static void messages_are_parts(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct ear e;

	run_move(s->wire, id, "in_progress");
	attend(s, &e, id);
	await_well(s, true);
	expect_ok(s->wire, "messages.create",
		"{'thread_id':'thread_1','role':'assistant','content':'Hi','run_id':'%s'}", id);
	await(&e.part, 1);
	assert_int_equal(e.status, 0);
	leave(s, &e);
}

static void who_has_left_is_not_woken(void **state)
{
	struct scene *s = *state;
	const char *id = run_new(s->wire, "thread_1");
	struct ear a, b;

	attend(s, &a, id);
	attend(s, &b, id);
	await_well(s, true);
	await(&b.unsure, 1);
	leave(s, &b);
	run_move(s->wire, id, "in_progress");
	await(&a.status, 1);
	assert_int_equal(b.status, 0);
	leave(s, &a);
}

static void a_restart_of_the_daemon_is_survived(void **state)
{
	struct scene *s = *state;
	char id[80];
	struct ear e;
	int unsure;

	snprintf(id, sizeof(id), "%s", run_new(s->wire, "thread_1"));
	attend(s, &e, id);
	await_well(s, true);
	await(&e.unsure, 1);
	scene_halt(s);
	await_well(s, false);
	unsure = e.unsure;
	scene_resume(s);
	run_move(s->wire, id, "in_progress");
	await(&e.status, 1);
	await(&e.unsure, unsure + 1);
	leave(s, &e);
}

static void a_daemon_that_is_not_there_yet_is_waited_for(void **state)
{
	struct scene *s = *state;
	struct ear e;
	char id[80];

	snprintf(id, sizeof(id), "%s", run_new(s->wire, "thread_1"));
	scene_halt(s);
	attend(s, &e, id);
	pause_ms(300);
	assert_int_equal(e.unsure, 0);
	scene_resume(s);
	await(&e.unsure, 1);
	run_move(s->wire, id, "in_progress");
	await(&e.status, 1);
	leave(s, &e);
}

/* Fewer changes than before: what the watch looks for is yet to come there. */
static void another_store_makes_everybody_look(void **state)
{
	struct scene *s = *state;
	struct ear e;
	char command[200];
	int unsure;

	attend(s, &e, "run_1");
	await_well(s, true);
	for (int i = 0; i < 10; i++) {
		run_new(s->wire, "thread_1");
	}
	pause_ms(300);
	scene_halt(s);
	snprintf(command, sizeof(command), "rm -f %s/data.mdb %s/lock.mdb", s->fixture->daemon.data,
		s->fixture->daemon.data);
	assert_int_equal(system(command), 0);
	await_well(s, false);
	unsure = e.unsure;
	scene_resume(s);
	await(&e.unsure, unsure + 1);
	expect_ok(
		s->wire, "runs.create", "{'id':'run_1','thread_id':'thread_1','assistant_id':'a'}");
	await(&e.status, 1);
	leave(s, &e);
}

struct race {
	struct scene *s;
	const char *id;
	int delay_us;
};

static void *complete(void *context)
{
	struct race *race = context;
	struct wire wire;

	wire_open(&wire, race->s->fixture->daemon.url, WIRE_TIMEOUT_MS);
	nanosleep(&(struct timespec){.tv_nsec = race->delay_us * 1000L}, NULL);
	run_move(&wire, race->id, "cancelled");
	wire_close(&wire);
	return NULL;
}

/* Whoever joins, then reads, then waits sees the end, however these fall together. */
static void nothing_is_missed_between_the_look_and_the_wait(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 60; i++) {
		struct race race = {s, run_new(s->wire, "thread_1"), i * 40};
		pthread_t thread;
		struct ear e;

		assert_int_equal(pthread_create(&thread, NULL, complete, &race), 0);
		attend(s, &e, race.id);
		if (strcmp(text(run_get(s->wire, race.id), "status"), "cancelled") != 0) {
			long until = clock_ms() + 2000;
			bool seen = false;

			while (!seen) {
				assert_true(clock_ms() < until);
				pause_ms(1);
				pthread_mutex_lock(&e.lock);
				seen = strcmp(e.last, "cancelled") == 0;
				pthread_mutex_unlock(&e.lock);
				if (!seen && e.unsure) {
					seen = strcmp(text(run_get(s->wire, race.id), "status"),
						       "cancelled") == 0;
				}
			}
		}
		leave(s, &e);
		pthread_join(thread, NULL);
	}
}

static atomic_bool stop_crowd;

static void *come_and_go(void *context)
{
	struct race *race = context;

	while (!stop_crowd) {
		struct ear e[8];

		for (int i = 0; i < 8; i++) {
			attend(race->s, &e[i], race->id);
		}
		for (int i = 0; i < 8; i++) {
			leave(race->s, &e[(i * 3) % 8]);
		}
	}
	return NULL;
}

static void a_crowd_may_come_and_go(void **state)
{
	struct scene *s = *state;
	struct race race = {s, run_new(s->wire, "thread_1"), 0};
	pthread_t threads[3];
	struct ear e;

	stop_crowd = false;
	attend(s, &e, race.id);
	await_well(s, true);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &race), 0);
	}
	for (int i = 0; i < 50; i++) {
		expect_ok(s->wire, "runs.update", "{'run_id':'%s','metadata':{'n':'%d'}}", race.id,
			i);
	}
	await(&e.status, 50);
	stop_crowd = true;
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(e.status, 50);
	leave(s, &e);
}

static void it_closes_in_time_without_a_daemon(void **state)
{
	struct scene *s = *state;
	struct ear e;

	scene_halt(s);
	attend(s, &e, "run_1");
	pause_ms(100);
	leave(s, &e);
	scene_resume(s); /* the teardown measures */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_start, scene_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(changes_wake_who_waits_for_the_run),
		TEST(messages_are_parts),
		TEST(who_has_left_is_not_woken),
		TEST(a_restart_of_the_daemon_is_survived),
		TEST(a_daemon_that_is_not_there_yet_is_waited_for),
		TEST(another_store_makes_everybody_look),
		TEST(nothing_is_missed_between_the_look_and_the_wait),
		TEST(a_crowd_may_come_and_go),
		TEST(it_closes_in_time_without_a_daemon),
	};

	return cmocka_run_group_tests_name("gateway_hub", tests, NULL, NULL);
}
