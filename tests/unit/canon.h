/* JSON values put through the schemas. */
#ifndef TEST_UNIT_CANON_H
#define TEST_UNIT_CANON_H

#include "proto/methods.h"
#include "proto/record.h"
#include "tests/support/codec.h"
#include "tests/unit/bytes.h"

/* What a value is held against: a schema, or the parameters of a method. */
struct subject {
	const char *name;
	const struct schema *schema;
	bool params;
};

struct subject subject_of_method(const char *name);

/* Append @value in the shortest encodings; in the longest, the last members first if @turned. */
void pack(struct buf *out, const json_t *value);
void pack_long(struct buf *out, const json_t *value, bool turned);

/*
 * The canonical form of @bytes goes to @out, of parameters a map of those that are given. Returns
 * what schema_canon() or schema_parse() returned.
 */
int canon_bytes(
	const struct subject *subject, struct slice bytes, struct buf *out, struct problem *p);
int canon_json(
	const struct subject *subject, const json_t *value, struct buf *out, struct problem *p);

/* The canonical form of a value that must be accepted, as JSON; the caller owns it. */
json_t *accepted(const struct subject *subject, const json_t *value);

/* @value must be refused with @code for @param, in words. */
void assert_refused(
	const struct subject *subject, const json_t *value, int code, const char *param);

/* Complete objects as objects.import takes them, with the JSON @members put over them. */
json_t *run_with(const char *members);
json_t *step_with(const char *members);

/* The least parameters that @method takes, with @members put over them. */
json_t *params_with(const char *method, const char *members);

#endif
