#include "tools/gateway/rest.h"
#include "client/fail.h"
#include "client/util.h"
#include "proto/mp.h"
#include "tools/gateway/exchange_server.h"
#include "tools/gateway/hold.h"
#include "tools/gateway/quick.h"
#include "tools/gateway/stream.h"

#include <stdlib.h>
#include <strings.h>

#define HOLD_MAX_MS 10000

#define CONTENT "step_details.tool_calls[*].file_search.results[*].content"

/* Path, query, body and key as parameters of the route's method. */
static int put_params(struct call *call, const char *const *own, struct pairs *out)
{
	call_put_ids(call, out);
	buf_put(&out->bytes, buf_slice(&call->query.bytes));
	out->n += call->query.n;
	call_put_key(call, out);
	return call->route->fields ? call_put_fields(call, buf_slice(&call->body), "",
					     call->route->fields, own, out)
				   : 0;
}

static int ask(struct call *call, const char *const *own, struct runstore_reply **reply)
{
	_cleanup_(pairs_finish) struct pairs params = {0};
	int r = put_params(call, own, &params);

	return r ? r : call_ask(call, call->route->method, &params, reply);
}

int rest_plain(struct call *call)
{
	struct runstore_reply *reply;
	int r = ask(call, NULL, &reply);

	if (!r) {
		r = call_answer(call, runstore_reply_value(reply));
		runstore_reply_free(reply);
	}
	return r;
}

/* How long a poll helper lets us hold its request, below 0 if it is none. */
static int64_t hold_ms(const struct call *call)
{
	const char *helper = exchange_request_header(call->x, "X-Stainless-Poll-Helper");
	const char *timeout = exchange_request_header(call->x, "X-Stainless-Timeout");
	double seconds = timeout ? atof(timeout) : 0;
	double ms = timeout ? seconds * 1000 - 1000 : HOLD_MAX_MS;

	if (!helper || strcasecmp(helper, "true") != 0) {
		return -1;
	}
	return ms < 0 ? 0 : ms > HOLD_MAX_MS ? HOLD_MAX_MS : (int64_t)ms;
}

bool rest_at_once(struct call *call)
{
	_cleanup_(pairs_finish) struct pairs params = {0};
	_cleanup_(buf_finish) struct buf map = {0};
	struct runstore_reply *reply;
	int r;

	if (hold_ms(call) >= 0 || put_params(call, NULL, &params)) {
		return false;
	}
	pairs_write(&params, &map);
	if (buf_error(&map)) {
		return false;
	}
	r = quick_call(
		call->gw->quick, call->route->method, map.ptr, map.len, &reply, &call->error);
	if (may_pass(r)) {
		call->error.code = 0;
		return false;
	}
	if (!r) {
		call_answer(call, runstore_reply_value(reply));
		runstore_reply_free(reply);
	}
	return true;
}

int rest_get_run(struct call *call)
{
	int64_t ms = hold_ms(call);

	if (ms < 0) {
		return rest_plain(call);
	}
	exchange_set_waits(call->x);
	hold_run(call->gw->holds, call->x, call->ids[0], call->ids[1], ms);
	return 0;
}

int rest_includes(struct call *call, bool *out)
{
	_cleanup_(buf_finish) struct buf map = {0};
	struct slice list, text;
	struct mp t = {0};

	pairs_write(&call->query, &map);
	list = mp_lookup(buf_slice(&map), "include");
	if (list.ptr) {
		mp_read(&list, &t);
	}
	*out = t.n;
	for (uint32_t i = 0; i < t.n; i++) {
		if (!mp_get_str(mp_value(&list), &text) || !slice_is(text, CONTENT)) {
			return fail(&call->error, RUNSTORE_E_INVALID_PARAMS, "include",
				"What can be included is '" CONTENT "'.");
		}
	}
	return 0;
}

int rest_submit(struct call *call)
{
	static const char *const own[] = {"stream", NULL};
	struct runstore_reply *reply;
	bool stream;
	int r;

	r = call_flag(call, "stream", &stream);
	if (!r) {
		r = ask(call, own, &reply);
	}
	if (r) {
		return r;
	}
	if (stream) {
		stream_open(call->gw->streams, call->x,
			&(struct stream_options){.thread_id = call->ids[0],
				.run_id = call->ids[1],
				.from = STREAM_FROM_SUBMIT});
	} else {
		r = call_answer(call, runstore_reply_value(reply));
	}
	runstore_reply_free(reply);
	return r;
}

int rest_events(struct call *call)
{
	bool includes;
	int r = rest_includes(call, &includes);

	if (!r) {
		stream_open(call->gw->streams, call->x,
			&(struct stream_options){.thread_id = call->ids[0],
				.run_id = call->ids[1],
				.from = STREAM_FROM_CREATION,
				.through_actions = true,
				.last_event_id = exchange_request_header(call->x, "Last-Event-ID"),
				.include_content = includes});
	}
	return r;
}
