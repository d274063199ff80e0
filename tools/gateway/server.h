/* The HTTP server: requests in, by way of the guards and the routes, answers out. */
#pragma once

#include "tools/gateway/gateway.h"

#include <stdbool.h>

struct server;

/* Threads that serve connections, each its own. */
#define SERVER_THREADS 32

/*
 * Listen and serve. @gw must be whole but for nothing. @where, of @size bytes, gets the URL.
 * Returns 0 or -errno, with the reason told on standard error.
 */
int server_open(struct server **out, const struct gateway *gw, char *where, size_t size);

/* Refuse what comes from now on. */
void server_quiet(struct server *server);

/*
 * Wait until all requests are answered, at most @ms, and close. False when some are not: a daemon
 * hangs that was asked; the server cannot be closed then, and all that is left is to exit.
 */
bool server_close(struct server *server, int ms);
