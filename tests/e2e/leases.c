/* What a lease guards, for how long, and how it is renewed and given back. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "work.h"

#include <stdio.h>

#define LONG_MS 60000
#define STEP                                                                                       \
	"'type':'message_creation','step_details':{'type':'message_creation',"                     \
	"'message_creation':{'message_id':'m'}}"

/* The lease guards these requests; @lease, if any, is sent with them, as in `,'lease':'x'`. */
static void expect_writes_refused(struct wire *w, const char *code, const char *param,
	const char *run, const char *step, const char *lease)
{
	expect_error(w, "runs.update", code, param, "{'run_id':'%s','status':'completed'%s}", run,
		lease);
	expect_error(w, "runs.update", code, param,
		"{'run_id':'%s','status':'failed','metadata':{'x':'y'}%s%s}", run,
		status_demands("failed"), lease);
	expect_error(w, "steps.create", code, param, "{'run_id':'%s'," STEP "%s}", run, lease);
	expect_error(w, "steps.update", code, param,
		"{'run_id':'%s','step_id':'%s','status':'completed'%s}", run, step, lease);
	expect_error(w, "steps.update", code, param,
		"{'run_id':'%s','step_id':'%s','metadata':{'x':'y'}%s}", run, step, lease);
}

/* All of it, with a token, is refused. */
static void expect_refused(struct wire *w, const char *code, const char *param, const char *run,
	const char *step, const char *token)
{
	char lease[128];

	snprintf(lease, sizeof(lease), ",'lease':'%s'", token);
	expect_writes_refused(w, code, param, run, step, lease);
	expect_error(w, "runs.heartbeat", code, param, "{'run_id':'%s'%s}", run, lease);
	expect_error(w, "runs.release", code, param, "{'run_id':'%s'%s}", run, lease);
}

static void a_leased_run_is_written_to_under_its_lease_alone(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "guard", LONG_MS), other = work_take(w, "guard", LONG_MS);
	const char *step = work_step(w, &lease);
	json_t *run = run_get(w, lease.run), *open = step_get(w, lease.run, step);

	expect_writes_refused(w, "lease_lost", "lease", lease.run, step, "");
	expect_refused(w, "lease_lost", "lease", lease.run, step, other.token);
	expect_refused(w, "lease_lost", "lease", lease.run, step, "made_up");
	expect_refused(w, "lease_lost", "lease", lease.run, step, repeated(w, "t", 64));
	expect_same(run_get(w, lease.run), run);
	expect_same(step_get(w, lease.run, step), open);
	assert_int_equal(json_array_size(field(
				 expect_ok(w, "steps.list", "{'run_id':'%s'}", lease.run), "data")),
		1);
	expect_fields(expect_ok(w, "steps.update",
			      "{'run_id':'%s','step_id':'%s','lease':'%s','status':'completed'}",
			      lease.run, step, lease.token),
		"{'status':'completed'}");
	expect_fields(work_move(w, &lease, "completed"), "{'status':'completed'}");
}

static void a_token_has_one_to_sixty_four_bytes(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "token", LONG_MS);
	const char *step = work_step(w, &lease);

	expect_refused(w, "invalid_params", "lease", lease.run, step, "");
	expect_refused(w, "invalid_params", "lease", lease.run, step, repeated(w, "t", 65));
	expect_writes_refused(w, "invalid_params", "lease", lease.run, step, ",'lease':5");
	expect_writes_refused(w, "invalid_params", "lease", lease.run, step, ",'lease':{}");
	expect_error(w, "runs.heartbeat", "invalid_params", "lease", "{'run_id':'%s','lease':5}",
		lease.run);
}

static void heartbeat_and_release_need_a_token(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "need", LONG_MS);
	static const char *const methods[] = {"runs.heartbeat", "runs.release"};

	for (int i = 0; i < 2; i++) {
		expect_error(w, methods[i], "missing_param", "lease", "{'run_id':'%s'}", lease.run);
		expect_error(
			w, methods[i], "missing_param", "run_id", "{'lease':'%s'}", lease.token);
		expect_error(w, methods[i], "unknown_param", "worker",
			"{'run_id':'%s','lease':'%s','worker':'w'}", lease.run, lease.token);
		expect_error(w, methods[i], "not_found", NULL,
			"{'run_id':'%s','lease':'%s','thread_id':'other'}", lease.run, lease.token);
		expect_error(w, methods[i], "not_found", NULL, "{'run_id':'none','lease':'%s'}",
			lease.token);
	}
	expect_fields(run_get(w, lease.run), "{'status':'in_progress'}");
}

