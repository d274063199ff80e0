/*
 * A parent that opens nothing, and starts the serving process again when it dies: libnanomsg ends
 * its process when a peer sends bytes that are no SP messages, and whatever else may happen, what
 * was acknowledged is in the store.
 */
#pragma once

#include "daemon/config.h"

/*
 * Serve in a child until SIGTERM or SIGINT. Returns an exit status: the child's own when that could
 * not start the first time.
 */
int supervise(const struct config *config);
