/* Two daemons: one to export from, one to import to. */
#pragma once

#include "tests/client/store.h"

struct pair {
	struct store *from;
	struct store *to;
	char path[64]; /* of a file that may be written */
};

int pair_start(void **state);
int pair_stop(void **state);

/* The command line talks to this one from now on. */
void pair_use(const struct store *s);
