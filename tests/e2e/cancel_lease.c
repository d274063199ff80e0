/* A worker that is gone does not keep a cancel from being carried out after its minute. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#define GRACE_MS 60000

static void a_cancel_whose_worker_is_gone_is_confirmed_after_a_minute(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lost = work_take(w, "lost", 3000), held = work_take(w, "held", 3600000);
	long began;

	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", lost.run);
	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", held.run);
	began = clock_ms();
	pause_ms(GRACE_MS - 2000);
	expect_fields(run_get(w, lost.run), "{'status':'cancelling'}");
	expect_fields(work_beat(w, &held, ""), "{'status':'cancelling'}");
	run_await(w, lost.run, "cancelled", 5000);
	run_await(w, held.run, "cancelled", 3000);
	assert_true(clock_ms() - began >= GRACE_MS - 1000);
	work_expect_over(w, &held, "lease_lost");
	history_expect(w, 0, lost.run,
		"thread.run.created nil queued client; "
		"thread.run.in_progress queued in_progress w; "
		"thread.run.cancelling in_progress cancelling client; "
		"thread.run.lease_lost cancelling cancelling daemon; "
		"thread.run.cancelled cancelling cancelled daemon");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cancel_whose_worker_is_gone_is_confirmed_after_a_minute),
	};

	return cmocka_run_group_tests_name("cancel lease", tests, fixture_start, fixture_stop);
}
