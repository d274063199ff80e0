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
	bool enqueued;		/* of a new one: waits for the earlier ones of its thread */
	bool parallel;		/* of a new one: minds no others in its thread */
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

/* The same with another name for the change. */
void runs_replace_as(struct txn *txn, struct run *run, struct slice bytes, const char *event);

/* Add a change of a run that changes nothing of its record, which is @bytes. */
void runs_note(struct txn *txn, const struct run *run, struct slice bytes, const char *event);

/* The steady time at which a run with this expires_at expires, 0 for never. */
int64_t runs_expiry_ms(const struct txn *txn, struct slice expires_at);

/* Remove a loaded run and its steps. */
void runs_remove(struct txn *txn, const struct run *run);

/* created_at of the thread's latest run; false when it has none. */
bool runs_last_created(struct txn *txn, struct slice thread_id, int64_t *out);

/* What a create carried beyond the Run, an encoded map, to be given to who executes it. */
void runs_put_hints(struct txn *txn, struct slice id, struct slice hints);

/* These, borrowed; an empty map where there are none. */
struct slice runs_hints(struct txn *txn, struct slice id);
