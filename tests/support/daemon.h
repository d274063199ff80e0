/* The real daemon, started in a temporary directory of its own and waited for. */
#ifndef TEST_DAEMON_H
#define TEST_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct daemon {
	pid_t pid;		 /* the supervisor, -1 when it does not run */
	int out;		 /* its standard output, -1 when it does not run */
	const char *const *args; /* beyond --data; NULL at the end, or NULL for none */
	char dir[40];		 /* temporary, mode 0700 */
	char data[48];		 /* the data directory, in dir */
	char errors[48];	 /* its standard error, in dir */
	char url[80];
	char events[80];
	char ready[512]; /* the ready line without its newline */
};

/* A fresh directory; nothing is started. */
void daemon_init(struct daemon *daemon);

/*
 * Stop what runs, as daemon_stop() does, and remove the directory. Fails the test, and keeps the
 * directory, when the daemon had ended by itself or a sanitizer found something in it.
 */
void daemon_finish(struct daemon *daemon);

/*
 * Start the program that the environment variable RUNSTORED names and wait for its ready line.
 * Fails the test, with the daemon's standard error, when none comes within 10 s. @args lives as
 * long as the daemon.
 */
void daemon_start(struct daemon *daemon, const char *const *args);

/* The same without `--data`. */
void daemon_start_bare(struct daemon *daemon, const char *const *args);

/* Send @signal, which must end it with exit status 0 within 5 s. */
void daemon_stop(struct daemon *daemon, int signal);

/* SIGKILL for the supervisor and its child, both reaped. */
void daemon_kill(struct daemon *daemon);

/* SIGKILL for its child @child alone. */
void daemon_kill_child(struct daemon *daemon, pid_t child);

/* The process that serves: the supervisor's child, or the daemon itself without a supervisor. */
pid_t daemon_child(const struct daemon *daemon);

bool daemon_is_parent_of(const struct daemon *daemon, pid_t child);

/* Wait until the process @pid, a child, has ended. Returns false when it has not in time. */
bool daemon_reap(pid_t pid, int timeout_ms, int *status);

/*
 * Run the program with exactly @args until it ends, in 10 s at most, and return its wait status.
 * @as_nobody drops root, if the test has it, to the user nobody. @errors gets the start of its
 * standard error.
 */
int daemon_run(const struct daemon *daemon, const char *const *args, bool as_nobody, char *errors,
	size_t size);

/* Milliseconds of the monotonic clock; and a pause. */
long clock_ms(void);
void pause_ms(int ms);

#endif