static void metadata_needs_no_lease(void **state)
{
	static const char update[] = "{'run_id':'%s','metadata':{'by':'%s'}%s}";
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "metadata", LONG_MS);
	char with[128];

	expect_fields(expect_ok(w, "runs.update", update, lease.run, "client", ""),
		"{'metadata.by':'client','status':'in_progress'}");
	snprintf(with, sizeof(with), ",'lease':'%s'", lease.token);
	expect_fields(expect_ok(w, "runs.update", update, lease.run, "worker", with),
		"{'metadata.by':'worker','status':'in_progress'}");
	expect_error(w, "runs.update", "lease_lost", "lease", update, lease.run, "stranger",
		",'lease':'made_up'");
	expect_fields(run_get(w, lease.run), "{'metadata.by':'worker'}");
}

static void cancels_and_deletes_need_no_lease(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "cancel", LONG_MS);

	expect_fields(expect_ok(w, "runs.cancel", "{'run_id':'%s'}", lease.run),
		"{'status':'cancelling'}");
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", lease.run);
	work_take(w, "cancel", LONG_MS);
	expect_ok(w, "threads.delete", "{'thread_id':'cancel'}");
}

static void a_cancelling_run_stays_with_its_worker(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "cancelling", LONG_MS);
	const char *step = work_step(w, &lease);

	expect_ok(w, "runs.cancel", "{'run_id':'%s'}", lease.run);
	expect_writes_refused(w, "lease_lost", "lease", lease.run, step, "");
	expect_refused(w, "lease_lost", "lease", lease.run, step, "made_up");
	expect_fields(work_beat(w, &lease, ""), "{'status':'cancelling'}");
	expect_error(w, "runs.release", "invalid_transition", NULL, "{'run_id':'%s','lease':'%s'}",
		lease.run, lease.token);
	work_step(w, &lease);
	expect_fields(work_move(w, &lease, "cancelled"), "{'status':'cancelled'}");
	expect_fields(step_get(w, lease.run, step), "{'status':'cancelled'}");
	expect_refused(w, "lease_lost", "lease", lease.run, step, lease.token);
}

static void a_heartbeat_renews_the_lease(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "renew", 20000);
	json_int_t began = unix_ms();
	json_t *beat = work_beat(w, &lease, ",'lease_ms':50000");

	expect_fields(beat, "{'status':'in_progress','lease.worker':'w'}");
	assert_in_range(number(beat, "lease.expires_ms"), began + 49000, unix_ms() + 51000);
	began = unix_ms();
	/* What the claim asked for, not what the heartbeat before did. */
	beat = work_beat(w, &lease, "");
	assert_in_range(number(beat, "lease.expires_ms"), began + 19000, unix_ms() + 21000);
	beat = work_beat(w, &lease, ",'lease_ms':null");
	assert_in_range(number(beat, "lease.expires_ms"), began + 19000, unix_ms() + 21000);
}

static void a_heartbeat_s_lease_ms_has_the_bounds_of_a_claim_s(void **state)
{
	static const char *const bad[] = {"99", "-1", "0", "3600001", "'1000'", "1.5"};
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "bounds", LONG_MS);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		expect_error(w, "runs.heartbeat", "invalid_params", "lease_ms",
			"{'run_id':'%s','lease':'%s','lease_ms':%s}", lease.run, lease.token,
			bad[i]);
	}
	work_beat(w, &lease, ",'lease_ms':3600000");
	work_beat(w, &lease, ",'lease_ms':100");
}

static void a_heartbeat_changes_no_object(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "beat", LONG_MS);
	json_t *run = run_get(w, lease.run);
	const char *told = history_text(w, 0, lease.run);

	for (int i = 0; i < 3; i++) {
		work_beat(w, &lease, "");
	}
	history_expect(w, 0, lease.run, told);
	expect_same(run_get(w, lease.run), run);
}

