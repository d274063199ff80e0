/* What a store keeps, as one text. */
#pragma once

#include "tests/client/store.h"

/* Every list of every kind of object, oldest first, and every thread. For free(). */
char *store_dump(struct store *s);
