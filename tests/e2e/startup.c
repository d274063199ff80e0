/* What the daemon needs to start, and how it says that it cannot. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends with a status that is not zero, and with a reason. */
static void expect_no_start(struct fixture *fixture, const char *const *args, bool as_nobody)
{
	char errors[2048];
	int status = daemon_run(&fixture->daemon, args, as_nobody, errors, sizeof(errors));

	print_message("# %s %s: %.*s\n", args[0], args[1], (int)strcspn(errors, "\n"), errors);
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 127) {
		fail_msg(
			"%s %s ended with wait status %#x", args[0], args[1], (unsigned int)status);
	}
	if (!*errors) {
		fail_msg("%s %s gave no reason", args[0], args[1]);
	}
}

static void write_file(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static void expect_content(const char *path, const char *content)
{
	char bytes[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, bytes, sizeof(bytes) - 1) >= 0);
	close(fd);
	assert_string_equal(bytes, content);
}

static void bad_flags_are_refused(void **state)
{
	static const char *const rows[][2] = {{"--colour", "red"}, {"--map-size", "much"},
		{"--map-size", "12X"}, {"--map-size", "-1G"}, {"--map-size", ""},
		{"--sync", "sometimes"}, {"--sync", "interval:"}, {"--sync", "interval:x"},
		{"--run-ttl", "-1"}, {"--run-ttl", "soon"}, {"--run-ttl", "1h"},
		{"--log-level", "loud"}, {"--listen", "nowhere"}, {"--listen", "gopher://x"},
		{"-Z", "x"}};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *args[] = {rows[i][0], rows[i][1], "--data", fixture->daemon.data, NULL};

		expect_no_start(fixture, args, false);
	}
}

static void a_flag_without_its_value_and_a_stray_word_are_refused(void **state)
{
	struct fixture *fixture = *state;
	const char *const bare[] = {"--data", fixture->daemon.data, "--run-ttl", NULL};
	const char *const stray[] = {"--data", fixture->daemon.data, "serve", NULL};

	expect_no_start(fixture, bare, false);
	expect_no_start(fixture, stray, false);
}

static void a_second_daemon_on_the_directory_is_refused_and_the_first_serves_on(void **state)
{
	struct fixture *fixture = *state;
	const char *const args[] = {"--data", fixture->daemon.data, NULL};
	char other[80];
	const char *const elsewhere[] = {"--data", fixture->daemon.data, "--listen", other, NULL};
	pid_t server;

	snprintf(other, sizeof(other), "ipc://%s/other.sock", fixture->daemon.dir);
	fixture_resume(fixture);
	server = fixture_server(fixture);
	expect_no_start(fixture, args, false);
	expect_no_start(fixture, elsewhere, false);
	assert_int_equal(fixture_server(fixture), server);
	fixture_await_service(fixture, 0, 1000);
	run_new(&fixture->wire, "t");
}

static void a_data_directory_that_is_a_file_is_refused_and_kept(void **state)
{
	struct fixture *fixture = *state;
	const char *const args[] = {"--data", fixture->daemon.data, NULL};

	write_file(fixture->daemon.data, "mine");
	expect_no_start(fixture, args, false);
	expect_content(fixture->daemon.data, "mine");
}

static void a_data_directory_that_cannot_be_made_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char path[80];
	const char *const args[] = {"--data", path, NULL};

	write_file(fixture->daemon.data, "mine");
	snprintf(path, sizeof(path), "%s/below", fixture->daemon.data);
	expect_no_start(fixture, args, false);
}

