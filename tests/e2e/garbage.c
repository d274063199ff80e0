/* Bytes that are not even a message, written straight to the socket file. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACK_MS 1000

/* The handshake of a REQ peer, and the head of a message on a unix socket: type and length. */
#define HELLO "\0SP\0\0\x30\0\0"
#define BODY(b7, b6) "\x01\0\0\0\0\0\0" b7 b6

struct bytes {
	const char *name;
	const char *data;
	size_t len;
};

/* clang-format off */
#define B(name, literal) {name, literal, sizeof(literal) - 1}
static const struct bytes rows[] = {
	B("17 bytes of text", "GET / HTTP/1.1\r\n\r\n"),
	B("17 bytes 0xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	B("no handshake, zeros", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	B("a handshake of PUB", "\0SP\0\0\x20\0\0" BODY("\0", "\x04") "abcd"),
	B("a handshake of version 7", "\0SP\x07\0\x30\0\0" BODY("\0", "\x04") "abcd"),
	B("a handshake with reserved bits", "\0SP\0\0\x30\xff\xff" BODY("\0", "\x04") "abcd"),
	B("a message of a wrong type", HELLO "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	B("a message of 2^63 bytes", HELLO "\x01\x80\0\0\0\0\0\0\0"),
	B("a message of 2^40 bytes", HELLO "\x01\0\0\x01\0\0\0\0\0"),
	B("an empty message", HELLO BODY("\0", "\0")),
	B("a message shorter than its header", HELLO BODY("\0", "\x03") "abc"),
	B("a message without the end of its header", HELLO BODY("\0", "\x08") "\0\0\0\1\0\0\0\2"),
	B("a header and no frame", HELLO BODY("\0", "\x04") "\x80\0\0\1"),
	B("a header and garbage", HELLO BODY("\0", "\x08") "\x80\0\0\1\xc1\xc1\xc1\xc1"),
	B("a message that is cut", HELLO BODY("\0", "\x20") "\x80\0\0\1\x94"),
	B("half a handshake", "\0SP"),
	B("a handshake alone", HELLO),
	B("half a length", HELLO "\x01\0\0\0"),
};
/* clang-format on */

static int connect_raw(const struct fixture *fixture)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->daemon.url + 6);
	for (int i = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)); i++) {
		if (i == 100) {
			fail_msg("cannot connect to the socket: %s", strerror(errno));
		}
		pause_ms(10);
	}
	return fd;
}

/* Whether the peer hung up within 100 ms. */
static bool hung_up(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLIN};
	char bytes[256];

	while (poll(&end, 1, 100) > 0) {
		if (read(fd, bytes, sizeof(bytes)) <= 0) {
			return true;
		}
	}
	return false;
}

/* A write that is acknowledged; returns its id for the caller to free. */
static char *acknowledged(struct fixture *fixture)
{
	return strdup(run_new(&fixture->wire, "t_kept"));
}

static void garbage_costs_a_moment_and_nothing_acknowledged(void **state)
{
	struct fixture *fixture = *state;
	char *ids[sizeof(rows) / sizeof(*rows)];
	long worst = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		pid_t server = fixture_server(fixture);
		int fd = connect_raw(fixture);
		long began;
		long ms;
		bool closed;

		ids[i] = acknowledged(fixture);
		began = clock_ms();
		assert_int_equal(send(fd, rows[i].data, rows[i].len, MSG_NOSIGNAL), rows[i].len);
		closed = hung_up(fd);
		ms = fixture_await_service(fixture, 0, BACK_MS);
		/* Where nobody hung up, the wait for that is not the service's. */
		ms = closed ? clock_ms() - began : ms;
		close(fd);
		print_message("# %s: %s%s, service back after %ld ms\n", rows[i].name,
			closed ? "hung up on" : "left alone",
			fixture_server(fixture) == server ? "" : ", a new process", ms);
		assert_true(ms <= BACK_MS);
		worst = ms > worst ? ms : worst;
	}
	print_message("# at worst %ld ms\n", worst);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_fields(run_get(&fixture->wire, ids[i]), "{'status':'queued'}");
		free(ids[i]);
	}
}

static void the_event_socket_takes_no_harm_either(void **state)
{
	struct fixture *fixture = *state;
	struct fixture events = *fixture;
	char *id = acknowledged(fixture);

	memcpy(events.daemon.url, fixture->daemon.events, sizeof(events.daemon.url));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i += 3) {
		int fd = connect_raw(&events);

		assert_int_equal(send(fd, rows[i].data, rows[i].len, MSG_NOSIGNAL), rows[i].len);
		hung_up(fd);
		fixture_await_service(fixture, 0, BACK_MS);
		close(fd);
	}
	expect_fields(run_get(&fixture->wire, id), "{'status':'queued'}");
	free(id);
}

static void connections_that_say_nothing_hold_nobody_up(void **state)
{
	struct fixture *fixture = *state;
	int fds[100];

	for (int i = 0; i < 100; i++) {
		const struct bytes *bytes = &rows[sizeof(rows) / sizeof(*rows) - 1 - (size_t)i % 3];

		fds[i] = connect_raw(fixture);
		assert_int_equal(send(fds[i], bytes->data, bytes->len, MSG_NOSIGNAL), bytes->len);
	}
	expect_ok(&fixture->wire, "server.info", NULL);
	assert_true(fixture_await_service(fixture, 0, BACK_MS) < BACK_MS);
	for (int i = 0; i < 100; i++) {
		close(fds[i]);
	}
	expect_ok(&fixture->wire, "server.info", NULL);
}

static void connections_that_come_and_go_leave_nothing(void **state)
{
	struct fixture *fixture = *state;
	pid_t server = fixture_server(fixture);

	for (int i = 0; i < 1000; i++) {
		close(connect_raw(fixture));
	}
	assert_int_equal(fixture_server(fixture), server);
}

static void random_bytes_are_survived(void **state)
{
	struct fixture *fixture = *state;
	char *id = acknowledged(fixture);

	srand(7);
	for (int i = 0; i < 8; i++) {
		char bytes[8 + 512] = HELLO;
		int fd = connect_raw(fixture);
		size_t start = i % 2 ? 8 : 0;

		for (size_t j = start; j < sizeof(bytes); j++) {
			bytes[j] = (char)rand();
		}
		assert_true(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0);
		hung_up(fd);
		close(fd);
		fixture_await_service(fixture, 0, BACK_MS);
	}
	expect_fields(run_get(&fixture->wire, id), "{'status':'queued'}");
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_costs_a_moment_and_nothing_acknowledged),
		cmocka_unit_test(the_event_socket_takes_no_harm_either),
		cmocka_unit_test(connections_that_say_nothing_hold_nobody_up),
		cmocka_unit_test(connections_that_come_and_go_leave_nothing),
		cmocka_unit_test(random_bytes_are_survived),
	};

	return cmocka_run_group_tests_name("garbage", tests, fixture_start, fixture_stop);
}
