/* What claims and heartbeats look like to the daemon, and what replies are taken for. */
#include "cmocka_all.h"

#include "daemon.h"
#include "proto/frame.h"
#include "tests/client/fake.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MS 20000 /* for what must happen soon, on whatever machine */

static struct request_frame frame_of(struct slice request)
{
	struct request_frame frame;
	struct problem p;

	assert_int_equal(frame_read_request(request, &frame, &p), 0);
	return frame;
}

static void put_lease(struct buf *out, int64_t expires_ms)
{
	mp_put_cstr(out, "lease");
	mp_put_map(out, 4);
	mp_put_cstr(out, "token");
	mp_put_cstr(out, "lease_1");
	mp_put_cstr(out, "worker");
	mp_put_cstr(out, "w");
	mp_put_cstr(out, "expires_ms");
	mp_put_int(out, expires_ms);
	mp_put_cstr(out, "attempt");
	mp_put_int(out, 1);
}

static void put_claim(struct buf *out, uint32_t msgid, int64_t expires_ms)
{
	frame_begin_result(out, msgid);
	mp_put_map(out, 3);
	mp_put_cstr(out, "run");
	mp_put_map(out, 3);
	mp_put_cstr(out, "object");
	mp_put_cstr(out, "thread.run");
	mp_put_cstr(out, "id");
	mp_put_cstr(out, "r1");
	mp_put_cstr(out, "status");
	mp_put_cstr(out, "in_progress");
	put_lease(out, expires_ms);
	mp_put_cstr(out, "hints");
	mp_put_map(out, 0);
}

static void put_beat(struct buf *out, uint32_t msgid)
{
	frame_begin_result(out, msgid);
	mp_put_map(out, 2);
	put_lease(out, 0);
	mp_put_cstr(out, "status");
	mp_put_cstr(out, "in_progress");
}

static void give_the_third(struct slice request, int n, struct buf *out)
{
	struct request_frame frame = frame_of(request);

	if (n < 3) {
		frame_begin_result(out, frame.msgid);
		mp_put_nil(out);
	} else {
		put_claim(out, frame.msgid, 0);
	}
}

static struct slice param(struct fixture *f, int n, const char *name)
{
	return mp_lookup(frame_of(buf_slice(&f->fake.requests[n])).params, name);
}

static void a_long_claim_is_made_of_short_requests_with_keys_of_their_own(void **state)
{
	struct fixture *f = begin(give_the_third, NULL);
	const char *const ids[] = {"a1", "a2"};
	struct runstore_lease *lease = NULL;
	int64_t ms = 0, lease_ms = 0;
	struct mp list = {0};
	struct slice given;

	assert_int_equal(runstore_claim(f->rs,
				 &(struct runstore_claim){
					 .worker = "w",
					 .assistant_ids = ids,
					 .n_assistant_ids = 2,
					 .wait_ms = 3600000,
				 },
				 &lease, &f->error),
		0);
	assert_string_equal(runstore_lease_token(lease), "lease_1");
	runstore_lease_free(lease);
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, 3);
	assert_true(mp_get_int(param(f, 0, "wait_ms"), &ms));
	assert_int_equal(ms, 5000);
	assert_true(mp_get_int(param(f, 0, "lease_ms"), &lease_ms));
	assert_int_equal(lease_ms, 30000);
	assert_false(slice_eq(param(f, 0, "idempotency_key"), param(f, 1, "idempotency_key")));
	given = param(f, 2, "assistant_ids");
	assert_true(mp_read(&given, &list) && list.type == MP_ARRAY && list.n == 2);
	end(f);
}

static void a_claim_that_does_not_wait_asks_once_and_for_no_wait(void **state)
{
	struct fixture *f = begin(give_the_third, NULL);
	struct runstore_lease *lease = (struct runstore_lease *)f;

	assert_int_equal(
		runstore_claim(f->rs, &(struct runstore_claim){.worker = "w"}, &lease, &f->error),
		0);
	assert_null(lease);
	fake_stop(&f->fake);
	assert_int_equal(f->fake.n, 1);
	assert_null(param(f, 0, "wait_ms").ptr);
	end(f);
}

