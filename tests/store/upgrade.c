/* An older store, made out of one of this version, becomes one of this version again. */
#include "cmocka_all.h"

#include "objects.h"
#include "shelf.h"

#include "daemon/ops/lifecycle.h"
#include "daemon/store/active.h"
#include "daemon/store/deadlines.h"

/* Two clocks are read one after the other: times are only as sure as that. */
enum { UNSURE_MS = 5000 };

static void clear_table(struct shelf *s, enum table table)
{
	struct kv_cursor c;

	kv_cursor_open(s->txn.kv, table, &c);
	while (kv_first(&c)) {
		kv_cursor_del(&c);
	}
	kv_cursor_close(&c);
}

/* on_active was kept as a hint, before the others. */
static void age_hints(struct shelf *s, const struct active *active)
{
	struct slice hints = runs_hints(&s->txn, active->run_id);
	struct buf b = {0};
	struct mp t;

	if (!active->enqueued) {
		return;
	}
	assert_true(mp_read(&hints, &t));
	mp_put_map(&b, t.n + 1);
	mp_put_cstr(&b, "on_active");
	mp_put_cstr(&b, "enqueue");
	buf_put(&b, hints);
	runs_put_hints(&s->txn, active->run_id, buf_slice(&b));
	buf_finish(&b);
}

static void put_old_deadline(struct shelf *s, const struct active *active, enum deadline_kind kind,
	int64_t wall_ms, struct slice run_key)
{
	const struct deadline d = {.at_ms = wall_ms,
		.kind = kind,
		.run_id = active->run_id,
		.position = key_position(run_key)};

	deadlines_set(&s->txn, &d);
}

/* They stood under times of the wall, as the objects tell them. */
static void age_deadlines(struct shelf *s, const struct active *active, struct slice run_key)
{
	int64_t expires_at;
	struct slice bytes;

	assert_true(kv_get(s->txn.kv, T_RUNS, run_key, &bytes));
	if (mp_get_int(record_field(bytes, RUN_expires_at), &expires_at)) {
		put_old_deadline(s, active, DEADLINE_EXPIRY, expires_at * 1000, run_key);
	}
	if (active->cancel_ms) {
		put_old_deadline(s, active, DEADLINE_CANCEL, s->now_ms + CANCEL_GRACE_MS, run_key);
	}
}

/* The row was: how many steps in progress, where the first of them is, and the run's id. */
static void age_active(struct shelf *s, const struct key *run_key, struct slice stored)
{
	struct slice row = arena_dup(&s->arena, stored);
	struct key old = {0};
	struct active active;

	assert_true(active_read(row, &active));
	age_hints(s, &active);
	age_deadlines(s, &active, key_slice(run_key));
	key_u64(&old, active.open_steps);
	key_bytes(&old, slice_of(active.first_open, POSITION_BYTES));
	key_bytes(&old, active.run_id);
	kv_put(s->txn.kv, T_RUNS_ACTIVE, key_slice(run_key), key_slice(&old));
}

/* A change was kept without its object. */
static void age_change(struct shelf *s, const struct key *seq, struct slice stored)
{
	struct slice row = arena_dup(&s->arena, mp_value(&stored));

	kv_put(s->txn.kv, T_CHANGES, key_slice(seq), row);
}

static void each_row(struct shelf *s, enum table table,
	void (*what)(struct shelf *s, const struct key *key, struct slice row))
{
	struct key at = {0};
	struct kv_cursor c;
	bool more;

	do {
		kv_cursor_open(s->txn.kv, table, &c);
		more = at.len ? kv_seek(&c, key_slice(&at)) : kv_first(&c);
		if (more) {
			at = key_from(c.key);
			what(s, &at, c.value);
			key_u8(&at, 0);
		}
		kv_cursor_close(&c);
	} while (more);
}

static void put_version(struct shelf *s, uint64_t version)
{
	uint8_t bytes[8];

	write_u64(bytes, version);
	kv_put(s->txn.kv, T_META, SLICE_LIT("version"), slice_of(bytes, sizeof(bytes)));
}

