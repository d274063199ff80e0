/* What all lists share: how a page is asked for, and how it is told. */
#pragma once

#include "daemon/ops/op.h"
#include "daemon/store/page.h"

/* Bytes that the objects of a page may have in the reply. */
size_t list_room(const struct op *op);

/*
 * Set the page's limit, order and cursors. @find gives the key of an id that is in the list, with
 * the position at its end; it returns false when the id is not there. Returns 0 or E_NOT_FOUND,
 * which calls the object a @kind.
 */
int list_read_page(struct op *op, struct page *page, const char *kind,
	bool (*find)(struct op *op, struct slice id, struct key *key));

/* How an object of a page, as page_read() gave it, and its id are appended to a reply. */
struct list_form {
	void (*object)(struct op *op, struct slice row);
	void (*id)(struct buf *out, struct slice row);
};

/* Of stored objects: their bytes; their first field, which is the id of all. */
void list_put_bytes(struct op *op, struct slice object);
void list_put_id(struct buf *out, struct slice object);

/* Append {object: "list", data, first_id, last_id, has_more} as the result. */
int list_put(struct op *op, const struct page_result *page, const struct list_form *form);
