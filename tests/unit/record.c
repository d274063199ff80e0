#include "tests/support/cmocka_all.h"

#include "proto/record.h"
#include "proto/status.h"
#include "tests/unit/bytes.h"

#include <stdlib.h>

static const struct schema *const schemas[] = {&schema_run, &schema_step};

/* An object whose fields hold values of all shapes, by turns. */
static void write_object(const struct schema *s, struct slice *values, struct buf *out)
{
	static const struct slice shapes[] = {
		{(const uint8_t *)"\xa5run_1", 6},
		{(const uint8_t *)"\xc0", 1},
		{(const uint8_t *)"\xce\x65\x00\x00\x00", 5},
		{(const uint8_t *)"\x82\xa1"
				  "a\x91\x80\xa1"
				  "b\xa0",
			8},
		{(const uint8_t *)"\x92\x01\x91\x02", 4},
	};

	for (size_t i = 0; i < s->n_fields; i++) {
		values[i] = shapes[(i + 2) % 5];
	}
	record_write(s, values, out);
}

static void an_object_is_read_as_it_was_written(void **state)
{
	for (int k = 0; k < 2; k++) {
		struct slice values[MAX_FIELDS] = {0}, got[MAX_FIELDS], bytes;
		struct buf b = {0};

		write_object(schemas[k], values, &b);
		assert_int_equal(mp_scan(buf_slice(&b), 32), MP_OK);
		bytes = guarded_slice(buf_slice(&b));
		assert_true(record_read(schemas[k], bytes, got));
		for (unsigned int i = 0; i < schemas[k]->n_fields; i++) {
			assert_bytes(got[i], values[i]);
			assert_bytes(record_field(bytes, i), values[i]);
		}
		assert_null(record_field(bytes, (unsigned int)schemas[k]->n_fields).ptr);
		buf_finish(&b);
	}
}

static void every_cut_of_an_object_is_damage(void **state)
{
	for (int k = 0; k < 2; k++) {
		struct slice values[MAX_FIELDS] = {0}, got[MAX_FIELDS];
		unsigned int last = (unsigned int)schemas[k]->n_fields - 1;
		struct buf b = {0};

		write_object(schemas[k], values, &b);
		for (size_t len = 0; len < b.len; len++) {
			struct slice bytes = guarded(b.ptr, len);

			assert_false(record_read(schemas[k], bytes, got));
			assert_null(record_field(bytes, last).ptr);
		}
		buf_finish(&b);
	}
}

static void an_object_cut_before_its_last_value_is_damage(void **state)
{
	struct slice values[MAX_FIELDS] = {0}, got[MAX_FIELDS], last;
	struct buf b = {0};

	write_object(&schema_run, values, &b);
	last = values[N_RUN_FIELDS - 1];
	assert_false(record_read(&schema_run, guarded(b.ptr, b.len - last.len), got));
	buf_finish(&b);
}

static void bytes_behind_an_object_are_damage(void **state)
{
	struct slice values[MAX_FIELDS] = {0}, got[MAX_FIELDS];
	struct buf b = {0};

	write_object(&schema_step, values, &b);
	mp_put_nil(&b);
	assert_false(record_read(&schema_step, guarded_slice(buf_slice(&b)), got));
	buf_finish(&b);
}

static void an_object_of_another_kind_is_damage(void **state)
{
	struct slice values[MAX_FIELDS] = {0}, got[MAX_FIELDS];
	struct buf b = {0};

	write_object(&schema_step, values, &b);
	assert_false(record_read(&schema_run, guarded_slice(buf_slice(&b)), got));
	assert_false(record_read(&schema_run, GUARDED("\x80"), got));
	assert_false(record_read(&schema_run, GUARDED("\x90"), got));
	assert_false(record_read(&schema_run, GUARDED("\xc0"), got));
	buf_finish(&b);
}

static void a_damaged_name_is_found_wherever_it_is(void **state)
{
	struct slice values[MAX_FIELDS] = {0}, got[MAX_FIELDS];
	struct buf b = {0};
	size_t at = 0;

	write_object(&schema_step, values, &b);
	for (size_t i = 0; i < schema_step.n_fields; i++) {
		const char *name = schema_step.fields[i].name;
		uint8_t *hit = memmem(b.ptr + at, b.len - at, name, strlen(name));

		assert_non_null(hit);
		at = (size_t)(hit - b.ptr);
		*hit ^= 1;
		assert_false(record_read(&schema_step, guarded_slice(buf_slice(&b)), got));
		*hit ^= 1;
	}
	assert_true(record_read(&schema_step, guarded_slice(buf_slice(&b)), got));
	buf_finish(&b);
}

