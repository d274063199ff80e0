#include "cmocka_all.h"

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 10000
#define STOP_MS 5000
#define MAX_ARGS 32
#define NOBODY 65534

extern char **environ;

long clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

void daemon_init(struct daemon *daemon)
{
	*daemon = (struct daemon){.pid = -1, .out = -1, .dir = "/tmp/rs-XXXXXX"};
	assert_non_null(mkdtemp(daemon->dir));
	snprintf(daemon->data, sizeof(daemon->data), "%s/s", daemon->dir);
	snprintf(daemon->errors, sizeof(daemon->errors), "%s/e", daemon->dir);
	snprintf(daemon->url, sizeof(daemon->url), "ipc://%s/rpc.sock", daemon->data);
	snprintf(daemon->events, sizeof(daemon->events), "ipc://%s/events.sock", daemon->data);
}

bool daemon_reap(pid_t pid, int timeout_ms, int *status)
{
	long deadline = clock_ms() + timeout_ms;

	while (waitpid(pid, status, WNOHANG) == 0) {
		if (clock_ms() >= deadline) {
			return false;
		}
		pause_ms(2);
	}
	return true;
}

static void forget(struct daemon *daemon)
{
	close(daemon->out);
	daemon->out = -1;
	daemon->pid = -1;
}

static void read_start(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0) {
		close(fd);
	}
}

static void fail_with_errors(const struct daemon *daemon, const char *what)
{
	char errors[4096];

	read_start(daemon->errors, errors, sizeof(errors));
	fail_msg("the daemon %s; its standard error: %s", what, *errors ? errors : "(empty)");
}

static int open_program(void)
{
	const char *path = getenv("RUNSTORED");
	int fd;

	if (!path) {
		fail_msg("RUNSTORED names no daemon to test");
	}
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		fail_msg("RUNSTORED=%s: %s", path, strerror(errno));
	}
	return fd;
}

static void become_nobody(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))) {
		_exit(127);
	}
}

