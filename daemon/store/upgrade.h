/* Stores that were written by an older program. */
#pragma once

#include "daemon/store/store.h"

/* Bring the tables of a store of @version, which is older than STORE_VERSION, to that. */
void upgrade_store(struct txn *txn, uint64_t version);
