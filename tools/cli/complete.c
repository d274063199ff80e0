/*
 * What the shell's completion asks: runstore complete WORD..., the last of them being typed. One
 * candidate a line. Ids come from the daemon when it answers at once; errors are silence.
 */
#include "tools/cli/command.h"
#include "tools/cli/given.h"

#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_MS 500
#define MANY "50"

struct completion {
	struct cli *cli;
	const struct command *command;
	const char *group;
	const char *word;     /* that is being typed */
	const char *words[2]; /* of the command, behind its name */
	int n_words;
	const char *flag; /* that waits for its value, NULL for none */
};

static void candidate(const struct completion *c, const char *before, const char *text)
{
	char whole[160];

	snprintf(whole, sizeof(whole), "%s%s", before, text);
	if (!strncmp(whole, c->word, strlen(c->word))) {
		puts(whole);
	}
}

static void complete_names(const struct completion *c, const struct schema *type)
{
	for (size_t i = 0; type->names && type->names[i]; i++) {
		candidate(c, "", type->names[i]);
	}
}

static void complete_flag_table(const struct completion *c, const struct flag *flags)
{
	for (; flags && flags->name; flags++) {
		candidate(c, "--", flags->name);
	}
}

static void complete_flags(const struct completion *c)
{
	const struct method *method = c->command ? command_method(c->command) : NULL;
	char flag[64];

	for (size_t i = 0; method && i < method->params.n_fields; i++) {
		if (!command_flag(c->command->flags, given_flag(&method->params.fields[i], flag))) {
			candidate(c, "--", flag);
		}
	}
	complete_flag_table(c, c->command ? c->command->flags : NULL);
	complete_flag_table(c, global_flags);
}

static void complete_commands(const struct completion *c)
{
	const char *last = "";

	for (size_t i = 0; i < n_commands; i++) {
		const char *group = commands[i].group;

		if (c->group && group && !strcmp(group, c->group)) {
			candidate(c, "", commands[i].name);
		} else if (!c->group && group && strcmp(group, last) != 0) {
			candidate(c, "", group);
			last = group;
		} else if (!c->group && !group && strcmp(commands[i].name, "complete") != 0) {
			candidate(c, "", commands[i].name);
		}
	}
}

static void complete_ids(const struct completion *c, const char *method, const char *params)
{
	struct runstore_options options = {
		.timeout_ms = PATIENCE_MS, .connect_timeout_ms = -1, .attempts = 1};
	struct runstore_value data, id;
	struct runstore_reply *reply;
	void *bytes;
	size_t size, n;

	if (runstore_json_to_msgpack(params, &bytes, &size, NULL)) {
		return;
	}
	if (!runstore_open(&c->cli->rs, c->cli->url, &options, NULL) &&
		!runstore_call(c->cli->rs, method, bytes, size, &reply, NULL)) {
		data = runstore_value_member(runstore_reply_value(reply), "data");
		n = runstore_value_count(data);
		for (size_t i = 0; i < n; i++) {
			char *text;

			id = runstore_value_member(runstore_value_item(data, i), "id");
			text = runstore_value_string(id);
			candidate(c, "", text ? text : "");
			free(text);
		}
		runstore_reply_free(reply);
	}
	free(bytes);
}

/* Ids that a parameter of that name may have. */
static void complete_param(const struct completion *c, const char *name)
{
	char params[160];

	if (!strcmp(name, "thread_id")) {
		complete_ids(c, "threads.list", "{\"limit\":" MANY "}");
	} else if (!strcmp(name, "run_id")) {
		complete_ids(c, "runs.list", "{\"limit\":" MANY "}");
	} else if (!strcmp(name, "assistant_id") || !strcmp(name, "assistant_ids")) {
		complete_ids(c, "assistants.list", "{\"limit\":" MANY "}");
	} else if (!strcmp(name, "step_id") && c->n_words) {
		snprintf(params, sizeof(params), "{\"limit\":" MANY ",\"run_id\":\"%.64s\"}",
			c->words[0]);
		complete_ids(c, "steps.list", params);
	} else if (!strcmp(name, "METHOD")) {
		for (size_t i = 0; i < N_METHODS; i++) {
			candidate(c, "", methods[i].name);
		}
	}
}

/* The parameter that a flag of a command's own stands for. */
static const char *param_of(const char *flag)
{
	static const char *const params[][2] = {{"thread", "thread_id"}, {"run", "run_id"}};

	for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++) {
		if (!strcmp(flag, params[i][0])) {
			return params[i][1];
		}
	}
	return flag;
}

static void complete_value(const struct completion *c)
{
	const struct method *method = command_method(c->command);
	const struct schema_field *field = method ? given_find(method, c->flag) : NULL;
	const struct schema truths = {.names = (const char *const[]){"true", "false", NULL}};

	if (!field) {
		complete_param(c, param_of(c->flag));
	} else if (field->type->kind == SK_BOOL) {
		complete_names(c, &truths);
	} else if (field->type->names) {
		complete_names(c, field->type);
	} else {
		complete_param(c, field->name);
	}
}

static bool takes_value(const struct completion *c, const char *flag)
{
	const struct method *method = c->command ? command_method(c->command) : NULL;
	const struct flag *own = c->command ? command_flag(c->command->flags, flag) : NULL;

	own = own ? own : command_flag(global_flags, flag);
	return own ? own->value != NULL : method && given_find(method, flag);
}

static void take_word(struct completion *c, const char *word)
{
	if (c->command) {
		if (c->n_words < 2) {
			c->words[c->n_words] = word;
		}
		c->n_words++;
	} else if (c->group) {
		c->command = command_find(c->group, word);
	} else {
		c->command = command_find(NULL, word);
		c->group = !c->command && command_is_group(word) ? word : NULL;
	}
}

/* Read all words but the last, which is being typed. */
static void read_words(struct completion *c, struct args *args)
{
	while (args->at < args->argc - 1) {
		c->flag = NULL;
		if (args_next(args) == ARG_WORD) {
			take_word(c, args->text);
		} else if (!args->value && takes_value(c, args->name)) {
			if (args->at == args->argc - 1) {
				c->flag = args->name;
				return;
			}
			if (!strcmp(args->name, "url")) {
				c->cli->url = args->argv[args->at];
			}
			args->at++;
		}
	}
}

int complete_run(struct cli *cli, const struct command *command, struct args *args)
{
	struct completion c = {.cli = cli, .word = ""};

	if (args->at >= args->argc) {
		return 0;
	}
	c.word = args->argv[args->argc - 1];
	read_words(&c, args);
	if (c.flag) {
		if (c.command) {
			complete_value(&c);
		}
	} else if (c.word[0] == '-') {
		complete_flags(&c);
	} else if (!c.command) {
		complete_commands(&c);
	} else if (c.n_words < COMMAND_WORDS && c.command->words[c.n_words]) {
		complete_param(&c, c.command->words[c.n_words]);
	}
	return 0;
}
