/*
 * One client waits for what another one does: how long from just before that is sent to the
 * answer of the one who waits. Both are processes of their own, with a connection each.
 */
#pragma once

#include "proto/buf.h"
#include "tests/bench/rounds.h"

/* Ways to wait and to act; what is done is numbered. Either may ask more on its socket @s. */
struct handoff_kind {
	void (*prepare)(int s, uint64_t number); /* before that; or NULL */
	void (*put_wait)(struct buf *out, uint64_t number);
	void (*put_act)(struct buf *out, uint64_t number);
	void (*take)(int s, uint64_t number, struct slice result); /* who waits has its answer */
	void (*undo)(int s, uint64_t number);			   /* nobody waited; or NULL */
};

struct handoff {
	const char *url;
	const struct handoff_kind *kind;
	bool alone;	      /* nobody waits: the round trip of what is done then */
	struct result *since; /* from the reply to who acts to that of who waits; may be negative */
	struct result *trip;  /* of who acts, while somebody waits */
};

/* A phase's measure; @what is a struct handoff. */
void handoff_measure(const void *what, double seconds, struct result *out);

/* The measure of a phase that comes behind: gives the struct result that @what is. */
void handoff_also(const void *what, double seconds, struct result *out);
