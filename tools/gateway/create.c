#include "tools/gateway/create.h"
#include "client/fail.h"
#include "client/util.h"
#include "proto/bounds.h"
#include "proto/mp.h"
#include "tools/gateway/ids.h"
#include "tools/gateway/options.h"
#include "tools/gateway/rest.h"
#include "tools/gateway/stream.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const own_messages[] = {"messages", NULL};
static const char *const own_run[] = {"stream", "additional_messages", NULL};
static const char *const own_thread_run[] = {"stream", "thread", NULL};

/* Where in the body the parameters of a request of the batch come from. */
struct origin {
	const char *path; /* "thread.", "additional_messages", "" */
	int index;	  /* of an array's item; below 0: it is none */
};

struct batch {
	struct call *call;
	struct buf requests;
	struct origin origins[MAX_BATCH];
	uint32_t n;
};

static void origin_text(const struct origin *o, char out[static 64])
{
	if (o->index < 0) {
		snprintf(out, 64, "%s", o->path);
	} else {
		snprintf(out, 64, "%s[%d].", o->path, o->index);
	}
}

static int add(struct batch *b, const char *method, const struct pairs *params, const char *path,
	int index)
{
	if (b->n == MAX_BATCH) {
		return fail(&b->call->error, RUNSTORE_E_INVALID_PARAMS, path,
			"These are too many: at most %d objects are created at once.", MAX_BATCH);
	}
	b->origins[b->n++] = (struct origin){path, index};
	mp_put_array(&b->requests, 2);
	mp_put_cstr(&b->requests, method);
	pairs_write(params, &b->requests);
	return 0;
}

/* The item at @index of the array of messages @path, in the thread. */
static int add_message(
	struct batch *b, struct slice item, const char *thread_id, const char *path, int index)
{
	_cleanup_(pairs_finish) struct pairs params = {0};
	struct origin origin = {path, index};
	struct slice in = item;
	char where[64];
	struct mp t;
	int r;

	origin_text(&origin, where);
	if (!mp_read(&in, &t) || t.type != MP_MAP) {
		where[strlen(where) - 1] = '\0';
		return fail(&b->call->error, RUNSTORE_E_INVALID_PARAMS, where,
			"Expected an object, a message.");
	}
	pairs_text(&params, "thread_id", slice_str(thread_id));
	r = call_put_fields(b->call, item, where, route_message_fields, NULL, &params);
	return r ? r : add(b, "messages.create", &params, path, index);
}

/* @list may be absent or null. */
static int add_messages(struct batch *b, struct slice list, const char *thread_id, const char *path)
{
	struct mp t = {0};
	int r = 0;

	if (!list.ptr || mp_is_nil(list)) {
		return 0;
	}
	if (!mp_read(&list, &t) || t.type != MP_ARRAY) {
		return fail(&b->call->error, RUNSTORE_E_INVALID_PARAMS, path,
			"Expected an array of messages.");
	}
	for (uint32_t i = 0; i < t.n && !r; i++) {
		r = add_message(b, mp_value(&list), thread_id, path, (int)i);
	}
	return r;
}

/* The Thread that @map describes; @path is where that is in the body. */
static int add_thread(struct batch *b, struct slice map, const char *id, const char *path)
{
	_cleanup_(pairs_finish) struct pairs params = {0};
	int r;

	pairs_text(&params, "id", slice_str(id));
	r = call_put_fields(b->call, map, path, route_thread_fields, own_messages, &params);
	return r ? r : add(b, "threads.create", &params, path, -1);
}

static int add_run(struct batch *b, const char *thread_id, const char *const *own)
{
	_cleanup_(pairs_finish) struct pairs params = {0}, assistant = {0};
	struct call *call = b->call;
	struct slice id = mp_lookup(buf_slice(&call->body), "assistant_id");
	int r = 0;

	if (call->gw->options->strict_assistants && id.ptr && !mp_is_nil(id)) {
		pairs_value(&assistant, "assistant_id", id);
		r = add(b, "assistants.get", &assistant, "", -1);
	}
	pairs_text(&params, "thread_id", slice_str(thread_id));
	if (!r) {
		r = call_put_fields(
			call, buf_slice(&call->body), "", call->route->fields, own, &params);
	}
	return r ? r : add(b, "runs.create", &params, "", -1);
}

/* "requests[2].content" is what the body calls "additional_messages[1].content". */
static void put_own_path(const struct batch *b, struct runstore_error *error)
{
	const char *rest = strchr(error->param, ']');
	char where[64], param[sizeof(error->param)];
	unsigned int index;

	if (sscanf(error->param, "requests[%u]", &index) != 1 || index >= b->n || !rest) {
		return;
	}
	rest += rest[1] == '.' ? 2 : 1;
	origin_text(&b->origins[index], where);
	if (!strcmp(rest, "thread_id")) {
		where[0] = '\0';
	} else if (!*rest && *where) {
		where[strlen(where) - 1] = '\0';
	}
	snprintf(param, sizeof(param), "%s%s", where, rest);
	memcpy(error->param, param, sizeof(param));
}

/* Carry it out. */
static int run_batch(struct batch *b, struct runstore_reply **reply)
{
	_cleanup_(pairs_finish) struct pairs params = {0};
	int r;

	pairs_begin(&params, "requests");
	mp_put_array(&params.bytes, b->n);
	buf_put(&params.bytes, buf_slice(&b->requests));
	params.bytes.error = buf_error(&b->requests) ? buf_error(&b->requests) : params.bytes.error;
	pairs_begin(&params, "atomic");
	mp_put_bool(&params.bytes, true);
	call_put_key(b->call, &params);
	r = call_ask(b->call, "batch", &params, reply);
	if (r) {
		put_own_path(b, &b->call->error);
	}
	return r;
}

