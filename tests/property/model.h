/*
 * The rules of the contract over plain JSON: what each request does to the store and is answered.
 * Shares nothing with the daemon.
 *
 * What only the daemon can know stands in the model as a mark: "@now" for the current time,
 * "@ttl:N" for created_at + N, "@id:N" for an id that it issues.
 */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct model {
	json_t *runs;	 /* Runs in the order of their insertion */
	json_t *steps;	 /* RunSteps likewise */
	json_t *threads; /* ids likewise */
	json_t *waiting; /* the ids of the runs that were enqueued */
	json_t *keys;	 /* idempotency keys and what was done under them */
	unsigned int n_issued;
};

void model_init(struct model *model);
void model_finish(struct model *model);

/*
 * Do a request to the model, under an idempotency key or NULL. Returns what is to be answered,
 * [error, result]; the error is {code: "a|b"} with the codes that apply. The caller frees it.
 */
json_t *model_call(struct model *model, const char *key, const char *method, const json_t *params);

/* The same for a batch with all its params: [error, [[error, result], ...]]. */
json_t *model_batch(struct model *model, const json_t *params);

/* Borrowed; NULL when there is none. */
json_t *model_find(json_t *objects, const char *id);

/* The steps of a run, in their order, borrowed in a new array. */
json_t *model_steps_of(const struct model *model, const char *run_id);

/* created_at; what was created now is behind all that was before. */
json_int_t model_created(const json_t *object);

/* What each method does, behind the idempotency. */
typedef json_t *model_method(struct model *model, const json_t *params);

model_method model_runs_create, model_runs_update, model_runs_cancel, model_runs_submit,
	model_runs_delete, model_steps_create, model_steps_update, model_threads_delete,
	model_import;

#endif
