/* One object on a terminal: a name and a value a line, what is nested indented below. */
#pragma once

#include "tools/cli/cli.h"

void view_write(const struct cli *cli, struct slice object);