static void a_released_run_is_queued_and_claimed_again(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "release", LONG_MS), second;
	const char *step = work_step(w, &lease);
	json_t *run = work_release(w, &lease), *claim;

	expect_fields(run, "{'id':'%s','status':'queued','last_error':null}", lease.run);
	expect_same(run_get(w, lease.run), run);
	expect_fields(step_get(w, lease.run, step), "{'status':'in_progress'}");
	expect_refused(w, "lease_lost", "lease", lease.run, step, lease.token);
	claim = work_claim(w, "w2", "release", "");
	expect_same(field(claim, "run.started_at"), field(run, "started_at"));
	second = work_lease(claim);
	assert_string_equal(second.run, lease.run);
	assert_string_not_equal(second.token, lease.token);
	assert_int_equal(second.attempt, 2);
	expect_refused(w, "lease_lost", "lease", lease.run, step, lease.token);
	work_move(w, &second, "failed");
}

static void a_release_can_be_made_many_times(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = work_new(w, "patient", "");

	for (int i = 1; i <= 6; i++) {
		struct lease lease = work_lease(work_claim(w, "w", "patient", ""));

		assert_int_equal(lease.attempt, i);
		assert_string_equal(lease.run, id);
		work_release(w, &lease);
	}
	expect_fields(run_get(w, id), "{'status':'queued'}");
}

static void a_release_sent_again_releases_once(void **state)
{
	static const char release[] = "{'run_id':'%s','lease':'%s','idempotency_key':'release'}";
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "keyed", LONG_MS), second;

	expect_ok(w, "runs.release", release, lease.run, lease.token);
	expect_fields(expect_ok(w, "runs.release", release, lease.run, lease.token),
		"{'status':'queued'}");
	second = work_lease(work_claim(w, "w", "keyed", ""));
	expect_fields(expect_ok(w, "runs.release", release, lease.run, lease.token),
		"{'status':'in_progress'}");
	work_beat(w, &second, "");
}

static void a_write_sent_again_after_its_lease_ended_is_answered(void **state)
{
	static const char update[] =
		"{'run_id':'%s','lease':'%s','status':'completed','idempotency_key':'last'}";
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "last", LONG_MS);
	json_t *run = expect_ok(w, "runs.update", update, lease.run, lease.token);

	expect_same(expect_ok(w, "runs.update", update, lease.run, lease.token), run);
}

static void a_lease_ends_with_its_run(void **state)
{
	static const char *const ends[] = {"completed", "incomplete", "failed", "expired"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct lease lease = work_take(w, "ends", LONG_MS);
		const char *step = work_step(w, &lease);

		expect_ok(w, "steps.update",
			"{'run_id':'%s','step_id':'%s','lease':'%s','status':'cancelled'}",
			lease.run, step, lease.token);
		work_move(w, &lease, ends[i]);
		expect_refused(w, "lease_lost", "lease", lease.run, step, lease.token);
		expect_error(w, "runs.update", "lease_lost", "lease",
			"{'run_id':'%s','lease':'%s','metadata':{}}", lease.run, lease.token);
		expect_fields(run_get(w, lease.run), "{'status':'%s'}", ends[i]);
	}
}

static void usage_after_the_end_needs_no_lease(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "usage", LONG_MS);
	static const char usage[] = "{'prompt_tokens':1,'completion_tokens':2,'total_tokens':3}";

	work_move(w, &lease, "completed");
	expect_fields(expect_ok(w, "runs.update", "{'run_id':'%s','usage':%s}", lease.run, usage),
		"{'usage':%s,'status':'completed'}", usage);
}

static void an_expired_run_s_lease_has_ended(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease;

	work_new(w, "expire", ",'expires_in':3");
	lease = work_lease(work_claim(w, "w", "expire", ",'lease_ms':60000"));
	run_await(w, lease.run, "expired", 10000);
	work_expect_over(w, &lease, "lease_lost");
	work_expect_none(w, "expire");
}

static void the_lease_ends_at_requires_action(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "action", LONG_MS), second;
	const char *step = work_step(w, &lease);
	json_t *claim;

	work_move(w, &lease, "requires_action");
	expect_refused(w, "lease_lost", "lease", lease.run, step, lease.token);
	work_expect_none(w, "action");
	expect_fields(expect_ok(w, "runs.submit_tool_outputs",
			      "{'run_id':'%s','tool_outputs':[{'tool_call_id':'call_1',"
			      "'output':'o'}]}",
			      lease.run),
		"{'status':'queued','required_action':null}");
	expect_refused(w, "lease_lost", "lease", lease.run, step, lease.token);
	claim = work_claim(w, "w2", "action", "");
	second = work_lease(claim);
	assert_string_equal(second.run, lease.run);
	assert_int_equal(second.attempt, 2);
	expect_fields(step_get(w, lease.run, step), "{'status':'in_progress'}");
	work_move(w, &second, "failed");
}

