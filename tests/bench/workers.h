/* Workers that claim runs and complete them under their leases. */
#pragma once

#include "tests/bench/rounds.h"

#include <stdint.h>

#define WORKERS_MAX 64

/* Whose runs they claim. */
#define WORKERS_ASSISTANT "asst_worked_for"

/* Many at once, each with a thread and a connection, on a queue that is filled before. */
struct workers {
	const char *url;
	unsigned int n;
	uint32_t queue; /* runs that are queued when they begin */
	uint32_t *left; /* of them when they ended; 0 before the first time */
};

/* A phase's measure, @what is a struct workers: the rate of runs done, the times of a claim. */
void workers_measure(const void *what, double seconds, struct result *out);

/* The same for one worker that claims a run as soon as it is queued; @what is the URL. */
void workers_measure_one(const void *what, double seconds, struct result *out);

/* Runs to be queued: enqueued in one thread, or where nothing is before them. */
struct workers_queue {
	const char *url;
	const char *thread_id; /* NULL: a thread for each */
	const char *assistant_id;
	uint32_t n;
};

void workers_fill(const struct workers_queue *queue);
