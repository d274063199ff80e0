/* runs.update: a run moves on, or its metadata changes. */
#include "daemon/ops/lifecycle.h"
#include "daemon/ops/tools.h"
#include "daemon/store/ready.h"

static int refuse_param(struct op *op, int code, const char *param, const char *why)
{
	return problem_set(op->problem, code, param, "%s", why);
}

/* Details come with the one status that they explain, and that status comes with them. */
static int check_details(struct op *op, int to)
{
	static const struct {
		enum param param;
		const char *name;
		enum run_status status;
	} rules[] = {
		{P_last_error, "last_error", RUN_FAILED},
		{P_incomplete_details, "incomplete_details", RUN_INCOMPLETE},
		{P_required_action, "required_action", RUN_REQUIRES_ACTION},
	};

	for (size_t i = 0; i < N_OF(rules); i++) {
		bool given = op_given(op, rules[i].param), due = to == (int)rules[i].status;

		if (given != due) {
			return problem_set(op->problem, given ? E_INVALID_PARAMS : E_MISSING_PARAM,
				rules[i].name,
				"'%s' is given with status '%s', and only with that.",
				rules[i].name, run_status_names[rules[i].status]);
		}
	}
	return 0;
}

static bool first_open(struct op *op, const struct run *run, struct step *out)
{
	struct open_steps walk;

	steps_open_begin(op->txn, run, &walk);
	return steps_open_next(op->txn, &walk, out);
}

static int check_transition(struct op *op, const struct run *run, int to)
{
	struct slice expected = op->args[P_expected_status];
	struct step open;

	if (expected.ptr && run_status_of(expected) != (int)run->status) {
		return problem_set(op->problem, E_EXPECTED_STATUS, "expected_status",
			"The run's status is '%s', not '%s'.", run_status_names[run->status],
			run_status_names[run_status_of(expected)]);
	}
	if (to < 0) {
		return 0;
	}
	if (!lifecycle_allows(run->status, (enum run_status)to)) {
		return problem_set(op->problem, E_INVALID_TRANSITION, "status",
			"A run with status '%s' cannot become '%s' by an update.",
			run_status_names[run->status], run_status_names[to]);
	}
	if (to == RUN_IN_PROGRESS && !ready_has(op->txn, key_slice(&run->key))) {
		return op_thread_busy(op, run->thread_id, "status");
	}
	if ((to == RUN_COMPLETED || to == RUN_INCOMPLETE) && first_open(op, run, &open)) {
		return problem_set(op->problem, E_STEPS_IN_PROGRESS, "status",
			"The run cannot become '%s': its step '%.*s' is in progress.",
			run_status_names[to], (int)open.id.len, (const char *)open.id.ptr);
	}
	return 0;
}

static int check_usage(struct op *op, const struct run *run, int to)
{
	bool ending = to >= 0 && run_status_terminal((enum run_status)to);
	bool late = to < 0 && run_status_terminal(run->status);

	if (!op_given(op, P_usage) || ending || (late && mp_is_nil(run->v[RUN_usage]))) {
		return 0;
	}
	return refuse_param(op, E_INVALID_PARAMS, "usage",
		late ? "The run's usage is set already."
		     : "A run's usage is set when it ends, or once after that.");
}

/* Whoever executes the run guards it with a lease; its metadata is anybody's. */
static bool needs_lease(const struct op *op, int to)
{
	return op_given(op, P_lease) || to >= 0 || op_given(op, P_usage);
}

static int check_update(struct op *op, const struct run *run, int to)
{
	int r;

	r = needs_lease(op, to) ? op_check_lease(op, run) : 0;
	if (!r) {
		r = check_details(op, to);
	}
	if (!r) {
		r = check_transition(op, run, to);
	}
	return r ? r : check_usage(op, run, to);
}

static void set_fields(struct op *op, struct run *run, int to)
{
	static const struct {
		enum param param;
		enum run_field field;
	} given[] = {
		{P_required_action, RUN_required_action},
		{P_last_error, RUN_last_error},
		{P_incomplete_details, RUN_incomplete_details},
		{P_usage, RUN_usage},
		{P_metadata, RUN_metadata},
	};

	if (to >= 0) {
		lifecycle_enter(op->txn, run, (enum run_status)to);
	}
	for (size_t i = 0; i < N_OF(given); i++) {
		if (op_given(op, given[i].param)) {
			run->v[given[i].field] = op->args[given[i].param];
		}
	}
}

/* Is there anything in the request that changes the run? */
static bool changes_anything(const struct op *op, int to)
{
	return to >= 0 || op_given(op, P_metadata) || op_given(op, P_usage);
}

int op_runs_update(struct op *op)
{
	int to = op_given(op, P_status) ? run_status_of(op->args[P_status]) : -1;
	struct tool_step made = {0};
	struct slice bytes;
	struct run run;
	int r;

	r = op_load_run(op, &run);
	if (!r) {
		r = check_update(op, &run, to);
	}
	if (!r && to == RUN_REQUIRES_ACTION) {
		r = tools_prepare_step(op, &run, &made);
	}
	if (r) {
		return r;
	}
	set_fields(op, &run, to);
	r = op_encode(op, &schema_run, run.v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (r || !changes_anything(op, to)) {
		return r;
	}
	if (made.bytes.ptr) {
		steps_insert(op->txn, &made.step, made.bytes, "created");
	}
	if (to >= 0 && run_status_terminal((enum run_status)to)) {
		lifecycle_end_parts(op->txn, &run, (enum run_status)to);
	}
	runs_replace(op->txn, &run, bytes);
	return 0;
}
