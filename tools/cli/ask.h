/* Requests to the daemon, and what is refused told to the person. */
#pragma once

#include "tools/cli/cli.h"

/*
 * Call @method with the encoded map @params, no bytes for none. @reply is freed with
 * runstore_reply_free(). 0, or an exit code after a message.
 */
int ask(struct cli *cli, const char *method, const struct buf *params,
	struct runstore_reply **reply);

/*
 * The same, but a daemon that does not answer, or is about to stop, is waited for, up to
 * @until_ms of cli_clock_ms(). Standard error tells that it is away, and that it is back.
 */
int ask_patiently(struct cli *cli, const char *method, const struct buf *params, int64_t until_ms,
	struct runstore_reply **reply);

/*
 * After a refusal that is @error: true when the daemon was away and is back, so that it can be
 * asked again. False when @error is something else, or the time is over.
 */
bool ask_again(struct cli *cli, const struct runstore_error *error, int64_t until_ms);

/* The result, borrowed from the reply. */
struct slice ask_result(const struct runstore_reply *reply);

/* Until UNTIL_EVER: for ever. */
#define UNTIL_EVER INT64_MAX
