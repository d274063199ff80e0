#include "tools/gateway/query.h"
#include "client/fail.h"
#include "client/util.h"
#include "proto/mp.h"
#include "proto/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS_MAX 16

void pairs_finish(struct pairs *p)
{
	buf_finish(&p->bytes);
}

void pairs_begin(struct pairs *p, const char *name)
{
	mp_put_cstr(&p->bytes, name);
	p->n++;
}

void pairs_text(struct pairs *p, const char *name, struct slice text)
{
	pairs_begin(p, name);
	mp_put_str(&p->bytes, text);
}

void pairs_value(struct pairs *p, const char *name, struct slice value)
{
	pairs_begin(p, name);
	buf_put(&p->bytes, value);
}

void pairs_write(const struct pairs *p, struct buf *out)
{
	mp_put_map(out, p->n);
	buf_put(out, buf_slice(&p->bytes));
	out->error = out->error ? out->error : buf_error(&p->bytes);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

long query_decode(char *text, size_t n, bool plus)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '%') {
			int high = i + 2 < n ? hex(text[i + 1]) : -1;
			int low = i + 2 < n ? hex(text[i + 2]) : -1;

			if (high < 0 || low < 0) {
				return -1;
			}
			text[out++] = (char)(high << 4 | low);
			i += 2;
		} else {
			text[out++] = plus && text[i] == '+' ? ' ' : text[i];
		}
	}
	return (long)out;
}

/* What is collected of a key until all of the query is read. */
struct found {
	struct buf values; /* of TEXTS and PAIRS, encoded */
	uint32_t n;
};

struct reader {
	const struct query_key *keys;
	struct found found[KEYS_MAX];
	struct pairs *out;
	struct runstore_error *error;
};

static int refuse(struct reader *r, int code, struct slice key, const char *why)
{
	char param[80];

	snprintf(param, sizeof(param), "%.*s", (int)(key.len < 72 ? key.len : 72),
		(const char *)key.ptr);
	return fail(r->error, code, param, "Query parameter '%s' %s.", param, why);
}

/* The part of @key in brackets; ptr NULL where there are none. @name becomes what is before. */
static struct slice take_brackets(struct slice key, struct slice *name)
{
	const uint8_t *open = memchr(key.ptr, '[', key.len);

	*name = key;
	if (!open || key.ptr[key.len - 1] != ']') {
		return slice_of(NULL, 0);
	}
	*name = slice_of(key.ptr, (size_t)(open - key.ptr));
	return slice_of(open + 1, key.len - name->len - 2);
}

static bool fits(enum query_kind kind, struct slice inner)
{
	switch (kind) {
	case QUERY_TEXTS:
		return !inner.len;
	case QUERY_PAIRS:
		return inner.ptr;
	default:
		return !inner.ptr;
	}
}

static int put_integer(struct reader *r, const char *name, struct slice value)
{
	char text[24] = "", *end = text;
	long long v = 0;

	if (value.len && value.len < sizeof(text)) {
		memcpy(text, value.ptr, value.len);
		errno = 0;
		v = strtoll(text, &end, 10);
	}
	if (end == text || *end || errno || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) {
		return refuse(r, RUNSTORE_E_INVALID_PARAMS, slice_str(name), "is no integer");
	}
	pairs_begin(r->out, name);
	mp_put_int(&r->out->bytes, v);
	return 0;
}

/* The same name twice among the pairs of one key: is it there? */
static bool has_pair(const struct found *f, struct slice name)
{
	struct slice in = buf_slice(&f->values);
	struct mp t;

	for (uint32_t i = 0; i < f->n && mp_read(&in, &t); i++) {
		if (slice_eq(t.str, name)) {
			return true;
		}
		mp_value(&in);
	}
	return false;
}

static int take(struct reader *r, struct slice key, struct slice value)
{
	struct slice name, inner = take_brackets(key, &name);
	const struct query_key *k = r->keys;
	struct found *f = r->found;

	while (k->name && !slice_is(name, k->name)) {
		k++;
		f++;
	}
	if (!k->name || !fits(k->kind, inner)) {
		return refuse(r, RUNSTORE_E_UNKNOWN_PARAM, key, "is unknown here");
	}
	if ((k->kind == QUERY_TEXT || k->kind == QUERY_INTEGER) && f->n) {
		return refuse(r, RUNSTORE_E_INVALID_PARAMS, key, "is given twice");
	}
	if (k->kind == QUERY_PAIRS && has_pair(f, inner)) {
		return refuse(r, RUNSTORE_E_INVALID_PARAMS, key, "is given twice");
	}
	f->n++;
	if (k->kind == QUERY_INTEGER) {
		return put_integer(r, k->name, value);
	}
	if (k->kind == QUERY_TEXT) {
		pairs_text(r->out, k->name, value);
		return 0;
	}
	if (k->kind == QUERY_PAIRS) {
		mp_put_str(&f->values, inner);
	}
	mp_put_str(&f->values, value);
	return 0;
}

/* One `key=value`, which is decoded in place. */
static int take_part(struct reader *r, char *part, size_t n)
{
	char *equals = memchr(part, '=', n);
	size_t key_len = equals ? (size_t)(equals - part) : n;
	char *text = equals ? equals + 1 : part + n;
	long key = query_decode(part, key_len, true);
	long value = query_decode(text, n - key_len - (equals ? 1 : 0), true);
	struct slice k = slice_of(part, key < 0 ? key_len : (size_t)key);
	struct slice v = slice_of(text, value < 0 ? 0 : (size_t)value);

	bool sound = key >= 0 && utf8_valid(k) && !memchr(k.ptr, 0, k.len);

	if (!n) {
		return 0;
	}
	if (!sound || value < 0 || !utf8_valid(v) || (v.len && memchr(v.ptr, 0, v.len))) {
		return refuse(r, RUNSTORE_E_INVALID_PARAMS, sound ? k : SLICE_LIT(""),
			"is no percent-encoded UTF-8, or holds a NUL");
	}
	return take(r, k, v);
}

static void put_collected(struct reader *r)
{
	struct found *f = r->found;

	for (const struct query_key *k = r->keys; k->name; k++, f++) {
		if (!f->n || k->kind == QUERY_TEXT || k->kind == QUERY_INTEGER) {
			continue;
		}
		pairs_begin(r->out, k->name);
		if (k->kind == QUERY_TEXTS) {
			mp_put_array(&r->out->bytes, f->n);
		} else {
			mp_put_map(&r->out->bytes, f->n);
		}
		buf_put(&r->out->bytes, buf_slice(&f->values));
	}
}

static void free_text(char **text)
{
	free(*text);
}

int query_read(const char *query, const struct query_key *keys, struct pairs *out,
	struct runstore_error *error)
{
	_cleanup_(free_text) char *copy = strdup(query ? query : "");
	struct reader reader = {.keys = keys, .out = out, .error = error};
	int r = copy ? 0 : fail_memory(error);

	for (char *part = copy; !r && part && *part;) {
		size_t n = strcspn(part, "&");
		char *next = part + n + (part[n] == '&');

		r = take_part(&reader, part, n);
		part = next;
	}
	if (!r) {
		put_collected(&reader);
	}
	for (size_t i = 0; i < KEYS_MAX; i++) {
		buf_finish(&reader.found[i].values);
	}
	return r;
}
