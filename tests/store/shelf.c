#include "cmocka_all.h"

#include "codec.h"
#include "shelf.h"

#include "daemon/rpc/call.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

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
	strcpy(shelf->dir, "/tmp/rs-store-XXXXXX");
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
	shelf->txn.steady_ms = shelf->now_ms;
	shelf->txn.arena = &shelf->arena;
	shelf->txn.by = SLICE_LIT("client");
}

void shelf_commit(struct shelf *shelf)
{
	assert_int_equal(kv_error(shelf->txn.kv), 0);
	assert_int_equal(txn_commit(&shelf->txn), 0);
	arena_finish(&shelf->arena);
}

/* The result as bytes; @params live until the transaction has ended. */
static void call(struct shelf *shelf, const char *method, struct slice params, struct buf *out)
{
	static const struct service service = {.run_ttl = 0};
	struct problem problem;
	struct call prepared;
	int r;

	shelf_begin(shelf);
	assert_int_equal(call_prepare(&prepared, &shelf->arena, slice_str(method), params), 0);
	r = call_run(&prepared, &shelf->txn, &service, slice_of(NULL, 0), NULL, out, &problem);
	if (r) {
		fail_msg("%s: %d, %s", method, r, r > 0 ? problem.message : strerror(-r));
	}
	shelf_commit(shelf);
}

json_t *shelf_call(struct shelf *shelf, const char *method, const char *params, ...)
{
	struct buf out = {0};
	msgpack_packer packer;
	msgpack_sbuffer bytes;
	json_t *value;
	va_list args;

	va_start(args, params);
	value = codec_vparse(params, args);
	va_end(args);
	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	codec_pack(&packer, value);
	json_decref(value);
	call(shelf, method, slice_of(bytes.data, bytes.size), &out);
	msgpack_sbuffer_destroy(&bytes);
	value = codec_unpack(out.ptr, out.len);
	buf_finish(&out);
	assert_non_null(value);
	json_array_append_new(shelf->kept, value);
	return value;
}

uint64_t shelf_count(struct shelf *shelf, enum table table)
{
	uint64_t n;

	shelf_begin(shelf);
	n = kv_count(shelf->txn.kv, table);
	shelf_commit(shelf);
	return n;
}
