/* The command line in the background, while the test goes on. */
#pragma once

#include "tests/client/store.h"

struct follower {
	pid_t pid;
	int out;	 /* a pipe, or a terminal of 100 columns that has standard error too */
	int err;	 /* a pipe, -1 on a terminal */
	char line[4096]; /* the last one read */
};

/* Start the program that the environment variable RUNSTORE names with @words, up to a NULL. */
void follow(struct follower *f, const char *const *words);
void follow_on_terminal(struct follower *f, const char *const *words);

/* The next line without its end, from standard output or standard error; it must come in time. */
const char *follow_line(struct follower *f);
const char *follow_note(struct follower *f);

/* Is there something on standard output within @ms? */
bool follow_ready(const struct follower *f, int ms);

/* Nothing must come there for @ms. */
void follow_quiet(const struct follower *f, int ms);

/* It must end with @status: an exit status, or 128 and the signal that killed it. */
void follow_end(struct follower *f, int status);

/* Send it a signal, and the same. */
void follow_stop(struct follower *f, int signal, int status);

/* How many requests of @method the daemon has answered; and wait until they are more than @n. */
int64_t follow_count(struct store *s, const char *method);
void follow_await(struct store *s, const char *method, int64_t n);
