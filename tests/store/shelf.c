#include "cmocka_all.h"

#include "codec.h"
#include "shelf.h"

#include "daemon/rpc/call.h"
#include "daemon/store/check.h"
#include "daemon/store/idempotency.h"
#include "proto/bounds.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_store(struct shelf *shelf)
{
	const struct store_options options = {
		.dir = shelf->dir, .map_size_bytes = (size_t)1 << 30, .sync = KV_SYNC_LAZY};
	char why[256];

	if (store_open(&shelf->store, &options, why)) {
		fail_msg("the store cannot be opened: %s", why);
	}
}

int shelf_start(void **state)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));

	assert_non_null(shelf);
	/* In memory where that can be: nothing here outlives the machine. */
	snprintf(shelf->dir, sizeof(shelf->dir), "%s/rs-store-XXXXXX",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(shelf->dir));
	shelf->now_ms = 1700000000000;
	shelf->kept = json_array();
	open_store(shelf);
	*state = shelf;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

int shelf_stop(void **state)
{
	struct shelf *shelf = *state;

	store_close(shelf->store);
	nftw(shelf->dir, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
	buf_finish(&shelf->events);
	json_decref(shelf->kept);
	free(shelf);
	return 0;
}

void shelf_reopen(struct shelf *shelf)
{
	store_close(shelf->store);
	open_store(shelf);
}

void shelf_begin(struct shelf *shelf)
{
	buf_reset(&shelf->events, 0);
	assert_int_equal(txn_begin_write(&shelf->txn, shelf->store, &shelf->events), 0);
	shelf->txn.now_ms = shelf->now_ms;
	shelf->txn.steady_ms = shelf->now_ms - shelf->ahead_ms;
	shelf->txn.arena = &shelf->arena;
	shelf->txn.by = SLICE_LIT("client");
}

void shelf_commit(struct shelf *shelf)
{
	assert_int_equal(kv_error(shelf->txn.kv), 0);
	assert_int_equal(txn_commit(&shelf->txn), 0);
	arena_finish(&shelf->arena);
}

void shelf_abort(struct shelf *shelf)
{
	txn_abort(&shelf->txn);
	arena_finish(&shelf->arena);
}

/* As bytes that live until the transaction has ended. */
static struct slice pack(struct shelf *shelf, const json_t *value)
{
	msgpack_packer packer;
	msgpack_sbuffer bytes;
	struct slice copy;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	codec_pack(&packer, value);
	copy = arena_dup(&shelf->arena, slice_of(bytes.data, bytes.size));
	msgpack_sbuffer_destroy(&bytes);
	assert_non_null(copy.ptr);
	return copy;
}

/* Append the result to @out, or return the code of the refusal that @p then has. */
static int call(struct shelf *shelf, const char *method, struct slice params, struct buf *out,
	struct problem *p)
{
	static const struct service service = {.run_ttl = 0};
	struct slice key = {NULL, 0};
	struct call prepared;
	struct key k;
	int r;

	assert_int_equal(call_prepare(&prepared, &shelf->arena, slice_str(method), params), 0);
	if (!prepared.problem && prepared.args[P_idempotency_key].ptr) {
		mp_get_str(prepared.args[P_idempotency_key], &key);
		k = idempotency_key(key);
		key = key_slice(&k);
	}
	r = call_run(&prepared, &shelf->txn, &service, key, NULL, out, p);
	if (r < 0) {
		fail_msg("%s: %s", method, strerror(-r));
	}
	return r;
}

json_t *shelf_try(struct shelf *shelf, const char *method, const json_t *params)
{
	struct buf out = {.limit = MAX_MESSAGE};
	struct problem p;
	json_t *value;
	int r;

	r = call(shelf, method, pack(shelf, params), &out, &p);
	if (r) {
		problem_encode(&p, &out);
	}
	value = codec_unpack(out.ptr, out.len);
	buf_finish(&out);
	assert_non_null(value);
	value = r ? json_pack("{sosn}", "error", value, "result")
		  : json_pack("{snso}", "error", "result", value);
	json_array_append_new(shelf->kept, value);
	return value;
}

json_t *shelf_call(struct shelf *shelf, const char *method, const char *params, ...)
{
	json_t *value, *reply, *error;
	va_list args;

	va_start(args, params);
	value = codec_vparse(params, args);
	va_end(args);
	shelf_begin(shelf);
	reply = shelf_try(shelf, method, value);
	shelf_commit(shelf);
	json_decref(value);
	error = json_object_get(reply, "error");
	if (!json_is_null(error)) {
		fail_msg("%s: %s", method, json_string_value(json_object_get(error, "message")));
	}
	return json_object_get(reply, "result");
}

static void print_problem(void *context, const char *what)
{
	print_error("store: %s\n", what);
}

void shelf_check(struct shelf *shelf)
{
	struct check check = {.problem = print_problem};

	shelf_begin(shelf);
	check_store(&shelf->txn, &check);
	shelf_abort(shelf);
	assert_int_equal(check.n_problems, 0);
}

uint64_t shelf_count(struct shelf *shelf, enum table table)
{
	uint64_t n;

	shelf_begin(shelf);
	n = kv_count(shelf->txn.kv, table);
	shelf_commit(shelf);
	return n;
}
