/* What the command line says. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config {
	char data[PATH_MAX];
	char listen[PATH_MAX + 32];
	char events[PATH_MAX + 32];
	size_t map_size_bytes;
	int64_t sync_interval_ms; /* 0: every commit is synced */
	int64_t run_ttl;	  /* seconds, 0 for never */
	bool strict_assistants;	  /* refuse runs of unknown assistants */
	int64_t changes_max;	  /* that the feed keeps; 0: the store's default, as for the next */
	int64_t changes_age;	  /* seconds for which it keeps them */
	int log_level;
	bool supervise;
};

/*
 * Read the arguments. Returns 0 to go on, 1 to end with success (help or version was shown on
 * standard output), or -1 to end with a failure that was told on standard error.
 */
int config_parse(struct config *config, int argc, char **argv);
