#include "tools/gateway/call.h"
#include "client/fail.h"
#include "client/json.h"
#include "client/util.h"
#include "proto/schema.h"
#include "proto/utf8.h"
#include "tools/gateway/exchange_server.h"
#include "tools/gateway/quick.h"
#include "tools/gateway/rest.h"

#include <stdio.h>
#include <stdlib.h>

/* Undo the encoding of the path's ids, which must be ids then. */
static int take_ids(struct call *call, const struct slice ids[static PATH_IDS])
{
	for (unsigned int i = 0; i < PATH_IDS && ids[i].ptr; i++) {
		char text[256] = "", name[32];
		size_t n = ids[i].len < sizeof(text) ? ids[i].len : sizeof(text) - 1;
		long len;

		memcpy(text, ids[i].ptr, n);
		len = query_decode(text, n, false);
		if (len < 0 || !id_valid(slice_of(text, (size_t)len))) {
			route_id_name(call->route, i, name);
			return fail(&call->error, RUNSTORE_E_INVALID_ID, name,
				"Invalid id in the path: an id is 1 to 64 of A-Z a-z 0-9 _ -.");
		}
		memcpy(call->ids[i], text, (size_t)len);
		call->ids[i][len] = '\0';
	}
	return 0;
}

static int take_key(struct call *call)
{
	const char *key = exchange_request_header(call->x, "Idempotency-Key");
	size_t n = key ? strlen(key) : 0;

	if (!key || !strcmp(call->route->verb, "GET")) {
		return 0;
	}
	if (n < 1 || n > 64 || !utf8_valid(slice_str(key))) {
		return fail(&call->error, RUNSTORE_E_INVALID_PARAMS, "Idempotency-Key",
			"An Idempotency-Key has 1 to 64 bytes.");
	}
	call->key = key;
	return 0;
}

/* A body that is not there is an empty object. */
static int take_body(struct call *call, struct slice text)
{
	struct mp t;
	struct slice in;
	int r;

	while (text.len && memchr(" \t\r\n", text.ptr[0], 4)) {
		text = slice_of(text.ptr + 1, text.len - 1);
	}
	if (!text.len) {
		mp_put_map(&call->body, 0);
		return buf_error(&call->body) ? fail_memory(&call->error) : 0;
	}
	r = json_read((const char *)text.ptr, text.len, NULL, &call->body, &call->error);
	if (r) {
		return r;
	}
	in = buf_slice(&call->body);
	if (!mp_read(&in, &t) || t.type != MP_MAP) {
		return fail(&call->error, RUNSTORE_E_INVALID_PARAMS, NULL,
			"The body is no JSON object.");
	}
	return 0;
}

static bool is_among(const char *const *names, struct slice name)
{
	for (; names && *names; names++) {
		if (slice_is(name, *names)) {
			return true;
		}
	}
	return false;
}

int call_put_fields(struct call *call, struct slice map, const char *path,
	const char *const *fields, const char *const *own, struct pairs *out)
{
	struct mp t = {0}, name = {0};
	uint32_t n;

	mp_read(&map, &t);
	n = t.n;
	for (uint32_t i = 0; i < n && mp_read(&map, &name); i++) {
		struct slice value = mp_value(&map);

		if (is_among(fields, name.str)) {
			buf_put(&out->bytes, slice_of(NULL, 0));
			mp_put_str(&out->bytes, name.str);
			buf_put(&out->bytes, value);
			out->n++;
		} else if (!is_among(own, name.str)) {
			char shown[72], param[160];

			printable(name.str, shown);
			snprintf(param, sizeof(param), "%s%s", path, shown);
			return fail(&call->error, RUNSTORE_E_UNKNOWN_PARAM, param,
				"Unknown parameter: '%s'.", param);
		}
	}
	return 0;
}

int call_flag(struct call *call, const char *name, bool *out)
{
	struct slice value = mp_lookup(buf_slice(&call->body), name);

	*out = false;
	if (!value.ptr || mp_is_nil(value) || mp_get_bool(value, out)) {
		return 0;
	}
	return fail(&call->error, RUNSTORE_E_INVALID_PARAMS, name, "Expected a boolean.");
}

void call_put_ids(const struct call *call, struct pairs *out)
{
	for (unsigned int i = 0; i < PATH_IDS && *call->ids[i]; i++) {
		char name[32];

		route_id_name(call->route, i, name);
		pairs_text(out, name, slice_str(call->ids[i]));
	}
}

void call_put_key(const struct call *call, struct pairs *out)
{
	if (call->key) {
		pairs_text(out, "idempotency_key", slice_str(call->key));
	}
}

int call_ask(struct call *call, const char *method, const struct pairs *params,
	struct runstore_reply **reply)
{
	_cleanup_(buf_finish) struct buf map = {0};

	pairs_write(params, &map);
	if (buf_error(&map)) {
		return fail_memory(&call->error);
	}
	return quick_patient(
		call->gw->quick, call->gw->rs, method, map.ptr, map.len, reply, &call->error);
}

int call_answer(struct call *call, struct runstore_value value)
{
	struct buf json = {0};

	if (json_write(slice_of(value.data, value.size), &json, &call->error)) {
		buf_finish(&json);
		return RUNSTORE_E_INTERNAL;
	}
	buf_append(&json, "", 1);
	if (buf_error(&json)) {
		buf_finish(&json);
		return fail_memory(&call->error);
	}
	exchange_answer_take(call->x, 200, (char *)json.ptr);
	return 0;
}

static void call_free(struct call *call)
{
	exchange_unref(call->x);
	pairs_finish(&call->query);
	buf_finish(&call->body);
	free(call);
}

/* It is answered, or is to be with an error. */
static void finish(struct call *call)
{
	if (call->error.code) {
		exchange_answer_error(call->x, &call->error);
	}
	call_free(call);
}

static void run(struct pool_job *job)
{
	struct call *call = (struct call *)job;

	call->route->handle(call);
	finish(call);
}

void call_submit(const struct gateway *gw, struct exchange *x, enum route_id route,
	const struct slice ids[static PATH_IDS], struct slice body, const char *query)
{
	struct call *call = calloc(1, sizeof(*call));
	int r;

	if (!call) {
		exchange_answer_take(x, 500, NULL);
		exchange_unref(x);
		return;
	}
	*call = (struct call){.job.run = run, .gw = gw, .x = x, .route = &routes[route]};
	r = take_ids(call, ids);
	if (!r) {
		r = query_read(query, call->route->keys, &call->query, &call->error);
	}
	if (!r) {
		r = take_key(call);
	}
	if (!r && call->route->fields) {
		take_body(call, body);
	}
	if (call->error.code || (call->route->at_once && rest_at_once(call))) {
		finish(call);
		return;
	}
	exchange_wait(x);
	pool_submit(gw->pool, &call->job);
}