static void give_what_is_no_lease(struct slice request, int n, struct buf *out)
{
	frame_begin_result(out, frame_of(request).msgid);
	mp_put_map(out, n - 1);
	if (n > 1) {
		put_lease(out, 0);
	}
}

static void a_claim_without_a_run_in_it_is_told(void **state)
{
	struct fixture *f = begin(give_what_is_no_lease, NULL);
	struct runstore_lease *lease = NULL;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(runstore_claim(f->rs, &(struct runstore_claim){.worker = "w"},
					 &lease, &f->error),
			RUNSTORE_E_INVALID_FRAME);
	}
	assert_null(lease);
	end(f);
}

/* First as if it had ended long ago, then as if it lasted for ever. */
static void give_by_a_wrong_clock(struct slice request, int n, struct buf *out)
{
	put_claim(out, frame_of(request).msgid, n == 1 ? 1 : INT64_C(1) << 50);
}

static void a_clock_that_is_wrong_changes_nothing_in_how_long_a_lease_holds(void **state)
{
	struct fixture *f = begin(give_by_a_wrong_clock, NULL);

	for (int i = 0; i < 2; i++) {
		struct runstore_lease *lease = NULL;
		long start = clock_ms();

		assert_int_equal(runstore_claim(f->rs,
					 &(struct runstore_claim){
						 .worker = "w", .lease_ms = &(int64_t){1500}},
					 &lease, &f->error),
			0);
		while (!runstore_lease_lost(lease)) {
			assert_true(clock_ms() - start < LIMIT_MS);
			pause_ms(10);
		}
		assert_true(i == 0 || clock_ms() - start >= 1490);
		assert_true(clock_ms() - start >= 1000);
		runstore_lease_free(lease);
	}
	end(f);
}

static atomic_int n_beats;

static void answer_all_but_x(struct slice request, int n, struct buf *out)
{
	struct request_frame frame = frame_of(request);

	if (slice_is(frame.method, "runs.claim")) {
		put_claim(out, frame.msgid, 0);
	} else if (slice_is(frame.method, "runs.heartbeat")) {
		atomic_fetch_add(&n_beats, 1);
		put_beat(out, frame.msgid);
	}
}

static void *call_in_vain(void *rs)
{
	char *out = NULL;

	runstore_call_json(rs, "x", NULL, &out, NULL);
	free(out);
	return NULL;
}

static void heartbeats_go_out_while_all_connections_are_busy(void **state)
{
	struct fixture *f = begin(answer_all_but_x,
		&(struct runstore_options){.timeout_ms = 4000, .attempts = 1, .connections = 1});
	struct runstore_lease *lease = NULL;
	long start = clock_ms();
	pthread_t thread;
	int before;

	assert_int_equal(
		runstore_claim(f->rs,
			&(struct runstore_claim){
				.worker = "w", .lease_ms = &(int64_t){3000}, .heartbeat = true},
			&lease, &f->error),
		0);
	pthread_create(&thread, NULL, call_in_vain, f->rs);
	pause_ms(100);
	before = atomic_load(&n_beats);
	while (atomic_load(&n_beats) < before + 2) {
		assert_true(clock_ms() - start < LIMIT_MS);
		pause_ms(10);
	}
	assert_false(runstore_lease_lost(lease));
	runstore_lease_free(lease);
	pthread_join(thread, NULL);
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_claim_is_made_of_short_requests_with_keys_of_their_own),
		cmocka_unit_test(a_claim_that_does_not_wait_asks_once_and_for_no_wait),
		cmocka_unit_test(a_claim_without_a_run_in_it_is_told),
		cmocka_unit_test(a_clock_that_is_wrong_changes_nothing_in_how_long_a_lease_holds),
		cmocka_unit_test(heartbeats_go_out_while_all_connections_are_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
