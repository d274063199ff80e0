#include "tools/cli/args.h"

#include <stdio.h>
#include <string.h>

enum arg_kind args_next(struct args *a)
{
	const char *word, *mark;

	if (a->at >= a->argc) {
		return ARG_END;
	}
	word = a->text = a->argv[a->at++];
	if (a->words_only || word[0] != '-' || !word[1]) {
		return ARG_WORD;
	}
	if (!strcmp(word, "--")) {
		a->words_only = true;
		return args_next(a);
	}
	word += word[1] == '-' ? 2 : 1;
	mark = strchr(word, '=');
	a->value = mark ? mark + 1 : NULL;
	snprintf(a->name, sizeof(a->name), "%.*s", mark ? (int)(mark - word) : (int)strlen(word),
		word);
	return ARG_FLAG;
}

const char *args_value(struct args *a)
{
	if (a->value) {
		return a->value;
	}
	return a->at < a->argc ? a->argv[a->at++] : NULL;
}
