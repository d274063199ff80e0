/*
 * objects.import: runs and steps as they are. It writes while it goes, since an object may need
 * one before it: the method is UNDOABLE, so what it wrote is undone when it refuses.
 */
#include "daemon/ops/op.h"
#include "proto/bounds.h"

#include <errno.h>
#include <stdio.h>

struct import {
	struct op *op;
	uint32_t index;
	uint32_t imported;
	uint32_t unchanged;
};

static int refuse(struct import *im, int code, const char *field, const char *kind, struct slice id,
	const char *why)
{
	char param[64], shown[72];

	snprintf(param, sizeof(param), "objects[%u].%s", im->index, field);
	return problem_set(
		im->op->problem, code, param, "%s '%s' %s.", kind, printable(id, shown), why);
}

/* What is stored under the id already: the same, or something else? */
static int compare(struct import *im, const char *kind, struct slice id, struct slice stored,
	struct slice bytes)
{
	if (!slice_eq(stored, bytes)) {
		return refuse(im, E_ID_CONFLICT, "id", kind, id, "exists and is not the same");
	}
	im->unchanged++;
	return 0;
}

static int import_run(struct import *im, struct slice bytes)
{
	struct txn *txn = im->op->txn;
	struct slice stored;
	struct run run = {0};
	struct key key;

	if (!runs_read(bytes, &run)) {
		return -EBADMSG;
	}
	if (runs_find(txn, run.id, &stored, &key)) {
		return compare(im, "Run", run.id, stored, bytes);
	}
	runs_insert(txn, &run, bytes, "imported");
	im->imported++;
	return 0;
}

static int import_step(struct import *im, struct slice bytes)
{
	struct txn *txn = im->op->txn;
	struct slice stored;
	struct step step = {0};
	struct key key;

	if (!steps_read(bytes, &step)) {
		return -EBADMSG;
	}
	if (!slice_eq(step.v[STEP_type], mp_lookup(step.v[STEP_step_details], "type"))) {
		return refuse(im, E_INVALID_PARAMS, "step_details.type", "Step", step.id,
			"has details of another type than its own");
	}
	if (!runs_find(txn, step.run_id, &stored, &key)) {
		return refuse(im, E_NOT_FOUND, "run_id", "Run", step.run_id, "was not found");
	}
	if (!slice_eq(key_first_id(key_slice(&key)), step.thread_id)) {
		return refuse(im, E_INVALID_PARAMS, "thread_id", "Thread", step.thread_id,
			"is not that of the step's run");
	}
	step.run_key = key;
	if (steps_find(txn, step.id, &stored, &key)) {
		return compare(im, "Step", step.id, stored, bytes);
	}
	steps_insert(txn, &step, bytes, "imported");
	im->imported++;
	return 0;
}

static int import_object(struct import *im, struct slice bytes)
{
	struct slice object;

	if (mp_get_str(record_field(bytes, RUN_object), &object) &&
		slice_is(object, "thread.run")) {
		return import_run(im, bytes);
	}
	return import_step(im, bytes);
}

int op_objects_import(struct op *op)
{
	struct slice objects = op->args[P_objects];
	struct import im = {.op = op};
	struct mp t;
	int r = 0;

	mp_read(&objects, &t);
	for (im.index = 0; im.index < t.n && !r; im.index++) {
		struct slice bytes = mp_value(&objects);

		if (bytes.len > MAX_OBJECT) {
			return refuse(
				&im, E_TOO_LARGE, "id", "Object", slice_of("", 0), "is too large");
		}
		r = import_object(&im, bytes);
		if (r) {
			return r;
		}
	}
	mp_put_map(op->out, 2);
	mp_put_cstr(op->out, "imported");
	mp_put_uint(op->out, im.imported);
	mp_put_cstr(op->out, "unchanged");
	mp_put_uint(op->out, im.unchanged);
	return op_result(op, slice_of(NULL, 0));
}
