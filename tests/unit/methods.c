#include "tests/support/cmocka_all.h"

#include "proto/methods.h"
#include "tests/unit/bytes.h"

#include <string.h>

static const char *const param_names[] = {
#define PARAM(name) #name,
#include "proto/params.def"
#undef PARAM
};

static bool has_text(const char *s)
{
	return s && s[0];
}

static void every_method_has_a_name_that_finds_it_and_a_help(void **state)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		assert_int_equal(methods[i].id, i);
		assert_true(has_text(methods[i].help));
		assert_ptr_equal(method_find(slice_str(methods[i].name)), &methods[i]);
	}
}

static void an_unknown_name_finds_no_method(void **state)
{
	assert_null(method_find(SLICE_LIT("")));
	assert_null(method_find(slice_of(NULL, 0)));
	assert_null(method_find(SLICE_LIT("runs")));
	assert_null(method_find(SLICE_LIT("runs.ge")));
	assert_null(method_find(SLICE_LIT("runs.get ")));
	assert_null(method_find(SLICE_LIT("runs.get\0")));
	assert_null(method_find(SLICE_LIT("Runs.Get")));
}

static void every_parameter_has_a_method_that_takes_it(void **state)
{
	bool used[N_PARAMS] = {false};

	for (size_t i = 0; i < N_METHODS; i++) {
		for (size_t k = 0; k < methods[i].params.n_fields; k++) {
			used[methods[i].params.fields[k].slot] = true;
		}
	}
	for (size_t i = 0; i < N_PARAMS; i++) {
		if (!used[i]) {
			fail_msg("no method takes %s", param_names[i]);
		}
	}
}

static void every_parameter_stands_in_the_slot_of_its_name(void **state)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		const struct schema *s = &methods[i].params;

		assert_int_equal(s->kind, SK_OBJECT);
		assert_true(s->n_fields <= MAX_FIELDS);
		for (size_t k = 0; k < s->n_fields; k++) {
			assert_true(s->fields[k].slot < N_PARAMS);
			assert_string_equal(s->fields[k].name, param_names[s->fields[k].slot]);
			assert_true(has_text(s->fields[k].help));
			assert_non_null(s->fields[k].type);
		}
	}
}

static void no_method_takes_a_parameter_twice(void **state)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		bool taken[N_PARAMS] = {false};

		for (size_t k = 0; k < methods[i].params.n_fields; k++) {
			unsigned int slot = methods[i].params.fields[k].slot;

			if (taken[slot]) {
				fail_msg("%s takes %s twice", methods[i].name, param_names[slot]);
			}
			taken[slot] = true;
		}
	}
}

static bool takes(const struct method *m, enum param slot)
{
	for (size_t k = 0; k < m->params.n_fields; k++) {
		if (m->params.fields[k].slot == slot) {
			return true;
		}
	}
	return false;
}

static void every_write_takes_an_idempotency_key_and_no_read_does(void **state)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		bool keyed = methods[i].access == ACCESS_WRITE || methods[i].id == METHOD_ID_batch;

		assert_int_equal(takes(&methods[i], P_idempotency_key), keyed);
	}
}

static void every_run_and_step_method_takes_a_thread_id(void **state)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		const char *name = methods[i].name;

		if (!strncmp(name, "runs.", 5) || !strncmp(name, "steps.", 6)) {
			assert_true(takes(&methods[i], P_thread_id));
		}
	}
}

static void every_list_takes_a_page(void **state)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		if (strstr(methods[i].name, ".list") && strcmp(methods[i].name, "changes.list")) {
			assert_true(takes(&methods[i], P_limit));
			assert_true(takes(&methods[i], P_order));
			assert_true(takes(&methods[i], P_after));
			assert_true(takes(&methods[i], P_before));
		}
	}
}

static void a_bare_method_takes_nothing(void **state)
{
	for (size_t i = 0; i < N_METHODS; i++) {
		if (methods[i].flags & METHOD_BARE) {
			assert_int_equal(methods[i].params.n_fields, 0);
		} else {
			assert_true(methods[i].params.n_fields > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_has_a_name_that_finds_it_and_a_help),
		cmocka_unit_test(an_unknown_name_finds_no_method),
		cmocka_unit_test(every_parameter_has_a_method_that_takes_it),
		cmocka_unit_test(every_parameter_stands_in_the_slot_of_its_name),
		cmocka_unit_test(no_method_takes_a_parameter_twice),
		cmocka_unit_test(every_write_takes_an_idempotency_key_and_no_read_does),
		cmocka_unit_test(every_run_and_step_method_takes_a_thread_id),
		cmocka_unit_test(every_list_takes_a_page),
		cmocka_unit_test(a_bare_method_takes_nothing),
	};

	return cmocka_run_group_tests_name("methods", tests, NULL, NULL);
}
