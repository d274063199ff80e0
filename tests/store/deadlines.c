/* What falls due belongs to one run, not to its id. */
#include "cmocka_all.h"

#include "objects.h"
#include "shelf.h"

#include "daemon/ops/lifecycle.h"
#include "daemon/store/deadlines.h"

static void expect_status(struct shelf *s, const char *status)
{
	expect_fields(shelf_call(s, "runs.get", "{'run_id':'r'}"), "{'status':'%s'}", status);
}

/* A run r that began to be cancelled at this moment. */
static void make_cancelling(struct shelf *s)
{
	shelf_call(s, "runs.create", "{'thread_id':'t','assistant_id':'a','id':'r'}");
	shelf_call(s, "runs.update", "{'run_id':'r','status':'in_progress'}");
	shelf_call(s, "runs.cancel", "{'run_id':'r'}");
	expect_status(s, "cancelling");
}

/* Move the clock to @at_ms and do what is due there. */
static void settle_at(struct shelf *s, int64_t at_ms)
{
	s->now_ms = at_ms;
	shelf_begin(s);
	lifecycle_settle(&s->txn, 100);
	shelf_commit(s);
}

static int64_t next_deadline(struct shelf *s)
{
	int64_t at_ms;

	shelf_begin(s);
	at_ms = deadlines_next(&s->txn);
	shelf_commit(s);
	return at_ms;
}

static void a_cancel_ends_the_run_at_its_time_and_not_before(void **state)
{
	struct shelf *s = *state;
	const int64_t start = s->now_ms;

	make_cancelling(s);
	settle_at(s, start + CANCEL_GRACE_MS - 1);
	expect_status(s, "cancelling");
	settle_at(s, start + CANCEL_GRACE_MS);
	expect_status(s, "cancelled");
	assert_true(next_deadline(s) == INT64_MAX);
}

static void the_cancel_of_a_deleted_run_is_not_that_of_the_next_under_its_id(void **state)
{
	struct shelf *s = *state;
	const int64_t first = s->now_ms, second = first + 20000;

	make_cancelling(s);
	s->now_ms = first + 10000;
	shelf_call(s, "runs.delete", "{'run_id':'r'}");
	s->now_ms = second;
	make_cancelling(s);
	settle_at(s, first + CANCEL_GRACE_MS);
	expect_status(s, "cancelling");
	settle_at(s, second + CANCEL_GRACE_MS - 1);
	expect_status(s, "cancelling");
	settle_at(s, second + CANCEL_GRACE_MS);
	expect_status(s, "cancelled");
	assert_true(next_deadline(s) == INT64_MAX);
}

static void nor_when_both_began_in_one_millisecond(void **state)
{
	struct shelf *s = *state;
	const int64_t start = s->now_ms;

	make_cancelling(s);
	shelf_call(s, "threads.delete", "{'thread_id':'t'}");
	make_cancelling(s);
	settle_at(s, start + CANCEL_GRACE_MS - 1);
	expect_status(s, "cancelling");
	settle_at(s, start + CANCEL_GRACE_MS);
	expect_status(s, "cancelled");
}

static void the_expiry_of_a_deleted_run_is_not_that_of_the_next_under_its_id(void **state)
{
	static const char create[] =
		"{'thread_id':'t','assistant_id':'a','id':'r','expires_in':%d}";
	struct shelf *s = *state;
	const int64_t start = s->now_ms;

	shelf_call(s, "runs.create", create, 30);
	s->now_ms = start + 10000;
	shelf_call(s, "runs.delete", "{'run_id':'r'}");
	shelf_call(s, "runs.create", create, 50);
	settle_at(s, start + 30000);
	expect_status(s, "queued");
	settle_at(s, start + 60000);
	expect_status(s, "queued");
	settle_at(s, start + 60001);
	expect_status(s, "expired");
	assert_true(next_deadline(s) == INT64_MAX);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, shelf_start, shelf_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(a_cancel_ends_the_run_at_its_time_and_not_before),
		ALONE(the_cancel_of_a_deleted_run_is_not_that_of_the_next_under_its_id),
		ALONE(nor_when_both_began_in_one_millisecond),
		ALONE(the_expiry_of_a_deleted_run_is_not_that_of_the_next_under_its_id),
	};

	return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
