/* A cancel that no executor confirms is carried out by the daemon after 60 s. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#define GRACE_MS 60000

static void an_unconfirmed_cancel_is_confirmed_after_a_minute(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_in(w, "t", "in_progress");
	const char *step = step_new(w, id);
	const char *imported = "run_1";
	long began = clock_ms();
	json_t *run;

	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", id);
	import_one(w, run_object("{'status':'cancelling'}"));
	pause_ms(GRACE_MS - 2000);
	expect_fields(run_get(w, id), "{'status':'cancelling'}");
	expect_fields(run_get(w, imported), "{'status':'cancelling'}");
	run = run_await(w, id, "cancelled", 5000);
	assert_true(clock_ms() - began >= GRACE_MS - 1000);
	expect_now(run, "cancelled_at");
	expect_fields(run, "{'expires_at':null}");
	expect_fields(step_get(w, id, step), "{'status':'cancelled'}");
	run_await(w, imported, "cancelled", 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unconfirmed_cancel_is_confirmed_after_a_minute),
	};

	return cmocka_run_group_tests_name("cancel grace", tests, fixture_start, fixture_stop);
}
