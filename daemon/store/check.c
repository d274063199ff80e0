#include "daemon/store/check.h"
#include "daemon/store/active.h"
#include "daemon/store/assistants.h"
#include "daemon/store/deadlines.h"
#include "daemon/store/messages.h"
#include "daemon/store/ready.h"
#include "daemon/store/steps.h"
#include "daemon/store/threads.h"

#include <stdarg.h>
#include <stdio.h>

#define MAX_PROBLEMS 100

struct tally {
	uint64_t active;
	uint64_t deadlines;
	uint64_t ready; /* rows */
	uint64_t made;	/* messages, by runs */
	uint64_t open;	/* of those, in progress */
};

__attribute__((format(printf, 3, 4))) static void report(
	struct check *check, struct slice id, const char *format, ...)
{
	char what[256], shown[72];
	size_t n;
	va_list ap;

	if (check->n_problems++ >= MAX_PROBLEMS) {
		return;
	}
	n = (size_t)snprintf(what, sizeof(what), "%s: ", printable(id, shown));
	va_start(ap, format);
	vsnprintf(what + n, sizeof(what) - n, format, ap);
	va_end(ap);
	check->problem(check->context, what);
}

static bool index_is(struct txn *txn, enum table table, struct slice key, struct slice want)
{
	struct slice value;

	return kv_get(txn->kv, table, key, &value) && slice_eq(value, want);
}

static bool has_key(struct txn *txn, enum table table, struct slice key)
{
	struct slice value;

	return kv_get(txn->kv, table, key, &value);
}

static void check_deadline(struct txn *txn, struct check *check, struct tally *tally,
	struct slice id, enum deadline_kind kind, int64_t at_ms)
{
	struct key key = {0};

	if (!at_ms) {
		return;
	}
	tally->deadlines++;
	key_u64(&key, (uint64_t)at_ms);
	key_u8(&key, (uint8_t)kind);
	key_bytes(&key, id);
	if (!has_key(txn, T_DEADLINES, key_slice(&key))) {
		report(check, id, "the run has a time of kind %d and no deadline", kind);
	}
}

static void check_deadlines(struct txn *txn, struct check *check, struct tally *tally,
	const struct active *active, const struct slice *v)
{
	int status = run_status_of(v[RUN_status]);
	bool leased = active->lease.token.ptr;

	if (mp_is_nil(v[RUN_expires_at]) != !active->expiry_ms) {
		report(check, active->run_id, "the run expires, or not, otherwise than it says");
	}
	if ((status == RUN_CANCELLING) != !!active->cancel_ms) {
		report(check, active->run_id, "the run's cancel is confirmed, or not, at no time");
	}
	if (leased && status != RUN_IN_PROGRESS && status != RUN_CANCELLING) {
		report(check, active->run_id, "the run is leased and not executed");
	}
	check_deadline(txn, check, tally, active->run_id, DEADLINE_EXPIRY, active->expiry_ms);
	check_deadline(txn, check, tally, active->run_id, DEADLINE_CANCEL, active->cancel_ms);
	check_deadline(txn, check, tally, active->run_id, DEADLINE_LEASE,
		leased ? active->lease.until_ms : 0);
}

/* A queued run is to be claimed, unless it is enqueued behind another one. */
static void check_ready(struct txn *txn, struct check *check, struct tally *tally,
	struct slice run_key, const struct active *active, const struct slice *v)
{
	struct slice assistant = {NULL, 0};
	struct key first_key = {0}, key = {0};
	struct active first;
	bool ready;

	active_first(txn, key_first_id(run_key), &first_key, &first);
	ready = run_status_of(v[RUN_status]) == RUN_QUEUED &&
		(!active->enqueued || slice_eq(key_slice(&first_key), run_key));
	mp_get_str(v[RUN_assistant_id], &assistant);
	key_id(&key, assistant);
	key_bytes(&key, key_position(run_key));
	tally->ready += 2 * ready;
	if (ready != ready_has(txn, run_key) || ready != has_key(txn, T_READY, key_slice(&key))) {
		report(check, active->run_id, "the run can be claimed, or not, and should not");
	}
}

/* What is kept of a run that is not terminal: as many steps in progress, none before the first. */
static void check_active(struct txn *txn, struct check *check, struct tally *tally,
	struct slice key, struct slice id, const struct slice *v)
{
	struct key prefix = steps_prefix(key_first_id(key), id);
	struct active active = {0};
	struct kv_cursor c;
	uint64_t n = 0;

