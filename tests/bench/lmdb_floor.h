/* Floors: what LMDB does with its default flags, in a process of its own. No code of the project.
 */
#pragma once

#include "tests/bench/rounds.h"

/*
 * Commits of @n_records each, in the three tables that any design of this contract fills: the
 * record (500 bytes, under thread, run and number, 64 runs in turn), its id, the change (200
 * bytes). The environment stays from round to round.
 */
struct lmdb_commits {
	const char *dir; /* made when it is not there */
	unsigned int n_records;
};

/* A phase's measure; the rate is of records, the times are of commits. */
void lmdb_measure_commits(const void *what, double seconds, struct result *out);

/* Seeks at random to the records of such an environment; @what is a struct lmdb_commits. */
void lmdb_measure_seeks(const void *what, double seconds, struct result *out);