static void upgrade(struct shelf *s)
{
	shelf_begin(s);
	clear_table(s, T_READY);
	clear_table(s, T_DEADLINES);
	each_row(s, T_RUNS_ACTIVE, age_active);
	each_row(s, T_CHANGES, age_change);
	put_version(s, 1);
	assert_true(kv_del(s->txn.kv, T_META, SLICE_LIT("clock")));
	shelf_commit(s);
	shelf_reopen(s);
	shelf_check(s);
}

static void expect_version(struct shelf *s, uint64_t version)
{
	struct slice value;

	shelf_begin(s);
	assert_true(kv_get(s->txn.kv, T_META, SLICE_LIT("version"), &value));
	assert_int_equal(read_u64(value.ptr), version);
	shelf_commit(s);
}

static void create(struct shelf *s, const char *thread, const char *id, const char *members)
{
	shelf_call(s, "runs.create", "{'thread_id':'%s','assistant_id':'a','id':'%s'%s}", thread,
		id, members);
}

static void move(struct shelf *s, const char *id, const char *status)
{
	shelf_call(s, "runs.update", "{'run_id':'%s','status':'%s'%s}", id, status,
		status_demands(status));
}

/* Of everything something. The clock is that of the system: an upgrade has no other. */
static void fill(struct shelf *s)
{
	s->now_ms = clock_wall_ms();
	create(s, "ended", "ended", "");
	move(s, "ended", "in_progress");
	move(s, "ended", "completed");
	create(s, "queue", "first", ",'on_active':'enqueue','reasoning_effort':'low'");
	create(s, "queue", "second", ",'on_active':'enqueue'");
	create(s, "queue", "third", ",'on_active':'enqueue','expires_in':300");
	create(s, "beside", "begun", ",'expires_in':100");
	move(s, "begun", "in_progress");
	shelf_call(s, "steps.create",
		"{'run_id':'begun','id':'step','type':'message_creation','step_details':"
		"{'type':'message_creation','message_creation':{'message_id':'m'}}}");
	create(s, "beside", "parallel", ",'on_active':'parallel','expires_in':200");
	create(s, "cancel", "cancelling", "");
	move(s, "cancelling", "in_progress");
	shelf_call(s, "runs.cancel", "{'run_id':'cancelling'}");
	create(s, "action", "waits", "");
	move(s, "waits", "in_progress");
	move(s, "waits", "requires_action");
}

static int start(void **state)
{
	shelf_start(state);
	fill(*state);
	return 0;
}

static void settle_at(struct shelf *s, int64_t at_ms)
{
	s->now_ms = at_ms;
	shelf_begin(s);
	lifecycle_settle(&s->txn, 100);
	shelf_commit(s);
}

static void expect_status(struct shelf *s, const char *id, const char *status)
{
	expect_fields(shelf_call(s, "runs.get", "{'run_id':'%s'}", id), "{'status':'%s'}", status);
}

static json_t *claim(struct shelf *s)
{
	return shelf_call(s, "runs.claim", "{'worker':'w','lease_ms':1000}");
}

static void expect_claim(struct shelf *s, const char *id)
{
	assert_string_equal(text(claim(s), "run.id"), id);
}

static void runs_and_steps_are_as_they_were_and_all_indexes_in_order(void **state)
{
	struct shelf *s = *state;
	json_t *runs = shelf_call(s, "runs.list", "{'limit':100}");
	json_t *steps = shelf_call(s, "steps.list", "{'run_id':'begun'}");
	json_t *threads = shelf_call(s, "threads.list", "{'limit':100}");

	upgrade(s);
	expect_version(s, STORE_VERSION);
	expect_same(shelf_call(s, "runs.list", "{'limit':100}"), runs);
	expect_same(shelf_call(s, "steps.list", "{'run_id':'begun'}"), steps);
	expect_same(shelf_call(s, "threads.list", "{'limit':100}"), threads);
	assert_int_equal(shelf_count(s, T_RUNS_ACTIVE), 7);
}

static void what_is_queued_can_be_claimed_and_nothing_else(void **state)
{
	struct shelf *s = *state;

	upgrade(s);
	expect_claim(s, "first");
	expect_claim(s, "parallel");
	assert_true(json_is_null(claim(s)));
	shelf_check(s);
}