static void a_run_that_nobody_leased_needs_no_lease_and_takes_none(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "free", "in_progress"), *step = step_new(w, run);
	struct lease other = work_take(w, "free", LONG_MS);

	expect_refused(w, "lease_lost", "lease", run, step, "made_up");
	expect_refused(w, "lease_lost", "lease", run, step, other.token);
	expect_ok(w, "steps.update", "{'run_id':'%s','step_id':'%s','status':'completed'}", run,
		step);
	expect_fields(run_move(w, run, "completed"), "{'status':'completed'}");
}

static void the_worker_of_a_deleted_run_finds_nothing(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		struct lease lease = work_take(w, "deleted", LONG_MS);
		const char *step = work_step(w, &lease);

		if (i == 0) {
			expect_ok(w, "runs.delete", "{'run_id':'%s'}", lease.run);
		} else {
			expect_ok(w, "threads.delete", "{'thread_id':'deleted'}");
		}
		expect_refused(w, "not_found", NULL, lease.run, step, lease.token);
	}
}

static void heartbeat_and_release_go_into_a_batch(void **state)
{
	static const char batch[] =
		"{'atomic':%s,'requests':[['runs.heartbeat',{'run_id':'%s','lease':'%s'}],"
		"['runs.release',{'run_id':'%s','lease':'%s'}]]}";
	struct wire *w = wire_of(state);

	for (int i = 0; i < 2; i++) {
		struct lease lease = work_take(w, "batch", LONG_MS);
		json_t *reply = expect_ok(w, "batch", batch, i ? "true" : "false", lease.run,
			lease.token, lease.run, lease.token);

		expect_fields(reply,
			"{'results[0][1].status':'in_progress','results[0][1].lease.token':'%s',"
			"'results[1][1].status':'queued'}",
			lease.token);
		expect_ok(w, "runs.delete", "{'run_id':'%s'}", lease.run);
	}
}

static void the_end_of_a_lease_is_seen_within_a_batch(void **state)
{
	struct wire *w = wire_of(state);
	struct lease lease = work_take(w, "within", LONG_MS);

	expect_error(w, "batch", "lease_lost", "requests[1].lease",
		"{'atomic':true,'requests':[['runs.release',{'run_id':'%s','lease':'%s'}],"
		"['runs.heartbeat',{'run_id':'%s','lease':'%s'}]]}",
		lease.run, lease.token, lease.run, lease.token);
	expect_fields(work_beat(w, &lease, ""), "{'status':'in_progress'}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leased_run_is_written_to_under_its_lease_alone),
		cmocka_unit_test(a_token_has_one_to_sixty_four_bytes),
		cmocka_unit_test(heartbeat_and_release_need_a_token),
		cmocka_unit_test(metadata_needs_no_lease),
		cmocka_unit_test(cancels_and_deletes_need_no_lease),
		cmocka_unit_test(a_cancelling_run_stays_with_its_worker),
		cmocka_unit_test(a_heartbeat_renews_the_lease),
		cmocka_unit_test(a_heartbeat_s_lease_ms_has_the_bounds_of_a_claim_s),
		cmocka_unit_test(a_heartbeat_changes_no_object),
		cmocka_unit_test(a_released_run_is_queued_and_claimed_again),
		cmocka_unit_test(a_release_can_be_made_many_times),
		cmocka_unit_test(a_release_sent_again_releases_once),
		cmocka_unit_test(a_write_sent_again_after_its_lease_ended_is_answered),
		cmocka_unit_test(a_lease_ends_with_its_run),
		cmocka_unit_test(usage_after_the_end_needs_no_lease),
		cmocka_unit_test(an_expired_run_s_lease_has_ended),
		cmocka_unit_test(the_lease_ends_at_requires_action),
		cmocka_unit_test(a_run_that_nobody_leased_needs_no_lease_and_takes_none),
		cmocka_unit_test(the_worker_of_a_deleted_run_finds_nothing),
		cmocka_unit_test(heartbeat_and_release_go_into_a_batch),
		cmocka_unit_test(the_end_of_a_lease_is_seen_within_a_batch),
	};

	return cmocka_run_group_tests_name("leases", tests, fixture_start, fixture_stop);
}
