/* A store of a later version is not touched before it is refused. */
#include "cmocka_all.h"

#include "shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Leave a store that has no table but `meta`, and is of the version @version. */
static void make_later_store(struct shelf *s, uint64_t version)
{
	static const char *const tables[] = {"meta"};
	struct kv_options options = {.dir = s->dir, .map_size_bytes = 1 << 20};
	struct kv_txn *txn;
	uint8_t bytes[8];
	char path[64];
	struct kv *kv;

	store_close(s->store);
	s->store = NULL;
	snprintf(path, sizeof(path), "%s/data.mdb", s->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(kv_open(&kv, &options), 0);
	assert_int_equal(kv_open_tables(kv, tables, 0, 1), 0);
	assert_int_equal(kv_write_begin(kv, NULL, &txn), 0);
	write_u64(bytes, version);
	kv_put(txn, 0, SLICE_LIT("version"), slice_of(bytes, sizeof(bytes)));
	assert_int_equal(kv_commit(txn), 0);
	kv_close(kv);
}

/* All of the store's file; the caller frees it. */
static char *read_store(const struct shelf *s, size_t *size)
{
	char path[64], *bytes;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", s->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	bytes = malloc(*size);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, *size), *size);
	close(fd);
	return bytes;
}

static void a_later_version_is_refused_without_a_write(void **state)
{
	struct shelf *s = *state;
	struct store_options options = {.dir = s->dir, .map_size_bytes = 1 << 20};
	size_t size_before, size_after;
	char *before, *after, why[256];

	make_later_store(s, STORE_VERSION + 1);
	before = read_store(s, &size_before);
	assert_int_equal(store_open(&s->store, &options, why), -EPROTO);
	s->store = NULL;
	assert_non_null(strstr(why, "version"));
	after = read_store(s, &size_after);
	assert_int_equal(size_after, size_before);
	assert_memory_equal(after, before, size_before);
	free(before);
	free(after);
}

/* So that the test above tests the version, and not that there is but one table. */
static void a_store_of_this_version_is_completed(void **state)
{
	struct shelf *s = *state;
	struct store_options options = {.dir = s->dir, .map_size_bytes = 1 << 20};
	char why[256];

	make_later_store(s, STORE_VERSION);
	assert_int_equal(store_open(&s->store, &options, why), 0);
	shelf_call(s, "runs.create", "{'thread_id':'t','assistant_id':'a'}");
	assert_int_equal(shelf_count(s, T_RUNS), 1);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, shelf_start, shelf_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(a_later_version_is_refused_without_a_write),
		ALONE(a_store_of_this_version_is_completed),
	};

	return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
