#include "daemon/ops/op.h"
#include "daemon/store/active.h"
#include "daemon/store/changes.h"
#include "proto/bounds.h"

#include <errno.h>
#include <inttypes.h>

struct slice op_text(const struct op *op, enum param p)
{
	struct slice text = {NULL, 0};

	if (op_given(op, p)) {
		mp_get_str(op->args[p], &text);
	}
	return text;
}

int64_t op_int(const struct op *op, enum param p, int64_t otherwise)
{
	int64_t v = otherwise;

	if (op_given(op, p)) {
		mp_get_int(op->args[p], &v);
	}
	return v;
}

bool op_flag(const struct op *op, enum param p)
{
	bool v = false;

	if (op_given(op, p)) {
		mp_get_bool(op->args[p], &v);
	}
	return v;
}

int op_not_found(struct op *op, const char *kind, struct slice id, const char *param)
{
	char shown[72];

	return problem_set(op->problem, E_NOT_FOUND, param, "No %s found with id '%s'.", kind,
		printable(id, shown));
}

int op_find_run(struct op *op, struct slice *bytes, struct key *key)
{
	struct slice id = op_text(op, P_run_id);

	if (!runs_find(op->txn, id, bytes, key) ||
		(op_given(op, P_thread_id) &&
			!slice_eq(op_text(op, P_thread_id), key_first_id(key_slice(key))))) {
		return op_not_found(op, "run", id, "run_id");
	}
	return 0;
}

int op_load_run(struct op *op, struct run *run)
{
	struct slice bytes;
	struct key key;
	int r;

	r = op_find_run(op, &bytes, &key);
	if (!r) {
		runs_load_at(op->txn, &key, bytes, run);
	}
	return r ? r : kv_error(op->txn->kv);
}

int op_load_step(struct op *op, struct run *run, struct step *step)
{
	struct slice id = op_text(op, P_step_id);
	int r;

	r = op_load_run(op, run);
	if (r) {
		return r;
	}
	if (!steps_load(op->txn, run, id, step)) {
		return op_not_found(op, "run step", id, "step_id");
	}
	return 0;
}

static int lease_lost(struct op *op, const struct run *run, const char *why)
{
	return problem_set(op->problem, E_LEASE_LOST, "lease", "Run '%.*s' %s.", (int)run->id.len,
		(const char *)run->id.ptr, why);
}

int op_check_lease(struct op *op, const struct run *run)
{
	struct slice token = op_text(op, P_lease);
	struct active active = {0};

	active_get(op->txn, key_slice(&run->key), &active);
	if (!active.lease.token.ptr) {
		return token.ptr ? lease_lost(op, run, "is not leased under this token") : 0;
	}
	if (!token.ptr) {
		return lease_lost(op, run, "is leased: its lease must be given");
	}
	if (!slice_eq(token, active.lease.token)) {
		return lease_lost(op, run, "is leased under another token");
	}
	if (active.lease.until_ms <= op->txn->steady_ms) {
		return lease_lost(op, run, "is no longer leased: its lease ran out");
	}
	op->txn->by = arena_dup(op->txn->arena, active.lease.worker);
	return op->txn->by.ptr ? 0 : -ENOMEM;
}

int op_new_id(
	struct op *op, enum table ids, const char *prefix, const char *kind, struct slice *out)
{
	struct slice id = op_text(op, P_id), found;

	if (!id.ptr) {
		*out = txn_issue_id(op->txn, ids, prefix);
		return out->ptr ? 0 : -ENOMEM;
	}
	if (kv_get(op->txn->kv, ids, id, &found)) {
		return problem_set(op->problem, E_ID_CONFLICT, "id",
			"A %s with id '%.*s' already exists.", kind, (int)id.len,
			(const char *)id.ptr);
	}
	*out = id;
	return 0;
}

int op_check_seq(struct op *op, enum param p, const char *name)
{
	uint64_t last = store_last_seq(op->txn->store), seen = changes_bounds(op->txn).last;
	int64_t seq = op_int(op, p, 0);

	last = seen > last ? seen : last; /* a commit is seen before its number is known */
	if ((uint64_t)seq <= last) {
		return 0;
	}
	return problem_set(op->problem, E_INVALID_PARAMS, name,
		"There is no change %" PRId64 " yet: the last one is %" PRIu64 ".", seq, last);
}

int op_thread_busy(struct op *op, struct slice thread_id, const char *param)
{
	struct active active;
	struct key key;

	if (!active_first(op->txn, thread_id, &key, &active)) {
		return 0;
	}
	return problem_set(op->problem, E_RUN_ACTIVE, param,
		"Thread %.*s already has an active run %.*s.", (int)thread_id.len,
		(const char *)thread_id.ptr, (int)active.run_id.len,
		(const char *)active.run_id.ptr);
}

int op_park(struct op *op, enum param p, int64_t otherwise, const struct op_wake *wake)
{
	if (!op->wait) {
		return 0;
	}
	if (op->wait->left_ms < 0) {
		op->wait->left_ms = op_int(op, p, otherwise);
	}
	op->wait->seq = changes_bounds(op->txn).last;
	op->wait->wake = *wake;
	return op->wait->left_ms ? OP_PARK : 0;
}

int op_reply_full(struct op *op)
{
	problem_set(op->problem, E_TOO_LARGE, NULL, "The reply would be larger than %u bytes.",
		MAX_MESSAGE);
	op->problem->reply_full = true;
	return E_TOO_LARGE;
}

int op_result(struct op *op, struct slice value)
{
	buf_put(op->out, value);
	return buf_error(op->out) == -EMSGSIZE ? op_reply_full(op) : buf_error(op->out);
}

int op_result_deleted(struct op *op, struct slice id, const char *object)
{
	mp_put_map(op->out, 3);
	mp_put_cstr(op->out, "id");
	mp_put_str(op->out, id);
	mp_put_cstr(op->out, "object");
	mp_put_cstr(op->out, object);
	mp_put_cstr(op->out, "deleted");
	mp_put_bool(op->out, true);
	return op_result(op, slice_of(NULL, 0));
}

int op_encode(struct op *op, const struct schema *s, const struct slice *values, struct slice *out)
{
	struct buf bytes = {0};
	struct slice copy;
	int r = 0;

	record_write(s, values, &bytes);
	if (bytes.len > MAX_OBJECT) {
		r = problem_set(op->problem, E_TOO_LARGE, NULL,
			"The object has %zu bytes, at most %u are stored.", bytes.len, MAX_OBJECT);
	} else {
		copy = arena_dup(op->txn->arena, buf_slice(&bytes));
		r = buf_error(&bytes) || !copy.ptr ? -ENOMEM : 0;
	}
	buf_finish(&bytes);
	if (!r) {
		*out = copy;
	}
	return r;
}

struct slice value_take(struct arena *arena, struct buf *b)
{
	struct slice value = buf_error(b) ? slice_of(NULL, 0) : arena_dup(arena, buf_slice(b));

	buf_finish(b);
	return value;
}

struct slice value_int(struct arena *arena, int64_t v)
{
	struct buf b = {0};

	mp_put_int(&b, v);
	return value_take(arena, &b);
}

struct slice value_text(struct arena *arena, struct slice text)
{
	struct buf b = {0};

	mp_put_str(&b, text);
	return value_take(arena, &b);
}

struct slice value_name(struct arena *arena, const char *name)
{
	return value_text(arena, slice_str(name));
}
