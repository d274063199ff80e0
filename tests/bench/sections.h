/* What is measured, a file a section; each adds the same rows every time. */
#pragma once

#include "tests/bench/content.h"
#include "tests/bench/load.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"

struct stage {
	bool quick;	  /* only shows that it works */
	uint64_t n_steps; /* of the large store */
	struct server server;
	struct content content; /* what its store began with */
};

/* Raw commits of 1 to 1024 records, raw seeks. */
void section_floors(const struct stage *stage);

/* Reads by id, and lists of 20, against an echo of the same sizes. */
void section_get(const struct stage *stage);
void section_list(const struct stage *stage);

/* Pages at several depths of one run, against each other. */
void section_page(const struct stage *stage);

/* Durable appends, one a message and 256 a message. */
void section_append(const struct stage *stage);
void section_batch(const struct stage *stage);

/* What the client library adds to a bare socket. */
void section_library(const struct stage *stage);

/* A large store against a small one: start, reads, memory. */
void section_size(const struct stage *stage);

/* From a run that is created to the worker that has it; many workers; a long queue. */
void section_claims(const struct stage *stage);

/* A thousand requests that are parked: what they cost, and how soon they are answered. */
void section_waiters(const struct stage *stage);
