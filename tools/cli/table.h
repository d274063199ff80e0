/* Lists on a terminal: aligned columns that grow with what comes. */
#pragma once

#include "tools/cli/cli.h"

#define TABLE_COLUMNS 8

struct column;

struct table {
	const struct cli *cli;
	const struct column *columns;
	int n;
	int widths[TABLE_COLUMNS];
	bool begun; /* the header is written */
};

/* A table for what the method @what lists; in one thread its column would say nothing. */
void table_init(struct table *t, const struct cli *cli, const char *what, bool in_one_thread);

/* Write the objects of the encoded array @data. */
void table_write(struct table *t, struct slice data);
