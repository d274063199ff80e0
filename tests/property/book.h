/*
 * What the contract says of claims, leases and turns, over plain structs: who gets a run, whose
 * writes are refused, what falls due when, and what the feed tells of it. Shares nothing with the
 * daemon. A copy of the struct is a copy of the book.
 *
 * What only the store can know, an id or a token that it issues, is a mark in the book, "?N", until
 * book_learn() replaces it.
 */
#ifndef TEST_BOOK_H
#define TEST_BOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { BOOK_RUNS = 96, BOOK_STEPS = 8, BOOK_THREADS = 8, BOOK_CLAIMS = 16, BOOK_TOLD = 1024 };

/*
 * Time goes by two clocks in whole milliseconds, which may disagree by one: leases and runs end no
 * earlier than is told, and this much later.
 */
enum { BOOK_ROUNDING_MS = 1 };

struct book_step {
	char id[40];
	char status[20];
	char call[20]; /* the id of the tool call in it, or "" */
	int64_t created_at;
};

struct book_lease {
	char token[40]; /* "": nobody holds the run */
	char worker[8];
	int64_t until_ms; /* steady time, as all that falls due */
	int64_t lease_ms; /* for which the claim asked */
};

struct book_run {
	char id[40]; /* "": no run */
	char thread[8];
	char assistant[8];
	char status[20];
	bool enqueued;
	uint64_t number;    /* of its insertion */
	int64_t created_at; /* this and the next two as in the Run, 0 for null */
	int64_t started_at;
	int64_t expires_at;
	int64_t expiry_ms; /* 0: never, as the next */
	int64_t cancel_ms;
	int attempts;
	int losses;
	struct book_lease lease;
	char old_token[40]; /* of the lease before this one, or "" */
	char call[20];	    /* the tool call that it waits for, or "" */
	struct book_step steps[BOOK_STEPS];
	unsigned int n_steps;
};

/* What was answered to a claim under an idempotency key. */
struct book_claim {
	char key[16];
	char params[256]; /* as text */
	char run[40];
	struct book_lease lease;
	int64_t expires_ms;
	int attempt;
};

/* A change that the feed is to tell, and of its run what the feed does not. */
struct book_change {
	char run[40]; /* "": a change of the thread itself */
	char thread[8];
	char step[40];
	char event[20];
	char from[20]; /* "" for null, as the next */
	char to[20];
	char by[8];
	bool enqueued;
	int64_t created_at;
	uint64_t number;
	bool heard; /* for who compares */
};

struct book {
	int64_t now_ms; /* of what comes next, wall and steady; the caller's to set */
	int64_t steady_ms;
	struct book_run runs[BOOK_RUNS]; /* with gaps */
	unsigned int n_runs;
	char threads[BOOK_THREADS][8]; /* with gaps; one stays when its runs are gone */
	struct book_claim claims[BOOK_CLAIMS];
	unsigned int n_claims; /* ever: the last BOOK_CLAIMS are kept */
	struct book_change told[BOOK_TOLD];
	unsigned int n_told; /* the caller's to set to 0 */
	uint64_t n_inserted;
	unsigned int n_marks;
	char by[8]; /* who changes, during a call */
};

/* What is to be answered. */
struct book_answer {
	const char *code;	  /* the refusal, or several that apply as in `a|b`; NULL: none */
	struct book_run *run;	  /* that the result shows; NULL: nothing to show */
	struct book_step *step;	  /* the same of steps */
	struct book_claim *again; /* it is the repeated answer to this claim */
};

void book_init(struct book *book);

/* Do a request to the book. */
struct book_answer book_call(struct book *book, const char *method, const json_t *params);

/* Do what is due. */
void book_settle(struct book *book);

/* When the next thing falls due, INT64_MAX for never. */
int64_t book_next_due(const struct book *book);

/* May the run be claimed? */
bool book_ready(const struct book *book, const struct book_run *run);

/* Does @a stand before @b in a list? */
bool book_before(const struct book_run *a, const struct book_run *b);

/* NULL when there is none. */
struct book_run *book_run(struct book *book, const char *id);

/* What is a mark turns out to be @id, everywhere. */
void book_learn(struct book *book, const char *mark, const char *id);

#endif
