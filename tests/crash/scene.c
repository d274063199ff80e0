#include "cmocka_all.h"

#include "objects.h"
#include "scene.h"
#include "view.h"

#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A serving process that was killed is replaced within 1 s; a busy machine gets some more. */
enum { BACK_MS = 5000, WRITERS_END_MS = 40000 };

static void start_writer(struct scene *scene, unsigned int number)
{
	const char *program = getenv("RUNSTORE_CRASH_WRITER");
	char path[64], name[16], seed[32];
	char *argv[] = {(char *)"writer", scene->fixture->daemon.url, path, name, seed, NULL};

	if (!program) {
		fail_msg("RUNSTORE_CRASH_WRITER names no program");
	}
	snprintf(path, sizeof(path), "%s/ledger%u", scene->fixture->daemon.dir, number);
	snprintf(name, sizeof(name), "%u", number);
	snprintf(seed, sizeof(seed), "%" PRIu64, dice_seed());
	scene->ledgers[number] = ledger_open(path, true);
	assert_int_equal(
		posix_spawn(&scene->writers[number], program, NULL, NULL, argv, environ), 0);
}

int scene_start(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	fixture_start(state);
	scene->fixture = *state;
	*state = scene;
	dice_init(&scene->dice, dice_seed(), 0);
	for (unsigned int i = 0; i < N_WRITERS; i++) {
		start_writer(scene, i);
	}
	return 0;
}

int scene_stop(void **state)
{
	struct scene *scene = *state;
	void *fixture = scene->fixture;
	int status;

	for (unsigned int i = 0; i < N_WRITERS; i++) {
		if (scene->writers[i] > 0) {
			kill(scene->writers[i], SIGKILL);
			waitpid(scene->writers[i], &status, 0);
		}
		if (scene->ledgers[i]) {
			ledger_close(scene->ledgers[i]);
		}
	}
	free(scene);
	return fixture_stop(&fixture);
}

/* A writer ends when something is wrong that it alone can see. */
static void expect_writers_alive(struct scene *scene)
{
	int status;

	for (unsigned int i = 0; i < N_WRITERS; i++) {
		if (waitpid(scene->writers[i], &status, WNOHANG) != 0) {
			scene->writers[i] = 0;
			fail_msg("writer %u has ended with status %d", i, status);
		}
	}
}

/* The child of the supervisor, at whatever stage of its start; 0 when there is none. */
static pid_t child_of(const struct daemon *daemon)
{
	char path[64];
	FILE *file;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", daemon->pid, daemon->pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%d", &pid) != 1) {
		pid = 0;
	}
	if (file) {
		fclose(file);
	}
	return pid;
}

/* Wait for the successor of @pid and kill it within its first milliseconds. */
static pid_t kill_at_start(struct scene *scene, pid_t pid)
{
	struct daemon *daemon = &scene->fixture->daemon;
	long deadline = clock_ms() + BACK_MS;
	pid_t next;

	do {
		pause_ms(1);
		next = child_of(daemon);
	} while ((!next || next == pid) && clock_ms() < deadline);
	assert_true(next && next != pid);
	pause_ms((int)dice_roll(&scene->dice, 20));
	daemon_kill_child(daemon, next);
	scene->kills++;
	return next;
}

void scene_kill_server(struct scene *scene)
{
	pid_t pid = fixture_server(scene->fixture);
	long ms;

	daemon_kill_child(&scene->fixture->daemon, pid);
	scene->kills++;
	if (dice_chance(&scene->dice, 15)) {
		pid = kill_at_start(scene, pid);
	}
	ms = fixture_await_service(scene->fixture, pid, BACK_MS);
	scene->longest_ms = ms > scene->longest_ms ? ms : scene->longest_ms;
	expect_writers_alive(scene);
}

void scene_check_store(struct scene *scene)
{
	static struct ledger copy;
	struct view view;

	view_read(&view, scene->fixture->daemon.data);
	view_expect_writers(&view, N_WRITERS);
	for (unsigned int i = 0; i < N_WRITERS; i++) {
		struct ledger *ledger = scene->ledgers[i];

		pthread_mutex_lock(&ledger->lock);
		memcpy(&copy, ledger, sizeof(copy));
		pthread_mutex_unlock(&ledger->lock);
		view_expect(&view, i, &copy);
	}
	view_finish(&view);
}

void scene_kill_all(struct scene *scene)
{
	fixture_crash(scene->fixture);
	scene->kills++;
	scene_check_store(scene);
	expect_writers_alive(scene);
	fixture_resume(scene->fixture);
}

void scene_kill_supervisor(struct scene *scene)
{
	struct daemon *daemon = &scene->fixture->daemon;
	pid_t child = fixture_server(scene->fixture);
	int status = 0;

	wire_close(&scene->fixture->wire);
	kill(daemon->pid, SIGKILL);
	assert_true(daemon_reap(daemon->pid, BACK_MS, &status));
	assert_true(daemon_reap(child, BACK_MS, &status));
	close(daemon->out);
	daemon->out = -1;
	daemon->pid = -1;
	scene->kills++;
	scene_check_store(scene);
	expect_writers_alive(scene);
	fixture_resume(scene->fixture);
}

void scene_end_writers(struct scene *scene)
{
	uint64_t told = 0, resent = 0;
	int status = 0;

	for (unsigned int i = 0; i < N_WRITERS; i++) {
		scene->ledgers[i]->stop = true;
	}
	for (unsigned int i = 0; i < N_WRITERS; i++) {
		assert_true(daemon_reap(scene->writers[i], WRITERS_END_MS, &status));
		scene->writers[i] = 0;
		assert_int_equal(status, 0);
		assert_int_equal(scene->ledgers[i]->asked.n, 0);
		told += scene->ledgers[i]->n_told;
		resent += scene->ledgers[i]->n_resent;
	}
	printf("# %u kills, %" PRIu64 " messages acknowledged, %" PRIu64
	       " sent again, at most %ld ms without service\n",
		scene->kills, told, resent, scene->longest_ms);
	fflush(stdout);
}