static void an_unwritable_directory_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char below[80];
	const char *const there[] = {"--data", fixture->daemon.data, NULL};
	const char *const missing[] = {"--data", below, NULL};

	snprintf(below, sizeof(below), "%s/below", fixture->daemon.data);
	assert_int_equal(chmod(fixture->daemon.dir, 0711), 0);
	assert_int_equal(mkdir(fixture->daemon.data, 0555), 0);
	expect_no_start(fixture, there, true);
	expect_no_start(fixture, missing, true);
	assert_int_equal(chmod(fixture->daemon.data, 0700), 0);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char path[160];
	char url[170];
	const char *const data[] = {"--data", path, NULL};
	const char *const listen[] = {"--listen", url, "--data", fixture->daemon.data, NULL};
	const char *const events[] = {"--events", url, "--data", fixture->daemon.data, NULL};

	snprintf(path, sizeof(path), "%s/%0100d", fixture->daemon.dir, 0);
	snprintf(url, sizeof(url), "ipc://%s", path);
	expect_no_start(fixture, data, false);
	expect_no_start(fixture, listen, false);
	expect_no_start(fixture, events, false);
}

static void a_file_where_a_socket_should_be_is_refused_and_kept(void **state)
{
	static const char *const names[] = {"rpc.sock", "events.sock"};
	struct fixture *fixture = *state;
	const char *const args[] = {"--data", fixture->daemon.data, NULL};

	assert_int_equal(mkdir(fixture->daemon.data, 0700), 0);
	for (int i = 0; i < 2; i++) {
		char path[80];

		snprintf(path, sizeof(path), "%s/%s", fixture->daemon.data, names[i]);
		write_file(path, "mine");
		expect_no_start(fixture, args, false);
		expect_content(path, "mine");
		assert_int_equal(unlink(path), 0);
	}
}

static void sockets_left_by_a_killed_daemon_are_taken_over(void **state)
{
	struct fixture *fixture = *state;
	char *id;

	fixture_resume(fixture);
	id = strdup(run_new(&fixture->wire, "t"));
	fixture_crash(fixture);
	assert_int_equal(access(fixture->daemon.url + 6, F_OK), 0);
	fixture_resume(fixture);
	expect_fields(run_get(&fixture->wire, id), "{'status':'queued'}");
	free(id);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void everything_lies_in_a_directory_for_its_owner_alone(void **state)
{
	static const char *const names[] = {
		"data.mdb", "lock.mdb", "LOCK", "rpc.sock", "events.sock"};
	struct fixture *fixture = *state;
	mode_t before = umask(0);

	fixture_resume(fixture);
	umask(before);
	assert_int_equal(mode_of(fixture->daemon.data), 0700);
	for (int i = 0; i < 5; i++) {
		char path[80];

		snprintf(path, sizeof(path), "%s/%s", fixture->daemon.data, names[i]);
		assert_int_equal(access(path, F_OK), 0);
	}
}

static void listen_and_events_can_be_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	char listen[80];
	char events[80];
	const char *args[] = {"--listen", listen, "--events", events, NULL};

	snprintf(listen, sizeof(listen), "ipc://%s/a.sock", fixture->daemon.dir);
	snprintf(events, sizeof(events), "ipc://%s/b.sock", fixture->daemon.dir);
	memcpy(fixture->daemon.url, listen, sizeof(listen));
	fixture->daemon.args = args;
	fixture_resume(fixture);
	expect_fields(expect_ok(&fixture->wire, "server.info", NULL),
		"{'listen':'%s','events':'%s','data':'%s'}", listen, events, fixture->daemon.data);
}

static void good_flags_are_taken(void **state)
{
	static const char *const rows[][2] = {{"--map-size", "64M"}, {"--map-size", "1T"},
		{"--sync", "full"}, {"--sync", "interval:50"}, {"--log-level", "info"},
		{"--run-ttl", "0"}};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *args[] = {rows[i][0], rows[i][1], NULL};

		fixture->daemon.args = args;
		fixture_resume(fixture);
		run_new(&fixture->wire, "t");
		fixture_halt(fixture);
	}
}

