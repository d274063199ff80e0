/* One change of the feed on a line. */
#pragma once

#include "tools/cli/cli.h"

/* For a person, with its object below it when it has one; or as JSON. 0, or CLI_REFUSED told. */
int change_write(const struct cli *cli, struct slice change);
