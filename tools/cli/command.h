/* The commands: one table that runs them, helps with them and completes them. */
#pragma once

#include "proto/methods.h"
#include "tools/cli/args.h"
#include "tools/cli/cli.h"

enum show { SHOW_OBJECT, SHOW_LIST };

/*
 * A flag that is no parameter of the command's method; or is, and says itself how it is given and
 * what it does.
 */
struct flag {
	const char *name;
	const char *letter; /* a short form, or NULL */
	const char *value;  /* what it takes, in words, or NULL */
	const char *help;
};

#define COMMAND_WORDS 2

struct command {
	const char *group; /* NULL for one of a single word */
	const char *name;
	const char *method;		      /* NULL for one that is no single method */
	const char *words[COMMAND_WORDS + 1]; /* the words that it takes, up to a NULL: the
						 parameters they are, or names */
	const struct flag *flags;	      /* up to a name of NULL; or NULL */
	const char *help;
	enum show show;
	int (*run)(struct cli *cli, const struct command *command, struct args *args);
};

extern const struct command commands[];
extern const size_t n_commands;

/* Flags that every command knows, up to a name of NULL. */
extern const struct flag global_flags[];

/* NULL when there is none; @group NULL looks among those of a single word. */
const struct command *command_find(const char *group, const char *name);
bool command_is_group(const char *name);

/* The method of a command; NULL for those without. */
const struct method *command_method(const struct command *command);

/* The row of a flag of the command's own; NULL when it has none of that name or letter. */
const struct flag *command_flag(const struct flag *flags, const char *name);

/* The words of a command as it is typed: "runs get". */
const char *command_title(const struct command *command, char out[static 64]);

/* Take a flag of global_flags. 0, CLI_USAGE after a message, or -1 when it is none of them. */
int command_global(struct cli *cli, struct args *args);

/* What a flag that nobody knows is told. */
int command_unknown_flag(const struct command *command, const struct args *args);
int command_needs_value(const struct command *command, const struct args *args);
int command_extra_word(const struct command *command, const char *word);

/* The commands' functions, each in a file of its own. */
int method_run(struct cli *cli, const struct command *command, struct args *args);
int claim_run(struct cli *cli, const struct command *command, struct args *args);
int wait_run(struct cli *cli, const struct command *command, struct args *args);
int why_run(struct cli *cli, const struct command *command, struct args *args);
int watch_run(struct cli *cli, const struct command *command, struct args *args);
int import_run(struct cli *cli, const struct command *command, struct args *args);
int export_run(struct cli *cli, const struct command *command, struct args *args);
int call_run(struct cli *cli, const struct command *command, struct args *args);
int complete_run(struct cli *cli, const struct command *command, struct args *args);

/* The word for a parameter: "RUN" for run_id. */
const char *help_word(const char *param, char out[static 64]);

/* Help on standard output. */
void help_all(void);
void help_group(const char *group);
void help_command(const struct command *command);
