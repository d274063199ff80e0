/* Idempotency records are kept for 24 hours, and the table does not grow beyond what these bring.
 */
#include "cmocka_all.h"

#include "shelf.h"

#include "daemon/store/idempotency.h"

#include <stdio.h>

enum { BATCH = 1000, HOUR_MS = 3600000, DAY_BATCHES = 24, DAYS = 6 };

/* The key of the record @n: as they come from ULIDs, or, scrambled, in any order. */
static struct key key_of(uint32_t n, bool scrambled)
{
	char text[16];

	snprintf(text, sizeof(text), "%010u", scrambled ? n * 2654435761u : n);
	return idempotency_key(slice_str(text));
}

/* What the writer does: a transaction with @n records, then a sweep as long as they deserve. */
static void add_records(
	struct shelf *s, uint32_t first, uint32_t n, bool scrambled, struct key *swept)
{
	shelf_begin(s);
	for (uint32_t i = first; i < first + n; i++) {
		const struct idempotency record = {
			.hash = i, .kind = IDEMPOTENCY_RUN, .what = SLICE_LIT("run_1")};
		struct key key = key_of(i, scrambled);

		idempotency_put(&s->txn, key_slice(&key), &record);
	}
	assert_int_equal(s->txn.n_keys, n);
	idempotency_sweep(&s->txn, swept, 8 + 2 * s->txn.n_keys);
	shelf_commit(s);
}

static bool is_found(struct shelf *s, uint32_t n, bool scrambled)
{
	struct key key = key_of(n, scrambled);
	struct idempotency record;
	bool found = idempotency_find(&s->txn, key_slice(&key), &record);

	if (found) {
		assert_int_equal(record.hash, n);
		assert_true(slice_is(record.what, "run_1"));
	}
	return found;
}

/* Records that are younger than 24 hours, to the millisecond, are there, and no older ones. */
static void expect_found(struct shelf *s, uint32_t n, bool scrambled)
{
	uint32_t first_kept = n - (DAY_BATCHES + 1) * BATCH;

	shelf_begin(s);
	for (uint32_t i = 0; i < n; i++) {
		if (is_found(s, i, scrambled) != (i >= first_kept)) {
			fail_msg("of %u records number %u is %s", n, i,
				i < first_kept ? "kept" : "gone");
		}
	}
	shelf_commit(s);
}

/* A batch an hour for days. */
static void pass_days(struct shelf *s, bool scrambled)
{
	struct key swept = {0};
	uint64_t most = 0;

	for (uint32_t i = 0; i < DAYS * DAY_BATCHES; i++) {
		uint64_t count;

		s->now_ms += HOUR_MS;
		add_records(s, i * BATCH, BATCH, scrambled, &swept);
		count = shelf_count(s, T_IDEMPOTENCY);
		most = count > most ? count : most;
	}
	print_message("# %d records a day, %llu in the table at most\n", DAY_BATCHES * BATCH,
		(unsigned long long)most);
	assert_in_range(most, DAY_BATCHES * BATCH, 3 * DAY_BATCHES * BATCH);
	expect_found(s, DAYS * DAY_BATCHES * BATCH, scrambled);
}

static void the_table_does_not_grow_with_keys_that_grow(void **state)
{
	pass_days(*state, false);
}

static void nor_with_keys_in_any_order(void **state)
{
	pass_days(*state, true);
}

/* Without new keys eight looks a transaction empty it. */
static void a_table_that_nobody_adds_to_is_swept_all_the_same(void **state)
{
	struct shelf *s = *state;
	struct key swept = {0};

	add_records(s, 0, 400, true, &swept);
	s->now_ms += IDEMPOTENCY_KEPT_MS + 1;
	for (int i = 0; i < 2 * 400 / 8; i++) {
		shelf_begin(s);
		idempotency_sweep(&s->txn, &swept, 8);
		shelf_commit(s);
	}
	assert_int_equal(shelf_count(s, T_IDEMPOTENCY), 0);
}

static void a_record_is_found_for_24_hours_and_then_not_even_before_it_is_swept(void **state)
{
	struct shelf *s = *state;
	struct key swept = {0};

	add_records(s, 0, 1, false, &swept);
	s->now_ms += IDEMPOTENCY_KEPT_MS;
	shelf_begin(s);
	assert_true(is_found(s, 0, false));
	shelf_commit(s);
	s->now_ms += 1;
	shelf_begin(s);
	assert_false(is_found(s, 0, false));
	shelf_commit(s);
	assert_int_equal(shelf_count(s, T_IDEMPOTENCY), 1);
	/* Under the key of an expired record there is room for another. */
	add_records(s, 0, 1, false, &swept);
	shelf_begin(s);
	assert_true(is_found(s, 0, false));
	shelf_commit(s);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, shelf_start, shelf_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(the_table_does_not_grow_with_keys_that_grow),
		ALONE(nor_with_keys_in_any_order),
		ALONE(a_table_that_nobody_adds_to_is_swept_all_the_same),
		ALONE(a_record_is_found_for_24_hours_and_then_not_even_before_it_is_swept),
	};

	return cmocka_run_group_tests_name("idempotency", tests, NULL, NULL);
}
