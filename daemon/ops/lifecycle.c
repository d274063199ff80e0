#include "daemon/ops/lifecycle.h"
#include "daemon/store/active.h"
#include "daemon/store/deadlines.h"
#include "proto/bounds.h"
#include "proto/utf8.h"

#include <errno.h>

/* Bytes of a run's error message that are copied to each of its steps. */
#define MAX_STEP_MESSAGE (64u << 10)

#define BIT(s) (1u << (s))

#define GIVEN_UP SLICE_LIT("The run was given up: its lease ran out for the third time.")

bool lifecycle_allows(enum run_status from, enum run_status to)
{
	static const unsigned int next[N_RUN_STATUSES] = {
		[RUN_QUEUED] = BIT(RUN_IN_PROGRESS) | BIT(RUN_CANCELLED) | BIT(RUN_FAILED) |
			       BIT(RUN_EXPIRED),
		[RUN_IN_PROGRESS] = BIT(RUN_REQUIRES_ACTION) | BIT(RUN_COMPLETED) |
				    BIT(RUN_INCOMPLETE) | BIT(RUN_FAILED) | BIT(RUN_CANCELLING) |
				    BIT(RUN_EXPIRED),
		[RUN_REQUIRES_ACTION] = BIT(RUN_CANCELLED) | BIT(RUN_FAILED) | BIT(RUN_EXPIRED),
		[RUN_CANCELLING] = BIT(RUN_CANCELLED) | BIT(RUN_COMPLETED) | BIT(RUN_INCOMPLETE) |
				   BIT(RUN_FAILED) | BIT(RUN_EXPIRED),
	};

	return next[from] & BIT(to);
}

void lifecycle_enter(struct txn *txn, struct run *run, enum run_status to)
{
	struct slice now = value_int(txn->arena, txn->now_ms / 1000);

	run->v[RUN_status] = value_name(txn->arena, run_status_names[to]);
	if (to == RUN_IN_PROGRESS && mp_is_nil(run->v[RUN_started_at])) {
		run->v[RUN_started_at] = now;
	} else if (to == RUN_COMPLETED || to == RUN_INCOMPLETE) {
		run->v[RUN_completed_at] = now;
	} else if (to == RUN_FAILED) {
		run->v[RUN_failed_at] = now;
	} else if (to == RUN_CANCELLED) {
		run->v[RUN_cancelled_at] = now;
	}
	if (to != RUN_REQUIRES_ACTION) {
		run->v[RUN_required_action] = VALUE_NULL;
	}
	if (run_status_terminal(to)) {
		run->v[RUN_expires_at] = VALUE_NULL;
	}
}

void lifecycle_enter_step(struct txn *txn, struct step *step, enum step_status to)
{
	static const enum step_field times[N_STEP_STATUSES] = {
		[STEP_CANCELLED] = STEP_cancelled_at,
		[STEP_FAILED] = STEP_failed_at,
		[STEP_COMPLETED] = STEP_completed_at,
		[STEP_EXPIRED] = STEP_expired_at,
	};

	step->v[STEP_status] = value_name(txn->arena, step_status_names[to]);
	if (to != STEP_IN_PROGRESS) {
		step->v[times[to]] = value_int(txn->arena, txn->now_ms / 1000);
	}
}

/* Bytes that the step's other fields leave for its error, of a stored object's. */
static size_t error_room(const struct step *step)
{
	size_t used = 1024;

	for (unsigned int i = 0; i < N_STEP_FIELDS; i++) {
		used += step->v[i].len;
	}
	return used < MAX_OBJECT ? MAX_OBJECT - used : 0;
}

/* The run's error, with a code that a step may have, its message cut where it is overlong. */
static struct slice step_error(struct txn *txn, struct slice run_error, size_t room)
{
	struct slice text = {NULL, 0}, message = {NULL, 0};
	const char *code = "server_error";
	struct buf b = {0};

	if (mp_get_str(mp_lookup(run_error, "code"), &text) &&
		slice_is(text, "rate_limit_exceeded")) {
		code = "rate_limit_exceeded";
	}
	mp_get_str(mp_lookup(run_error, "message"), &message);
	room = room < MAX_STEP_MESSAGE ? room : MAX_STEP_MESSAGE;
	if (message.len > room) {
		message = utf8_cut(message, room);
	}
	mp_put_map(&b, 2);
	mp_put_cstr(&b, "code");
	mp_put_cstr(&b, code);
	mp_put_cstr(&b, "message");
	mp_put_str(&b, message);
	return value_take(txn->arena, &b);
}

