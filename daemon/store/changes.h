/*
 * The feed of changes: every transition of runs, steps and messages, every create, delete and
 * change of metadata, those of threads and assistants too, numbered in the order in which they were
 * committed. What goes with its thread or run has no change of its own but a run.
 *
 * A row is the change as it is published, and behind it the object as the change left it, or nil
 * when that is too large. The row of the creation of a run, a step or a message has no object: as
 * long as that was not changed it is found under its id, and who changes it puts it there first. So
 * what is written once and never again, which is most, is stored once.
 *
 * Older changes than the store's options say are removed as new ones come, and once a minute; in a
 * full store each delete takes some of the oldest with it.
 */
#pragma once

#include "daemon/store/store.h"

enum change_kind { CHANGE_RUN, CHANGE_STEP, CHANGE_MESSAGE, CHANGE_THREAD, CHANGE_ASSISTANT };

struct change {
	enum change_kind kind;
	uint64_t seq;	   /* from changes_next_seq() */
	const char *event; /* after its prefix: "created", "completed", ... */
	struct slice thread_id;
	struct slice run_id;	/* of a message, ptr NULL: no run made it */
	struct slice object_id; /* of the step, message or assistant */
	const char *from;	/* status, or NULL */
	const char *to;
	struct slice object; /* as the change left it; ptr NULL: it was created, or is gone */
};

/* Bytes of an object that is kept with a change. */
#define CHANGES_MAX_OBJECT (64u << 10)

/* The number of the change to come, which is also the object's where it creates one. */
uint64_t changes_next_seq(struct txn *txn);

/*
 * Store a change and append it to txn->events: a topic "thread/run" and a frame, each with its
 * length before it (8 bytes).
 */
void changes_add(struct txn *txn, const struct change *change);

/*
 * The object that was created with the number @seq, and is @bytes still, is about to change, or to
 * be removed: keep it with its creation. What is removed is not kept when space is scarce.
 */
void changes_keep_created(struct txn *txn, uint64_t seq, struct slice bytes);
void changes_keep_removed(struct txn *txn, uint64_t seq, struct slice bytes);

/* A row taken apart, borrowed. */
struct change_row {
	uint64_t seq;
	struct slice change; /* an encoded map */
	struct slice object; /* encoded, or nil; ptr NULL: it is found under its id */
};

/*
 * A walk over the feed from the change with the number @seq, or the next one that there is. The
 * cursor, of T_CHANGES, is the caller's to open and close. False behind the last.
 */
bool changes_seek(struct kv_cursor *c, uint64_t seq, struct change_row *out);
bool changes_next(struct kv_cursor *c, struct change_row *out);

/* The numbers of the first and the last change that are kept; both 0 when there is none. */
struct change_bounds {
	uint64_t first;
	uint64_t last;
};

struct change_bounds changes_bounds(struct txn *txn);

/* Which changes: those of a thread, of a run; ptr NULL: of any. */
struct change_filter {
	struct slice thread_id;
	struct slice run_id;
};

bool changes_match(const struct change_filter *filter, struct slice change);

/* Is it a change of a run itself, not of its steps or messages? */
bool changes_of_run(struct slice change);

/* The object of a row, NULL ptr where there is none; found under its id if need be. */
struct slice changes_object(struct txn *txn, const struct change_row *row);

/* Take the next topic and frame from the events of a committed transaction. */
bool changes_take_event(struct slice *events, struct slice *topic, struct slice *frame);

/* Remove some of what is too old or too much, never the last; called once a transaction. */
void changes_trim(struct txn *txn);

/* Remove all but the last. */
void changes_discard(struct txn *txn);