/* The result of the request @index. */
static struct slice result_of(const struct runstore_reply *reply, uint32_t index)
{
	struct runstore_value list = runstore_value_member(runstore_reply_value(reply), "results");
	struct runstore_value pair = runstore_value_item(list, index);
	struct runstore_value result = runstore_value_item(pair, 1);

	return slice_of(result.data, result.size);
}

static void thread_id(const struct call *call, char out[static ID_SIZE])
{
	if (call->key) {
		ids_derive("thread_", call->key, "thread", out);
	} else {
		ids_issue("thread_", out);
	}
}

static struct batch *batch_create(struct call *call)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b) {
		b->call = call;
	} else {
		fail_memory(&call->error);
	}
	return b;
}

static void batch_destroy(struct batch **b)
{
	if (*b) {
		buf_finish(&(*b)->requests);
		free(*b);
	}
}

static struct runstore_value value_of(struct slice s)
{
	return (struct runstore_value){s.ptr, s.len};
}

int create_thread(struct call *call)
{
	_cleanup_(batch_destroy) struct batch *b = batch_create(call);
	struct slice body = buf_slice(&call->body);
	struct runstore_reply *reply;
	char id[ID_SIZE];
	int r;

	if (!b) {
		return call->error.code;
	}
	thread_id(call, id);
	r = add_thread(b, body, id, "");
	if (!r) {
		r = add_messages(b, mp_lookup(body, "messages"), id, "messages");
	}
	if (!r) {
		r = run_batch(b, &reply);
	}
	if (!r) {
		r = call_answer(call, value_of(result_of(reply, 0)));
		runstore_reply_free(reply);
	}
	return r;
}

/* Answer with the run that was created, or with what happens to it. */
static int answer_run(
	struct call *call, struct slice run, struct slice thread, bool stream, bool includes)
{
	char *thread_json = NULL, *id;

	if (!stream) {
		return call_answer(call, value_of(run));
	}
	if (thread.ptr) {
		thread_json = runstore_value_json(value_of(thread));
	}
	id = runstore_value_string(runstore_value_member(value_of(run), "id"));
	if (id && (thread_json || !thread.ptr)) {
		char *in = runstore_value_string(runstore_value_member(value_of(run), "thread_id"));

		stream_open(call->gw->streams, call->x,
			&(struct stream_options){.thread_id = in,
				.run_id = id,
				.from = STREAM_FROM_CREATION,
				.thread = thread_json,
				.include_content = includes});
		free(in);
	} else {
		fail_memory(&call->error);
		exchange_answer_error(call->x, &call->error);
	}
	free(thread_json);
	free(id);
	return 0;
}

int create_run(struct call *call)
{
	_cleanup_(batch_destroy) struct batch *b = batch_create(call);
	struct slice body = buf_slice(&call->body);
	bool stream = false, includes = false;
	struct runstore_reply *reply;
	int r;

	if (!b) {
		return call->error.code;
	}
	r = call_flag(call, "stream", &stream);
	if (!r) {
		r = rest_includes(call, &includes);
	}
	if (!r) {
		r = add_messages(b, mp_lookup(body, "additional_messages"), call->ids[0],
			"additional_messages");
	}
	if (!r) {
		r = add_run(b, call->ids[0], own_run);
	}
	if (!r) {
		r = run_batch(b, &reply);
	}
	if (!r) {
		r = answer_run(
			call, result_of(reply, b->n - 1), slice_of(NULL, 0), stream, includes);
		runstore_reply_free(reply);
	}
	return r;
}

/* The member `thread` of the body; an empty map where it is absent or null. */
static int thread_of(struct call *call, struct slice *out)
{
	struct slice in;
	struct mp t;

	*out = mp_lookup(buf_slice(&call->body), "thread");
	if (!out->ptr || mp_is_nil(*out)) {
		*out = SLICE_LIT("\x80");
	}
	in = *out;
	if (!mp_read(&in, &t) || t.type != MP_MAP) {
		return fail(&call->error, RUNSTORE_E_INVALID_PARAMS, "thread",
			"Expected an object, a thread.");
	}
	return 0;
}

int create_thread_and_run(struct call *call)
{
	_cleanup_(batch_destroy) struct batch *b = batch_create(call);
	struct runstore_reply *reply;
	char id[ID_SIZE];
	struct slice thread = {NULL, 0};
	bool stream = false;
	int r;

	if (!b) {
		return call->error.code;
	}
	thread_id(call, id);
	r = call_flag(call, "stream", &stream);
	if (!r) {
		r = thread_of(call, &thread);
	}
	if (!r) {
		r = add_thread(b, thread, id, "thread.");
	}
	if (!r) {
		r = add_messages(b, mp_lookup(thread, "messages"), id, "thread.messages");
	}
	if (!r) {
		r = add_run(b, id, own_thread_run);
	}
	if (!r) {
		r = run_batch(b, &reply);
	}
	if (!r) {
		r = answer_run(
			call, result_of(reply, b->n - 1), result_of(reply, 0), stream, false);
		runstore_reply_free(reply);
	}
	return r;
}
