#include "cmocka_all.h"

#include "fixture.h"

#include <signal.h>
#include <stdlib.h>

int fixture_prepare(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	daemon_init(&fixture->daemon);
	*state = fixture;
	return 0;
}

int fixture_start(void **state)
{
	const char *const *args = *state;
	struct fixture *fixture;

	fixture_prepare(state);
	fixture = *state;
	fixture->daemon.args = args;
	fixture_resume(fixture);
	return 0;
}

int fixture_stop(void **state)
{
	struct fixture *fixture = *state;

	wire_close(&fixture->wire);
	if (fixture->daemon.pid > 0 && fixture->server) {
		/* A crash must not hide behind the supervisor. */
		assert_int_equal(daemon_child(&fixture->daemon), fixture->server);
	}
	daemon_finish(&fixture->daemon);
	free(fixture);
	return 0;
}

void fixture_resume(struct fixture *fixture)
{
	daemon_start(&fixture->daemon, fixture->daemon.args);
	fixture->server = daemon_child(&fixture->daemon);
	wire_open(&fixture->wire, fixture->daemon.url, WIRE_TIMEOUT_MS);
}

void fixture_halt(struct fixture *fixture)
{
	wire_close(&fixture->wire);
	daemon_stop(&fixture->daemon, SIGTERM);
}

void fixture_crash(struct fixture *fixture)
{
	wire_close(&fixture->wire);
	daemon_kill(&fixture->daemon);
}

pid_t fixture_server(struct fixture *fixture)
{
	json_t *info = expect_ok(&fixture->wire, "server.info", NULL);

	return (pid_t)json_integer_value(json_object_get(info, "pid"));
}

/* The pid that answers on a fresh connection within 100 ms, or 0. */
static pid_t ask_once(const char *url)
{
	struct wire wire;
	json_t *reply;
	json_int_t pid = 0;

	wire_open(&wire, url, 100);
	reply = wire_try(&wire, "server.info");
	if (reply) {
		pid = json_integer_value(json_object_get(json_object_get(reply, "result"), "pid"));
	}
	wire_close(&wire);
	return (pid_t)pid;
}

long fixture_await_service(struct fixture *fixture, pid_t not_pid, int limit_ms)
{
	long began = clock_ms();
	pid_t pid;

	fixture->server = 0;
	wire_close(&fixture->wire);
	for (;;) {
		pid = ask_once(fixture->daemon.url);
		if (pid && pid != not_pid) {
			break;
		}
		if (clock_ms() - began > limit_ms) {
			fail_msg("no service %ld ms later", clock_ms() - began);
		}
		pause_ms(pid ? 2 : 0);
	}
	wire_open(&fixture->wire, fixture->daemon.url, WIRE_TIMEOUT_MS);
	return clock_ms() - began;
}
