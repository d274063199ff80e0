/* runs.wait: a read that is put off until there is something to see. */
#include "daemon/ops/op.h"
#include "daemon/store/changes.h"

#define DEFAULT_WAIT_MS 30000

enum until { UNTIL_CHANGE, UNTIL_ACTION, UNTIL_TERMINAL };

static enum until read_until(const struct op *op)
{
	struct slice text = op_text(op, P_until);

	if (slice_is(text, "change")) {
		return UNTIL_CHANGE;
	}
	return slice_is(text, "action") ? UNTIL_ACTION : UNTIL_TERMINAL;
}

/* The statuses that are waited for, as bits; none with UNTIL_CHANGE. */
static unsigned int wanted(enum until until)
{
	unsigned int bits = until == UNTIL_ACTION ? 1u << RUN_REQUIRES_ACTION : 0;

	for (int i = 0; i < N_RUN_STATUSES && until != UNTIL_CHANGE; i++) {
		bits |= run_status_terminal((enum run_status)i) ? 1u << i : 0;
	}
	return bits;
}

static bool is_there(enum until until, struct slice status)
{
	int number = run_status_of(status);

	return number >= 0 && wanted(until) & 1u << number;
}

/* Is this change of the run, or of a step or message of it, what is waited for? */
static bool counts(enum until until, struct slice change)
{
	return until == UNTIL_CHANGE ||
	       (changes_of_run(change) && is_there(until, mp_lookup(change, "to")));
}

/*
 * Did what is waited for happen in a change after @seq? A run may have gone on since. A change
 * that is no longer kept may have been one.
 */
static bool happened_since(struct op *op, enum until until, uint64_t seq)
{
	struct change_filter filter = {.run_id = op_text(op, P_run_id)};
	struct change_row row;
	struct kv_cursor c;
	bool found = false;

	kv_cursor_open(op->txn->kv, T_CHANGES, &c);
	for (bool more = changes_seek(&c, seq + 1, &row); more && !found;
		more = changes_next(&c, &row)) {
		found = changes_match(&filter, row.change) && counts(until, row.change);
	}
	kv_cursor_close(&c);
	return found || (until == UNTIL_CHANGE && changes_bounds(op->txn).first > seq + 1);
}

/* From which change on one counts; UINT64_MAX: what the run is now decides alone. */
static uint64_t counts_after(const struct op *op, enum until until)
{
	if (op->wait && op->wait->seq) {
		return op->wait->seq;
	}
	if (until == UNTIL_CHANGE && op_given(op, P_since_seq)) {
		return (uint64_t)op_int(op, P_since_seq, 0);
	}
	return UINT64_MAX;
}

int op_runs_wait(struct op *op)
{
	enum until until = read_until(op);
	uint64_t since = counts_after(op, until);
	struct slice bytes;
	struct key key;
	int r;

	r = op_find_run(op, &bytes, &key);
	if (!r) {
		r = op_check_seq(op, P_since_seq, "since_seq");
	}
	if (r) {
		return r;
	}
	if (!is_there(until, record_field(bytes, RUN_status)) &&
		(since == UINT64_MAX || !happened_since(op, until, since))) {
		r = op_park(op, P_timeout_ms, DEFAULT_WAIT_MS,
			&(struct op_wake){
				.run_id = op_text(op, P_run_id), .statuses = wanted(until)});
	}
	return r ? r : op_result(op, bytes);
}
