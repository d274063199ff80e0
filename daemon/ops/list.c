#include "daemon/ops/list.h"

/* Room for the map around the objects of a page. */
#define LIST_OVERHEAD 256

size_t list_room(const struct op *op)
{
	size_t left = op->out->limit - op->out->len;

	return left > LIST_OVERHEAD ? left - LIST_OVERHEAD : 0;
}

static void put_no_id(struct buf *out, struct slice row)
{
	mp_put_nil(out);
}

void list_put_id(struct buf *out, struct slice row)
{
	buf_put(out, record_field(row, RUN_id));
}

int list_put(struct op *op, const struct page_result *page, const struct list_form *form)
{
	void (*put_id)(struct buf *, struct slice) = page->n ? form->id : put_no_id;
	struct buf *out = op->out;

	if (!page->n && page->has_more) {
		return op_reply_full(op);
	}
	mp_put_map(out, 5);
	mp_put_cstr(out, "object");
	mp_put_cstr(out, "list");
	mp_put_cstr(out, "data");
	mp_put_array(out, page->n);
	for (unsigned int i = 0; i < page->n; i++) {
		form->object(op, page->objects[i]);
	}
	mp_put_cstr(out, "first_id");
	put_id(out, page->objects[0]);
	mp_put_cstr(out, "last_id");
	put_id(out, page->objects[page->n ? page->n - 1 : 0]);
	mp_put_cstr(out, "has_more");
	mp_put_bool(out, page->has_more);
	return op_result(op, slice_of(NULL, 0));
}

void list_put_bytes(struct op *op, struct slice object)
{
	buf_put(op->out, object);
}

int list_read_page(struct op *op, struct page *page, const char *kind,
	bool (*find)(struct op *op, struct slice id, struct key *key))
{
	struct slice order = op_text(op, P_order);
	struct key key;

	page_init(
		page, (unsigned int)op_int(op, P_limit, 20), !order.ptr || slice_is(order, "desc"));
	if (op_given(op, P_after)) {
		if (!find(op, op_text(op, P_after), &key)) {
			return op_not_found(op, kind, op_text(op, P_after), "after");
		}
		page_after(page, key_position(key_slice(&key)));
	}
	if (op_given(op, P_before)) {
		if (!find(op, op_text(op, P_before), &key)) {
			return op_not_found(op, kind, op_text(op, P_before), "before");
		}
		page_before(page, key_position(key_slice(&key)));
	}
	return 0;
}
