/*
 * The store: its tables, its version, and transactions over all of them.
 *
 * Every function of store/ that takes a transaction reports failures of the engine through the
 * transaction's sticky error (kv.h): the caller asks once, at the end.
 */
#pragma once

#include "daemon/store/clock.h"
#include "daemon/store/keys.h"
#include "daemon/store/kv.h"
#include "proto/arena.h"
#include "proto/buf.h"
#include "proto/ulid.h"

#include <stdatomic.h>

enum table {
	T_META,		   /* name -> number */
	T_RUNS,		   /* thread 00 position -> Run */
	T_RUN_IDS,	   /* run id -> key in T_RUNS */
	T_RUNS_BY_TIME,	   /* position -> key in T_RUNS */
	T_RUNS_BY_STATUS,  /* status position -> key in T_RUNS */
	T_RUNS_ACTIVE,	   /* key in T_RUNS -> active.h, of the runs that are not terminal */
	T_RUN_HINTS,	   /* run id -> what a create carried beyond the Run */
	T_READY,	   /* assistant 00 position -> key in T_RUNS (ready.h) */
	T_STEPS,	   /* thread 00 run 00 position -> RunStep */
	T_STEP_IDS,	   /* step id -> key in T_STEPS */
	T_THREADS,	   /* thread id -> struct thread, packed */
	T_THREADS_BY_TIME, /* position -> thread id */
	T_MESSAGES,	   /* thread 00 position -> Message */
	T_MESSAGE_IDS,	   /* message id -> key in T_MESSAGES */
	T_MESSAGES_BY_RUN, /* run 00 position -> key in T_MESSAGES, of those that a run made */
	T_MESSAGES_OPEN,   /* the same, of those in progress */
	T_ASSISTANTS,	   /* position -> Assistant, and its hints (assistants.h) */
	T_ASSISTANT_IDS,   /* assistant id -> key in T_ASSISTANTS */
	T_DEADLINES,	   /* ms kind run id -> nothing */
	T_CHANGES,	   /* seq -> the change, as it is published, and the object (changes.h) */
	T_IDEMPOTENCY,	   /* idempotency key -> what its request did */
	N_TABLES,
};

#define STORE_VERSION 3

struct store;

struct store_options {
	const char *dir;
	size_t map_size_bytes;
	enum kv_sync sync;
	uint64_t changes_max;	/* that the feed keeps; 0: CHANGES_MAX */
	int64_t changes_age_ms; /* and for how long; 0: CHANGES_AGE_MS */
};

/*
 * Open the store in a directory, making it when there is none. Returns 0 or -errno; -EPROTO when
 * it is of another version. @why then has the reason for a person.
 */
int store_open(struct store **out, const struct store_options *options, char why[static 256]);
void store_close(struct store *store);

struct kv *store_kv(struct store *store);

/* How many changes the feed keeps, and for how long. */
#define CHANGES_MAX 1000000
#define CHANGES_AGE_MS (7LL * 24 * 3600 * 1000)

const struct store_options *store_options(const struct store *store);

/* The steady time (clock.h). Any thread. */
int64_t store_steady_ms(const struct store *store);

/* The number of the last change that was committed. Any thread. */
uint64_t store_last_seq(struct store *store);

/* The assistants and threads of runs that came to be claimed; more than these: any. */
#define READIED_MAX 8

struct readied {
	bool any;
	unsigned int n;
	struct key assistants[READIED_MAX];
	struct key threads[READIED_MAX];
};

/* A transaction over all tables, and what the one who serves a request in it needs. */
struct txn {
	struct store *store;
	struct kv_txn *kv;
	struct arena *arena;	/* of the request: what it allocates ends with it */
	int64_t now_ms;		/* Unix milliseconds, the same for all of a request */
	int64_t steady_ms;	/* for deadlines */
	struct slice by;	/* who changes: client, daemon, or the name of a worker */
	uint64_t seq;		/* the last number given to an object or a change */
	struct buf *events;	/* what is to be published once this is committed (changes.h) */
	bool full;		/* there is only room for what makes room */
	bool scarce;		/* that keeps nothing of what it removes (changes.h) */
	unsigned int n_keys;	/* idempotency records added */
	struct readied readied; /* runs that came to be claimed since these were served (ready.h) */
	bool readied_some;	/* since the transaction began */
	struct steady clock;	/* what a commit is to remember */
	const atomic_bool
		*stopping; /* when it becomes true, reads that take long give up; or NULL */
};

/* @kv must have been begun. */
void txn_init_read(struct txn *txn, struct store *store, struct kv_txn *kv, int64_t now_ms);

/* Returns 0 or a kv error. The one writer's alone, as are the next four. */
int txn_begin_write(struct txn *txn, struct store *store, struct buf *events);
int txn_commit(struct txn *txn);
void txn_abort(struct txn *txn);

/*
 * A transaction inside @txn: until txn_nest_end(), what is done with @txn is done in it. @keep
 * says whether it stays. Returns 0 or a kv error: the whole transaction must then be given up.
 */
struct txn_nest {
	struct kv_txn *parent;
	uint64_t seq;
	size_t events;
};

int txn_nest_begin(struct txn *txn, struct txn_nest *nest);
int txn_nest_end(struct txn *txn, struct txn_nest *nest, bool keep);

/*
 * An id with @prefix ("run_") and a fresh ULID that is no key of @table yet, in the arena; ptr
 * NULL when that failed. (A caller may have chosen an id that looks like one to be issued.)
 */
struct slice txn_issue_id(struct txn *txn, enum table table, const char *prefix);

/* The same for what is no key: nobody but this program makes those. */
struct slice txn_issue_token(struct txn *txn, const char *prefix);
