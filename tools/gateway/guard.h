/* Who may ask: by the name that is asked for, by the token, by the origin of a page. */
#pragma once

#include "tools/gateway/options.h"

/*
 * May the server be called by the name in a Host header, "name", "name:port" or "[ip]:port"? A page
 * that lets its own name resolve to this machine (DNS rebinding) is found out by that name.
 */
bool guard_host(const struct options *options, const char *host);

/*
 * Is @authorization, which may be NULL, what --token-file asks for? True for any without one. How
 * long it takes tells nothing of the token but its length.
 */
bool guard_token(const struct options *options, const char *authorization);

/*
 * May something be changed by whom @origin is told of, for a server that was called @host? Programs
 * tell of none. Browsers do, of each page that posts a form to wherever it likes, without asking;
 * CORS would only keep the answer from it.
 */
bool guard_change(const struct options *options, const char *origin, const char *host);

/* May pages of @origin, which may be NULL, use it? */
bool guard_origin(const struct options *options, const char *origin);
