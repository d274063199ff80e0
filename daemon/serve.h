/* The serving process: opens everything, serves until a signal, closes everything. */
#pragma once

#include "daemon/config.h"

/*
 * Returns an exit status: 0 after SIGTERM or SIGINT, EXIT_FAILURE when it could not start, with
 * the reason on standard error. @on_ready is called once requests are answered; @first: print
 * the ready line then.
 */
int serve(const struct config *config, bool first, void (*on_ready)(void *context), void *context);
