/*
 * What one writer has been told is stored, and what it has asked for and not been told of yet.
 * Lies in memory that the writer shares with the test, so that the test can look at any moment.
 */
#ifndef TEST_LEDGER_H
#define TEST_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LEDGER_RUNS = 40, LEDGER_STEPS = 12, LEDGER_CHANGES = 24, LEDGER_ID = 40 };

enum status { QUEUED, IN_PROGRESS, COMPLETED, FAILED, CANCELLED, N_LEDGER_STATUSES };

extern const char *const ledger_statuses[N_LEDGER_STATUSES];

/* A serial number is given to each object by its writer, in the order of creation; 0 is none. */
struct ledger_step {
	uint32_t serial;
	enum status status;
	char id[LEDGER_ID];
};

struct ledger_run {
	uint32_t serial;
	enum status status;
	char id[LEDGER_ID];
	struct ledger_step steps[LEDGER_STEPS]; /* the first n_steps, in their order */
	size_t n_steps;
};

struct ledger_runs {
	struct ledger_run runs[LEDGER_RUNS]; /* in any order, with gaps */
};

enum change_kind { RUN_NEW, RUN_MOVE, RUN_DELETE, STEP_NEW, STEP_MOVE };

struct change {
	enum change_kind kind;
	uint32_t run;
	uint32_t step;
	enum status status;
	bool issued; /* the daemon gives the id */
	char id[LEDGER_ID];
};

enum form { SINGLE, PLAIN_BATCH, ATOMIC_BATCH, IMPORT };

/* A message of a writer. */
struct asked {
	enum form form;
	bool doomed; /* an atomic batch that must be refused */
	struct change changes[LEDGER_CHANGES];
	size_t n;
};

struct ledger {
	pthread_mutex_t lock; /* held while told and asked change */
	struct ledger_runs told;
	struct asked asked;
	uint32_t last_serial;
	uint64_t n_told;   /* messages that were answered */
	uint64_t n_resent; /* messages that were sent again, for want of an answer or on purpose */
	volatile bool stop;
};

/* Map the file @path, making it when @make. Fails the test, or ends the program, on failure. */
struct ledger *ledger_open(const char *path, bool make);
void ledger_close(struct ledger *ledger);

/* The run with this serial number, or with 0 a free place; NULL when there is none. */
struct ledger_run *ledger_find(struct ledger_runs *runs, uint32_t serial);
struct ledger_step *ledger_find_step(struct ledger_run *run, uint32_t serial);

bool ledger_ended(enum status status);

/* Do @change to @runs, with all that the contract says follows from it. */
void ledger_apply(struct ledger_runs *runs, const struct change *change);

/* The text that an object of that writer and serial number carries; the caller frees it. */
char *ledger_payload(unsigned int writer, uint32_t serial);

/* Every fourth run is in the thread that all writers share. */
void ledger_thread(unsigned int writer, uint32_t run, char *out, size_t size);

#endif
