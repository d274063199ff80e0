/* What the requests of a script are made of. */
#ifndef TEST_SCRIPT_PARTS_H
#define TEST_SCRIPT_PARTS_H

#include "script.h"

#define ACTIVE "queued in_progress requires_action cancelling"
#define ENDED "cancelled failed completed incomplete expired"

bool chance(struct script *s, unsigned int percent);

/* One of the objects, NULL when there are none. */
json_t *pick(struct script *s, json_t *objects);

/* A run, rather one whose status is among @statuses; NULL when there is none at all. */
json_t *pick_run(struct script *s, const char *statuses);

const char *thread_name(struct script *s);
void maybe_put_metadata(struct script *s, json_t *params);
json_t *usage(struct script *s);

/* Params that name @run, and sometimes a thread that may be another one. */
json_t *naming(struct script *s, const json_t *run);

/* A function call with an id of its own. */
json_t *function_call(struct script *s);

/* The params of a request, for each method. */
typedef json_t *script_params(struct script *s);

script_params params_of_runs_create, params_of_runs_update, params_of_runs_submit,
	params_of_steps_create, params_of_steps_update, params_of_import;

#endif
