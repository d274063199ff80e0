/* What the rules of the model are made of. */
#ifndef TEST_RULES_H
#define TEST_RULES_H

#include "model.h"

/* The codes that apply to a request: any of them will do. */
struct refusal {
	char codes[160];
};

void refusal_add(struct refusal *refusal, const char *code);
bool refused(const struct refusal *refusal);

/* [error, nil] and [nil, result]; the latter copies. */
json_t *answer_refusal(const struct refusal *refusal);
json_t *answer_code(const char *code);
json_t *answer_with(const json_t *object);
json_t *answer_deleted(const char *id, const char *object);

/* The run that the params name, unless it is of another thread than they say. */
json_t *run_named(struct model *model, const json_t *params);

/* A fresh "@id:N". */
json_t *issued_id(struct model *model);

void put_text(json_t *object, const char *name, const char *value);
void put_now(json_t *object, const char *name);
const char *get_text(const json_t *object, const char *name);
bool is_null(const json_t *object, const char *name);

/* The metadata of the params, an empty map for null, put into @object if given. */
void put_metadata(json_t *object, const json_t *params);

/* Append a step of @run to the model. Takes @id and @details; borrowed. */
json_t *add_step(
	struct model *model, const json_t *run, json_t *id, const char *type, json_t *details);

void enter_step(json_t *step, const char *status);

/* The open step that holds all calls of @required_action, or NULL. */
json_t *find_holder(struct model *model, const json_t *run, const json_t *required_action);

/* tool_calls details with these calls and no outputs. */
json_t *details_of_calls(const json_t *required_action);

#endif
