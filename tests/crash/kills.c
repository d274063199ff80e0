/* Processes are killed while others write: what was acknowledged stays, nothing is half there. */
#include "cmocka_all.h"

#include "objects.h"
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_KILLS = 100, N_KILLS_LAZY = 20 };

static unsigned int number_of_kills(unsigned int otherwise)
{
	const char *given = getenv("RUNSTORE_TEST_KILLS");

	return given && *given ? (unsigned int)strtoul(given, NULL, 10) : otherwise;
}

/* The writers have ended, and the daemon with them: then all is as they were told. */
static void check_at_rest(struct scene *scene)
{
	scene_end_writers(scene);
	fixture_halt(scene->fixture);
	scene_check_store(scene);
}

static void kill_often(struct scene *scene, unsigned int kills)
{
	while (scene->kills < kills) {
		pause_ms((int)dice_roll(&scene->dice, 250));
		switch (scene->kills % 10) {
		case 4:
			scene_kill_supervisor(scene);
			break;
		case 9:
			scene_kill_all(scene);
			break;
		default:
			scene_kill_server(scene);
		}
	}
	check_at_rest(scene);
}

static void acknowledged_writes_survive_kills(void **state)
{
	kill_often(*state, number_of_kills(N_KILLS));
}

static void interval_sync_loses_nothing_to_a_kill(void **state)
{
	kill_often(*state, number_of_kills(N_KILLS_LAZY));
}

int main(void)
{
	static const char *const lazy[] = {"--sync", "interval:50", NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			acknowledged_writes_survive_kills, scene_start, scene_stop),
		cmocka_unit_test_prestate_setup_teardown(interval_sync_loses_nothing_to_a_kill,
			scene_start, scene_stop, (void *)(uintptr_t)lazy),
	};

	dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