static void enqueued_runs_are_held_in_their_order(void **state)
{
	static const char *const ids[] = {"first", "second", "third"};
	struct shelf *s = *state;

	upgrade(s);
	for (int i = 0; i < 3; i++) {
		json_t *got = shelf_call(s, "runs.claim", "{'worker':'w','thread_id':'queue'}");

		assert_string_equal(text(got, "run.id"), ids[i]);
		assert_true(json_is_null(
			shelf_call(s, "runs.claim", "{'worker':'w','thread_id':'queue'}")));
		shelf_call(s, "runs.update", "{'run_id':'%s','status':'completed','lease':'%s'}",
			ids[i], text(got, "lease.token"));
	}
}

static void leases_of_it_run_out(void **state)
{
	struct shelf *s = *state;

	upgrade(s);
	expect_claim(s, "first");
	settle_at(s, s->now_ms + 1000);
	expect_status(s, "first", "in_progress");
	settle_at(s, s->now_ms + 1);
	expect_status(s, "first", "queued");
	expect_fields(claim(s), "{'run.id':'first','lease.attempt':2}");
}

static void runs_expire_at_their_time_with_their_steps(void **state)
{
	struct shelf *s = *state;
	const int64_t start_ms = s->now_ms / 1000 * 1000;

	upgrade(s);
	settle_at(s, start_ms + 100000 - UNSURE_MS);
	expect_status(s, "begun", "in_progress");
	settle_at(s, start_ms + 100000 + UNSURE_MS);
	expect_status(s, "begun", "expired");
	expect_fields(shelf_call(s, "steps.get", "{'run_id':'begun','step_id':'step'}"),
		"{'status':'expired'}");
	expect_status(s, "parallel", "queued");
	settle_at(s, start_ms + 300000 + UNSURE_MS);
	expect_status(s, "parallel", "expired");
	expect_status(s, "third", "expired");
	expect_status(s, "second", "queued");
	shelf_check(s);
}

static void what_expired_meanwhile_is_expired_at_once(void **state)
{
	struct shelf *s = *state;

	s->now_ms -= 2 * UNSURE_MS;
	create(s, "late", "late", ",'expires_in':1");
	s->now_ms += 2 * UNSURE_MS;
	upgrade(s);
	settle_at(s, s->now_ms);
	expect_status(s, "late", "expired");
	expect_status(s, "begun", "in_progress");
}

static void an_unconfirmed_cancel_is_confirmed(void **state)
{
	struct shelf *s = *state;
	const int64_t start_ms = s->now_ms;

	upgrade(s);
	settle_at(s, start_ms + CANCEL_GRACE_MS - UNSURE_MS);
	expect_status(s, "cancelling", "cancelling");
	settle_at(s, start_ms + CANCEL_GRACE_MS + UNSURE_MS);
	expect_status(s, "cancelling", "cancelled");
}

static void tool_outputs_are_still_waited_for(void **state)
{
	struct shelf *s = *state;

	upgrade(s);
	shelf_call(s, "runs.submit_tool_outputs",
		"{'run_id':'waits','tool_outputs':[{'tool_call_id':'call_1','output':'o'}]}");
	expect_claim(s, "first");
	expect_claim(s, "parallel");
	expect_claim(s, "waits");
}

static void steps_in_progress_are_still_counted(void **state)
{
	struct shelf *s = *state;
	json_t *params = codec_parse("{'run_id':'begun','status':'completed'}"), *reply;

	upgrade(s);
	shelf_begin(s);
	reply = shelf_try(s, "runs.update", params);
	shelf_commit(s);
	json_decref(params);
	expect_fields(reply, "{'error.code':'steps_in_progress'}");
	shelf_call(s, "steps.update", "{'run_id':'begun','step_id':'step','status':'completed'}");
	move(s, "begun", "completed");
	shelf_check(s);
}

static void hints_are_kept(void **state)
{
	struct shelf *s = *state;

	upgrade(s);
	expect_fields(claim(s), "{'run.id':'first','hints':{'reasoning_effort':'low'}}");
	expect_fields(claim(s), "{'run.id':'parallel','hints':{}}");
}

