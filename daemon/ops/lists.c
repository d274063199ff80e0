/* runs.list, steps.list and threads.list: which positions, and which filters. */
#include "daemon/ops/include.h"
#include "daemon/ops/list.h"
#include "daemon/store/active.h"
#include "daemon/store/threads.h"

#include <errno.h>

/* The numbers of a set of names, as bits; all bits when the parameter is not given. */
static unsigned int status_bits(const struct op *op, int (*number)(struct slice))
{
	struct slice set = op->args[P_status];
	unsigned int bits = 0;
	struct mp t;

	if (!set.ptr || !mp_read(&set, &t)) {
		return ~0u;
	}
	for (uint32_t i = 0; i < t.n; i++) {
		bits |= 1u << number(mp_value(&set));
	}
	return bits;
}

static bool in_set(struct slice set, struct slice value)
{
	struct mp t;

	if (!set.ptr) {
		return true;
	}
	mp_read(&set, &t);
	for (uint32_t i = 0; i < t.n; i++) {
		if (slice_eq(mp_value(&set), value)) {
			return true;
		}
	}
	return false;
}

/* Are all pairs of @want in @metadata? */
static bool has_pairs(struct slice want, struct slice metadata)
{
	struct mp t;
	uint32_t n;

	if (!want.ptr) {
		return true;
	}
	mp_read(&want, &t);
	n = t.n;
	for (uint32_t i = 0; i < n; i++) {
		struct slice in = metadata, key = mp_value(&want), value = mp_value(&want);
		bool found = false;

		mp_read(&in, &t);
		for (uint32_t k = 0; k < t.n && !found; k++) {
			struct slice has_key = mp_value(&in);

			found = slice_eq(mp_value(&in), value) && slice_eq(has_key, key);
		}
		if (!found) {
			return false;
		}
	}
	return true;
}

struct run_filter {
	struct op *op;
	unsigned int statuses;
	bool any; /* is there something to look at in the object? */
};

static bool same_or_absent(struct slice want, struct slice value)
{
	return !want.ptr || slice_eq(want, value);
}

static bool run_matches(const struct run_filter *f, struct slice bytes)
{
	struct slice v[N_RUN_FIELDS];
	struct op *op = f->op;

	if (!f->any) {
		return true;
	}
	if (!record_read(&schema_run, bytes, v)) {
		kv_fail(op->txn->kv, -EBADMSG);
		return false;
	}
	return (f->statuses & 1u << run_status_of(v[RUN_status])) &&
	       same_or_absent(op->args[P_assistant_id], v[RUN_assistant_id]) &&
	       same_or_absent(op->args[P_model], v[RUN_model]) &&
	       has_pairs(op->args[P_metadata], v[RUN_metadata]);
}

static bool run_of_row(void *context, struct slice key, struct slice value, struct slice *object)
{
	*object = value;
	return run_matches(context, value);
}

static bool run_of_index(void *context, struct slice key, struct slice value, struct slice *object)
{
	const struct run_filter *f = context;

	return kv_get(f->op->txn->kv, T_RUNS, value, object) && run_matches(f, *object);
}

static bool find_run(struct op *op, struct slice id, struct key *key)
{
	struct slice bytes;

	return runs_find(op->txn, id, &bytes, key) &&
	       (!op_given(op, P_thread_id) ||
		       slice_eq(key_first_id(key_slice(key)), op_text(op, P_thread_id)));
}

/* Which table has the list in order, under which prefixes. */
static struct page_source run_source(struct op *op, struct run_filter *f, struct key *prefixes)
{
	struct page_source source = {.prefixes = prefixes, .n_prefixes = 1, .context = f};

	prefixes[0] = (struct key){0};
	f->op = op;
	f->statuses = status_bits(op, run_status_of);
	f->any = op_given(op, P_status) || op_given(op, P_assistant_id) || op_given(op, P_model) ||
		 op_given(op, P_metadata);
	if (op_given(op, P_thread_id)) {
		source.table = T_RUNS;
		source.object = run_of_row;
		key_id(&prefixes[0], op_text(op, P_thread_id));
		return source;
	}
	source.object = run_of_index;
	source.table = T_RUNS_BY_TIME;
	if (op_given(op, P_status)) {
		source.table = T_RUNS_BY_STATUS;
		source.n_prefixes = 0;
		for (unsigned int s = 0; s < N_RUN_STATUSES; s++) {
			if (f->statuses & 1u << s) {
				prefixes[source.n_prefixes] = (struct key){0};
				key_u8(&prefixes[source.n_prefixes++], (uint8_t)s);
			}
		}
	}
	return source;
}

