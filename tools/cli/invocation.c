#include "tools/cli/invocation.h"

void invocation_init(struct invocation *in, const struct command *command)
{
	*in = (struct invocation){.command = command, .given.method = command_method(command)};
}

void invocation_finish(struct invocation *in)
{
	given_finish(&in->given);
}

static int take_word(struct invocation *in, const char *word)
{
	const char *param = in->n_words < COMMAND_WORDS ? in->command->words[in->n_words] : NULL;

	if (!param) {
		return command_extra_word(in->command, word);
	}
	in->n_words++;
	return given_set(&in->given, given_find(in->given.method, param), word);
}

static int take_switch(struct invocation *in, const struct flag *flag, const struct args *args)
{
	if (!strcmp(flag->name, "all")) {
		in->all = true;
	} else {
		in->stale = true;
	}
	return args->value ? cli_usage("--%s takes no value.", flag->name) : 0;
}

static int take_value(
	struct invocation *in, const struct schema_field *field, struct args *args, bool is_output)
{
	const char *value = args_value(args);

	if (!value) {
		return command_needs_value(in->command, args);
	}
	return is_output ? given_output(&in->given, field, value)
			 : given_set(&in->given, field, value);
}

static int take_flag(struct cli *cli, struct invocation *in, struct args *args)
{
	const struct flag *own = command_flag(in->command->flags, args->name);
	const struct schema_field *field = given_find(in->given.method, args->name);
	int r;

	if (own && !own->value) {
		return take_switch(in, own, args);
	}
	if (field) {
		return take_value(in, field, args, false);
	}
	if (own) {
		return take_value(in, given_find(in->given.method, "tool_outputs"), args, true);
	}
	r = command_global(cli, args);
	return r < 0 ? command_unknown_flag(in->command, args) : r;
}

int invocation_parse(struct cli *cli, struct invocation *in, struct args *args)
{
	enum arg_kind kind;
	int r = 0;

	while (!r && (kind = args_next(args)) != ARG_END) {
		if (kind == ARG_WORD) {
			r = take_word(in, args->text);
		} else {
			r = take_flag(cli, in, args);
		}
	}
	return r;
}

/* "RUN" for run_id; a word is missed by the name that the help gives it. */
static int missed(const struct invocation *in, const struct schema_field *field)
{
	char flag[64], title[64];

	for (int i = 0; i < COMMAND_WORDS && in->command->words[i]; i++) {
		if (!strcmp(in->command->words[i], field->name)) {
			return cli_usage("%s is missing: %s; see 'runstore %s --help'.",
				help_word(field->name, flag), field->help,
				command_title(in->command, title));
		}
	}
	return cli_usage("--%s is missing: %s; see 'runstore %s --help'.", given_flag(field, flag),
		field->help, command_title(in->command, title));
}

int invocation_check(const struct invocation *in)
{
	const struct method *method = in->given.method;

	for (size_t i = 0; i < method->params.n_fields; i++) {
		const struct schema_field *field = &method->params.fields[i];

		if (field->flags & SF_REQUIRED && in->given.values[i].form == GIVEN_NOT) {
			return missed(in, field);
		}
	}
	return 0;
}
