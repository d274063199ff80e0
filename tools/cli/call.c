/* runstore call METHOD [JSON|-]. */
#include "tools/cli/command.h"
#include "tools/cli/file.h"
#include "tools/cli/output.h"

#include <stdio.h>
#include <stdlib.h>

struct words {
	const char *method;
	const char *json;
};

static int parse(struct cli *cli, const struct command *command, struct args *args, struct words *w)
{
	enum arg_kind kind;
	int r;

	while ((kind = args_next(args)) != ARG_END) {
		if (kind == ARG_FLAG) {
			r = command_global(cli, args);
			if (r) {
				return r < 0 ? command_unknown_flag(command, args) : r;
			}
		} else if (!w->method) {
			w->method = args->text;
		} else if (!w->json) {
			w->json = args->text;
		} else {
			return command_extra_word(command, args->text);
		}
	}
	if (!w->method) {
		return cli_usage("A method is missing, as in 'runstore call server.info'.");
	}
	return 0;
}

static int call(struct cli *cli, const char *method, const char *json)
{
	struct runstore_error error;
	char *result;

	if (runstore_call_json(cli->rs, method, json, &result, &error)) {
		return cli_refused(&error);
	}
	puts(result);
	free(result);
	return 0;
}

int call_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(file_free) char *loaded = NULL;
	struct runstore_error error;
	struct words w = {0};
	void *data = NULL;
	size_t size;
	int r;

	r = parse(cli, command, args, &w);
	if (!r && w.json && !strcmp(w.json, "-")) {
		r = file_load("-", &loaded);
		w.json = loaded;
	}
	if (r) {
		return r;
	}
	/* What is no JSON at all is a mistake in the command line, not a refusal. */
	if (w.json && runstore_json_to_msgpack(w.json, &data, &size, &error)) {
		return cli_usage("%s", error.message);
	}
	free(data);
	r = cli_connect(cli);
	return r ? r : call(cli, w.method, w.json);
}