/* Of the old changes the last one is left, and the numbers go on from it. */
static void the_feed_goes_on_and_says_what_it_lacks(void **state)
{
	struct shelf *s = *state;
	json_t *feed = shelf_call(s, "changes.list", "{'limit':1000}");
	const json_t *all = field(feed, "changes");
	const json_t *last = json_array_get(all, json_array_size(all) - 1);

	assert_int_equal(json_array_size(all), number(last, "seq"));
	upgrade(s);
	feed = shelf_call(s, "changes.list", "{}");
	expect_fields(feed, "{'truncated':true}");
	assert_int_equal(json_array_size(field(feed, "changes")), 1);
	expect_same(field(feed, "changes[0]"), last);
	feed = shelf_call(s, "changes.list", "{'objects':true}");
	expect_fields(feed, "{'truncated':true,'changes[0].object':null}");
	expect_claim(s, "first");
	feed = shelf_call(
		s, "changes.list", "{'after':%d,'objects':true}", (int)number(last, "seq"));
	expect_fields(feed,
		"{'truncated':false,'changes[0].seq':%d,'changes[0].object.id':'first'}",
		(int)number(last, "seq") + 1);
}

static void a_store_that_was_upgraded_is_opened_as_it_is(void **state)
{
	struct shelf *s = *state;
	json_t *lease;

	upgrade(s);
	expect_claim(s, "first");
	lease = shelf_call(s, "runs.lease", "{'run_id':'first'}");
	shelf_reopen(s);
	expect_same(shelf_call(s, "runs.lease", "{'run_id':'first'}"), lease);
	expect_fields(shelf_call(s, "changes.list", "{}"), "{'truncated':true}");
	shelf_check(s);
}

static void an_empty_store_is_upgraded_too(void **state)
{
	struct shelf *s = *state;

	upgrade(s);
	expect_version(s, STORE_VERSION);
	expect_fields(shelf_call(s, "changes.list", "{}"),
		"{'changes':[],'last_seq':0,'truncated':false}");
	fill(s);
	expect_claim(s, "first");
}

/* It differs in what it lacks alone: messages, assistants, and what threads were created with. */
static void a_store_of_version_2_keeps_all_it_has(void **state)
{
	struct shelf *s = *state;
	json_t *changes = shelf_call(s, "changes.list", "{'objects':true}");

	shelf_begin(s);
	put_version(s, 2);
	shelf_commit(s);
	shelf_reopen(s);
	expect_version(s, STORE_VERSION);
	expect_same(shelf_call(s, "changes.list", "{'objects':true}"), changes);
	shelf_check(s);
	expect_claim(s, "first");
	shelf_call(
		s, "messages.create", "{'thread_id':'new','role':'user','content':'hi','id':'m'}");
	expect_fields(shelf_call(s, "threads.get", "{'thread_id':'new'}"),
		"{'tool_resources':{},'metadata':{}}");
	shelf_check(s);
}

#define FILLED(test) cmocka_unit_test_setup_teardown(test, start, shelf_stop)
#define EMPTY(test) cmocka_unit_test_setup_teardown(test, shelf_start, shelf_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILLED(runs_and_steps_are_as_they_were_and_all_indexes_in_order),
		FILLED(what_is_queued_can_be_claimed_and_nothing_else),
		FILLED(enqueued_runs_are_held_in_their_order),
		FILLED(leases_of_it_run_out),
		FILLED(runs_expire_at_their_time_with_their_steps),
		FILLED(what_expired_meanwhile_is_expired_at_once),
		FILLED(an_unconfirmed_cancel_is_confirmed),
		FILLED(tool_outputs_are_still_waited_for),
		FILLED(steps_in_progress_are_still_counted),
		FILLED(hints_are_kept),
		FILLED(the_feed_goes_on_and_says_what_it_lacks),
		FILLED(a_store_that_was_upgraded_is_opened_as_it_is),
		FILLED(a_store_of_version_2_keeps_all_it_has),
		EMPTY(an_empty_store_is_upgraded_too),
	};

	return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
