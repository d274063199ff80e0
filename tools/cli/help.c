#include "tools/cli/command.h"
#include "tools/cli/given.h"

#include <stdio.h>

#define COLUMN 30

/* What is written in @width columns goes on in the column for help. */
static void to_column(int width)
{
	if (width < COLUMN) {
		printf("%*s", COLUMN - width, "");
	} else {
		printf("\n%*s", COLUMN, "");
	}
}

static const char *help_of(const struct command *command)
{
	const struct method *method = command_method(command);

	return command->help || !method ? command->help : method->help;
}

const char *help_word(const char *param, char out[static 64])
{
	const char *end = strstr(param, "_id");
	size_t len = end ? (size_t)(end - param) : strlen(param);

	for (size_t i = 0; i < len; i++) {
		out[i] = (char)(param[i] >= 'a' && param[i] <= 'z' ? param[i] - 'a' + 'A'
								   : param[i]);
	}
	out[len] = '\0';
	return out;
}

/* " RUN STEP"; returns its columns. */
static int print_words(const struct command *command)
{
	char word[64];
	int width = 0;

	for (int i = 0; i < COMMAND_WORDS && command->words[i]; i++) {
		width += printf(" %s", help_word(command->words[i], word));
	}
	return width;
}

static void print_row(const struct command *command)
{
	char title[64];
	int width;

	width = printf("  %s", command_title(command, title));
	width += print_words(command);
	to_column(width);
	printf("%s\n", help_of(command));
}

static void print_flag(const char *name, const char *letter, const char *value, const char *help)
{
	int width;

	width = printf("  %s%s%s--%s%s%s", letter ? "-" : "", letter ? letter : "",
		letter ? ", " : "", name, value ? " " : "", value ? value : "");
	to_column(width);
	printf("%s\n", help);
}

static void print_flags(const struct flag *flags)
{
	for (; flags && flags->name; flags++) {
		print_flag(flags->name, flags->letter, flags->value, flags->help);
	}
}

/* "queued|in_progress|...": what an enum may be, where a line holds it. */
static bool print_names(const struct schema *type, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; type->names && type->names[i]; i++) {
		len += (size_t)snprintf(
			out + len, size - len, "%s%s", i ? "|" : "", type->names[i]);
		if (len >= size) {
			return false;
		}
	}
	return len > 0;
}

static const char *value_word(const struct schema *type, char *names, size_t size)
{
	switch (type->kind) {
	case SK_ID:
		return "ID";
	case SK_INT:
		return "N";
	case SK_NUMBER:
		return "NUMBER";
	case SK_BOOL:
		return "true|false";
	case SK_METADATA:
		return "KEY=VALUE";
	case SK_STRING:
	case SK_TOKEN:
		return "TEXT";
	case SK_ENUM:
		return print_names(type, names, size) ? names : "NAME";
	case SK_ENUM_SET:
		return "NAME,...";
	case SK_EITHER:
		return "NAME|JSON";
	case SK_SHORT:
		return "TEXT|JSON";
	case SK_ARRAY:
		return type->item->kind == SK_ENUM ? "content"
		       : type->item->kind == SK_ID ? "ID,..."
						   : "JSON";
	default:
		return "JSON";
	}
}

static void print_param(const struct schema_field *field)
{
	char flag[64], names[40], help[256], all[160];
	const struct schema *type = field->type;
	const char *value = value_word(type, names, sizeof(names));
	bool listed = value == names;

	snprintf(help, sizeof(help), "%s%s", field->help,
		field->flags & SF_REQUIRED   ? " (needed)"
		: field->flags & SF_NULL_SET ? "; null: its default"
					     : "");
	print_flag(given_flag(field, flag), NULL, value, help);
	if (!listed && print_names(type, all, sizeof(all))) {
		printf("%*s%s\n", COLUMN, "", all);
	}
}

static bool is_word(const struct command *command, const char *name)
{
	for (int i = 0; i < COMMAND_WORDS && command->words[i]; i++) {
		if (!strcmp(command->words[i], name)) {
			return true;
		}
	}
	return false;
}

void help_command(const struct command *command)
{
	const struct method *method = command_method(command);
	char title[64], flag[64];

	printf("usage: runstore %s", command_title(command, title));
	print_words(command);
	printf(" [flags]\n\n%s\n\n", help_of(command) ? help_of(command) : "");
	for (size_t i = 0; method && i < method->params.n_fields; i++) {
		const struct schema_field *field = &method->params.fields[i];

		if (!is_word(command, field->name) &&
			!command_flag(command->flags, given_flag(field, flag))) {
			print_param(field);
		}
	}
	print_flags(command->flags);
	print_flags(global_flags);
	if (method && method->params.n_fields > 1) {
		printf("\nJSON may also be @FILE. --thread is short for --thread-id, and so on.\n");
	}
}

void help_group(const char *group)
{
	printf("usage: runstore %s COMMAND [flags]\n\n", group);
	for (size_t i = 0; i < n_commands; i++) {
		if (commands[i].group && !strcmp(commands[i].group, group)) {
			print_row(&commands[i]);
		}
	}
	printf("\n'runstore %s COMMAND --help' lists the flags of each.\n", group);
}

void help_all(void)
{
	printf("usage: runstore COMMAND [flags]\n\n"
	       "Talk to a runstore daemon, which keeps assistants, threads, messages, runs and "
	       "run steps.\n\n");
	for (size_t i = 0; i < n_commands; i++) {
		if (help_of(&commands[i])) {
			print_row(&commands[i]);
		}
	}
	printf("\nflags of every command:\n");
	print_flags(global_flags);
	printf("\n'runstore COMMAND --help' lists the flags of each. Exit status: 0 done, 1 "
	       "refused, "
	       "2 wrong\nusage, 3 no daemon, 4 nothing there or not in time.\n");
}
