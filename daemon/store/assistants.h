/* Assistants: the table, and its index. */
#pragma once

#include "daemon/store/store.h"
#include "proto/record.h"

struct assistant {
	struct slice v[N_ASSISTANT_FIELDS]; /* encoded values, in the arena */
	struct key key;			    /* in T_ASSISTANTS */
	struct slice id;
	struct slice
		effort; /* reasoning_effort, which has no place in the object; ptr NULL: none */
};

/* An assistant's stored bytes, borrowed, and its key; false when there is none of that id. */
bool assistants_find(struct txn *txn, struct slice id, struct slice *bytes, struct key *key);

/* The object in a row of the table. */
struct slice assistants_object(struct slice row);

/* Take apart a record, all but the key and the effort. False when it is damaged. */
bool assistants_read(struct slice bytes, struct assistant *out);

/* Find one, copied and taken apart; false when there is none, or the transaction failed. */
bool assistants_load(struct txn *txn, struct slice id, struct assistant *out);

/* Store a new one, which gets its position. @event is "created" or "imported". */
void assistants_insert(
	struct txn *txn, struct assistant *assistant, struct slice bytes, const char *event);

/* Store a loaded one whose fields were changed. */
void assistants_replace(struct txn *txn, struct assistant *assistant, struct slice bytes);

void assistants_remove(struct txn *txn, const struct assistant *assistant);
