/* Lists: one page, or all of them. */
#pragma once

#include "tools/cli/invocation.h"

/* Flags that go together: 0, or CLI_USAGE after a message. */
int list_check(const struct invocation *in);

/* Ask for what the invocation says and write it. 0, or an exit code after a message. */
int list_show(struct cli *cli, struct invocation *in);
