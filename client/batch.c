#include "client/fail.h"
#include "client/handle.h"
#include "client/json.h"
#include "client/params.h"
#include "client/util.h"
#include "proto/bounds.h"

#include <stdlib.h>

/* What a batch's frame has beside its requests. */
#define OVERHEAD 256

struct runstore_batch {
	struct buf requests; /* encoded, one after the other */
	uint32_t n;
	char key[ULID_LENGTH + 1]; /* of the run that is not known to have succeeded, "" for none */
	struct runstore_reply *reply;
};

int runstore_batch_open(struct runstore_batch **batch, struct runstore_error *error)
{
	struct runstore_batch *b = calloc(1, sizeof(*b));

	if (!b) {
		return fail_memory(error);
	}
	b->requests.limit = MAX_MESSAGE - OVERHEAD;
	*batch = b;
	return 0;
}

/* It is another batch from now on. */
static void batch_changed(struct runstore_batch *b)
{
	b->key[0] = '\0';
	runstore_reply_free(b->reply);
	b->reply = NULL;
}

void runstore_batch_close(struct runstore_batch *batch)
{
	if (batch) {
		batch_changed(batch);
		buf_finish(&batch->requests);
		free(batch);
	}
}

size_t runstore_batch_count(const struct runstore_batch *batch)
{
	return batch->n;
}

void runstore_batch_clear(struct runstore_batch *batch)
{
	batch_changed(batch);
	batch->n = 0;
	buf_reset(&batch->requests, batch->requests.cap);
}

static int check_map(struct slice params, struct runstore_error *error)
{
	struct slice in = params;
	struct mp t;

	if (mp_scan(params, MAX_DEPTH) || !mp_read(&in, &t) || t.type != MP_MAP) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, NULL,
			"The parameters are not one well-formed map.");
	}
	return 0;
}

int runstore_batch_add(struct runstore_batch *batch, const char *method, const void *params,
	size_t size, struct runstore_error *error)
{
	struct slice map = params ? slice_of(params, size) : SLICE_LIT("\x80");
	size_t before = batch->requests.len;
	int r;

	r = check_map(map, error);
	if (r) {
		return r;
	}
	if (batch->n == MAX_BATCH) {
		return fail(error, RUNSTORE_E_TOO_LARGE, NULL,
			"The batch has %d requests already, more are not possible.", MAX_BATCH);
	}
	mp_put_array(&batch->requests, 2);
	mp_put_cstr(&batch->requests, method);
	buf_put(&batch->requests, map);
	if (buf_error(&batch->requests)) {
		r = fail_buf(error, &batch->requests);
		buf_truncate(&batch->requests, before);
		return r;
	}
	batch->n++;
	batch_changed(batch);
	return 0;
}

int runstore_batch_add_json(struct runstore_batch *batch, const char *method, const char *params,
	struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf b = {0};
	int r = 0;

	if (params) {
		r = json_read(params, strlen(params), NULL, &b, error);
	}
	return r ? r : runstore_batch_add(batch, method, b.ptr, b.len, error);
}

static void put_batch(struct runstore_batch *batch, bool atomic, struct buf *out)
{
	struct params p = {0};

	params_begin(&p, "requests");
	mp_put_array(&p.pairs, batch->n);
	buf_put(&p.pairs, buf_slice(&batch->requests));
	if (atomic) {
		params_begin(&p, "atomic");
		mp_put_bool(&p.pairs, true);
	}
	params_text(&p, "idempotency_key", batch->key);
	params_write(&p, out);
	params_finish(&p);
}

int runstore_batch_run(struct runstore *rs, struct runstore_batch *batch, bool atomic,
	struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf b = {0};
	struct runstore_reply *reply;
	int r;

	if (!batch->key[0]) {
		r = handle_make_key(rs, batch->key, error);
		if (r) {
			return r;
		}
	}
	put_batch(batch, atomic, &b);
	r = handle_call(rs, "batch", &b, &reply, error);
	/* An unknown outcome keeps its key: the same batch again goes on where that one stopped. */
	if (r != RUNSTORE_E_UNAVAILABLE) {
		batch->key[0] = '\0';
	}
	if (r) {
		return r;
	}
	runstore_reply_free(batch->reply);
	batch->reply = reply;
	return 0;
}

int runstore_batch_result(const struct runstore_batch *batch, size_t index,
	struct runstore_value *result, struct runstore_error *error)
{
	struct slice none = {NULL, 0};
	struct slice results = batch->reply ? mp_lookup(batch->reply->result, "results") : none;
	struct runstore_value item =
		runstore_value_item((struct runstore_value){results.ptr, results.len}, index);
	struct runstore_value refusal = runstore_value_item(item, 0);

	if (!refusal.data) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, NULL, "The batch has no result %zu.",
			index);
	}
	if (!mp_is_nil(slice_of(refusal.data, refusal.size))) {
		return fail_reply(error, slice_of(refusal.data, refusal.size));
	}
	if (result) {
		*result = runstore_value_item(item, 1);
	}
	return 0;
}
