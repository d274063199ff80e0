#include "client/request.h"
#include "client/object.h"
#include "client/util.h"

void request_finish(struct request *q)
{
	params_finish(&q->params);
}

void request_text(struct request *q, const char *name, const char *text)
{
	params_text(&q->params, name, text);
}

void request_include(struct request *q, bool content)
{
	if (content) {
		params_begin(&q->params, "include");
		mp_put_array(&q->params.pairs, 1);
		mp_put_cstr(&q->params.pairs,
			"step_details.tool_calls[*].file_search.results[*].content");
	}
}

void request_rows(struct request *q, const struct param_row *rows, size_t n, const void *from)
{
	if (!q->r) {
		q->r = params_rows(&q->params, rows, n, from, q->error);
	}
}

int request_call(struct request *q, struct runstore_reply **reply)
{
	_cleanup_(buf_finish) struct buf b = {0};

	if (q->r) {
		return q->r;
	}
	params_write(&q->params, &b);
	return handle_call(q->rs, q->method, &b, reply, q->error);
}

int request_run(struct request *q, struct runstore_run **out)
{
	struct runstore_reply *reply = NULL;
	int r = request_call(q, &reply);

	if (!r && out) {
		r = object_run(reply->result, out, q->error);
	}
	runstore_reply_free(reply);
	return r;
}

int request_step(struct request *q, struct runstore_step **out)
{
	struct runstore_reply *reply = NULL;
	int r = request_call(q, &reply);

	if (!r && out) {
		r = object_step(reply->result, out, q->error);
	}
	runstore_reply_free(reply);
	return r;
}

int request_plain(struct request *q)
{
	struct runstore_reply *reply = NULL;
	int r = request_call(q, &reply);

	runstore_reply_free(reply);
	return r;
}
