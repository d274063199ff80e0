/* The command line as a program of its own. */
#pragma once

struct spawned {
	int status; /* exit status, -1 when it ended otherwise */
	char *out;  /* standard output, on a terminal both */
	char *err;
};

/*
 * Run the program that the environment variable RUNSTORE names with @words, up to a NULL.
 * @input is its standard input, NULL for nothing.
 */
void spawn(struct spawned *s, const char *input, const char *const *words);

/* The same on a terminal of 100 columns. */
void spawn_on_terminal(struct spawned *s, const char *const *words);

void spawned_finish(struct spawned *s);

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Run it; the exit status must be @status. What it wrote is borrowed until the next run. */
const char *cli_out(int status, const char *const *words);
const char *cli_err(int status, const char *const *words);
const char *cli_terminal(int status, const char *const *words);
const char *cli_input(int status, const char *input, const char *const *words);

/* Fails the test unless @text has @part in it. */
void expect_part(const char *text, const char *part);
