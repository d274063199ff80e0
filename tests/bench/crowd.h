/*
 * Many clients that wait, a run each: in several processes, as nanomsg has only 512 sockets in one.
 * The first run is the number @first, as content_run_id() names it.
 */
#pragma once

#include "tests/bench/aide.h"
#include "tests/bench/server.h"

#include <stdint.h>

#define CROWD_PROCESSES 4

struct crowd_member;

struct crowd {
	const struct server *server;
	uint32_t first;
	uint32_t n;		  /* a multiple of CROWD_PROCESSES, up to 400 for each */
	const char *assistant_id; /* wait in runs.claim for its runs; NULL: in runs.wait */
	struct aide aides[CROWD_PROCESSES];
	struct crowd_member *members;
};

/* Connect all, each with a read of its run. */
void crowd_start(struct crowd *crowd);

/* Send what all wait in; returns when all are parked. */
void crowd_wait(struct crowd *crowd);

/*
 * Let those in runs.wait take their replies; then wait until all have the one that is right: when
 * that was.
 */
void crowd_listen(struct crowd *crowd);
uint64_t crowd_answered_ns(struct crowd *crowd);

void crowd_stop(struct crowd *crowd);
