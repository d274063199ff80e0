/* The objects of a file: NDJSON, a list as the API answers it, or an array, one after the other. */
#pragma once

#include "proto/mp.h"

#include <stdio.h>

struct source {
	const char *name;
	FILE *file;
	char *line;
	size_t line_size;
	uint64_t n_lines;
	uint64_t n_bytes;  /* read so far */
	uint64_t size;	   /* bytes of a regular file, 0 for anything else */
	struct buf value;  /* the line, or the whole file, at hand */
	struct slice rest; /* objects of @value that were not given yet */
	uint32_t n_rest;
	bool whole; /* the file is one JSON text, lines say nothing */
	uint64_t n_given;
};

/* "-" is standard input. 0, or CLI_USAGE after a message. */
int source_open(struct source *s, const char *name);
void source_close(struct source *s);

/*
 * The next object, borrowed until the following call; ptr NULL at the end. 0, or CLI_REFUSED after
 * a message that names the line.
 */
int source_next(struct source *s, struct slice *object);

/* Where the object that was given last stands: "file:17", or "file, object 17". */
struct source_place {
	uint64_t number;
	bool is_line;
};

struct source_place source_place(const struct source *s);
void source_print(const struct source *s, struct source_place place, char *out, size_t size);
