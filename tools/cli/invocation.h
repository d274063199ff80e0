/* The words and flags of a command that stands for one method, as the method's parameters. */
#pragma once

#include "tools/cli/command.h"
#include "tools/cli/given.h"

struct invocation {
	const struct command *command;
	struct given given;
	int n_words;
	bool all;   /* --all */
	bool stale; /* --stale */
};

/* For the parameters of the command's method; finish it in any case. */
void invocation_init(struct invocation *in, const struct command *command);
void invocation_finish(struct invocation *in);

/* Take what is left of the command line. 0, or CLI_USAGE after a message. */
int invocation_parse(struct cli *cli, struct invocation *in, struct args *args);

/* Everything that the method needs is there: 0, or CLI_USAGE after a message. */
int invocation_check(const struct invocation *in);
