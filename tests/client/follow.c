#include "cmocka_all.h"

#include "tests/client/follow.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 32
#define WAIT_MS 20000

static void exec_program(const char *const *words)
{
	const char *program = getenv("RUNSTORE");
	char *argv[MAX_WORDS + 2] = {(char *)"runstore"};

	for (int i = 0; i < MAX_WORDS && words[i]; i++) {
		argv[i + 1] = (char *)words[i];
	}
	/* A test that failed leaves nothing behind. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execv(program ? program : "runstore", argv);
	_exit(127);
}

void follow(struct follower *f, const char *const *words)
{
	int out[2], err[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	*f = (struct follower){.pid = fork(), .out = out[0], .err = err[0]};
	assert_true(f->pid >= 0);
	if (f->pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		exec_program(words);
	}
	close(out[1]);
	close(err[1]);
}

void follow_on_terminal(struct follower *f, const char *const *words)
{
	const struct winsize size = {.ws_row = 40, .ws_col = 100};

	*f = (struct follower){.err = -1};
	f->pid = forkpty(&f->out, NULL, NULL, &size);
	assert_true(f->pid >= 0);
	if (f->pid == 0) {
		exec_program(words);
	}
}

static bool is_readable(int fd, int ms)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	return poll(&readable, 1, ms < 0 ? 0 : ms) == 1;
}

static const char *read_line(struct follower *f, int fd)
{
	long deadline = clock_ms() + WAIT_MS;
	size_t len = 0;

	while (len + 1 < sizeof(f->line)) {
		f->line[len] = '\0';
		if (!is_readable(fd, (int)(deadline - clock_ms()))) {
			fail_msg("no line came in time, only '%s'", f->line);
		}
		if (read(fd, f->line + len, 1) != 1) {
			fail_msg("it ended after '%s'", f->line);
		}
		if (f->line[len] == '\n') {
			break;
		}
		len += f->line[len] != '\r';
	}
	f->line[len] = '\0';
	return f->line;
}

const char *follow_line(struct follower *f)
{
	return read_line(f, f->out);
}

const char *follow_note(struct follower *f)
{
	return read_line(f, f->err);
}

bool follow_ready(const struct follower *f, int ms)
{
	return is_readable(f->out, ms);
}

void follow_quiet(const struct follower *f, int ms)
{
	assert_false(is_readable(f->out, ms));
}

void follow_end(struct follower *f, int status)
{
	int ended = 0, r;

	if (!daemon_reap(f->pid, WAIT_MS, &ended)) {
		kill(f->pid, SIGKILL);
		daemon_reap(f->pid, WAIT_MS, &ended);
		fail_msg("it did not end");
	}
	r = WIFSIGNALED(ended) ? 128 + WTERMSIG(ended) : WEXITSTATUS(ended);
	assert_int_equal(r, status);
	close(f->out);
	if (f->err >= 0) {
		close(f->err);
	}
}

void follow_stop(struct follower *f, int signal, int status)
{
	assert_int_equal(kill(f->pid, signal), 0);
	follow_end(f, status);
}

int64_t follow_count(struct store *s, const char *method)
{
	struct runstore_value methods;
	struct runstore_reply *reply;
	int64_t n = 0;

	OK(s, runstore_call(s->rs, "server.stats", NULL, 0, &reply, &s->error));
	methods = runstore_value_member(runstore_reply_value(reply), "methods");
	runstore_value_integer(
		runstore_value_member(runstore_value_member(methods, method), "count"), &n);
	runstore_reply_free(reply);
	return n;
}

void follow_await(struct store *s, const char *method, int64_t n)
{
	long deadline = clock_ms() + WAIT_MS;

	while (follow_count(s, method) <= n) {
		if (clock_ms() > deadline) {
			fail_msg("%s was not called", method);
		}
		pause_ms(5);
	}
}
