/* The parameters of a method as the words of a command line give them. */
#pragma once

#include "proto/methods.h"

/* How the values of one parameter come together. */
enum given_form {
	GIVEN_NOT,
	GIVEN_WHOLE, /* one encoded value */
	GIVEN_ITEMS, /* an array's, one or more a word */
	GIVEN_PAIRS, /* a map's, one a word */
};

struct given_value {
	enum given_form form;
	struct buf bytes;
	uint32_t n;
};

struct given {
	const struct method *method;
	struct given_value values[MAX_FIELDS]; /* by the method's rows */
};

void given_finish(struct given *g);

/*
 * The row that --@flag means: thread-id and thread are thread_id, details is step_details,
 * assistant may be assistant_ids. NULL when the method has none.
 */
const struct schema_field *given_find(const struct method *method, const char *flag);

/*
 * Take @text as (a part of) the value of @field. Numbers, truths and JSON are read here, what they
 * may be is the daemon's to say; "null" is none where that sets a default. 0, or CLI_USAGE after a
 * message.
 */
int given_set(struct given *g, const struct schema_field *field, const char *text);

/* One tool output, CALL=TEXT, for the array that @field is. */
int given_output(struct given *g, const struct schema_field *field, const char *text);

bool given_has(const struct given *g, const char *name);

/* The encoded value of the parameter @name; ptr NULL when none is given as a whole. */
struct slice given_whole(const struct given *g, const char *name);

/* Is every string that is given for @name one of @names, up to a NULL? True when none is given. */
bool given_is_among(const struct given *g, const char *name, const char *const *names);

/* Replace the value of the parameter @name. */
void given_put_integer(struct given *g, const char *name, int64_t value);
void given_put_string(struct given *g, const char *name, struct slice value);

/* Append the map of all that is given. */
void given_write(const struct given *g, struct buf *out);

/* The flag of a row, with dashes for underscores. */
const char *given_flag(const struct schema_field *field, char out[static 64]);
