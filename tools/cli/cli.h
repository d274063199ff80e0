/* What every part of the command line knows: the options that stand before any command. */
#pragma once

#include "client/runstore.h"
#include "proto/mp.h"

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Exit codes. */
enum {
	CLI_OK = 0,
	CLI_REFUSED = 1,
	CLI_USAGE = 2,
	CLI_NO_DAEMON = 3,
	CLI_NOTHING = 4,
};

struct cli {
	const char *url; /* NULL for the default */
	int timeout_ms;	 /* 0 for the default */
	int connect_ms;	 /* until a daemon that is not there counts as away, 0 for the default */
	bool json;	 /* one JSON object a line, not for a person */
	bool color;	 /* of standard output */
	int columns;	 /* of the terminal */
	int64_t now;	 /* Unix seconds */
	struct runstore *rs;
};

int cli_main(int argc, char **argv);

/* Open cli->rs. 0, or an exit code after a message. */
int cli_connect(struct cli *cli);

/* A message on standard error; cli_usage() returns CLI_USAGE, cli_error() CLI_REFUSED. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One that is no failure. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tell what the daemon or the library refused; returns the exit code that belongs to it. */
int cli_refused(const struct runstore_error *error);

/* Everything on standard output is written: 0, or CLI_REFUSED after a message. */
int cli_flush(void);

/* Milliseconds of a clock that only runs; and Unix milliseconds. */
int64_t cli_clock_ms(void);
int64_t cli_now_ms(void);
