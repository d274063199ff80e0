/* The commands that are one method each: words and flags to parameters, and what comes back. */
#include "tools/cli/ask.h"
#include "tools/cli/list.h"
#include "tools/cli/output.h"

static int show_object(struct cli *cli, const struct given *given)
{
	_cleanup_(buf_finish) struct buf params = {0};
	struct runstore_reply *reply;
	int r;

	given_write(given, &params);
	r = ask(cli, given->method->name, &params, &reply);
	if (!r) {
		r = output_object(cli, ask_result(reply));
		runstore_reply_free(reply);
	}
	return r;
}

int method_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(invocation_finish) struct invocation in;
	int r;

	invocation_init(&in, command);
	r = invocation_parse(cli, &in, args);
	if (!r) {
		r = invocation_check(&in);
	}
	if (!r && command->show == SHOW_LIST) {
		r = list_check(&in);
	}
	if (!r) {
		r = cli_connect(cli);
	}
	if (r) {
		return r;
	}
	return command->show == SHOW_LIST ? list_show(cli, &in) : show_object(cli, &in.given);
}
