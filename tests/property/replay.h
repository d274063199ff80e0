/*
 * The feed, replayed: each change goes on from where the one before it ended, is one that a book
 * expects, and breaks none of the promises to those who enqueue.
 */
#ifndef TEST_REPLAY_H
#define TEST_REPLAY_H

#include "book.h"

/* A run or a step as the feed has told of it so far. */
struct replayed {
	char run[40];
	char step[40]; /* "" for the run itself */
	char thread[8];
	char status[20];
	bool enqueued;
	bool begun;
	int64_t created_at;
	uint64_t number;
};

struct replay {
	uint64_t last_seq;
	struct replayed seen[BOOK_RUNS * (BOOK_STEPS + 1)];
	unsigned int n_seen;
};

/*
 * Take the next change. NULL, or what is wrong with it. The book learns what only the store knew,
 * and marks as heard what it told.
 */
const char *replay_change(struct replay *replay, struct book *book, const json_t *change);

/* Was all told, and is every run where the book has it? NULL, or what is wrong. */
const char *replay_end(const struct replay *replay, struct book *book);

#endif
