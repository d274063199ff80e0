#include "daemon/supervisor.h"
#include "daemon/log.h"
#include "daemon/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Waits between starts double, but a peer that kills it again and again gains little by it. */
#define FIRST_WAIT_MS 5
#define MAX_WAIT_MS 160
#define STEADY_SECONDS 10
#define STOP_SECONDS 4 /* the contract gives a stop 5 */

struct child {
	pid_t pid;
	time_t started;
	bool ready;
	int ready_pipe; /* -1 once it has told */
};

static void tell_parent(void *context)
{
	const int *pipe_end = context;

	if (write(*pipe_end, "", 1) < 0) {
		log_write(LOG_LEVEL_WARNING, "event=no_supervisor");
	}
	close(*pipe_end);
}

static void serve_in_child(const struct config *config, bool first, pid_t parent, int pipe_end)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE); /* the parent was gone before it could be told */
	}
	exit(serve(config, first, tell_parent, &pipe_end));
}

static int start_child(const struct config *config, bool first, int signals, struct child *child)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe(ends)) {
		return -errno;
	}
	child->pid = fork();
	if (child->pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	if (!child->pid) {
		close(ends[0]);
		close(signals);
		serve_in_child(config, first, parent, ends[1]);
	}
	close(ends[1]);
	child->ready = false;
	child->ready_pipe = ends[0];
	child->started = time(NULL);
	return 0;
}

/* The child writes a byte once it serves; when it died before, the pipe just ends. */
static void hear_child(struct child *child)
{
	char byte;

	if (child->ready_pipe >= 0) {
		child->ready = read(child->ready_pipe, &byte, 1) == 1;
		close(child->ready_pipe);
		child->ready_pipe = -1;
	}
}

/* The signals that the supervisor lives by, as a descriptor. Returns it or -errno. */
static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/*
 * Pass the signal on and wait for the child; one that does not end in time is killed. One that
 * somebody else killed meanwhile has stopped as well: what it acknowledged is in the store.
 */
static int stop_child(const struct child *child)
{
	const struct timespec limit = {.tv_sec = STOP_SECONDS};
	sigset_t only_child;
	int status = 0;

	sigemptyset(&only_child);
	sigaddset(&only_child, SIGCHLD);
	kill(child->pid, SIGTERM);
	while (!waitpid(child->pid, &status, WNOHANG)) {
		if (sigtimedwait(&only_child, NULL, &limit) < 0 && errno == EAGAIN) {
			log_write(
				LOG_LEVEL_ERROR, "event=stop_timed_out pid=%ld", (long)child->pid);
			kill(child->pid, SIGKILL);
			waitpid(child->pid, &status, 0);
			return EXIT_FAILURE;
		}
	}
	return WIFSIGNALED(status) ? EXIT_SUCCESS : exit_status(status);
}

/* Wait until the child ends or a signal asks to stop; true when the child ended by itself. */
static bool wait_child(struct child *child, int signals, int *status)
{
	struct signalfd_siginfo info;

	for (;;) {
		struct pollfd fds[] = {{signals, POLLIN, 0}, {child->ready_pipe, POLLIN, 0}};

		if (poll(fds, 2, -1) < 0) {
			continue;
		}
		if (fds[1].revents) {
			hear_child(child);
		}
		if (!fds[0].revents || read(signals, &info, sizeof(info)) != sizeof(info)) {
			continue;
		}
		if (info.ssi_signo != SIGCHLD) {
			*status = stop_child(child);
			return false;
		}
		if (waitpid(child->pid, status, WNOHANG) == child->pid) {
			hear_child(child);
			return true;
		}
	}
}

/* Wait before the next start; a signal that asks to stop ends the wait with true. */
static bool pause_before_start(int ms)
{
	const struct timespec t = {.tv_nsec = (long)ms * 1000000};
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	return sigtimedwait(&stop, NULL, &t) > 0;
}

static int next_wait(int wait_ms, const struct child *child)
{
	if (time(NULL) - child->started >= STEADY_SECONDS) {
		return FIRST_WAIT_MS;
	}
	return wait_ms * 2 < MAX_WAIT_MS ? wait_ms * 2 : MAX_WAIT_MS;
}

static void tell_death(const struct child *child, int status, int wait_ms)
{
	log_write(LOG_LEVEL_WARNING, "event=child_died pid=%ld signal=%d status=%d wait_ms=%d",
		(long)child->pid, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		WIFEXITED(status) ? WEXITSTATUS(status) : 0, wait_ms);
}

int supervise(const struct config *config)
{
	struct child child = {0};
	int wait_ms = FIRST_WAIT_MS, status = 0, signals = open_signals();
	bool served = false;
	int r = signals < 0 ? signals : 0;

	while (!r) {
		r = start_child(config, !served, signals, &child);
		if (r) {
			break;
		}
		if (!wait_child(&child, signals, &status)) {
			return status;
		}
		served = served || child.ready;
		if (!served) {
			return exit_status(status);
		}
		tell_death(&child, status, wait_ms);
		if (pause_before_start(wait_ms)) {
			return EXIT_SUCCESS;
		}
		wait_ms = next_wait(wait_ms, &child);
	}
	log_write(LOG_LEVEL_ERROR, "event=cannot_supervise error=%d", -r);
	return EXIT_FAILURE;
}