int op_runs_list(struct op *op)
{
	struct key prefixes[N_RUN_STATUSES];
	struct page_source source;
	struct page_result result;
	struct run_filter filter;
	struct thread thread;
	struct page page;
	int r;

	if (op_given(op, P_thread_id) && !threads_get(op->txn, op_text(op, P_thread_id), &thread)) {
		return op_not_found(op, "thread", op_text(op, P_thread_id), "thread_id");
	}
	r = list_read_page(op, &page, "run", find_run);
	if (r) {
		return r;
	}
	if (op_given(op, P_created_after)) {
		page_created_after(&page, op_int(op, P_created_after, 0));
	}
	if (op_given(op, P_created_before)) {
		page_created_before(&page, op_int(op, P_created_before, 0));
	}
	source = run_source(op, &filter, prefixes);
	page_read(op->txn, &page, &source, list_room(op), &result);
	return list_put(op, &result, &(struct list_form){list_put_bytes, list_put_id});
}

struct step_filter {
	struct op *op;
	unsigned int statuses;
};

static bool step_matches(void *context, struct slice key, struct slice value, struct slice *object)
{
	const struct step_filter *f = context;
	struct slice v[N_STEP_FIELDS];

	if (!record_read(&schema_step, value, v)) {
		kv_fail(f->op->txn->kv, -EBADMSG);
		return false;
	}
	*object = value;
	return (f->statuses & 1u << step_status_of(v[STEP_status])) &&
	       in_set(f->op->args[P_type], v[STEP_type]);
}

static bool find_step(struct op *op, struct slice id, struct key *key)
{
	struct slice bytes, run;

	return steps_find(op->txn, id, &bytes, key) &&
	       mp_get_str(record_field(bytes, STEP_run_id), &run) &&
	       slice_eq(run, op_text(op, P_run_id));
}

int op_steps_list(struct op *op)
{
	struct slice run_id = op_text(op, P_run_id), bytes;
	struct page_source source = {.table = T_STEPS, .n_prefixes = 1};
	struct step_filter filter = {.op = op, .statuses = status_bits(op, step_status_of)};
	struct page_result result;
	struct key key, prefix;
	struct page page;
	int r;

	r = op_find_run(op, &bytes, &key);
	if (!r) {
		r = list_read_page(op, &page, "run step", find_step);
	}
	if (r) {
		return r;
	}
	prefix = steps_prefix(key_first_id(key_slice(&key)), run_id);
	source.prefixes = &prefix;
	if (op_given(op, P_status) || op_given(op, P_type)) {
		source.object = step_matches;
		source.context = &filter;
	}
	page_read(op->txn, &page, &source, list_room(op), &result);
	return list_put(op, &result, &(struct list_form){include_put_step, list_put_id});
}

static bool find_thread(struct op *op, struct slice id, struct key *key)
{
	struct thread t;

	if (!threads_get(op->txn, id, &t)) {
		return false;
	}
	*key = (struct key){0};
	key_u64(key, (uint64_t)t.created_at);
	key_u64(key, t.seq);
	return true;
}

static void put_thread(struct op *op, struct slice id)
{
	struct buf *out = op->out;
	struct thread t = {0};
	struct active active;
	struct key key;
	int64_t last;

	threads_get(op->txn, id, &t);
	mp_put_map(out, 7);
	mp_put_cstr(out, "id");
	mp_put_str(out, id);
	mp_put_cstr(out, "object");
	mp_put_cstr(out, "thread.summary");
	mp_put_cstr(out, "created_at");
	mp_put_int(out, t.created_at);
	mp_put_cstr(out, "last_run_at");
	if (runs_last_created(op->txn, id, &last)) {
		mp_put_int(out, last);
	} else {
		mp_put_nil(out);
	}
	mp_put_cstr(out, "runs");
	mp_put_uint(out, t.runs);
	mp_put_cstr(out, "steps");
	mp_put_uint(out, t.steps);
	mp_put_cstr(out, "active_run_id");
	if (active_first(op->txn, id, &key, &active)) {
		mp_put_str(out, active.run_id);
	} else {
		mp_put_nil(out);
	}
}

int op_threads_list(struct op *op)
{
	const struct key none = {0};
	struct page_source source = {
		.table = T_THREADS_BY_TIME, .prefixes = &none, .n_prefixes = 1};
	struct page_result result;
	struct page page;
	int r;

	r = list_read_page(op, &page, "thread", find_thread);
	if (r) {
		return r;
	}
	page_read(op->txn, &page, &source, list_room(op), &result);
	return list_put(op, &result, &(struct list_form){put_thread, mp_put_str});
}
