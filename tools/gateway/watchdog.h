/*
 * Connections, and how long each may take to say what it wants. libmicrohttpd only knows how long
 * one was silent; who sends a byte now and then would keep it for ever.
 */
#pragma once

#include "tools/gateway/answer.h"

#include <microhttpd.h>
#include <stdint.h>

struct watchdog;
struct connection;

/* Returns 0 or -errno. */
int watchdog_open(struct watchdog **out);
void watchdog_close(struct watchdog *dog);

/* A client has come; NULL without memory. It is in the dog's hands until it has gone. */
struct connection *watchdog_add(struct watchdog *dog, int socket);
void watchdog_remove(struct watchdog *dog, struct connection *c);

/* Where a connection stands. */
enum connection_state {
	CONNECTION_HEAD, /* the first head is to come */
	CONNECTION_BODY, /* a body of @bytes, or of a size unknown, 0 */
	CONNECTION_BUSY, /* with the answer: as long as it takes */
	CONNECTION_IDLE, /* there may be another request */
};

/*
 * Tell the client at once that it is refused, and hear it out: libmicrohttpd would close the
 * connection on what it still sends, and with it what it is told. The connection is good for
 * nothing else then.
 */
void connection_refuse(struct watchdog *dog, struct connection *c, enum refusal refusal);

void connection_enter(
	struct watchdog *dog, struct connection *c, enum connection_state state, uint64_t bytes);
