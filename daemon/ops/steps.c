#include "daemon/ops/include.h"
#include "daemon/ops/lifecycle.h"
#include "daemon/ops/tools.h"
#include "proto/growth.h"

static int check_details_type(struct op *op, struct slice type)
{
	struct slice details = op->args[P_step_details];

	if (!details.ptr || slice_eq(mp_lookup(details, "type"), type)) {
		return 0;
	}
	return problem_set(op->problem, E_INVALID_PARAMS, "step_details.type",
		"The details are not of the step's type.");
}

static int check_run_takes_steps(struct op *op, const struct run *run)
{
	if (run->status == RUN_IN_PROGRESS || run->status == RUN_CANCELLING) {
		return 0;
	}
	return problem_set(op->problem, E_INVALID_TRANSITION, NULL,
		"Runs in status '%s' take no steps: a run must be in_progress or cancelling.",
		run_status_names[run->status]);
}

/* Of a run that gets a step, no more is looked at: appending is what happens most. */
static int load_head(struct op *op, struct run *run)
{
	struct slice bytes;
	struct key key;
	int r;

	r = op_find_run(op, &bytes, &key);
	if (!r && !runs_load_head(op->txn, &key, bytes, run)) {
		r = kv_error(op->txn->kv);
	}
	return r;
}

int op_steps_create(struct op *op)
{
	struct slice id, bytes;
	struct step step;
	struct run run;
	int r;

	r = load_head(op, &run);
	if (!r) {
		r = op_check_lease(op, &run);
	}
	if (!r) {
		r = check_run_takes_steps(op, &run);
	}
	if (!r) {
		r = check_details_type(op, op->args[P_type]);
	}
	if (r) {
		return r;
	}
	r = op_new_id(op, T_STEP_IDS, "step_", "step", &id);
	if (!r) {
		r = step_make(op, &run, id, op->args[P_type], op->args[P_step_details],
			op->args[P_metadata], &step);
	}
	if (!r) {
		r = op_encode(op, &schema_step, step.v, &bytes);
	}
	if (!r) {
		r = op_result(op, bytes);
	}
	if (!r) {
		step.status = STEP_IN_PROGRESS;
		steps_insert(op->txn, &step, bytes, "created");
	}
	return r;
}

int op_steps_get(struct op *op)
{
	struct slice run_id = op_text(op, P_run_id), id = op_text(op, P_step_id), bytes;
	struct key run_key, key, prefix;
	int r;

	r = op_find_run(op, &bytes, &run_key);
	if (r) {
		return r;
	}
	prefix = steps_prefix(key_first_id(key_slice(&run_key)), run_id);
	if (!steps_find(op->txn, id, &bytes, &key) ||
		!slice_eq(key_prefix(key_slice(&key)), key_slice(&prefix))) {
		return op_not_found(op, "run step", id, "step_id");
	}
	include_put_step(op, bytes);
	return op_result(op, slice_of(NULL, 0));
}

static int check_step_change(struct op *op, const struct run *run, const struct step *step, int to)
{
	bool failing = to == STEP_FAILED;

	if (run_status_terminal(run->status)) {
		return problem_set(op->problem, E_INVALID_TRANSITION, NULL,
			"The run has ended with status '%s': its steps no longer change.",
			run_status_names[run->status]);
	}
	if (op_given(op, P_last_error) != failing) {
		return problem_set(op->problem, failing ? E_MISSING_PARAM : E_INVALID_PARAMS,
			"last_error",
			"'last_error' is given with status 'failed', and only with that.");
	}
	if (step->status != STEP_IN_PROGRESS && (to >= 0 || op_given(op, P_step_details))) {
		return problem_set(op->problem, E_INVALID_TRANSITION,
			to >= 0 ? "status" : "step_details",
			"The step has ended with status '%s': its %s no longer changes.",
			step_status_names[step->status], to >= 0 ? "status" : "content");
	}
	if (to == STEP_IN_PROGRESS) {
		return problem_set(op->problem, E_INVALID_TRANSITION, "status",
			"The step is already in progress.");
	}
	return 0;
}

static int check_step_usage(struct op *op, const struct step *step, int to)
{
	bool ended = step->status != STEP_IN_PROGRESS;

	if (!op_given(op, P_usage) || to >= 0 || (ended && mp_is_nil(step->v[STEP_usage]))) {
		return 0;
	}
	return problem_set(op->problem, E_INVALID_PARAMS, "usage",
		ended ? "The step's usage is set already."
		      : "A step's usage is set when it ends, or once after that.");
}

static int check_step_update(struct op *op, const struct run *run, const struct step *step, int to)
{
	int r;

	r = op_check_lease(op, run);
	if (!r) {
		r = check_step_change(op, run, step, to);
	}
	if (!r) {
		r = check_details_type(op, step->v[STEP_type]);
	}
	return r ? r : check_step_usage(op, step, to);
}

static bool set_step_fields(struct op *op, struct step *step, int to)
{
	static const struct {
		enum param param;
		enum step_field field;
	} given[] = {
		{P_step_details, STEP_step_details},
		{P_last_error, STEP_last_error},
		{P_usage, STEP_usage},
		{P_metadata, STEP_metadata},
	};
	bool any = to >= 0;

	if (any) {
		lifecycle_enter_step(op->txn, step, (enum step_status)to);
	}
	for (size_t i = 0; i < N_OF(given); i++) {
		if (op_given(op, given[i].param)) {
			step->v[given[i].field] = op->args[given[i].param];
			any = true;
		}
	}
	return any;
}

int op_steps_update(struct op *op)
{
	int to = op_given(op, P_status) ? step_status_of(op->args[P_status]) : -1;
	struct slice bytes;
	struct step step;
	struct run run;
	bool any, grown;
	int r;

	r = op_load_step(op, &run, &step);
	if (!r) {
		r = check_step_update(op, &run, &step, to);
	}
	if (r) {
		return r;
	}
	grown = op_given(op, P_step_details) &&
		growth_is(step.v[STEP_step_details], op->args[P_step_details]);
	any = set_step_fields(op, &step, to);
	r = op_encode(op, &schema_step, step.v, &bytes);
	if (!r) {
		r = op_result(op, bytes);
	}
	if (!r && any) {
		steps_replace(op->txn, &step, bytes, grown ? "delta" : "updated");
	}
	return r;
}
