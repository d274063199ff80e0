/* The words of a command line, one after the other. */
#pragma once

#include <stdbool.h>

enum arg_kind { ARG_END, ARG_WORD, ARG_FLAG };

struct args {
	int argc;
	char **argv;
	int at;
	bool words_only;   /* "--" was seen */
	char name[64];	   /* of the flag at hand, without dashes */
	const char *text;  /* the word at hand, as it was typed */
	const char *value; /* what follows the '=' of the flag at hand, or NULL */
};

/* Step to the next word. `-` alone is a word, `-o` a flag like `--o`. */
enum arg_kind args_next(struct args *a);

/* The value of the flag at hand: behind its '=', or the next word. NULL when there is none. */
const char *args_value(struct args *a);
