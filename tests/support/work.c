#include "cmocka_all.h"

#include "work.h"

#include "daemon.h"
#include "objects.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* How long after its end a lease may be taken for lost. */
#define LOSS_MS 10000

json_int_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *work_new(struct wire *wire, const char *name, const char *members)
{
	return text(expect_ok(wire, "runs.create",
			    "{'thread_id':'%s','assistant_id':'%s','on_active':'parallel'%s}", name,
			    name, members),
		"id");
}

void work_new_many(struct wire *wire, const char *name, int n)
{
	json_t *requests = json_array(), *results;

	for (int i = 0; i < n; i++) {
		json_array_append_new(
			requests, codec_parse("['runs.create',{'id':'%s_%d','thread_id':'%s',"
					      "'assistant_id':'%s','on_active':'parallel'}]",
					  name, i, name, name));
	}
	results = field(
		expect_ok_take(wire, "batch", json_pack("{so}", "requests", requests)), "results");
	assert_int_equal(json_array_size(results), n);
	for (int i = 0; i < n; i++) {
		assert_true(json_is_null(field(json_array_get(results, (size_t)i), "[0]")));
	}
}

json_t *work_try(struct wire *wire, const char *worker, const char *name, const char *members)
{
	return expect_ok(wire, "runs.claim", "{'worker':'%s','assistant_ids':['%s']%s}", worker,
		name, members);
}

void work_check(const json_t *claim, const char *worker)
{
	if (!json_is_object(claim)) {
		fail_msg("%s was given no run", worker);
	}
	assert_int_equal(json_object_size(claim), 3);
	assert_true(json_is_object(field(claim, "hints")));
	assert_int_equal(json_object_size(field(claim, "lease")), 4);
	assert_in_range(strlen(text(claim, "lease.token")), 1, 64);
	assert_true(number(claim, "lease.attempt") >= 1);
	expect_fields(claim, "{'run.status':'in_progress','lease.worker':'%s'}", worker);
	expect_names(field(claim, "run"), run_names);
}

json_t *work_claim(struct wire *wire, const char *worker, const char *name, const char *members)
{
	json_t *claim = work_try(wire, worker, name, members);

	work_check(claim, worker);
	assert_string_equal(text(claim, "run.assistant_id"), name);
	return claim;
}

void work_check_none(const json_t *claim)
{
	if (!json_is_null(claim)) {
		fail_msg("%s was claimed", text(claim, "run.id"));
	}
}

void work_expect_none(struct wire *wire, const char *name)
{
	work_check_none(work_try(wire, "nobody", name, ""));
}

struct lease work_lease(const json_t *claim)
{
	struct lease lease = {.expires_ms = number(claim, "lease.expires_ms"),
		.attempt = (int)number(claim, "lease.attempt")};

	snprintf(lease.run, sizeof(lease.run), "%s", text(claim, "run.id"));
	snprintf(lease.token, sizeof(lease.token), "%s", text(claim, "lease.token"));
	return lease;
}

struct lease work_take(struct wire *wire, const char *name, int lease_ms)
{
	const char *id = work_new(wire, name, "");
	char members[40];
	json_t *claim;

	snprintf(members, sizeof(members), ",'lease_ms':%d", lease_ms);
	claim = work_claim(wire, "w", name, members);
	assert_string_equal(text(claim, "run.id"), id);
	return work_lease(claim);
}

json_t *work_move(struct wire *wire, const struct lease *lease, const char *status)
{
	return expect_ok(wire, "runs.update", "{'run_id':'%s','lease':'%s','status':'%s'%s}",
		lease->run, lease->token, status, status_demands(status));
}

const char *work_step(struct wire *wire, const struct lease *lease)
{
	return text(expect_ok(wire, "steps.create",
			    "{'run_id':'%s','lease':'%s','type':'message_creation','step_details':{"
			    "'type':'message_creation','message_creation':{'message_id':'msg_1'}}}",
			    lease->run, lease->token),
		"id");
}

json_t *work_beat(struct wire *wire, const struct lease *lease, const char *members)
{
	json_t *beat = expect_ok(wire, "runs.heartbeat", "{'run_id':'%s','lease':'%s'%s}",
		lease->run, lease->token, members);

	assert_int_equal(json_object_size(beat), 2);
	assert_int_equal(json_object_size(field(beat, "lease")), 4);
	expect_fields(
		beat, "{'lease.token':'%s','lease.attempt':%d}", lease->token, lease->attempt);
	return beat;
}

json_t *work_release(struct wire *wire, const struct lease *lease)
{
	return expect_ok(
		wire, "runs.release", "{'run_id':'%s','lease':'%s'}", lease->run, lease->token);
}

void work_expect_over(struct wire *wire, const struct lease *lease, const char *code)
{
	expect_error(wire, "runs.heartbeat", code, NULL, "{'run_id':'%s','lease':'%s'}", lease->run,
		lease->token);
}

void work_await_loss(struct wire *wire, const struct lease *lease)
{
	run_await(wire, lease->run, "queued", LOSS_MS);
}

void work_sleep_past(json_int_t until_ms)
{
	while (unix_ms() < until_ms + 100) {
		pause_ms(20);
	}
}
