/* The commands that are one method each: words and flags to parameters, and what comes back. */
#include "tools/cli/command.h"
#include "tools/cli/given.h"
#include "tools/cli/output.h"
#include "tools/cli/table.h"

#include <stdio.h>

struct invocation {
	const struct command *command;
	struct given given;
	int n_words;
	bool all;
};

static void invocation_finish(struct invocation *in)
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

static int take_own_flag(struct invocation *in, const struct flag *flag, struct args *args)
{
	const char *value;

	if (!flag->value) {
		in->all = true;
		return args->value ? cli_usage("--%s takes no value.", flag->name) : 0;
	}
	value = args_value(args);
	if (!value) {
		return command_needs_value(in->command, args);
	}
	return given_output(&in->given, given_find(in->given.method, "tool_outputs"), value);
}

static int take_flag(struct cli *cli, struct invocation *in, struct args *args)
{
	const struct flag *own = command_flag(in->command->flags, args->name);
	const struct schema_field *field;
	const char *value;
	int r;

	if (own) {
		return take_own_flag(in, own, args);
	}
	field = given_find(in->given.method, args->name);
	if (field) {
		value = args_value(args);
		return value ? given_set(&in->given, field, value)
			     : command_needs_value(in->command, args);
	}
	r = command_global(cli, args);
	return r < 0 ? command_unknown_flag(in->command, args) : r;
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

/* Everything that must be there. */
static int check_needed(const struct invocation *in)
{
	const struct method *method = in->given.method;

	for (size_t i = 0; i < method->params.n_fields; i++) {
		const struct schema_field *field = &method->params.fields[i];

		if (field->flags & SF_REQUIRED && in->given.values[i].form == GIVEN_NOT) {
			return missed(in, field);
		}
	}
	if (in->all && given_has(&in->given, "before")) {
		return cli_usage("--all pages forward: it goes with --after, not with --before.");
	}
	return 0;
}

static int parse(struct cli *cli, struct invocation *in, struct args *args)
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
	return r ? r : check_needed(in);
}

static int call(struct cli *cli, const struct given *given, struct runstore_reply **reply)
{
	_cleanup_(buf_finish) struct buf params = {0};
	struct runstore_error error;

	given_write(given, &params);
	if (buf_error(&params)) {
		return cli_error("Out of memory.");
	}
	if (runstore_call(cli->rs, given->method->name, params.ptr, params.len, reply, &error)) {
		return cli_refused(&error);
	}
	return 0;
}

static struct slice reply_slice(const struct runstore_reply *reply)
{
	struct runstore_value value = runstore_reply_value(reply);

	return slice_of(value.data, value.size);
}

static int show_object(struct cli *cli, const struct given *given)
{
	struct runstore_reply *reply;
	int r;

	r = call(cli, given, &reply);
	if (!r) {
		r = output_object(cli, reply_slice(reply));
		runstore_reply_free(reply);
	}
	return r;
}

static int write_lines(struct slice data)
{
	struct mp t;
	uint32_t n;
	int r = 0;

	if (!mp_read(&data, &t) || t.type != MP_ARRAY) {
		return cli_error("The daemon's answer is not a list.");
	}
	n = t.n;
	while (!r && n--) {
		r = output_json(stdout, mp_value(&data));
	}
	return r;
}

/* One page. The cursor of the next goes into @given when there is one: *@more. */
static int show_page(struct cli *cli, struct given *given, struct table *table, bool *more)
{
	struct runstore_reply *reply;
	struct slice list, last;
	int r;

	*more = false;
	r = call(cli, given, &reply);
	if (r) {
		return r;
	}
	list = reply_slice(reply);
	if (cli->json) {
		r = write_lines(mp_lookup(list, "data"));
	} else {
		table_write(table, mp_lookup(list, "data"));
	}
	mp_get_bool(mp_lookup(list, "has_more"), more);
	if (*more && mp_get_str(mp_lookup(list, "last_id"), &last)) {
		given_put_string(given, "after", last);
	} else {
		*more = false;
	}
	runstore_reply_free(reply);
	return r;
}

static void tell_more(const struct cli *cli, const struct given *given)
{
	struct slice after = {NULL, 0};

	for (size_t i = 0; i < given->method->params.n_fields; i++) {
		if (!strcmp(given->method->params.fields[i].name, "after")) {
			mp_get_str(buf_slice(&given->values[i].bytes), &after);
		}
	}
	if (!cli->json && after.ptr) {
		fflush(stdout);
		fprintf(stderr, "There is more: --after %.*s for the next page, --all for all.\n",
			(int)after.len, (const char *)after.ptr);
	}
}

static int show_list(struct cli *cli, struct invocation *in)
{
	bool before = given_has(&in->given, "before");
	struct table table;
	bool more;
	int r;

	table_init(&table, cli, in->given.method->name, given_has(&in->given, "thread_id"));
	if (in->all && !given_has(&in->given, "limit")) {
		given_put_integer(&in->given, "limit", 100);
	}
	do {
		r = show_page(cli, &in->given, &table, &more);
	} while (!r && more && in->all);
	if (!r && !cli->json && !table.begun) {
		fprintf(stderr, "There are none.\n");
	}
	if (!r && more && !before) {
		tell_more(cli, &in->given);
	}
	return r;
}

int method_run(struct cli *cli, const struct command *command, struct args *args)
{
	_cleanup_(invocation_finish) struct invocation in = {
		.command = command, .given.method = command_method(command)};
	int r;

	r = parse(cli, &in, args);
	if (!r) {
		r = cli_connect(cli);
	}
	if (r) {
		return r;
	}
	return command->show == SHOW_LIST ? show_list(cli, &in) : show_object(cli, &in.given);
}
