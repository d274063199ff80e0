/* Where the daemon is. */
#pragma once

#include "client/runstore.h"

/*
 * Check @url, or make the default one when it is NULL, into @out, for free().
 * RUNSTORE_E_INVALID_PARAMS, RUNSTORE_E_INTERNAL without memory.
 */
int url_resolve(const char *url, char **out, struct runstore_error *error);

/*
 * Why nobody answers at @url, in words, when that can be told: "No such file or directory". Empty
 * when somebody listens there, or for a URL that is no ipc:// one.
 */
const char *url_trouble(const char *url);
