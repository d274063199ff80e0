/* Where results go: one JSON object a line, or something for a person. */
#pragma once

#include "tools/cli/cli.h"

#include <stdio.h>

/* One compact JSON line on @file. 0, or CLI_REFUSED after a message. */
int output_json(FILE *file, struct slice value);

/* The object: a JSON line, or a view. */
int output_object(const struct cli *cli, struct slice object);

/* A file that gets its name when all of it is there; or standard output. */
struct output {
	const char *path; /* NULL for standard output */
	char *part;	  /* what is written until then, or NULL: straight to @path */
	FILE *file;
};

/* With the path set: open it. 0, or CLI_USAGE after a message. Finish it in any case. */
int output_open(struct output *out);

/* One compact JSON line; a file that takes no more is told. 0, or CLI_REFUSED. */
int output_line(const struct output *out, struct slice value);

/* All of it is on the disk and under its name: 0, or CLI_REFUSED after a message. */
int output_keep(struct output *out);

/* What was not kept goes. */
void output_finish(struct output *out);