/* In the forked child: never returns. */
static void exec_program(
	int program, char **argv, const char *errors, int out, pid_t parent, bool as_nobody)
{
	int err = open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (err < 0 || dup2(err, STDERR_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) {
		_exit(127);
	}
	if (as_nobody) {
		become_nobody();
	}
	/* After the change of user, which forgets it. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent) {
		_exit(127);
	}
	fexecve(program, argv, environ);
	_exit(127);
}

static void make_argv(char **argv, const char *data, const char *const *args)
{
	size_t n = 0;

	argv[n++] = (char *)"runstored";
	if (data) {
		argv[n++] = (char *)"--data";
		argv[n++] = (char *)data;
	}
	while (args && *args) {
		assert_true(n + 1 < MAX_ARGS);
		argv[n++] = (char *)*args++;
	}
	argv[n] = NULL;
}

/* Returns the pid; @out is the reading end of its standard output. */
static pid_t spawn(const struct daemon *daemon, const char *data, const char *const *args,
	bool nobody, int *out)
{
	int program = open_program();
	char *argv[MAX_ARGS];
	pid_t parent = getpid();
	int ends[2];
	pid_t pid;

	make_argv(argv, data, args);
	/* So that a grandchild whose parent was killed can be waited for. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		exec_program(program, argv, daemon->errors, ends[1], parent, nobody);
	}
	close(program);
	close(ends[1]);
	*out = ends[0];
	return pid;
}

static void await_ready(struct daemon *daemon)
{
	long deadline = clock_ms() + START_MS;
	size_t len = 0;

	while (len + 1 < sizeof(daemon->ready)) {
		struct pollfd readable = {.fd = daemon->out, .events = POLLIN};
		long left = deadline - clock_ms();

		if (left <= 0 || poll(&readable, 1, (int)left) <= 0) {
			fail_with_errors(daemon, "printed no ready line in time");
		}
		if (read(daemon->out, daemon->ready + len, 1) != 1) {
			fail_with_errors(daemon, "ended before its ready line");
		}
		if (daemon->ready[len] == '\n') {
			break;
		}
		len++;
	}
	daemon->ready[len] = '\0';
	if (strncmp(daemon->ready, "ready ", 6)) {
		fail_msg("this is no ready line: %s", daemon->ready);
	}
}

static void start(struct daemon *daemon, const char *data, const char *const *args)
{
	daemon->args = args;
	daemon->pid = spawn(daemon, data, args, false, &daemon->out);
	await_ready(daemon);
}

void daemon_start(struct daemon *daemon, const char *const *args)
{
	start(daemon, daemon->data, args);
}

void daemon_start_bare(struct daemon *daemon, const char *const *args)
{
	start(daemon, NULL, args);
}

/* A signal to the process -1 goes to all that there are. */
static void expect_running(const struct daemon *daemon)
{
	if (daemon->pid <= 0) {
		fail_msg("the daemon is to be stopped, and does not run");
	}
}

void daemon_stop(struct daemon *daemon, int signal)
{
	int status = 0;

	expect_running(daemon);
	assert_int_equal(kill(daemon->pid, signal), 0);
	if (!daemon_reap(daemon->pid, STOP_MS, &status)) {
		daemon_kill(daemon);
		fail_with_errors(daemon, "did not stop in time");
	}
	forget(daemon);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		print_message("# wait status %#x\n", (unsigned int)status);
		fail_with_errors(daemon, "did not stop with exit status 0");
	}
}

/* Returns how many children of the daemon were written to @pids. */
static size_t list_children(const struct daemon *daemon, pid_t *pids, size_t max)
{
	char path[64];
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", daemon->pid, daemon->pid);
	file = fopen(path, "re");
	while (file && n < max && fscanf(file, "%d", &pids[n]) == 1) {
		n++;
	}
	if (file) {
		fclose(file);
	}
	return n;
}

void daemon_kill(struct daemon *daemon)
{
	pid_t children[8];
	size_t n;
	int status;

	expect_running(daemon);
	/* Stopped first, so that it starts no child between the two looks. */
	kill(daemon->pid, SIGSTOP);
	n = list_children(daemon, children, 8);
	kill(daemon->pid, SIGKILL);
	daemon_reap(daemon->pid, STOP_MS, &status);
	for (size_t i = 0; i < n; i++) {
		kill(children[i], SIGKILL);
		daemon_reap(children[i], STOP_MS, &status);
	}
	forget(daemon);
}

bool daemon_is_parent_of(const struct daemon *daemon, pid_t child)
{
	pid_t children[8];
	size_t n = list_children(daemon, children, 8);

	for (size_t i = 0; i < n; i++) {
		if (children[i] == child) {
			return true;
		}
	}
	return false;
}

void daemon_kill_child(struct daemon *daemon, pid_t child)
{
	assert_true(daemon_is_parent_of(daemon, child));
	assert_int_equal(kill(child, SIGKILL), 0);
}

pid_t daemon_child(const struct daemon *daemon)
{
	pid_t children[8];

	return list_children(daemon, children, 8) ? children[0] : daemon->pid;
}

/* What a sanitizer found in the daemon is on its standard error. */
static void expect_no_findings(const struct daemon *daemon)
{
	static const char *const signs[] = {"Sanitizer", "runtime error:"};
	FILE *file = fopen(daemon->errors, "re");
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		if (strstr(line, signs[0]) || strstr(line, signs[1])) {
			fail_with_errors(daemon, "was found at fault");
		}
	}
	if (file) {
		fclose(file);
	}
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

void daemon_finish(struct daemon *daemon)
{
	int status = 0;

	if (daemon->pid > 0 && daemon_reap(daemon->pid, 0, &status)) {
		forget(daemon);
		print_message("# wait status %#x\n", (unsigned int)status);
		fail_with_errors(daemon, "ended by itself");
	}
	if (daemon->pid > 0) {
		daemon_stop(daemon, SIGTERM);
	}
	expect_no_findings(daemon);
	nftw(daemon->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int daemon_run(const struct daemon *daemon, const char *const *args, bool as_nobody, char *errors,
	size_t size)
{
	struct daemon other = *daemon;
	int status = 0;

	snprintf(other.errors, sizeof(other.errors), "%s/x", daemon->dir);
	unlink(other.errors);
	other.pid = spawn(&other, NULL, args, as_nobody, &other.out);
	if (!daemon_reap(other.pid, START_MS, &status)) {
		daemon_kill(&other);
		fail_msg("the daemon runs on where it should have refused to start");
	}
	close(other.out);
	read_start(other.errors, errors, size);
	return status;
}
