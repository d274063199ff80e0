/* A line on standard error that tells how far an import or export is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *label;
	uint64_t total; /* of the units in @done, 0 when it is not known */
	uint64_t done;
	uint64_t objects;
	int64_t start_ms;
	int64_t shown_ms;
	bool on; /* standard error is a terminal */
};

void progress_begin(struct progress *p, const char *label, uint64_t total);

/* Shown ten times a second at most. */
void progress_update(struct progress *p, uint64_t done, uint64_t objects);

/* Take the line away. */
void progress_end(struct progress *p);