	if (!active_get(txn, key, &active) || !slice_eq(active.run_id, id)) {
		report(check, id, "the run has not ended and is not among those");
		return;
	}
	kv_cursor_open(txn->kv, T_STEPS, &c);
	for (bool more = kv_seek(&c, key_slice(&prefix));
		more && slice_eq(key_prefix(c.key), key_slice(&prefix)); more = kv_next(&c)) {
		bool open = step_status_of(record_field(c.value, STEP_status)) == STEP_IN_PROGRESS;

		n += open;
		if (open &&
			memcmp(key_position(c.key).ptr, active.first_open, POSITION_BYTES) < 0) {
			report(check, id, "a step in progress is before the first of them");
		}
	}
	kv_cursor_close(&c);
	if (n != active.open_steps) {
		report(check, id, "the run counts other steps in progress than it has");
	}
	check_deadlines(txn, check, tally, &active, v);
	check_ready(txn, check, tally, key, &active, v);
}

static void check_run(
	struct txn *txn, struct check *check, struct tally *tally, const struct kv_cursor *c)
{
	struct slice v[N_RUN_FIELDS], id, thread;
	struct key status_key = {0};
	int64_t created_at = -1;
	int status;

	if (!record_read(&schema_run, c->value, v) || !mp_get_str(v[RUN_id], &id) ||
		!mp_get_str(v[RUN_thread_id], &thread)) {
		report(check, key_first_id(c->key), "a run of this thread cannot be read");
		return;
	}
	status = run_status_of(v[RUN_status]);
	mp_get_int(v[RUN_created_at], &created_at);
	if (!slice_eq(thread, key_first_id(c->key)) ||
		(uint64_t)created_at != read_u64(key_position(c->key).ptr)) {
		report(check, id, "the run's key is not of its thread and time");
	}
	key_u8(&status_key, (uint8_t)status);
	key_bytes(&status_key, key_position(c->key));
	if (!index_is(txn, T_RUN_IDS, id, c->key) ||
		!index_is(txn, T_RUNS_BY_TIME, key_position(c->key), c->key) ||
		!index_is(txn, T_RUNS_BY_STATUS, key_slice(&status_key), c->key)) {
		report(check, id, "the run is not in each index");
	}
	if (!run_status_terminal((enum run_status)status)) {
		check_active(txn, check, tally, c->key, id, v);
		tally->active++;
	}
	check->runs++;
}

static void check_step(
	struct txn *txn, struct check *check, struct tally *tally, const struct kv_cursor *c)
{
	struct slice v[N_STEP_FIELDS], id, run, thread;
	struct key prefix;

	if (!record_read(&schema_step, c->value, v) || !mp_get_str(v[STEP_id], &id) ||
		!mp_get_str(v[STEP_run_id], &run) || !mp_get_str(v[STEP_thread_id], &thread)) {
		report(check, key_first_id(c->key), "a step of this thread cannot be read");
		return;
	}
	prefix = steps_prefix(thread, run);
	if (!slice_eq(key_prefix(c->key), key_slice(&prefix))) {
		report(check, id, "the step's key is not of its run");
	}
	if (!index_is(txn, T_STEP_IDS, id, c->key)) {
		report(check, id, "the step is not under its id");
	}
	if (!has_key(txn, T_RUN_IDS, run)) {
		report(check, id, "the step's run is not there");
	}
	check->steps++;
}

static void check_message(
	struct txn *txn, struct check *check, struct tally *tally, const struct kv_cursor *c)
{
	struct key by_run;
	struct message m;
	bool open;

	if (!messages_read(c->value, &m)) {
		report(check, key_first_id(c->key), "a message of this thread cannot be read");
		return;
	}
	if (!slice_eq(m.thread_id, key_first_id(c->key)) ||
		!index_is(txn, T_MESSAGE_IDS, m.id, c->key) ||
		!has_key(txn, T_THREADS, m.thread_id)) {
		report(check, m.id, "the message is not of its thread, or not under its id");
	}
	check->messages++;
	if (!m.run_id.ptr) {
		return;
	}
	by_run = messages_prefix(m.run_id);
	key_bytes(&by_run, key_position(c->key));
	open = m.status == MESSAGE_IN_PROGRESS;
	tally->made++;
	tally->open += open;
	if (!index_is(txn, T_MESSAGES_BY_RUN, key_slice(&by_run), c->key) ||
		open != has_key(txn, T_MESSAGES_OPEN, key_slice(&by_run))) {
		report(check, m.id, "the message is not, or is, where its run finds it");
	}
}

