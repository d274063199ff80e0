/*
 * objects.import: objects as they are. It writes while it goes, since an object may need
 * one before it: the method is UNDOABLE, so what it wrote is undone when it refuses.
 */
#include "daemon/ops/threads.h"
#include "daemon/store/assistants.h"
#include "daemon/store/changes.h"
#include "daemon/store/messages.h"
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

static int import_message(struct import *im, struct slice bytes)
{
	struct txn *txn = im->op->txn;
	struct message message = {0};
	struct slice stored;
	struct key key;

	if (!messages_read(bytes, &message)) {
		return -EBADMSG;
	}
	if (messages_find(txn, message.id, &stored, &key)) {
		return compare(im, "Message", message.id, stored, bytes);
	}
	if (message.run_id.ptr && runs_find(txn, message.run_id, &stored, &key) &&
		!slice_eq(key_first_id(key_slice(&key)), message.thread_id)) {
		return refuse(im, E_INVALID_PARAMS, "run_id", "Run", message.run_id,
			"is not in the message's thread");
	}
	messages_insert(txn, &message, bytes, "imported");
	im->imported++;
	return 0;
}

/* A thread that came to be with a run or a message becomes another one that is imported. */
static int import_thread(struct import *im, struct slice bytes)
{
	struct txn *txn = im->op->txn;
	struct slice v[N_THREAD_FIELDS], id = {NULL, 0}, stored;
	struct thread t = {0};
	uint64_t seq;
	int r;

	if (!record_read(&schema_thread, bytes, v) || !mp_get_str(v[THREAD_id], &id)) {
		return -EBADMSG;
	}
	if (threads_get(txn, id, &t)) {
		r = threads_encode(im->op, id, &t, &stored);
		if (r || t.created || t.metadata.ptr || slice_eq(stored, bytes)) {
			return r ? r : compare(im, "Thread", id, stored, bytes);
		}
	}
	seq = changes_next_seq(txn);
	mp_get_int(v[THREAD_created_at], &t.created_at);
	t.seq = t.seq ? t.seq : seq;
	t.created = true;
	t.tool_resources = v[THREAD_tool_resources];
	t.metadata = v[THREAD_metadata];
	threads_put(txn, id, &t);
	threads_note(txn, id, "imported", seq, bytes);
	im->imported++;
	return 0;
}

static int import_assistant(struct import *im, struct slice bytes)
{
	struct txn *txn = im->op->txn;
	struct assistant assistant = {0};
	struct slice stored;
	struct key key;

	if (!assistants_read(bytes, &assistant)) {
		return -EBADMSG;
	}
	if (assistants_find(txn, assistant.id, &stored, &key)) {
		return compare(im, "Assistant", assistant.id, stored, bytes);
	}
	assistants_insert(txn, &assistant, bytes, "imported");
	im->imported++;
	return 0;
}

static int import_object(struct import *im, struct slice bytes)
{
	static const struct {
		const char *object;
		int (*import)(struct import *im, struct slice bytes);
	} kinds[] = {
		{"thread.run", import_run},
		{"thread.run.step", import_step},
		{"thread.message", import_message},
		{"thread", import_thread},
		{"assistant", import_assistant},
	};
	struct slice object = {NULL, 0};

	mp_get_str(record_field(bytes, RUN_object), &object);
	for (size_t i = 0; i < N_OF(kinds); i++) {
		if (slice_is(object, kinds[i].object)) {
			return kinds[i].import(im, bytes);
		}
	}
	return -EBADMSG;
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
