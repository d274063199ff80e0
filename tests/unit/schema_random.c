/* Random values made from the tables: accepted as they are, refused with one thing wrong. */
#include "tests/support/cmocka_all.h"

#include "tests/unit/sample.h"
#include "tests/unit/spoil.h"

#define ROUNDS 60

static const struct subject objects[] = {
	{"run to import", &schema_run_import, false},
	{"step to import", &schema_step_import, false},
	{"stored run", &schema_run, false},
	{"stored step", &schema_step, false},
};

static const struct subject types[] = {
#define TYPE(name) {#name, &type_##name, false},
#include "proto/types.def"
#undef TYPE
};

#define N_OBJECTS (sizeof(objects) / sizeof(*objects))
#define N_TYPES (sizeof(types) / sizeof(*types))
#define N_SUBJECTS (N_OBJECTS + N_TYPES + N_METHODS)

static struct subject subject_at(size_t i)
{
	if (i < N_OBJECTS) {
		return objects[i];
	}
	if (i < N_OBJECTS + N_TYPES) {
		return types[i - N_OBJECTS];
	}
	return subject_of_method(methods[i - N_OBJECTS - N_TYPES].name);
}

/* Parameters have no defaults: leave some out, but none that is required. */
static void thin_out(const struct subject *subject, json_t *value, struct rng *rng)
{
	const struct schema *s = subject->schema;

	for (size_t i = 0; i < s->n_fields && subject->params; i++) {
		if (!(s->fields[i].flags & SF_REQUIRED)) {
			if (rng_once_in(rng, 4)) {
				json_object_del(value, s->fields[i].name);
			} else if (rng_once_in(rng, 8)) {
				json_object_set_new(value, s->fields[i].name, json_null());
			}
		}
	}
}

static void for_each_sample(void (*check)(const struct subject *, json_t *), int rounds)
{
	struct rng rng = rng_start();

	for (size_t i = 0; i < N_SUBJECTS; i++) {
		struct subject s = subject_at(i);

		for (int k = 0; k < rounds; k++) {
			json_t *value = sample(s.schema, &rng);

			thin_out(&s, value, &rng);
			check(&s, value);
			json_decref(value);
		}
	}
}

static void check_accepted(const struct subject *s, json_t *value)
{
	json_t *canonical = accepted(s, value);

	assert_canonical_of(s, value, canonical);
	json_decref(canonical);
}

static void what_the_tables_allow_is_accepted_with_its_values(void **state)
{
	for_each_sample(check_accepted, ROUNDS);
}

static void check_idempotent(const struct subject *s, json_t *value)
{
	struct buf once = {0}, twice = {0};
	struct problem p;

	assert_int_equal(canon_json(s, value, &once, &p), 0);
	assert_int_equal(canon_bytes(s, guarded_slice(buf_slice(&once)), &twice, &p), 0);
	assert_bytes(buf_slice(&twice), buf_slice(&once));
	buf_finish(&once);
	buf_finish(&twice);
}

static void the_canonical_form_of_a_canonical_form_is_itself(void **state)
{
	for_each_sample(check_idempotent, ROUNDS);
}

static void check_encodings(const struct subject *s, json_t *value)
{
	struct buf in = {0}, out = {0}, straight = {0};
	struct problem p;

	/* What is taken as it is stays as it is. */
	if (s->schema == &type_any || s->schema == &type_requests ||
		json_object_get(value, "requests")) {
		return;
	}
	assert_int_equal(canon_json(s, value, &straight, &p), 0);
	pack_long(&in, value, false);
	assert_int_equal(canon_bytes(s, guarded_slice(buf_slice(&in)), &out, &p), 0);
	assert_bytes(buf_slice(&out), buf_slice(&straight));
	buf_finish(&in);
	buf_finish(&out);
	buf_finish(&straight);
}

static void the_length_of_the_encodings_makes_no_difference(void **state)
{
	for_each_sample(check_encodings, ROUNDS);
}

static unsigned int n_spoiled;

static void check_spoiled(const struct subject *s, json_t *value)
{
	json_t *before = json_deep_copy(value);

	n_spoiled += spoil(s, value);
	assert_true(json_equal(before, value));
	json_decref(before);
}

static void whatever_is_wrong_in_one_place_is_refused_by_its_name(void **state)
{
	n_spoiled = 0;
	for_each_sample(check_spoiled, 12);
	print_message("# %u spoiled values\n", n_spoiled);
	assert_true(n_spoiled > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_tables_allow_is_accepted_with_its_values),
		cmocka_unit_test(the_canonical_form_of_a_canonical_form_is_itself),
		cmocka_unit_test(the_length_of_the_encodings_makes_no_difference),
		cmocka_unit_test(whatever_is_wrong_in_one_place_is_refused_by_its_name),
	};

	return cmocka_run_group_tests_name("schema_random", tests, NULL, NULL);
}