static void check_assistant(
	struct txn *txn, struct check *check, struct tally *tally, const struct kv_cursor *c)
{
	struct assistant a;

	if (!assistants_read(assistants_object(c->value), &a)) {
		report(check, SLICE_LIT("assistants"), "an assistant cannot be read");
	} else if (!index_is(txn, T_ASSISTANT_IDS, a.id, c->key)) {
		report(check, a.id, "the assistant is not under its id");
	}
	check->assistants++;
}

static uint64_t count_prefix(struct txn *txn, enum table table, struct slice id)
{
	struct key prefix = {0};
	struct kv_cursor c;
	uint64_t n = 0;

	key_id(&prefix, id);
	kv_cursor_open(txn->kv, table, &c);
	for (bool more = kv_seek(&c, key_slice(&prefix));
		more && c.key.len > prefix.len && !memcmp(c.key.ptr, prefix.bytes, prefix.len);
		more = kv_next(&c)) {
		n++;
	}
	kv_cursor_close(&c);
	return n;
}

static void check_thread(
	struct txn *txn, struct check *check, struct tally *tally, const struct kv_cursor *c)
{
	struct key key = {0};
	struct thread t;

	check->threads++;
	if (!threads_get(txn, c->key, &t)) {
		report(check, c->key, "the thread cannot be read");
		return;
	}
	key_u64(&key, (uint64_t)t.created_at);
	key_u64(&key, t.seq);
	if (!index_is(txn, T_THREADS_BY_TIME, key_slice(&key), c->key)) {
		report(check, c->key, "the thread is not in its index");
	}
	if (t.runs != count_prefix(txn, T_RUNS, c->key) ||
		t.steps != count_prefix(txn, T_STEPS, c->key)) {
		report(check, c->key, "the thread counts other runs or steps than it has");
	}
}

static void check_table(struct txn *txn, struct check *check, struct tally *tally, enum table table,
	void (*row)(struct txn *, struct check *, struct tally *, const struct kv_cursor *))
{
	struct kv_cursor c;

	kv_cursor_open(txn->kv, table, &c);
	for (bool more = kv_first(&c); more; more = kv_next(&c)) {
		row(txn, check, tally, &c);
	}
	kv_cursor_close(&c);
}

/* An index that has as many rows as are accounted for, each found, has no others. */
static void check_count(
	struct txn *txn, struct check *check, enum table table, const char *name, uint64_t want)
{
	uint64_t n = kv_count(txn->kv, table);

	if (n != want) {
		report(check, slice_str(name), "the table has %llu rows, not %llu",
			(unsigned long long)n, (unsigned long long)want);
	}
}

void check_store(struct txn *txn, struct check *check)
{
	struct tally tally = {0};

	check->runs = check->steps = check->threads = check->n_problems = 0;
	check->messages = check->assistants = 0;
	check_table(txn, check, &tally, T_RUNS, check_run);
	check_table(txn, check, &tally, T_STEPS, check_step);
	check_table(txn, check, &tally, T_THREADS, check_thread);
	check_table(txn, check, &tally, T_MESSAGES, check_message);
	check_table(txn, check, &tally, T_ASSISTANTS, check_assistant);
	check_count(txn, check, T_RUN_IDS, "run_ids", check->runs);
	check_count(txn, check, T_RUNS_BY_TIME, "runs_by_time", check->runs);
	check_count(txn, check, T_RUNS_BY_STATUS, "runs_by_status", check->runs);
	check_count(txn, check, T_RUNS_ACTIVE, "runs_active", tally.active);
	check_count(txn, check, T_DEADLINES, "deadlines", tally.deadlines);
	check_count(txn, check, T_READY, "ready", tally.ready);
	check_count(txn, check, T_STEP_IDS, "step_ids", check->steps);
	check_count(txn, check, T_THREADS_BY_TIME, "threads_by_time", check->threads);
	check_count(txn, check, T_MESSAGE_IDS, "message_ids", check->messages);
	check_count(txn, check, T_MESSAGES_BY_RUN, "messages_by_run", tally.made);
	check_count(txn, check, T_MESSAGES_OPEN, "messages_open", tally.open);
	check_count(txn, check, T_ASSISTANT_IDS, "assistant_ids", check->assistants);
}
