#include "tools/gateway/fetch.h"
#include "client/fail.h"
#include "client/util.h"
#include "proto/mp.h"

static void put_text(struct buf *out, const char *name, const char *text)
{
	mp_put_cstr(out, name);
	mp_put_cstr(out, text);
}

static int ask(struct runstore *rs, const char *method, const struct buf *params,
	struct runstore_reply **reply, struct runstore_error *error)
{
	if (buf_error(params)) {
		return fail_buf(error, params);
	}
	return runstore_call(rs, method, params->ptr, params->len, reply, error);
}

int fetch_run(struct runstore *rs, const struct fetch_place *at, struct runstore_reply **reply,
	struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf params = {0};

	mp_put_map(&params, 2);
	put_text(&params, "thread_id", at->thread_id);
	put_text(&params, "run_id", at->run_id);
	return ask(rs, "runs.get", &params, reply, error);
}

static int fetch_step(struct runstore *rs, const struct fetch_place *at, struct slice id,
	bool content, struct runstore_reply **reply, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf params = {0};

	mp_put_map(&params, 3 + content);
	put_text(&params, "thread_id", at->thread_id);
	put_text(&params, "run_id", at->run_id);
	mp_put_cstr(&params, "step_id");
	mp_put_str(&params, id);
	if (content) {
		mp_put_cstr(&params, "include");
		mp_put_array(&params, 1);
		mp_put_cstr(&params, "step_details.tool_calls[*].file_search.results[*].content");
	}
	return ask(rs, "steps.get", &params, reply, error);
}

static int fetch_message(struct runstore *rs, const struct fetch_place *at, struct slice id,
	struct runstore_reply **reply, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf params = {0};

	mp_put_map(&params, 2);
	put_text(&params, "thread_id", at->thread_id);
	mp_put_cstr(&params, "message_id");
	mp_put_str(&params, id);
	return ask(rs, "messages.get", &params, reply, error);
}

int fetch_object(struct runstore *rs, const struct fetch_place *at, enum subject subject,
	struct slice id, bool content, struct runstore_reply **reply, struct runstore_error *error)
{
	switch (subject) {
	case SUBJECT_STEP:
		return fetch_step(rs, at, id, content, reply, error);
	case SUBJECT_MESSAGE:
		return fetch_message(rs, at, id, reply, error);
	default:
		return fetch_run(rs, at, reply, error);
	}
}

int fetch_changes(struct runstore *rs, const char *run_id, int64_t after, int limit, bool objects,
	struct runstore_reply **reply, struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf params = {0};

	mp_put_map(&params, 4);
	put_text(&params, "run_id", run_id);
	mp_put_cstr(&params, "after");
	mp_put_int(&params, after);
	mp_put_cstr(&params, "limit");
	mp_put_int(&params, limit);
	mp_put_cstr(&params, "objects");
	mp_put_bool(&params, objects);
	return ask(rs, "changes.list", &params, reply, error);
}

struct slice fetch_value(const struct runstore_reply *reply)
{
	struct runstore_value value = runstore_reply_value(reply);

	return slice_of(value.data, value.size);
}
