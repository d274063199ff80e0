#include "cmocka_all.h"

#include "tests/client/store.h"

#include <stdio.h>
#include <stdlib.h>

int store_start(void **state)
{
	struct store *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	daemon_init(&s->daemon);
	daemon_start(&s->daemon, NULL);
	OK(s, runstore_open(&s->rs, s->daemon.url, NULL, &s->error));
	*state = s;
	return 0;
}

int store_stop(void **state)
{
	struct store *s = *state;

	runstore_close(s->rs);
	if (s->daemon.pid > 0) {
		daemon_stop(&s->daemon, 15);
	}
	daemon_finish(&s->daemon);
	free(s);
	return 0;
}

void store_check(struct store *s, int r, const char *what)
{
	if (r) {
		fail_msg("%s: %s (%s) %s", what, s->error.message, s->error.name, s->error.param);
	}
}

struct runstore_run *store_run(struct store *s, const char *thread)
{
	struct runstore_run *run = NULL;

	OK(s, runstore_run_create(s->rs,
		      &(struct runstore_run_create){
			      .thread_id = thread,
			      .assistant_id = "asst_1",
			      .on_active = "parallel",
		      },
		      &run, &s->error));
	return run;
}

struct runstore_run *store_working_run(struct store *s, const char *thread)
{
	struct runstore_run *run = store_run(s, thread);
	struct runstore_run *moved = NULL;

	OK(s, runstore_run_update(s->rs, run->id,
		      &(struct runstore_run_update){.status = RUNSTORE_RUN_IN_PROGRESS}, &moved,
		      &s->error));
	runstore_run_free(run);
	return moved;
}

struct runstore_step *store_step(struct store *s, const char *run_id, const char *message)
{
	struct runstore_step *step = NULL;
	char details[256];

	snprintf(details, sizeof(details),
		"{\"type\":\"message_creation\",\"message_creation\":{\"message_id\":\"%s\"}}",
		message);
	OK(s, runstore_step_create(s->rs, run_id,
		      &(struct runstore_step_create){
			      .type = RUNSTORE_STEP_MESSAGE_CREATION,
			      .step_details = details,
		      },
		      &step, &s->error));
	return step;
}
