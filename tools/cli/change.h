/* Changes of the feed. */
#pragma once

#include "tools/cli/cli.h"

/* Is it a change of the run itself, not of a step or a message, whose statuses look the same? */
bool change_is_of_run(struct slice change);

/* On a line for a person, with its object below it when it has one; or as JSON. 0, or CLI_REFUSED
 * told. */
int change_write(const struct cli *cli, struct slice change);
