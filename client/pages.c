#include "client/pages.h"
#include "client/fail.h"
#include "client/util.h"

#define PAGE_MAX 100

int pages_init(struct pages *p, const struct runstore_page *page, struct runstore_error *error)
{
	static const char *const orders[] = {NULL, "asc", "desc"};
	size_t len = page->after ? strlen(page->after) : 0;

	if (page->page_size < 0 || page->page_size > PAGE_MAX) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "page_size",
			"page_size is %d; 1 to %d are possible.", page->page_size, PAGE_MAX);
	}
	if ((unsigned int)page->order > RUNSTORE_ORDER_DESC) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "order",
			"%d is no value of the enum for order.", (int)page->order);
	}
	if (page->max < 0) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "max", "max is below 0.");
	}
	if (len >= sizeof(p->after) || (page->after && !len)) {
		return fail(error, RUNSTORE_E_INVALID_ID, "after",
			"Invalid id '%.64s': an id is 1 to 64 of A-Z a-z 0-9 _ -.", page->after);
	}
	if (len) {
		memcpy(p->after, page->after, len + 1);
	}
	p->page = *page;
	p->page.after = NULL;
	p->more = true;
	request_text(&p->request, "order", orders[page->order]);
	return 0;
}

void pages_finish(struct pages *p)
{
	runstore_reply_free(p->reply);
	request_finish(&p->request);
}

static int64_t page_limit(const struct pages *p)
{
	int64_t limit = p->page.page_size ? p->page.page_size : PAGE_MAX;
	int64_t left = p->page.max - p->n_given;

	return p->page.max && left < limit ? left : limit;
}

static int page_request(struct pages *p, const char *after, struct runstore_reply **reply,
	struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf b = {0};
	const struct params *filters = &p->request.params;
	struct params all = {.n = filters->n};

	buf_put(&all.pairs, buf_slice(&filters->pairs));
	params_integer(&all, "limit", page_limit(p));
	params_text(&all, "after", *after ? after : NULL);
	params_write(&all, &b);
	params_finish(&all);
	if (buf_error(&filters->pairs)) {
		return fail_memory(error);
	}
	return handle_call(p->request.rs, p->request.method, &b, reply, error);
}

static void copy_id(struct slice object, char out[static 65])
{
	struct slice id;

	if (mp_get_str(mp_lookup(object, "id"), &id) && id.len <= 64) {
		memcpy(out, id.ptr, id.len);
		out[id.len] = '\0';
	}
}

/* The id of the object at @index of the page at hand. */
static bool id_at(const struct pages *p, uint32_t index, char out[static 65])
{
	struct slice data = p->reply ? mp_lookup(p->reply->result, "data") : slice_of(NULL, 0);
	struct mp t;

	if (!mp_read(&data, &t) || t.type != MP_ARRAY || index >= t.n) {
		return false;
	}
	while (index--) {
		mp_value(&data);
	}
	copy_id(mp_value(&data), out);
	return true;
}

static uint32_t page_count(const struct pages *p)
{
	struct slice data = p->reply ? mp_lookup(p->reply->result, "data") : slice_of(NULL, 0);
	struct mp t;

	return mp_read(&data, &t) && t.type == MP_ARRAY ? t.n : 0;
}

/*
 * The object that the cursor names may have been deleted since. The ones before it on its page
 * were given too, so the page that follows any of those is the right one.
 */
static int fetch_behind(
	struct pages *p, struct runstore_reply **reply, struct runstore_error *error)
{
	struct runstore_error first, again;
	uint32_t left = page_count(p); /* the last of them is the cursor */
	char after[65];
	int r;

	r = page_request(p, p->after, reply, &first);
	again = first;
	while (r == RUNSTORE_E_NOT_FOUND && left > 1 && !strcmp(again.param, "after")) {
		left--;
		if (!id_at(p, left - 1, after)) {
			break;
		}
		r = page_request(p, after, reply, &again);
	}
	if (r && error) {
		*error = r == RUNSTORE_E_NOT_FOUND ? first : again;
	}
	return r;
}

static int fetch(struct pages *p, struct runstore_error *error)
{
	struct runstore_reply *reply;
	struct slice data;
	bool more = false;
	struct mp t;
	int r;

	r = fetch_behind(p, &reply, error);
	if (r) {
		return r;
	}
	data = mp_lookup(reply->result, "data");
	if (!mp_read(&data, &t) || t.type != MP_ARRAY) {
		runstore_reply_free(reply);
		return fail(error, RUNSTORE_E_INVALID_FRAME, NULL, "The reply to %s is not a list.",
			p->request.method);
	}
	runstore_reply_free(p->reply);
	p->reply = reply;
	p->rest = data;
	p->n_rest = t.n;
	mp_get_bool(mp_lookup(reply->result, "has_more"), &more);
	p->more = more && t.n;
	return 0;
}

int pages_next(struct pages *p, struct slice *object, struct runstore_error *error)
{
	int r;

	if (p->page.max && p->n_given >= p->page.max) {
		*object = slice_of(NULL, 0);
		return 0;
	}
	if (!p->n_rest && p->more) {
		r = fetch(p, error);
		if (r) {
			return r;
		}
	}
	if (!p->n_rest) {
		*object = slice_of(NULL, 0);
		return 0;
	}
	p->n_rest--;
	p->n_given++;
	*object = mp_value(&p->rest);
	copy_id(*object, p->after);
	return 0;
}
