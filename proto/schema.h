/*
 * Descriptions of values, and the one walk over them that validates, applies defaults and
 * re-encodes in canonical form: fields in the table's order, numbers and strings in their
 * shortest encoding, what is typed as a number as a float64.
 */
#pragma once

#include "proto/arena.h"
#include "proto/error.h"

enum schema_kind {
	SK_STRING, /* min to max Unicode characters */
	SK_ID,	   /* 1-64 of A-Z a-z 0-9 _ - */
	SK_INT,	   /* min to max */
	SK_NUMBER, /* min to max, integer or float */
	SK_BOOL,
	SK_ENUM,     /* a string of @names */
	SK_OBJECT,   /* a map with @fields and no others */
	SK_UNION,    /* a map whose @tag ("type" when NULL) picks one of @variants */
	SK_ARRAY,    /* min to max of @item */
	SK_METADATA, /* at most 16 pairs, key <= 64 characters, value a string <= 512 */
	SK_MAP,	     /* a map of anything that JSON can say */
	SK_ANY,	     /* anything at all, taken as it is */
	SK_EITHER,   /* a string of @names, else @item */
	SK_ENUM_SET, /* one string of @names, or an array of them; canonical: an array */
	SK_TOKEN,    /* a string of min to max bytes */
	SK_SHORT,    /* a string, which stands for it between @before and @after; else @item */
};

struct schema {
	enum schema_kind kind;
	int64_t min, max;
	const char *const *names;
	const struct schema *item;
	const struct schema_field *fields;
	size_t n_fields;
	const char *tag;
	const struct schema_variant *variants; /* up to a tag of NULL */
	struct slice before, after;
	const char *help; /* the type in words */
};

struct schema_variant {
	const char *tag;
	const struct schema *schema;
};

enum schema_flag {
	SF_REQUIRED = 1,  /* of parameters: must be there and not null */
	SF_OPTIONAL = 2,  /* of objects: when missing it stays missing */
	SF_NULLABLE = 4,  /* of objects: null is a value of it */
	SF_IGNORED = 8,	  /* accepted and dropped, whatever it is */
	SF_NULL_SET = 16, /* of parameters: null is not the same as absent, it sets the default */
};

struct schema_field {
	const char *name;
	const struct schema *type;
	struct slice
		preset; /* encoded default, for a field that is missing or null; ptr NULL: none */
	unsigned int flags;
	unsigned int slot; /* of parameters: their place in the array that schema_parse() fills */
	const char *help;
};

#define MAX_FIELDS 48

/* Where a value stands, innermost first; made on the stack, put into words only for an error. */
struct path {
	const struct path *up;
	const char *name; /* or NULL: an array's item */
	struct slice key; /* a map's key where there is no field name */
	uint32_t index;
};

/*
 * Append the canonical form of @value, which must have passed mp_scan(), to @out. Returns 0 or
 * the code of the contract that @p then holds; @out may then hold a part of it.
 */
int schema_canon(const struct schema *s, struct slice value, const struct path *path,
	struct buf *out, struct problem *p);

/*
 * Validate the parameters in the map @params against the object @s and point values[slot] at the
 * canonical value of each that is given (ptr NULL for the others; @values must come cleared).
 * The values live in @arena. Returns 0, -ENOMEM, or the code that @p then holds.
 */
int schema_parse(const struct schema *s, struct slice params, struct arena *arena,
	struct slice *values, struct problem *p);

/* Is @s an id? 1-64 of A-Z a-z 0-9 _ - */
bool id_valid(struct slice s);

/* Characters of a metadata key and value, and pairs, at most. */
#define METADATA_PAIRS 16
#define METADATA_KEY 64
#define METADATA_VALUE 512
