#include "tests/support/cmocka_all.h"

#include "tools/gateway/guard.h"

static void on_loopback_only_this_machine_has_names(void **state)
{
	const struct options o = {.host = "127.0.0.1", .loopback = true};
	static const char *const good[] = {"localhost", "localhost:8788", "LOCALHOST", "127.0.0.1",
		"127.0.0.1:1", " localhost\t", "127.9.9.9:80", "[::1]", "[::1]:8788"};
	static const char *const bad[] = {"", "evil.com", "evil.com:8788", "127.0.0.1.evil.com",
		"localhost.evil.com", "localhost.", "10.0.0.1", "[::2]", "::1", "[::1", "[::1]x",
		"[localhost]", "[127.0.0.1]", "127.0.0.1:x", "127.0.0.1:", "127.0.0.1:1:2",
		"0.0.0.0", "a@localhost", "localhost:80@evil.com"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(guard_host(&o, good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (guard_host(&o, bad[i])) {
			fail_msg("'%s' got through", bad[i]);
		}
	}
	assert_false(guard_host(&o, NULL));
}

static void names_that_are_allowed_are_names(void **state)
{
	const struct options o = {
		.host = "127.0.0.1", .hosts = {.name = {"gateway.lan", "other"}, .n = 2}};

	assert_true(guard_host(&o, "gateway.lan"));
	assert_true(guard_host(&o, "Gateway.LAN:8788"));
	assert_true(guard_host(&o, "other"));
	assert_false(guard_host(&o, "gateway.lan.evil.com"));
}

static void an_address_is_no_rebound_name(void **state)
{
	const struct options anywhere = {.host = "0.0.0.0"}, somewhere = {.host = "10.0.0.1"};

	assert_true(guard_host(&anywhere, "192.168.1.5:8788"));
	assert_true(guard_host(&anywhere, "[2001:db8::1]"));
	assert_false(guard_host(&anywhere, "evil.com"));
	assert_true(guard_host(&somewhere, "10.0.0.1:8788"));
	assert_false(guard_host(&somewhere, "10.0.0.2"));
}

static void without_a_token_any_key_will_do(void **state)
{
	const struct options o = {.token = NULL};

	assert_true(guard_token(&o, NULL));
	assert_true(guard_token(&o, "Bearer x"));
	assert_true(guard_token(&o, "Basic eDp5"));
}

static void the_token_and_nothing_else_is_let_in(void **state)
{
	const struct options o = {.token = (char *)"secret-1"};
	static const char *const bad[] = {"", "Bearer", "Bearer ", "secret-1", "Bearer secret-",
		"Bearer secret-12", "Bearer Secret-1", "Bearer secret-2", "Basic secret-1",
		"Bearersecret-1", "Bearer secret-1 x"};

	assert_true(guard_token(&o, "Bearer secret-1"));
	assert_true(guard_token(&o, "bearer secret-1"));
	assert_true(guard_token(&o, "Bearer secret-1 \t"));
	assert_false(guard_token(&o, NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (guard_token(&o, bad[i])) {
			fail_msg("'%s' got through", bad[i]);
		}
	}
}

static void origins_are_those_that_were_given(void **state)
{
	const struct options none = {.loopback = true};
	const struct options o = {.cors = {.name = {"https://app.example"}, .n = 1}};

	assert_false(guard_origin(&none, "https://app.example"));
	assert_true(guard_origin(&o, "https://app.example"));
	assert_false(guard_origin(&o, "https://app.example.evil.com"));
	assert_false(guard_origin(&o, "http://app.example"));
	assert_false(guard_origin(&o, "null"));
	assert_false(guard_origin(&o, NULL));
}

static void pages_of_others_change_nothing(void **state)
{
	const struct options o = {.cors = {.name = {"https://app.example"}, .n = 1}};

	assert_true(guard_change(&o, NULL, "localhost:8788"));
	assert_true(guard_change(&o, "https://app.example", "localhost:8788"));
	assert_true(guard_change(&o, "http://localhost:8788", "localhost:8788"));
	assert_false(guard_change(&o, "https://evil.com", "localhost:8788"));
	assert_false(guard_change(&o, "http://localhost:9999", "localhost:8788"));
	assert_false(guard_change(&o, "null", "localhost:8788"));
	assert_false(guard_change(&o, "", "localhost:8788"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_loopback_only_this_machine_has_names),
		cmocka_unit_test(names_that_are_allowed_are_names),
		cmocka_unit_test(an_address_is_no_rebound_name),
		cmocka_unit_test(without_a_token_any_key_will_do),
		cmocka_unit_test(the_token_and_nothing_else_is_let_in),
		cmocka_unit_test(origins_are_those_that_were_given),
		cmocka_unit_test(pages_of_others_change_nothing),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
