/* Changes of a ledger as the messages that ask for them. */
#ifndef TEST_MESSAGE_H
#define TEST_MESSAGE_H

#include "ledger.h"

#include <jansson.h>

/* The method and, for the caller to free, the params. @told has the ids of what is there. */
const char *message_method(const struct asked *asked);
json_t *message_params(unsigned int writer, struct ledger_runs *told, const struct asked *asked);

#endif
