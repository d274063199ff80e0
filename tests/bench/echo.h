/*
 * Floor: a process that answers every request with the same bytes, as a user of nanomsg would
 * write it. No code of the project.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct echo {
	char url[128];
	size_t reply_bytes;
	bool raw; /* AF_SP_RAW, as the daemon; else AF_SP */
	pid_t pid;
};

/* The reply begins as that of a request that was carried out. */
void echo_start(struct echo *echo, size_t reply_bytes, bool raw);
void echo_stop(struct echo *echo);
