/*
 * What the workers of one place, one after the other, asked for under their leases and were told.
 * Lies in memory that a worker shares with the test, so that it outlives the worker.
 */
#ifndef TEST_JOURNAL_H
#define TEST_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOURNAL_ENTRIES = 1 << 16 };

enum deed { CLAIM, BEAT, STEP_NEW, STEP_END, GIVE_BACK, ASK_ACTION, END, N_DEEDS };

enum outcome {
	UNTOLD, /* no reply came: it may have been done or not */
	DONE,
	REFUSED, /* lease_lost */
};

/*
 * A request, whose lease is that of the @attempt at @run. A claim knows these once it is told; if
 * it is told that there is no run, they stay 0.
 */
struct entry {
	enum deed deed;
	_Atomic enum outcome outcome; /* set last */
	uint32_t worker;	      /* by number: it is called w and the number */
	uint32_t run;		      /* by number: journal_run_id() */
	uint32_t attempt;
	int64_t sent_us; /* for the first time; both by the monotonic clock */
	int64_t told_us;
	int64_t expires_ms; /* Unix time, as a claim and a heartbeat are told */
	char token[72];
	char step[72]; /* of STEP_NEW and STEP_END */
};

struct journal {
	uint32_t lease_ms; /* to be asked for */
	uint32_t wait_ms;  /* at most, by a claim */
	volatile bool stop;
	_Atomic uint32_t n;
	struct entry entries[JOURNAL_ENTRIES];
};

/* Map the file @path, making it when @make. Fails the test, or ends the program, on failure. */
struct journal *journal_open(const char *path, bool make);
void journal_close(struct journal *journal);

/* Add a copy of @entry, which is about to be sent, whole or not at all. Returns its place. */
struct entry *journal_add(struct journal *journal, const struct entry *entry);

void journal_run_id(uint32_t run, char *out, size_t size);

/* The number of the run with this id, or of the worker with this name. Fails for any other. */
uint32_t journal_run(const char *id);
uint32_t journal_worker(const char *name);

int64_t journal_now_us(void);

#endif
