#include "cmocka_all.h"

#include "tests/client/spawn.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 32

static void exec_program(const char *const *words)
{
	const char *program = getenv("RUNSTORE");
	char *argv[MAX_WORDS + 2] = {(char *)"runstore"};

	for (int i = 0; i < MAX_WORDS && words[i]; i++) {
		argv[i + 1] = (char *)words[i];
	}
	execv(program ? program : "runstore", argv);
	_exit(127);
}

static char *read_all(int fd)
{
	size_t len = 0, size = 65536;
	char *text = malloc(size);
	ssize_t n;

	/* A terminal whose other end is closed reads as an error: that is its end. */
	while ((n = read(fd, text + len, size - len - 1)) > 0) {
		len += (size_t)n;
		if (size - len < 1024) {
			size *= 2;
			text = realloc(text, size);
		}
	}
	text[len] = '\0';
	return text;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* An open file without a name. */
static int scratch(const char *text)
{
	char path[] = "/tmp/rs-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

void spawn(struct spawned *s, const char *input, const char *const *words)
{
	int in = scratch(input ? input : ""), out = scratch(""), err = scratch("");
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in, 0);
		dup2(out, 1);
		dup2(err, 2);
		exec_program(words);
	}
	s->status = wait_for(pid);
	lseek(out, 0, SEEK_SET);
	lseek(err, 0, SEEK_SET);
	s->out = read_all(out);
	s->err = read_all(err);
	close(in);
	close(out);
	close(err);
}

void spawn_on_terminal(struct spawned *s, const char *const *words)
{
	const struct winsize size = {.ws_row = 40, .ws_col = 100};
	int terminal;
	pid_t pid = forkpty(&terminal, NULL, NULL, &size);

	assert_true(pid >= 0);
	if (pid == 0) {
		exec_program(words);
	}
	s->out = read_all(terminal);
	s->err = strdup("");
	close(terminal);
	s->status = wait_for(pid);
}

void spawned_finish(struct spawned *s)
{
	free(s->out);
	free(s->err);
}

static struct spawned last;

static void check_status(int status, const char *const *words)
{
	if (last.status != status) {
		fail_msg("'%s %s' ended with %d: %s %s", words[0], words[0] ? words[1] : "",
			last.status, last.out, last.err);
	}
}

static void run(int status, const char *input, const char *const *words)
{
	spawned_finish(&last);
	spawn(&last, input, words);
	check_status(status, words);
}

const char *cli_out(int status, const char *const *words)
{
	run(status, NULL, words);
	return last.out;
}

const char *cli_err(int status, const char *const *words)
{
	run(status, NULL, words);
	return last.err;
}

const char *cli_input(int status, const char *input, const char *const *words)
{
	run(status, input, words);
	return status ? last.err : last.out;
}

const char *cli_terminal(int status, const char *const *words)
{
	spawned_finish(&last);
	spawn_on_terminal(&last, words);
	check_status(status, words);
	return last.out;
}

void expect_part(const char *text, const char *part)
{
	if (!strstr(text, part)) {
		fail_msg("'%s' is not in: %s", part, text);
	}
}