/* Whatever bytes a disk gives back, reading them stays inside of them. */
static void random_damage_is_never_read_beyond_its_end(void **state)
{
	struct slice values[MAX_FIELDS] = {0}, got[MAX_FIELDS];
	struct rng rng = rng_start();
	struct buf b = {0};

	write_object(&schema_run, values, &b);
	for (int i = 0; i < 20000; i++) {
		struct slice bytes = guarded_slice(buf_slice(&b));
		uint8_t *at = (uint8_t *)(uintptr_t)bytes.ptr + rng_below(&rng, (uint32_t)b.len);

		*at = (uint8_t)rng_next(&rng);
		if (record_read(&schema_run, bytes, got)) {
			for (int k = 0; k < N_RUN_FIELDS; k++) {
				assert_non_null(got[k].ptr);
				assert_true(got[k].len > 0);
			}
		}
		record_field(bytes, rng_below(&rng, N_RUN_FIELDS));
	}
	buf_finish(&b);
}

static void the_fields_are_numbered_as_the_tables_have_them(void **state)
{
	assert_string_equal(schema_run.fields[RUN_id].name, "id");
	assert_string_equal(schema_run.fields[RUN_status].name, "status");
	assert_string_equal(schema_run.fields[RUN_response_format].name, "response_format");
	assert_string_equal(schema_step.fields[STEP_run_id].name, "run_id");
	assert_string_equal(schema_step.fields[STEP_usage].name, "usage");
	assert_int_equal(N_RUN_FIELDS, 27);
	assert_int_equal(N_STEP_FIELDS, 16);
}

static void an_imported_object_has_the_stored_ones_fields_first(void **state)
{
	const struct schema *const imports[] = {&schema_run_import, &schema_step_import};

	for (int k = 0; k < 2; k++) {
		assert_true(imports[k]->n_fields > schemas[k]->n_fields);
		assert_true(imports[k]->n_fields <= MAX_FIELDS);
		for (size_t i = 0; i < imports[k]->n_fields; i++) {
			if (i < schemas[k]->n_fields) {
				assert_string_equal(
					imports[k]->fields[i].name, schemas[k]->fields[i].name);
			} else {
				assert_true(imports[k]->fields[i].flags & SF_IGNORED);
			}
		}
	}
}

static void a_status_is_known_by_its_encoded_name(void **state)
{
	struct buf b = {0};

	for (int i = 0; i < N_RUN_STATUSES; i++) {
		buf_reset(&b, SIZE_MAX);
		mp_put_cstr(&b, run_status_names[i]);
		assert_int_equal(run_status_of(buf_slice(&b)), i);
		assert_int_equal(run_status_terminal((enum run_status)i), i >= RUN_CANCELLED);
	}
	for (int i = 0; i < N_STEP_STATUSES; i++) {
		buf_reset(&b, SIZE_MAX);
		mp_put_cstr(&b, step_status_names[i]);
		assert_int_equal(step_status_of(buf_slice(&b)), i);
	}
	assert_null(run_status_names[N_RUN_STATUSES]);
	assert_null(step_status_names[N_STEP_STATUSES]);
	assert_int_equal(run_status_of(GUARDED("\xa5queue")), -1);
	assert_int_equal(run_status_of(GUARDED("\xa7queued\0")), -1);
	assert_int_equal(run_status_of(GUARDED("\xc0")), -1);
	assert_int_equal(run_status_of(slice_of(NULL, 0)), -1);
	assert_int_equal(step_status_of(GUARDED("\xa6queued")), -1);
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_read_as_it_was_written),
		cmocka_unit_test(every_cut_of_an_object_is_damage),
		cmocka_unit_test(an_object_cut_before_its_last_value_is_damage),
		cmocka_unit_test(bytes_behind_an_object_are_damage),
		cmocka_unit_test(an_object_of_another_kind_is_damage),
		cmocka_unit_test(a_damaged_name_is_found_wherever_it_is),
		cmocka_unit_test(random_damage_is_never_read_beyond_its_end),
		cmocka_unit_test(the_fields_are_numbered_as_the_tables_have_them),
		cmocka_unit_test(an_imported_object_has_the_stored_ones_fields_first),
		cmocka_unit_test(a_status_is_known_by_its_encoded_name),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
