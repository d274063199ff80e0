#include "daemon/ops/include.h"

/* Append the map @value, each of its values through @inner; the pair @without is left out. */
static void copy_map(struct slice value, const char *only, const char *without, struct buf *out,
	void (*inner)(struct slice, struct buf *))
{
	bool drops = without && mp_lookup(value, without).ptr;
	struct mp t;
	uint32_t n;

	if (!mp_read(&value, &t) || t.type != MP_MAP) {
		return;
	}
	n = t.n;
	mp_put_map(out, n - drops);
	for (uint32_t i = 0; i < n; i++) {
		struct slice key = mp_value(&value), item = mp_value(&value), name = {NULL, 0};

		mp_get_str(key, &name);
		if (drops && slice_is(name, without)) {
			continue;
		}
		buf_put(out, key);
		if (only && slice_is(name, only)) {
			inner(item, out);
		} else {
			buf_put(out, item);
		}
	}
}

static void copy_array(
	struct slice value, struct buf *out, void (*inner)(struct slice, struct buf *))
{
	struct mp t;

	if (!mp_read(&value, &t) || t.type != MP_ARRAY) {
		return;
	}
	mp_put_array(out, t.n);
	for (uint32_t i = 0; i < t.n; i++) {
		inner(mp_value(&value), out);
	}
}

static void strip_result(struct slice value, struct buf *out)
{
	copy_map(value, NULL, "content", out, NULL);
}

static void strip_results(struct slice value, struct buf *out)
{
	copy_array(value, out, strip_result);
}

static void strip_search(struct slice value, struct buf *out)
{
	copy_map(value, "results", NULL, out, strip_results);
}

static void strip_call(struct slice value, struct buf *out)
{
	copy_map(value, "file_search", NULL, out, strip_search);
}

static void strip_calls(struct slice value, struct buf *out)
{
	copy_array(value, out, strip_call);
}

static void strip_details(struct slice value, struct buf *out)
{
	copy_map(value, "tool_calls", NULL, out, strip_calls);
}

/* There is one thing to ask for, so any name in the list is that. */
static bool asked_for(const struct op *op)
{
	struct slice list = op->args[P_include];
	struct mp t;

	return list.ptr && mp_read(&list, &t) && t.n;
}

void include_put_step(struct op *op, struct slice bytes)
{
	static const char results[] = "\xa7results";

	if (!asked_for(op) &&
		slice_eq(record_field(bytes, STEP_type), SLICE_LIT("\xaatool_calls")) &&
		memmem(bytes.ptr, bytes.len, results, sizeof(results) - 1)) {
		copy_map(bytes, "step_details", NULL, op->out, strip_details);
	} else {
		buf_put(op->out, bytes);
	}
}
