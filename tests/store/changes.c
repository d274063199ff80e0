/* The feed of changes stays within its bounds, and its numbers never begin anew. */
#include "cmocka_all.h"

#include "shelf.h"

#include "daemon/store/changes.h"
#include "proto/mp.h"

/* Rows that hold what a trim looks at. */
static void put_changes(struct shelf *s, uint32_t n)
{
	struct buf row = {0};

	mp_put_map(&row, 1);
	mp_put_cstr(&row, "at_ms");
	mp_put_int(&row, s->now_ms);
	shelf_begin(s);
	for (uint32_t i = 0; i < n; i++) {
		struct key key = {0};

		key_u64(&key, changes_next_seq(&s->txn));
		kv_put(s->txn.kv, T_CHANGES, key_slice(&key), buf_slice(&row));
	}
	shelf_commit(s);
	buf_finish(&row);
}

/* What the writer does: a transaction with @n changes, then a trim. */
static void add_changes(struct shelf *s, uint32_t n)
{
	shelf_begin(s);
	for (uint32_t i = 0; i < n; i++) {
		const struct change change = {
			.seq = changes_next_seq(&s->txn),
			.event = "updated",
			.thread_id = SLICE_LIT("t"),
			.run_id = SLICE_LIT("r"),
			.from = "queued",
			.to = "queued",
		};

		changes_add(&s->txn, &change);
	}
	changes_trim(&s->txn);
	shelf_commit(s);
}

/* The feed holds the numbers from @first to @last, without a gap. */
static void expect_feed(struct shelf *s, uint64_t first, uint64_t last)
{
	struct kv_cursor c;

	assert_int_equal(store_last_seq(s->store), last);
	shelf_begin(s);
	kv_cursor_open(s->txn.kv, T_CHANGES, &c);
	assert_true(kv_first(&c));
	assert_int_equal(read_u64(c.key.ptr), first);
	assert_true(kv_last(&c));
	assert_int_equal(read_u64(c.key.ptr), last);
	kv_cursor_close(&c);
	assert_int_equal(kv_count(s->txn.kv, T_CHANGES), last - first + 1);
	shelf_commit(s);
}

static void a_full_feed_stays_full_however_many_changes_come_at_once(void **state)
{
	struct shelf *s = *state;
	uint64_t last = CHANGES_MAX;

	put_changes(s, CHANGES_MAX);
	for (int i = 0; i < 4; i++) {
		add_changes(s, 40000);
		last += 40000;
		expect_feed(s, last - CHANGES_MAX + 1, last);
	}
}

static void old_changes_go_even_when_many_come(void **state)
{
	struct shelf *s = *state;

	put_changes(s, 20000);
	s->now_ms += CHANGES_AGE_MS;
	add_changes(s, 1);
	expect_feed(s, 1, 20001);
	s->now_ms += 1;
	for (int i = 0; i < 3; i++) {
		add_changes(s, 5000);
	}
	/* What is 7 days old is gone, and nothing else. */
	expect_feed(s, 20001, 35001);
}

static void the_last_change_stays_however_old_and_numbers_go_on_from_it(void **state)
{
	struct shelf *s = *state;

	add_changes(s, 100);
	s->now_ms += 2 * CHANGES_AGE_MS;
	add_changes(s, 0);
	expect_feed(s, 100, 100);
	add_changes(s, 0);
	expect_feed(s, 100, 100);
	shelf_reopen(s);
	expect_feed(s, 100, 100);
	add_changes(s, 2);
	expect_feed(s, 101, 102);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, shelf_start, shelf_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(a_full_feed_stays_full_however_many_changes_come_at_once),
		ALONE(old_changes_go_even_when_many_come),
		ALONE(the_last_change_stays_however_old_and_numbers_go_on_from_it),
	};

	return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
