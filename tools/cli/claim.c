/* runstore runs claim: as the method has it, with a name for who claims by hand. */
#include "tools/cli/ask.h"
#include "tools/cli/invocation.h"
#include "tools/cli/output.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *user_name(void)
{
	const char *name = getenv("USER");
	const struct passwd *entry;

	if (name && *name) {
		return name;
	}
	entry = getpwuid(geteuid());
	return entry ? entry->pw_name : "somebody";
}

static void set_worker(struct given *given)
{
	char host[65] = "", name[160];

	gethostname(host, sizeof(host) - 1);
	snprintf(name, sizeof(name), "%.80s@%s", user_name(), host);
	given_put_string(given, "worker", slice_str(name));
}

static int show(struct cli *cli, struct slice claim)
{
	if (!mp_is_nil(claim)) {
		cli->now = cli_now_ms() / 1000;
		return output_object(cli, claim);
	}
	fprintf(stderr, "There is no run to claim.\n");
	return CLI_NOTHING;
}

int claim_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(invocation_finish) struct invocation in;
	_cleanup_(buf_finish) struct buf params = {0};
	struct runstore_reply *reply;
	int r;

	invocation_init(&in, command);
	r = invocation_parse(cli, &in, args);
	if (!r) {
		r = cli_connect(cli);
	}
	if (r) {
		return r;
	}
	if (!given_has(&in.given, "worker")) {
		set_worker(&in.given);
	}
	given_write(&in.given, &params);
	r = ask(cli, in.given.method->name, &params, &reply);
	if (!r) {
		r = show(cli, ask_result(reply));
		runstore_reply_free(reply);
	}
	return r;
}
