/* One value through the scanner and, as it stands, through every type, object and method. */
#include "proto/bounds.h"
#include "proto/methods.h"
#include "proto/record.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

static const struct schema *const schemas[] = {
	&schema_run_import,
	&schema_step_import,
	&schema_run,
	&schema_step,
#define TYPE(name) &type_##name,
#include "proto/types.def"
#undef TYPE
};

#define N_SCHEMAS (sizeof(schemas) / sizeof(*schemas))

static void check_problem(int r, const struct problem *p)
{
	struct buf b = {0};

	require(r == p->code && r >= E_INVALID_PARAMS && r <= E_INVALID_ID);
	require(p->message[0]);
	problem_encode(p, &b);
	require(mp_scan(buf_slice(&b), 1) == MP_OK);
	buf_finish(&b);
}

static void check_record(const struct schema *s, struct slice object)
{
	struct slice values[MAX_FIELDS];
	struct buf b = {0};

	require(record_read(s, object, values));
	for (unsigned int i = 0; i < s->n_fields; i++) {
		require(slice_eq(record_field(object, i), values[i]));
	}
	record_write(s, values, &b);
	require(slice_eq(buf_slice(&b), object));
	buf_finish(&b);
}

/* What is accepted is well formed, and canonical once and for all. */
static void check_canon(const struct schema *s, struct slice value)
{
	struct buf once = {0}, twice = {0};
	struct problem p = {0};
	int r;

	r = schema_canon(s, value, NULL, &once, &p);
	if (r) {
		check_problem(r, &p);
	} else {
		require(mp_scan(buf_slice(&once), MAX_DEPTH + 1) == MP_OK);
		require(!schema_canon(s, buf_slice(&once), NULL, &twice, &p));
		require(slice_eq(buf_slice(&once), buf_slice(&twice)));
		if (s == &schema_run_import || s == &schema_run) {
			check_record(&schema_run, buf_slice(&once));
		} else if (s == &schema_step_import || s == &schema_step) {
			check_record(&schema_step, buf_slice(&once));
		}
	}
	buf_finish(&once);
	buf_finish(&twice);
}

static void check_params(const struct schema *s, struct slice params)
{
	struct slice values[N_PARAMS] = {0};
	struct problem p = {0};
	struct arena arena = {0};
	int r;

	r = schema_parse(s, params, &arena, values, &p);
	if (r) {
		check_problem(r, &p);
		for (size_t i = 0; i < N_PARAMS; i++) {
			require(!values[i].ptr);
		}
	}
	for (size_t i = 0; i < s->n_fields && !r; i++) {
		struct slice value = values[s->fields[i].slot];

		if (value.ptr) {
			require(mp_scan(value, MAX_DEPTH + 1) == MP_OK);
			check_canon(s->fields[i].type, value);
		} else {
			require(!(s->fields[i].flags & SF_REQUIRED));
		}
	}
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice value = slice_of(data, size), rest = value;

	if (mp_scan(value, MAX_DEPTH)) {
		return 0;
	}
	require(slice_eq(mp_value(&rest), value));
	for (size_t i = 0; i < N_SCHEMAS; i++) {
		check_canon(schemas[i], value);
	}
	for (size_t i = 0; i < N_METHODS; i++) {
		check_params(&methods[i].params, value);
	}
	return 0;
}
