#include "proto/strip.h"
#include "proto/mp.h"

typedef void copy(struct slice value, struct buf *out);

/* Append the map @value, the member @only through @inner, without the member @drop. */
static void copy_map(
	struct slice value, const char *only, const char *drop, struct buf *out, copy *inner)
{
	bool drops = drop && mp_lookup(value, drop).ptr;
	struct slice rest = value;
	struct mp t;
	uint32_t n;

	if (!mp_read(&rest, &t) || t.type != MP_MAP) {
		buf_put(out, value);
		return;
	}
	n = t.n;
	mp_put_map(out, n - drops);
	for (uint32_t i = 0; i < n; i++) {
		struct slice key = mp_value(&rest), item = mp_value(&rest), name = {NULL, 0};

		mp_get_str(key, &name);
		if (drops && slice_is(name, drop)) {
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

static void copy_array(struct slice value, struct buf *out, copy *inner)
{
	struct slice rest = value;
	struct mp t;

	if (!mp_read(&rest, &t) || t.type != MP_ARRAY) {
		buf_put(out, value);
		return;
	}
	mp_put_array(out, t.n);
	for (uint32_t i = 0, n = t.n; i < n; i++) {
		inner(mp_value(&rest), out);
	}
}

static void copy_result(struct slice value, struct buf *out)
{
	copy_map(value, NULL, "content", out, NULL);
}

static void copy_results(struct slice value, struct buf *out)
{
	copy_array(value, out, copy_result);
}

static void copy_search(struct slice value, struct buf *out)
{
	copy_map(value, "results", NULL, out, copy_results);
}

static void copy_call(struct slice value, struct buf *out)
{
	copy_map(value, "file_search", NULL, out, copy_search);
}

static void copy_calls(struct slice value, struct buf *out)
{
	copy_array(value, out, copy_call);
}

static void copy_details(struct slice value, struct buf *out)
{
	copy_map(value, "tool_calls", NULL, out, copy_calls);
}

void strip_step(struct slice step, struct buf *out)
{
	static const char results[] = "\xa7results";

	if (memmem(step.ptr, step.len, results, sizeof(results) - 1)) {
		copy_map(step, "step_details", NULL, out, copy_details);
	} else {
		buf_put(out, step);
	}
}
