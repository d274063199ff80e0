#include "cmocka_all.h"

#include "client/util.h"
#include "tools/gateway/timers.h"

#include <stdatomic.h>
#include <stdlib.h>

struct bell {
	struct timer timer;
	atomic_int rung;
	int order; /* when it rang first, among all */
	int again; /* how often it still rings after that */
};

static atomic_int rings;

static int64_t ring(struct timer *t)
{
	struct bell *b = (struct bell *)(void *)t;

	if (!b->rung++) {
		b->order = ++rings;
	}
	return b->again-- > 0 ? now_ms() + 10 : 0;
}

static int setup(void **state)
{
	struct timers *ts = NULL;

	assert_int_equal(timers_open(&ts), 0);
	rings = 0;
	*state = ts;
	return 0;
}

static int teardown(void **state)
{
	timers_close(*state);
	return 0;
}

static void await(const struct bell *b, int n)
{
	int64_t until = end_after(5000);

	while (b->rung < n) {
		assert_true(now_ms() < until);
		pause_ms(1);
	}
}

static void they_ring_in_the_order_of_their_times(void **state)
{
	static const int delays[] = {90, 30, 150, 60, 120, 30};
	static const int orders[] = {4, 1, 6, 3, 5, 2};
	struct bell bells[6] = {0};
	int64_t now = now_ms();

	for (int i = 0; i < 6; i++) {
		bells[i].timer.ring = ring;
		timers_set(*state, &bells[i].timer, now + delays[i]);
	}
	await(&bells[2], 1);
	assert_in_range(now_ms() - now, 150, 1000);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(bells[i].rung, 1);
		assert_int_equal(bells[i].order, orders[i]);
		timers_cancel(*state, &bells[i].timer);
	}
}

static void one_may_ring_again(void **state)
{
	struct bell b = {.timer.ring = ring, .again = 4};

	timers_set(*state, &b.timer, 1);
	await(&b, 5);
	pause_ms(50);
	assert_int_equal(b.rung, 5);
	timers_set(*state, &b.timer, now_ms());
	await(&b, 6);
	timers_cancel(*state, &b.timer);
}

static void what_is_cancelled_does_not_ring(void **state)
{
	struct bell a = {.timer.ring = ring}, b = {.timer.ring = ring}, c = {.timer.ring = ring};
	int64_t now = now_ms();

	timers_set(*state, &a.timer, now + 40);
	timers_set(*state, &b.timer, now + 50);
	timers_set(*state, &c.timer, now + 60);
	timers_cancel(*state, &b.timer);
	timers_cancel(*state, &b.timer);
	await(&c, 1);
	assert_int_equal(a.rung, 1);
	assert_int_equal(b.rung, 0);
}

static void a_new_time_takes_the_place_of_the_old(void **state)
{
	struct bell a = {.timer.ring = ring}, b = {.timer.ring = ring};
	int64_t now = now_ms();

	timers_set(*state, &a.timer, now + 30);
	timers_set(*state, &b.timer, now + 100000);
	timers_set(*state, &a.timer, now + 120);
	timers_set(*state, &b.timer, now + 60);
	await(&b, 1);
	assert_int_equal(a.rung, 0);
	await(&a, 1);
	assert_int_equal(a.rung, 1);
}

static void many_come_and_go(void **state)
{
	struct bell *bells = calloc(2000, sizeof(*bells));
	int rung = 0;

	for (int i = 0; i < 2000; i++) {
		bells[i].timer.ring = ring;
		timers_set(*state, &bells[i].timer, now_ms() + rand() % 60);
		if (i % 3 == 0) {
			timers_cancel(*state, &bells[rand() % (i + 1)].timer);
		}
	}
	pause_ms(100);
	for (int i = 0; i < 2000; i++) {
		timers_cancel(*state, &bells[i].timer);
		assert_in_range(bells[i].rung, 0, 1);
		rung += bells[i].rung;
	}
	assert_in_range(rung, 1300, 2000);
	free(bells);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(they_ring_in_the_order_of_their_times),
		TEST(one_may_ring_again),
		TEST(what_is_cancelled_does_not_ring),
		TEST(a_new_time_takes_the_place_of_the_old),
		TEST(many_come_and_go),
	};

	return cmocka_run_group_tests_name("gateway_timers", tests, NULL, NULL);
}
