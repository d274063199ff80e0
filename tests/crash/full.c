/* A store that is full, of its map or of its disk, goes on serving what it holds. */
#include "cmocka_all.h"

#include "dice.h"
#include "fixture.h"
#include "objects.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_RUNS = 20000, SMALL = 200, LARGE = 60000 };

struct full {
	struct fixture *fixture;
	struct dice dice;
	bool mounted;
	char (*ids)[40]; /* acknowledged and not deleted */
	size_t n;
};

static int start(struct full *full)
{
	full->ids = calloc(MAX_RUNS, sizeof(*full->ids));
	assert_non_null(full->ids);
	dice_init(&full->dice, dice_seed(), 7);
	fixture_resume(full->fixture);
	return 0;
}

static int small_map_start(void **state)
{
	static const char *const args[] = {"--map-size", "4M", NULL};
	struct full *full = calloc(1, sizeof(*full));

	assert_non_null(full);
	fixture_prepare(state);
	full->fixture = *state;
	full->fixture->daemon.args = args;
	*state = full;
	return start(full);
}

/* A disk of its own, that no other process sees. False where that is not permitted. */
static bool mount_small_disk(const char *dir)
{
	assert_int_equal(mkdir(dir, 0700), 0);
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", dir, "tmpfs", 0, "size=16m,mode=0700")) {
		printf("# a small disk cannot be mounted here (%s): only a small map is tested\n",
			strerror(errno));
		return false;
	}
	return true;
}

static int small_disk_start(void **state)
{
	struct full *full = calloc(1, sizeof(*full));

	assert_non_null(full);
	fixture_prepare(state);
	full->fixture = *state;
	*state = full;
	full->mounted = mount_small_disk(full->fixture->daemon.data);
	return full->mounted ? start(full) : 0;
}

static int full_stop(void **state)
{
	struct full *full = *state;
	void *fixture = full->fixture;

	if (full->fixture->daemon.pid > 0) {
		fixture_crash(full->fixture);
	}
	if (full->mounted) {
		umount2(full->fixture->daemon.data, MNT_DETACH);
	}
	free(full->ids);
	free(full);
	return fixture_stop(&fixture);
}

/* How long the instructions of a run are: told by its id, so that they can be looked at. */
static size_t size_of(const char *id)
{
	return strtoul(strrchr(id, '-') + 1, NULL, 10);
}

/* Returns whether there was room. */
static bool create(struct full *full, size_t size)
{
	struct wire *wire = &full->fixture->wire;
	static unsigned int serial;
	json_t *reply;
	char id[40];
	bool done;

	snprintf(id, sizeof(id), "r%u-%zu", ++serial, size);
	reply = wire_call(wire, "runs.create",
		"{'thread_id':'t','assistant_id':'a','on_active':'parallel','id':'%s',"
		"'instructions':'%s'}",
		id, repeated(wire, "x", size));
	done = json_is_null(json_object_get(reply, "error"));
	json_array_clear(wire->kept);
	if (done) {
		assert_true(full->n < MAX_RUNS);
		strcpy(full->ids[full->n++], id);
	}
	return done;
}

/* The store is full: a write is refused in these words. */
static void expect_full(struct full *full)
{
	struct wire *wire = &full->fixture->wire;

	expect_error(wire, "runs.create", "store_full", NULL,
		"{'thread_id':'t2','assistant_id':'a','instructions':'%s'}",
		repeated(wire, "x", LARGE));
	json_array_clear(wire->kept);
}

static void fill(struct full *full)
{
	size_t before = full->n;

	while (create(full, dice_chance(&full->dice, 30) ? dice_roll(&full->dice, LARGE) : SMALL)) {
	}
	expect_full(full);
	assert_true(full->n > before);
	printf("# full with %zu runs, %zu of them new\n", full->n, full->n - before);
}

/* All that was acknowledged is there as it was sent, and nothing else. */
static void expect_all(struct full *full)
{
	struct wire *wire = &full->fixture->wire;

	for (size_t i = 0; i < full->n; i++) {
		const json_t *run = run_get(wire, full->ids[i]);

		assert_int_equal(strlen(text(run, "instructions")), size_of(full->ids[i]));
		json_array_clear(wire->kept);
	}
	assert_int_equal(number(expect_ok(wire, "server.stats", NULL), "runs"), full->n);
	expect_ok(wire, "runs.list", "{'limit':100}");
	expect_ok(wire, "threads.list", "{}");
	json_array_clear(wire->kept);
}

/* Deletes are served while all other writes are refused. */
static void delete_some(struct full *full, size_t n)
{
	struct wire *wire = &full->fixture->wire;

	while (n-- && full->n) {
		size_t at = dice_roll(&full->dice, full->n);

		expect_ok(wire, "runs.delete", "{'run_id':'%s'}", full->ids[at]);
		full->n--;
		memmove(full->ids[at], full->ids[full->n], sizeof(*full->ids));
		json_array_clear(wire->kept);
	}
}

static void check_closed(struct full *full)
{
	struct view view;

	view_read(&view, full->fixture->daemon.data);
	assert_int_equal(json_array_size(view.runs), full->n);
	view_finish(&view);
}

static void fill_and_make_room(struct full *full)
{
	for (int round = 0; round < 3; round++) {
		fill(full);
		expect_all(full);
		delete_some(full, full->n / 2);
		expect_all(full);
		for (int i = 0; i < 10; i++) {
			if (!create(full, SMALL)) {
				fail_msg("after half was deleted there is no room for write %d", i);
			}
		}
	}
	fill(full);
	fixture_crash(full->fixture);
	check_closed(full);
	fixture_resume(full->fixture);
	expect_all(full);
	expect_full(full);
	delete_some(full, full->n / 2);
	assert_true(create(full, SMALL));
	fixture_halt(full->fixture);
	check_closed(full);
	fixture_resume(full->fixture);
	expect_all(full);
}

static void a_full_map_is_no_loss(void **state)
{
	fill_and_make_room(*state);
}

static void a_full_disk_is_no_loss(void **state)
{
	struct full *full = *state;

	if (full->mounted) {
		fill_and_make_room(full);
	}
}

/* Fill the disk to its last byte, as others may. */
static void put_ballast(const char *path)
{
	static char block[1 << 16];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	size_t size = sizeof(block);
	ssize_t n;

	assert_true(fd >= 0);
	while (size) {
		n = write(fd, block, size);
		if (n <= 0) {
			size /= 2;
		}
	}
	close(fd);
}

static void a_disk_that_others_filled_is_no_loss(void **state)
{
	struct full *full = *state;
	char ballast[80];

	if (!full->mounted) {
		return;
	}
	for (int i = 0; i < 50; i++) {
		assert_true(create(full, SMALL));
	}
	snprintf(ballast, sizeof(ballast), "%s/ballast", full->fixture->daemon.data);
	put_ballast(ballast);
	expect_full(full);
	expect_all(full);
	fixture_crash(full->fixture);
	fixture_resume(full->fixture);
	expect_full(full);
	expect_all(full);
	assert_int_equal(unlink(ballast), 0);
	assert_true(create(full, SMALL));
	expect_all(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_full_map_is_no_loss, small_map_start, full_stop),
		cmocka_unit_test_setup_teardown(
			a_full_disk_is_no_loss, small_disk_start, full_stop),
		cmocka_unit_test_setup_teardown(
			a_disk_that_others_filled_is_no_loss, small_disk_start, full_stop),
	};

	dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
