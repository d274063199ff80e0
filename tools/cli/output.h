/* Where results go: one JSON object a line, or something for a person. */
#pragma once

#include "tools/cli/cli.h"

#include <stdio.h>

/* One compact JSON line on @file. 0, or CLI_REFUSED after a message. */
int output_json(FILE *file, struct slice value);

/* The object: a JSON line, or a view. */
int output_object(const struct cli *cli, struct slice object);
