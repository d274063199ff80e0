/* A daemon, the programs that write to it, and what they were told. */
#ifndef TEST_SCENE_H
#define TEST_SCENE_H

#include "dice.h"
#include "fixture.h"
#include "ledger.h"

#include <sys/types.h>

enum { N_WRITERS = 6 };

struct scene {
	struct fixture *fixture;
	struct dice dice;
	struct ledger *ledgers[N_WRITERS];
	pid_t writers[N_WRITERS];
	unsigned int kills;
	long longest_ms; /* without service, after a kill of the process that serves */
};

/* As a test's initial state scene_start() takes the daemon's further arguments, or NULL. */
int scene_start(void **state);
int scene_stop(void **state);

/* SIGKILL for the process that serves, now or while it starts; then it is waited for. */
void scene_kill_server(struct scene *scene);

/* SIGKILL for both processes; the store is looked at and the daemon started again. */
void scene_kill_all(struct scene *scene);

/* SIGKILL for the supervisor: the one that serves ends by itself. Then the same. */
void scene_kill_supervisor(struct scene *scene);

/* Let the writers end; what they were told is then all that is stored. */
void scene_end_writers(struct scene *scene);

/* The daemon must be stopped. Looks at all that is stored. */
void scene_check_store(struct scene *scene);

#endif
