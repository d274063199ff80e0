#include "tools/cli/ask.h"

#include <time.h>

#define PAUSE_MS 200

int ask(struct cli *cli, const char *method, const struct buf *params,
	struct runstore_reply **reply)
{
	struct runstore_error error;

	if (buf_error(params)) {
		return cli_error("Out of memory.");
	}
	if (runstore_call(cli->rs, method, params->ptr, params->len, reply, &error)) {
		return cli_refused(&error);
	}
	return 0;
}

/* A daemon that stops says so before it goes. */
static bool is_away(int code)
{
	return code == RUNSTORE_E_UNAVAILABLE || code == RUNSTORE_E_OVERLOADED;
}

static int probe(struct cli *cli)
{
	struct runstore_reply *reply = NULL;
	int r = runstore_call(cli->rs, "server.info", NULL, 0, &reply, NULL);

	runstore_reply_free(reply);
	return r;
}

bool ask_again(struct cli *cli, const struct runstore_error *error, int64_t until_ms)
{
	int code = error->code;
	bool told = false;

	if (!is_away(code)) {
		return false;
	}
	while (is_away(code)) {
		if (code == RUNSTORE_E_UNAVAILABLE && !told) {
			cli_note(
				"The daemon at %s is away; waiting for it.", runstore_url(cli->rs));
			told = true;
		}
		if (cli_clock_ms() >= until_ms) {
			return false;
		}
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
		code = probe(cli);
	}
	if (told) {
		cli_note("The daemon is back.");
	}
	return true;
}

int ask_patiently(struct cli *cli, const char *method, const struct buf *params, int64_t until_ms,
	struct runstore_reply **reply)
{
	struct runstore_error error;

	if (buf_error(params)) {
		return cli_error("Out of memory.");
	}
	while (runstore_call(cli->rs, method, params->ptr, params->len, reply, &error)) {
		if (!ask_again(cli, &error, until_ms)) {
			return cli_refused(&error);
		}
	}
	return 0;
}

struct slice ask_result(const struct runstore_reply *reply)
{
	struct runstore_value value = runstore_reply_value(reply);

	return slice_of(value.data, value.size);
}
