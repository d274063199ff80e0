#include "daemon/store/page.h"

#include <errno.h>

struct walk {
	struct kv_cursor cursors[PAGE_PREFIXES];
	const struct key *prefixes;
	bool live[PAGE_PREFIXES];
	unsigned int n;
	unsigned int at; /* the cursor whose row was given last; n before the first */
	bool up;
	const struct page *page;
};

void page_init(struct page *page, unsigned int limit, bool descending)
{
	*page = (struct page){.limit = limit, .descending = descending};
	memset(page->high, 0xff, sizeof(page->high));
}

static void raise_low(struct page *page, const uint8_t *position)
{
	if (memcmp(position, page->low, POSITION_BYTES) > 0) {
		memcpy(page->low, position, POSITION_BYTES);
	}
}

static void lower_high(struct page *page, const uint8_t *position)
{
	if (memcmp(position, page->high, POSITION_BYTES) < 0) {
		memcpy(page->high, position, POSITION_BYTES);
	}
}

void page_after(struct page *page, struct slice position)
{
	page->after_given = true;
	(page->descending ? lower_high : raise_low)(page, position.ptr);
}

void page_before(struct page *page, struct slice position)
{
	page->before_given = true;
	(page->descending ? raise_low : lower_high)(page, position.ptr);
}

void page_created_after(struct page *page, int64_t created_at)
{
	uint8_t position[POSITION_BYTES];

	write_u64(position, (uint64_t)created_at);
	write_u64(position + 8, UINT64_MAX);
	raise_low(page, position);
}

void page_created_before(struct page *page, int64_t created_at)
{
	uint8_t position[POSITION_BYTES] = {0};

	write_u64(position, (uint64_t)created_at);
	lower_high(page, position);
}

/* Is cursor @i at a row of the list? Rows beyond the far bound are none. */
static bool in_bounds(const struct walk *w, unsigned int i)
{
	const struct kv_cursor *c = &w->cursors[i];
	struct slice position;

	if (c->key.len < POSITION_BYTES ||
		!slice_eq(key_prefix(c->key), key_slice(&w->prefixes[i]))) {
		return false;
	}
	position = key_position(c->key);
	return w->up ? memcmp(position.ptr, w->page->high, POSITION_BYTES) < 0
		     : memcmp(position.ptr, w->page->low, POSITION_BYTES) > 0;
}

static void walk_open(
	struct walk *w, struct txn *txn, const struct page *page, const struct page_source *source)
{
	*w = (struct walk){
		.prefixes = source->prefixes,
		.n = source->n_prefixes,
		.at = source->n_prefixes,
		.up = page->descending == (page->before_given && !page->after_given),
		.page = page,
	};
	for (unsigned int i = 0; i < w->n; i++) {
		struct key from = w->prefixes[i];

		kv_cursor_open(txn->kv, source->table, &w->cursors[i]);
		key_bytes(&from, slice_of(w->up ? page->low : page->high, POSITION_BYTES));
		if (w->up) {
			key_u8(&from, 0); /* behind the bound itself */
			w->live[i] = kv_seek(&w->cursors[i], key_slice(&from));
		} else {
			w->live[i] = kv_seek_before(&w->cursors[i], key_slice(&from));
		}
		w->live[i] = w->live[i] && in_bounds(w, i);
	}
}

static void walk_close(struct walk *w)
{
	for (unsigned int i = 0; i < w->n; i++) {
		kv_cursor_close(&w->cursors[i]);
	}
}

static void walk_advance(struct walk *w, unsigned int i)
{
	struct kv_cursor *c = &w->cursors[i];

	w->live[i] = (w->up ? kv_next(c) : kv_prev(c)) && in_bounds(w, i);
}

/* Is the row of cursor @i before that of the one chosen so far? */
static bool comes_first(const struct walk *w, unsigned int i)
{
	int order;

	if (w->at == w->n) {
		return true;
	}
	order = slice_cmp(key_position(w->cursors[i].key), key_position(w->cursors[w->at].key));
	return w->up ? order < 0 : order > 0;
}

/* The next row in the walk's direction, of whichever prefix has it. */
static const struct kv_cursor *walk_next(struct walk *w)
{
	if (w->at < w->n) {
		walk_advance(w, w->at);
	}
	w->at = w->n;
	for (unsigned int i = 0; i < w->n; i++) {
		if (w->live[i] && comes_first(w, i)) {
			w->at = i;
		}
	}
	return w->at < w->n ? &w->cursors[w->at] : NULL;
}

static void reverse(struct page_result *r)
{
	for (unsigned int i = 0, j = r->n; i + 1 < j; i++) {
		struct slice swap = r->objects[i];

		r->objects[i] = r->objects[--j];
		r->objects[j] = swap;
	}
}

void page_read(struct txn *txn, const struct page *page, const struct page_source *source,
	size_t max_bytes, struct page_result *out)
{
	const struct kv_cursor *c;
	struct slice object;
	struct walk walk;
	size_t bytes = 0;

	out->n = 0;
	out->has_more = false;
	walk_open(&walk, txn, page, source);
	while (!out->has_more && (c = walk_next(&walk))) {
		if (txn->stopping && *txn->stopping) {
			kv_fail(txn->kv, -ECANCELED);
			break;
		}
		object = c->value;
		if (source->object && !source->object(source->context, c->key, c->value, &object)) {
			continue;
		}
		bytes += object.len;
		if (out->n == page->limit || bytes > max_bytes) {
			out->has_more = true;
		} else {
			out->objects[out->n++] = object;
		}
	}
	walk_close(&walk);
	if (page->before_given && !page->after_given) {
		reverse(out);
	}
}