static void store_step(struct txn *txn, struct step *step)
{
	struct buf bytes = {0};

	record_write(&schema_step, step->v, &bytes);
	if (buf_error(&bytes)) {
		kv_fail(txn->kv, buf_error(&bytes));
	} else {
		steps_replace(txn, step, buf_slice(&bytes), "updated");
	}
	buf_finish(&bytes);
}

static void end_step(struct txn *txn, const struct run *run, enum run_status to, struct step *step)
{
	if (to == RUN_EXPIRED) {
		lifecycle_enter_step(txn, step, STEP_EXPIRED);
	} else if (to == RUN_FAILED) {
		lifecycle_enter_step(txn, step, STEP_FAILED);
		step->v[STEP_last_error] =
			step_error(txn, run->v[RUN_last_error], error_room(step));
	} else {
		lifecycle_enter_step(txn, step, STEP_CANCELLED);
	}
	store_step(txn, step);
}

void lifecycle_enter_message(struct txn *txn, struct message *message, enum message_status to)
{
	struct slice now = value_int(txn->arena, txn->now_ms / 1000);

	message->v[MESSAGE_status] = value_name(txn->arena, message_status_names[to]);
	if (to == MESSAGE_COMPLETED) {
		message->v[MESSAGE_completed_at] = now;
	} else if (to == MESSAGE_INCOMPLETE) {
		message->v[MESSAGE_incomplete_at] = now;
	}
}

/* Why a message is incomplete whose run ended in @to. */
static struct slice message_details(struct txn *txn, enum run_status to)
{
	static const char *const reasons[N_RUN_STATUSES] = {
		[RUN_CANCELLED] = "run_cancelled",
		[RUN_FAILED] = "run_failed",
		[RUN_INCOMPLETE] = "max_tokens",
		[RUN_EXPIRED] = "run_expired",
	};
	struct buf b = {0};

	mp_put_map(&b, 1);
	mp_put_cstr(&b, "reason");
	mp_put_cstr(&b, reasons[to]);
	return value_take(txn->arena, &b);
}

static void end_message(struct txn *txn, enum run_status to, struct message *m)
{
	struct buf bytes = {0};

	if (to == RUN_COMPLETED) {
		lifecycle_enter_message(txn, m, MESSAGE_COMPLETED);
	} else {
		lifecycle_enter_message(txn, m, MESSAGE_INCOMPLETE);
		m->v[MESSAGE_incomplete_details] = message_details(txn, to);
	}
	record_write(&schema_message, m->v, &bytes);
	if (buf_error(&bytes)) {
		kv_fail(txn->kv, buf_error(&bytes));
	} else {
		messages_replace(txn, m, buf_slice(&bytes), "updated");
	}
	buf_finish(&bytes);
}

void lifecycle_end_messages(struct txn *txn, const struct run *run, enum run_status to)
{
	struct arena *kept = txn->arena;
	struct arena arena = {0};
	struct message m;

	txn->arena = &arena;
	while (messages_first_open(txn, run->id, &m)) {
		end_message(txn, to, &m);
		arena_finish(&arena);
	}
	arena_finish(&arena);
	txn->arena = kept;
}

static void end_steps(struct txn *txn, const struct run *run, enum run_status to)
{
	struct arena *kept = txn->arena;
	struct arena arena = {0};
	struct open_steps walk;
	struct step step;

	txn->arena = &arena;
	steps_open_begin(txn, run, &walk);
	while (steps_open_next(txn, &walk, &step)) {
		end_step(txn, run, to, &step);
		arena_finish(&arena);
	}
	arena_finish(&arena);
	txn->arena = kept;
}

void lifecycle_end_parts(struct txn *txn, const struct run *run, enum run_status to)
{
	lifecycle_end_messages(txn, run, to);
	end_steps(txn, run, to);
}

