/* Clients in a process of their own, a thread each, that ask one request after the other. */
#pragma once

#include "tests/bench/requests.h"
#include "tests/bench/rounds.h"

struct load {
	const char *url;
	unsigned int n_clients;
	const struct frames *frames; /* the clients share them out and go round */
	unsigned int each;	     /* what one request counts for; 0: 1 */
};

/* A phase's measure; @what is a struct load. */
void load_measure(const void *what, double seconds, struct result *out);

/* The bytes of the reply to the first frame. */
size_t load_reply_bytes(const char *url, const struct frames *frames);
