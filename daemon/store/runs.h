/* Runs: the table, its indexes, and what follows from a change of one. */
#pragma once

#include "daemon/store/store.h"
#include "proto/record.h"
#include "proto/status.h"

#define CANCEL_GRACE_MS 60000

/* A run to be read or changed: set fields of @v, then store it. */
struct run {
	struct slice v[N_RUN_FIELDS]; /* encoded values, in the arena */
	struct key key;		      /* in T_RUNS; its position is the run's */
	struct slice id;	      /* the text of v[RUN_id], and so on */
	struct slice thread_id;
	enum run_status status; /* as stored, until runs_replace() */
};

/* A run's stored bytes, borrowed, and its key; false when there is none of that id. */
bool runs_find(struct txn *txn, struct slice id, struct slice *bytes, struct key *key);

/* Take apart a record, all but the key: @out points into @bytes. False when it is damaged. */
bool runs_read(struct slice bytes, struct run *out);

/* Copy and take apart what runs_find() found; a damaged record fails the transaction. */
bool runs_load_at(struct txn *txn, const struct key *key, struct slice bytes, struct run *out);

/* The same for the fields up to the status, which is all that a new step needs to know. */
#define RUN_HEAD_FIELDS (RUN_status + 1)
bool runs_load_head(struct txn *txn, const struct key *key, struct slice bytes, struct run *out);

/* Find, then load. */
bool runs_load(struct txn *txn, struct slice id, struct run *out);

/*
 * Store a new run whose fields are all set: gives it its position, and puts it in all indexes.
 * @bytes is the record of run->v. @event is "created" or "imported".
 */
void runs_insert(struct txn *txn, struct run *run, struct slice bytes, const char *event);

/*
 * Store a loaded run whose fields were changed, and put the indexes right. The change is called
 * by the new status, or "updated" where that is the same.
 */
void runs_replace(struct txn *txn, struct run *run, struct slice bytes);

/* Remove a loaded run and its steps. */
void runs_remove(struct txn *txn, const struct run *run);

/* created_at of the thread's latest run; false when it has none. */
bool runs_last_created(struct txn *txn, struct slice thread_id, int64_t *out);

/* What a create carried beyond the Run, an encoded map, to be given to who executes it. */
void runs_put_hints(struct txn *txn, struct slice id, struct slice hints);
