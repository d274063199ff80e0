#include "tests/bench/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CHILDREN 16
#define STOP_TRIES 600 /* of 10 ms */

static pid_t children[MAX_CHILDREN];
static void (*cleanup_action)(void);
static volatile sig_atomic_t interrupted;

static void end_child(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	for (int i = 0; i < STOP_TRIES; i++) {
		if (waitpid(pid, &status, WNOHANG)) {
			return;
		}
		sleep_ms(10);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void cleanup(void)
{
	for (size_t i = 0; i < MAX_CHILDREN; i++) {
		if (children[i] > 0) {
			end_child(children[i]);
			children[i] = 0;
		}
	}
	if (cleanup_action) {
		cleanup_action();
	}
}

void on_cleanup(void (*action)(void))
{
	cleanup_action = action;
	atexit(cleanup);
}

void die(const char *format, ...)
{
	va_list args;

	fputs("runstore-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

void child_die(const char *format, ...)
{
	va_list args;

	fputs("runstore-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(EXIT_FAILURE);
}

void progress(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	poll(NULL, 0, (int)ms);
}

void *shared_alloc(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		die("no %zu bytes of shared memory: %s", size, strerror(errno));
	}
	return memory;
}

void shared_free(void *memory, size_t size)
{
	munmap(memory, size);
}

static void begin_child(pid_t parent)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE);
	}
}

static pid_t fork_child(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		die("cannot fork: %s", strerror(errno));
	}
	if (!pid) {
		begin_child(parent);
	}
	return pid;
}

void child_run(void (*body)(void *context), void *context)
{
	pid_t pid = fork_child();
	int status;

	if (!pid) {
		body(context);
		_exit(EXIT_SUCCESS);
	}
	child_note(pid);
	while (waitpid(pid, &status, 0) < 0) {
		check_interrupted();
	}
	child_forget(pid);
	check_interrupted();
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		die("a process of the benchmark failed (status %d)", status);
	}
}

pid_t child_start(void (*body)(void *context, int ready), void *context)
{
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe(ends)) {
		die("cannot make a pipe: %s", strerror(errno));
	}
	pid = fork_child();
	if (!pid) {
		close(ends[0]);
		body(context, ends[1]);
		_exit(EXIT_SUCCESS);
	}
	child_note(pid);
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1) {
		die("a process of the benchmark did not start");
	}
	close(ends[0]);
	return pid;
}

void child_ready(int ready)
{
	if (write(ready, "", 1) != 1) {
		_exit(EXIT_FAILURE);
	}
	close(ready);
}

void child_kill(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	child_forget(pid);
}

static void replace_child(pid_t from, pid_t to)
{
	for (size_t i = 0; i < MAX_CHILDREN; i++) {
		if (children[i] == from) {
			children[i] = to;
			return;
		}
	}
}

void child_note(pid_t pid)
{
	replace_child(0, pid);
}

void child_forget(pid_t pid)
{
	replace_child(pid, 0);
}

static void note_signal(int number)
{
	interrupted = number;
}

void catch_signals(void)
{
	struct sigaction action = {.sa_handler = note_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

void check_interrupted(void)
{
	if (interrupted) {
		die("ended by signal %d", (int)interrupted);
	}
}
