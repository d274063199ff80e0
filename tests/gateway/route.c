#include "tests/support/cmocka_all.h"

#include "proto/schema.h"
#include "tools/gateway/ids.h"
#include "tools/gateway/route.h"

#include <string.h>

static enum route_match find(
	const char *verb, const char *path, enum route_id *route, struct slice *ids, char *allow)
{
	allow[0] = '\0';
	return route_find(verb, slice_str(path), route, ids, allow);
}

static void expect(const char *verb, const char *path, enum route_id want)
{
	struct slice ids[PATH_IDS];
	enum route_id got = N_ROUTES;
	char allow[64];

	assert_int_equal(find(verb, path, &got, ids, allow), ROUTE_FOUND);
	assert_int_equal(got, want);
}

/* Every row is reached by its own path. */
static void each_route_is_found_by_its_path(void **state)
{
	for (enum route_id i = 0; i < N_ROUTES; i++) {
		expect(routes[i].verb, routes[i].path, i);
	}
}

static void a_fixed_part_comes_before_an_id(void **state)
{
	expect("POST", "threads/runs", ROUTE_THREAD_RUN);
	expect("POST", "threads/run_x", ROUTE_THREAD_UPDATE);
}

static void ids_are_where_the_path_has_them(void **state)
{
	struct slice ids[PATH_IDS];
	enum route_id route;
	char allow[64], name[32];

	assert_int_equal(
		find("GET", "threads/t%31/runs/r/steps/s", &route, ids, allow), ROUTE_FOUND);
	assert_true(slice_is(ids[0], "t%31"));
	assert_true(slice_is(ids[1], "r"));
	assert_true(slice_is(ids[2], "s"));
	route_id_name(&routes[route], 0, name);
	assert_string_equal(name, "thread_id");
	route_id_name(&routes[route], 2, name);
	assert_string_equal(name, "step_id");
	route_id_name(&routes[route], 3, name);
	assert_string_equal(name, "");
}

static void what_is_no_path_is_found_nowhere(void **state)
{
	static const char *const bad[] = {"", "/", "thread", "Threads", "threads/t/run",
		"threads/t/runs/r/steps/s/x", "threads/t/runs/r/cancel/", "assistants/a/b"};
	struct slice ids[PATH_IDS];
	enum route_id route;
	char allow[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (find("GET", bad[i], &route, ids, allow) != ROUTE_NO_PATH) {
			fail_msg("'%s' was found", bad[i]);
		}
	}
}

static void methods_that_there_are_are_told(void **state)
{
	struct slice ids[PATH_IDS];
	enum route_id route;
	char allow[64];

	assert_int_equal(find("PUT", "assistants/a", &route, ids, allow), ROUTE_NO_METHOD);
	assert_string_equal(allow, "GET, HEAD, POST, DELETE");
	assert_int_equal(find("DELETE", "threads", &route, ids, allow), ROUTE_NO_METHOD);
	assert_string_equal(allow, "POST");
}

static void ids_that_are_issued_are_ids_and_differ(void **state)
{
	char a[ID_SIZE], b[ID_SIZE];

	ids_issue("thread_", a);
	ids_issue("thread_", b);
	assert_true(id_valid(slice_str(a)));
	assert_int_equal(strlen(a), strlen("thread_") + 26);
	assert_string_not_equal(a, b);
}

static void derived_ids_follow_from_the_key_and_the_role(void **state)
{
	char a[ID_SIZE], b[ID_SIZE];

	assert_string_equal(ids_derive("thread_", "k", "r", a), ids_derive("thread_", "k", "r", b));
	assert_true(id_valid(slice_str(a)));
	assert_int_equal(strlen(a), strlen("thread_") + 26);
	assert_string_not_equal(a, ids_derive("thread_", "k2", "r", b));
	assert_string_not_equal(a, ids_derive("thread_", "k", "r2", b));
	assert_string_not_equal(
		ids_derive("", "ab", "c", a), ids_derive("", "a", "bc", b)); /* not run together */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_route_is_found_by_its_path),
		cmocka_unit_test(a_fixed_part_comes_before_an_id),
		cmocka_unit_test(ids_are_where_the_path_has_them),
		cmocka_unit_test(what_is_no_path_is_found_nowhere),
		cmocka_unit_test(methods_that_there_are_are_told),
		cmocka_unit_test(ids_that_are_issued_are_ids_and_differ),
		cmocka_unit_test(derived_ids_follow_from_the_key_and_the_role),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
