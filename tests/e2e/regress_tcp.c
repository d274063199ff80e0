/* tcp:// is for the loopback address, written as such. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A port of the loopback device that is free at the moment. */
static int free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(address);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* The refusal names what was asked for and what would be right. */
static void expect_refusal(const struct daemon *daemon, const char *flag, const char *host)
{
	char url[80], errors[2048];
	const char *const args[] = {flag, url, "--data", daemon->data, NULL};
	int status;

	snprintf(url, sizeof(url), "tcp://%s:%d", host, free_port());
	status = daemon_run(daemon, args, false, errors, sizeof(errors));
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 127) {
		fail_msg("%s %s ended with wait status %#x", flag, url, (unsigned int)status);
	}
	if (!strstr(errors, "tcp://127.0.0.1:PORT") || !strstr(errors, host)) {
		fail_msg("%s %s: this does not help: %s", flag, url, errors);
	}
}

static void other_names_of_addresses_are_refused(void **state)
{
	static const char *const hosts[] = {
		"localhost", "[::1]", "0.0.0.0", "*", "[::]", "127.0.0.2", "lo"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		expect_refusal(&fixture->daemon, "--listen", hosts[i]);
		expect_refusal(&fixture->daemon, "--events", hosts[i]);
	}
}

static void the_loopback_address_is_served(void **state)
{
	struct fixture *fixture = *state;
	const char *const args[] = {"--listen", fixture->daemon.url, NULL};

	snprintf(fixture->daemon.url, sizeof(fixture->daemon.url), "tcp://127.0.0.1:%d",
		free_port());
	fixture->daemon.args = args;
	fixture_resume(fixture);
	run_new(&fixture->wire, "t");
	expect_fields(expect_ok(&fixture->wire, "server.info", NULL), "{'listen':'%s'}",
		fixture->daemon.url);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, fixture_prepare, fixture_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(other_names_of_addresses_are_refused),
		ALONE(the_loopback_address_is_served),
	};

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
