/* Runs and steps as tests want them, and checks of what comes back. */
#ifndef TEST_OBJECTS_H
#define TEST_OBJECTS_H

#include "wire.h"

enum { N_STATUSES = 9 };

/* All statuses of a run. */
extern const char *const run_statuses[N_STATUSES];

/* The members of a Run and of a RunStep in their order, NULL at the end. */
extern const char *const run_names[];
extern const char *const step_names[];

/* The object that @status demands in the same update as a JSON member, or "". */
const char *status_demands(const char *status);

/* A required_action that names the call `call_1`. */
extern const char required_action_json[];

/* A new run in @thread, beside any other; its id is borrowed from the wire. */
const char *run_new(struct wire *wire, const char *thread);

/* A new run that is brought to @status the way an executor would. expired by an update. */
const char *run_in(struct wire *wire, const char *thread, const char *status);

json_t *run_get(struct wire *wire, const char *run_id);

/* runs.update to @status with what it demands. */
json_t *run_move(struct wire *wire, const char *run_id, const char *status);

/* Ask until the run has @status; fails the test after @limit_ms. */
json_t *run_await(struct wire *wire, const char *run_id, const char *status, int limit_ms);

/* A complete Run as objects.import takes it, with @members, JSON, put over it. */
json_t *run_object(const char *members, ...) __attribute__((format(printf, 1, 2)));
json_t *step_object(const char *members, ...) __attribute__((format(printf, 1, 2)));

/* objects.import of one object. Takes it. */
json_t *import_one(struct wire *wire, json_t *object);

/* A new message_creation step. */
const char *step_new(struct wire *wire, const char *run_id);

/* A new step whose one open function call is @call_id. */
const char *step_calls_new(struct wire *wire, const char *run_id, const char *call_id);

json_t *step_get(struct wire *wire, const char *run_id, const char *step_id);

/* The member at a path such as `tools[0].function.name`, or NULL. */
json_t *field(const json_t *object, const char *path);

/* The string or integer at @path; fails the test when it is none. */
const char *text(const json_t *object, const char *path);
json_int_t number(const json_t *object, const char *path);

/* Equal as values: numbers by amount, the order of members does not count. */
bool same(const json_t *a, const json_t *b);

/* Every member of the JSON @expected, its names paths, must be in @object with that value. */
void expect_fields(const json_t *object, const char *expected, ...)
	__attribute__((format(printf, 2, 3)));
void expect_same(const json_t *got, const json_t *expected);

/* @object has exactly these members in this order, NULL ends them. */
void expect_names(const json_t *object, const char *const *names);

/* A list's shape holds, and its ids, joined by a space, are @ids. */
void expect_list(const json_t *list, const char *ids, bool has_more);

/* The member at @path is a time within a few seconds of now. */
void expect_now(const json_t *object, const char *path);

/* A string of @n times @unit, borrowed from the wire. */
const char *repeated(struct wire *wire, const char *unit, size_t n);

#endif
