/* changes.list: the feed. */
#include "daemon/store/changes.h"
#include "daemon/ops/op.h"

#include <errno.h>

#define DEFAULT_LIMIT 100
#define REPLY_OVERHEAD 128 /* the map around the changes */
#define CHANGE_OVERHEAD 16 /* the name of its object */

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct feed_page {
	struct change_row *rows;
	struct slice *objects;
	unsigned int n;
	unsigned int limit;
	size_t room; /* bytes that are left of the reply */
	bool with_objects;
	bool full;
};

/* False when the page is full: this change is left for the next one. */
static bool take_row(struct op *op, struct feed_page *page, const struct change_row *row)
{
	struct slice object = {NULL, 0};
	size_t bytes;

	if (page->with_objects) {
		object = changes_object(op->txn, row);
	}
	bytes = row->change.len + object.len + CHANGE_OVERHEAD;
	page->full = page->n == page->limit || bytes > page->room;
	if (page->full) {
		return false;
	}
	page->room -= bytes;
	page->objects[page->n] = object;
	page->rows[page->n++] = *row;
	return true;
}

/* The changes after @seq that match, as many as there is room for. */
static void read_feed(struct op *op, uint64_t seq, struct feed_page *page)
{
	const struct change_filter filter = {
		.thread_id = op_text(op, P_thread_id), .run_id = op_text(op, P_run_id)};
	struct change_row row;
	struct kv_cursor c;
	bool more;

	kv_cursor_open(op->txn->kv, T_CHANGES, &c);
	for (more = changes_seek(&c, seq + 1, &row); more; more = more && changes_next(&c, &row)) {
		if (op->txn->stopping && *op->txn->stopping) {
			kv_fail(op->txn->kv, -ECANCELED);
		}
		more = !changes_match(&filter, row.change) || take_row(op, page, &row);
	}
	kv_cursor_close(&c);
}

/* A change with one more pair, its object. */
static void put_with_object(struct buf *out, struct slice change, struct slice object)
{
	struct mp t = {0};

	mp_read(&change, &t);
	mp_put_map(out, t.n + 1);
	buf_put(out, change);
	mp_put_cstr(out, "object");
	if (object.ptr) {
		buf_put(out, object);
	} else {
		mp_put_nil(out);
	}
}

static int put_feed(struct op *op, const struct feed_page *page, uint64_t last_seq, bool truncated)
{
	struct buf *out = op->out;

	mp_put_map(out, 3);
	mp_put_cstr(out, "changes");
	mp_put_array(out, page->n);
	for (unsigned int i = 0; i < page->n; i++) {
		if (page->with_objects) {
			put_with_object(out, page->rows[i].change, page->objects[i]);
		} else {
			buf_put(out, page->rows[i].change);
		}
	}
	mp_put_cstr(out, "last_seq");
	mp_put_uint(out, last_seq);
	mp_put_cstr(out, "truncated");
	mp_put_bool(out, truncated);
	return op_result(op, slice_of(NULL, 0));
}

static int make_page(struct op *op, struct feed_page *page)
{
	size_t left = op->out->limit - op->out->len;

	*page = (struct feed_page){
		.limit = (unsigned int)op_int(op, P_limit, DEFAULT_LIMIT),
		.room = left > REPLY_OVERHEAD ? left - REPLY_OVERHEAD : 0,
		.with_objects = op_flag(op, P_objects),
	};
	page->rows = arena_alloc(op->txn->arena, page->limit * sizeof(*page->rows));
	page->objects = arena_alloc(op->txn->arena, page->limit * sizeof(*page->objects));
	return page->rows && page->objects ? 0 : -ENOMEM;
}

/* No change of a run is before its creation, whose number its key ends with. */
static uint64_t before_run(struct op *op)
{
	struct slice bytes;
	struct key key;

	return op_given(op, P_run_id) && runs_find(op->txn, op_text(op, P_run_id), &bytes, &key)
		       ? read_u64(key.bytes + key.len - 8) - 1
		       : 0;
}

int op_changes_list(struct op *op)
{
	uint64_t after = (uint64_t)op_int(op, P_after, 0), from = after;
	struct change_bounds kept = changes_bounds(op->txn);
	struct feed_page page;
	int r;

	r = op_check_seq(op, P_after, "after");
	if (!r) {
		r = make_page(op, &page);
	}
	if (r) {
		return r;
	}
	from = max_u64(from, before_run(op));
	if (op->wait) {
		from = max_u64(from, op->wait->seq); /* up to here nothing matched */
	}
	read_feed(op, from, &page);
	if (!page.n && !page.full && after + 1 >= kept.first) {
		r = op_park(op, P_wait_ms, 0,
			&(struct op_wake){.thread_id = op_text(op, P_thread_id),
				.run_id = op_text(op, P_run_id)});
	}
	if (r) {
		return r;
	}
	if (page.full && !page.n) {
		return op_reply_full(op);
	}
	return put_feed(
		op, &page, page.n ? page.rows[page.n - 1].seq : kept.last, after + 1 < kept.first);
}
