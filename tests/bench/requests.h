/* Requests, encoded beforehand so that a client costs what a socket costs and no more. */
#pragma once

#include "tests/bench/content.h"

struct frame {
	uint8_t *bytes;
	size_t len;
	size_t key_at; /* where its idempotency key is; 0 when it has none */
};

struct frames {
	struct frame *list;
	size_t n;
	size_t largest; /* bytes */
};

#define REQUEST_KEY_BYTES 26

/* Write a fresh key, greater than those of earlier milliseconds, as a ULID would be. */
void request_key(uint8_t *at, unsigned int client);

void frames_free(struct frames *frames);

/* @n reads of runs or of steps at random. */
struct frames request_run_gets(const struct content *c, size_t n);
struct frames request_step_gets(const struct content *c, size_t n);

/* @n first pages of @limit steps, of runs at random. */
struct frames request_step_lists(const struct content *c, size_t n, unsigned int limit);

/* The page of 100 that begins behind @depth steps of run 0; or that of @n runs at random. */
struct frames request_page_at(const struct content *c, uint32_t depth);
struct frames request_pages(const struct content *c, size_t n);

/* A step for each of the open runs. */
struct frames request_step_creates(const struct content *c, bool keyed);

/* @n batches, each of @size steps that go round the open runs. */
struct frames request_batches(const struct content *c, size_t n, unsigned int size);

/* @n runs of one thread, and a claim without a wait. */
struct frames request_run_creates(const char *assistant_id, size_t n);
struct frames request_claims(const char *assistant_id);

/* One request without parameters. */
struct frames request_bare(const char *method);
