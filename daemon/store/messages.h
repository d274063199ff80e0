/* Messages: the table, its indexes, and those that are in progress. */
#pragma once

#include "daemon/store/store.h"
#include "proto/record.h"
#include "proto/status.h"

struct message {
	struct slice v[N_MESSAGE_FIELDS]; /* encoded values, in the arena */
	struct key key;			  /* in T_MESSAGES */
	struct slice id;
	struct slice thread_id;
	struct slice run_id;	    /* of the run that made it; ptr NULL: none did */
	enum message_status status; /* as stored, until messages_replace() */
};

/* What the keys of all messages of a thread, or of those that a run made, begin with. */
struct key messages_prefix(struct slice thread_or_run_id);

/* A message's stored bytes, borrowed, and its key; false when there is none of that id. */
bool messages_find(struct txn *txn, struct slice id, struct slice *bytes, struct key *key);

/* Take apart a record, all but the key: @out points into @bytes. False when it is damaged. */
bool messages_read(struct slice bytes, struct message *out);

/* Copy and take apart what messages_find() found; a damaged record fails the transaction. */
bool messages_load_at(
	struct txn *txn, const struct key *key, struct slice bytes, struct message *out);

/*
 * Store a new message whose fields are all set: gives it its position, makes its thread if need be.
 * @event is "created" or "imported".
 */
void messages_insert(
	struct txn *txn, struct message *message, struct slice bytes, const char *event);

/* Store a loaded message whose fields were changed; as steps_replace(). */
void messages_replace(
	struct txn *txn, struct message *message, struct slice bytes, const char *same);

/* Remove a loaded message. */
void messages_remove(struct txn *txn, const struct message *message);

/* Remove the messages of a thread without a change for each. */
void messages_remove_all(struct txn *txn, struct slice thread_id);

/* Load the oldest message in progress that the run made; false when there is none. */
bool messages_first_open(struct txn *txn, struct slice run_id, struct message *out);