int lifecycle_store(struct op *op, struct run *run)
{
	enum run_status to = (enum run_status)run_status_of(run->v[RUN_status]);
	struct slice bytes;
	int r;

	r = op_encode(op, &schema_run, run->v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (r) {
		return r;
	}
	if (run_status_terminal(to)) {
		lifecycle_end_parts(op->txn, run, to);
	}
	runs_replace(op->txn, run, bytes);
	return 0;
}

/* Store a loaded run whose fields were changed. */
static void store_run(struct txn *txn, struct run *run, const char *event)
{
	struct buf bytes = {0};

	record_write(&schema_run, run->v, &bytes);
	if (buf_error(&bytes)) {
		kv_fail(txn->kv, buf_error(&bytes));
	} else {
		runs_replace_as(txn, run, buf_slice(&bytes), event);
	}
	buf_finish(&bytes);
}

void lifecycle_end_run(struct txn *txn, struct run *run, enum run_status to)
{
	lifecycle_enter(txn, run, to);
	lifecycle_end_parts(txn, run, to);
	store_run(txn, run, run_status_names[to]);
}

void lifecycle_set_error(struct txn *txn, struct run *run, const char *code, struct slice message)
{
	struct buf b = {0};

	mp_put_map(&b, 2);
	mp_put_cstr(&b, "code");
	mp_put_cstr(&b, code);
	mp_put_cstr(&b, "message");
	mp_put_str(&b, message);
	run->v[RUN_last_error] = value_take(txn->arena, &b);
}

/* Its row without the lease; a run in progress is one loss richer. */
static uint64_t take_lease(struct txn *txn, struct run *run, struct active *active)
{
	uint64_t losses = active->losses + (run->status == RUN_IN_PROGRESS);

	active->losses = losses;
	active->lease.token.ptr = NULL;
	active_put(txn, key_slice(&run->key), active);
	return losses;
}

/* What a run leaves that is given up: its changes come before those of the run. */
static void give_up_parts(struct txn *txn, struct run *run)
{
	struct slice error = run->v[RUN_last_error];

	lifecycle_set_error(txn, run, "server_error", GIVEN_UP);
	lifecycle_end_parts(txn, run, RUN_FAILED);
	run->v[RUN_last_error] = error;
}

/* Whoever executed the run is no longer there: it is another's turn, or it was the last one. */
static void lose_lease(struct txn *txn, struct run *run, struct active *active)
{
	uint64_t losses = take_lease(txn, run, active);
	struct slice bytes;

	if (run->status != RUN_IN_PROGRESS) {
		if (kv_get(txn->kv, T_RUNS, key_slice(&run->key), &bytes)) {
			runs_note(txn, run, bytes, "lease_lost");
		}
		return;
	}
	if (losses >= MAX_LOSSES) {
		give_up_parts(txn, run);
	}
	lifecycle_enter(txn, run, RUN_QUEUED);
	store_run(txn, run, "lease_lost");
	if (losses >= MAX_LOSSES) {
		lifecycle_set_error(txn, run, "server_error", GIVEN_UP);
		lifecycle_end_run(txn, run, RUN_FAILED);
	}
}

static void settle(struct txn *txn, const struct deadline *d)
{
	struct active active;
	struct run run;

	if (!runs_load(txn, d->run_id, &run) ||
		!slice_eq(key_position(key_slice(&run.key)), d->position) ||
		!active_get(txn, key_slice(&run.key), &active)) {
		return;
	}
	if (d->kind == DEADLINE_CANCEL && run.status == RUN_CANCELLING) {
		lifecycle_end_run(txn, &run, RUN_CANCELLED);
	} else if (d->kind == DEADLINE_EXPIRY) {
		lifecycle_end_run(txn, &run, RUN_EXPIRED);
	} else if (d->kind == DEADLINE_LEASE && active.lease.token.ptr) {
		lose_lease(txn, &run, &active);
	}
}

unsigned int lifecycle_settle(struct txn *txn, unsigned int max)
{
	struct arena *kept = txn->arena;
	struct slice by = txn->by;
	struct arena arena = {0};
	struct deadline d;
	unsigned int n = 0;

	txn->arena = &arena;
	txn->by = SLICE_LIT("daemon");
	while (n < max && deadlines_take(txn, txn->steady_ms, &d)) {
		settle(txn, &d);
		arena_finish(&arena);
		n++;
	}
	arena_finish(&arena);
	txn->arena = kept;
	txn->by = by;
	return n;
}
