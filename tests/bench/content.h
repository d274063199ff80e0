/*
 * What the benchmark puts into a store: runs that have ended, with as many steps each, and open
 * runs without any. The steps come in the order in which 64 runs at a time would write them; ids
 * are numbers that grow with time, as those that are issued.
 */
#pragma once

#include "proto/buf.h"

#define CONTENT_LIVE 64
#define CONTENT_ID_MAX 40

struct content {
	uint32_t n_runs; /* 1, or a multiple of CONTENT_LIVE */
	uint32_t steps_per_run;
	uint32_t n_open; /* runs in progress, numbered from n_runs on */
};

uint64_t content_steps(const struct content *c);

void content_run_id(uint32_t run, char id[static CONTENT_ID_MAX]);

/* The id of the step @at of run @run. */
void content_step_id(
	const struct content *c, uint32_t run, uint32_t at, char id[static CONTENT_ID_MAX]);

/* Append the encoded run, or the step that is the @number-th to be written. */
void content_put_run(const struct content *c, uint32_t run, struct buf *out);
void content_put_step(const struct content *c, uint64_t number, struct buf *out);

/* Import all of it; returns the steps stored a second. */
double content_import(const struct content *c, const char *url);