/* It may be anything: a home directory, say. */
static void a_directory_of_other_files_that_is_open_to_others_is_refused_as_it_is(void **state)
{
	struct fixture *fixture = *state;
	const char *const args[] = {"--data", fixture->daemon.data, NULL};
	char path[80], lock[80];

	snprintf(path, sizeof(path), "%s/mine", fixture->daemon.data);
	snprintf(lock, sizeof(lock), "%s/LOCK", fixture->daemon.data);
	assert_int_equal(mkdir(fixture->daemon.data, 0700), 0);
	assert_int_equal(chmod(fixture->daemon.data, 0755), 0);
	write_file(path, "mine");
	expect_no_start(fixture, args, false);
	assert_int_equal(mode_of(fixture->daemon.data), 0755);
	expect_content(path, "mine");
	assert_int_equal(access(lock, F_OK), -1);
	/* With the owner's word that it may be, it is used. */
	assert_int_equal(chmod(fixture->daemon.data, 0700), 0);
	fixture_resume(fixture);
	expect_content(path, "mine");
}

static void an_empty_directory_and_a_store_are_shut_to_others(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkdir(fixture->daemon.data, 0700), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(chmod(fixture->daemon.data, 0755), 0);
		fixture_resume(fixture);
		assert_int_equal(mode_of(fixture->daemon.data), 0700);
		fixture_halt(fixture);
	}
}

/* Started without --data, with @name set to @value below the test's directory, it uses @data. */
static void expect_default(
	struct fixture *fixture, const char *name, const char *value, const char *data)
{
	char path[80];
	char shown[80];

	snprintf(path, sizeof(path), "%s/%s", fixture->daemon.dir, value);
	snprintf(shown, sizeof(shown), " data=%s/%s", fixture->daemon.dir, data);
	setenv(name, path, 1);
	daemon_start_bare(&fixture->daemon, NULL);
	if (!strstr(fixture->daemon.ready, shown)) {
		fail_msg("%s=%s gave: %s", name, path, fixture->daemon.ready);
	}
	daemon_stop(&fixture->daemon, SIGTERM);
}

static void the_default_directory_comes_from_the_environment(void **state)
{
	struct fixture *fixture = *state;

	unsetenv("RUNSTORE_DIR");
	unsetenv("XDG_STATE_HOME");
	expect_default(fixture, "HOME", "home", "home/.local/state/runstore");
	expect_default(fixture, "XDG_STATE_HOME", "state", "state/runstore");
	expect_default(fixture, "RUNSTORE_DIR", "run", "run");
	unsetenv("RUNSTORE_DIR");
	unsetenv("XDG_STATE_HOME");
}

static void the_service_manager_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 5};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char message[256] = "";

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", fixture->daemon.dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	fixture_resume(fixture);
	unsetenv("NOTIFY_SOCKET");
	while (!strstr(message, "READY=1")) {
		ssize_t n = recv(fd, message, sizeof(message) - 1, 0);

		if (n < 0) {
			fail_msg("no READY=1: %s", strerror(errno));
		}
		message[n] = '\0';
	}
	close(fd);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, fixture_prepare, fixture_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(bad_flags_are_refused),
		ALONE(a_flag_without_its_value_and_a_stray_word_are_refused),
		ALONE(a_second_daemon_on_the_directory_is_refused_and_the_first_serves_on),
		ALONE(a_data_directory_that_is_a_file_is_refused_and_kept),
		ALONE(a_data_directory_that_cannot_be_made_is_refused),
		ALONE(an_unwritable_directory_is_refused),
		ALONE(a_path_too_long_for_a_socket_is_refused),
		ALONE(a_file_where_a_socket_should_be_is_refused_and_kept),
		ALONE(sockets_left_by_a_killed_daemon_are_taken_over),
		ALONE(everything_lies_in_a_directory_for_its_owner_alone),
		ALONE(listen_and_events_can_be_elsewhere),
		ALONE(good_flags_are_taken),
		ALONE(the_default_directory_comes_from_the_environment),
		ALONE(the_service_manager_is_told),
		ALONE(a_directory_of_other_files_that_is_open_to_others_is_refused_as_it_is),
		ALONE(an_empty_directory_and_a_store_are_shut_to_others),
	};

	return cmocka_run_group_tests_name("startup", tests, NULL, NULL);
}
