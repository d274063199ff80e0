/* A store of a version that the program does not know is refused, and left as it is. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include "daemon/store/store.h"

#include <string.h>
#include <sys/wait.h>

/* What `meta` has under `version`. */
static void put_version(const char *data_dir, uint64_t version)
{
	static const char *const tables[] = {"meta"};
	const struct kv_options options = {.dir = data_dir, .map_size_bytes = 1 << 30};
	struct kv_txn *txn;
	uint8_t bytes[8];
	struct kv *kv;

	assert_int_equal(kv_open(&kv, &options), 0);
	assert_int_equal(kv_open_tables(kv, tables, 0, 1), 0);
	assert_int_equal(kv_write_begin(kv, NULL, &txn), 0);
	write_u64(bytes, version);
	kv_put(txn, 0, SLICE_LIT("version"), slice_of(bytes, sizeof(bytes)));
	assert_int_equal(kv_commit(txn), 0);
	kv_close(kv);
}

static void expect_refusal(const struct daemon *daemon, bool supervised)
{
	const char *const args[] = {
		"--data", daemon->data, supervised ? NULL : "--no-supervise", NULL};
	char errors[1024];
	int status = daemon_run(daemon, args, false, errors, sizeof(errors));

	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 0);
	if (!strstr(errors, "version")) {
		fail_msg("this does not tell of the version: %s", errors);
	}
}

static void a_newer_store_is_refused_and_kept(void **state)
{
	struct fixture *fixture = *state;
	char id[40];

	snprintf(id, sizeof(id), "%s", run_new(&fixture->wire, "t"));
	fixture_halt(fixture);
	put_version(fixture->daemon.data, STORE_VERSION + 1);
	expect_refusal(&fixture->daemon, true);
	expect_refusal(&fixture->daemon, false);
	put_version(fixture->daemon.data, STORE_VERSION);
	fixture_resume(fixture);
	expect_fields(run_get(&fixture->wire, id), "{'status':'queued'}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_newer_store_is_refused_and_kept, fixture_start, fixture_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
