/* A made-up feed of one run, and what compose makes of it. */
#pragma once

#include "tools/gateway/compose.h"

#include <jansson.h>

struct saga {
	json_t *changes; /* as in the reply of changes.list */
	int64_t seq;	 /* of the last one */
	/* What is answered when a change has no object: by id, or NULL for not_found. */
	json_t *now;
	int fetched; /* how often that was asked */
	int trouble; /* a code with which it is answered instead */
};

void saga_init(struct saga *s);
void saga_finish(struct saga *s);

/*
 * Append a change; @from and @to may be NULL. Each returns its number. The objects carry the status
 * and, so that they can be told apart, the number as `seq`. @details and @content are JSON as
 * codec_parse() takes it.
 */
int64_t saga_run(struct saga *s, const char *event, const char *from, const char *to);
int64_t saga_step(struct saga *s, const char *id, const char *event, const char *from,
	const char *to, const char *details);
int64_t saga_message(struct saga *s, const char *id, const char *event, const char *from,
	const char *to, const char *content);

/* The last change has no object. */
void saga_drop_object(struct saga *s);

/* The usual ones. */
int64_t saga_opens_calls(struct saga *s, const char *step);
int64_t saga_ends_calls(struct saga *s, const char *step);
int64_t saga_opens_speech(struct saga *s, const char *step, const char *message);
int64_t saga_ends_speech(struct saga *s, const char *step, const char *message);
int64_t saga_says(struct saga *s, const char *message, const char *text); /* in progress */
int64_t saga_begins(struct saga *s); /* the run is created and in progress */

/*
 * The text that the changes from the place @first on give, with a pause after the last; for free().
 * @options may be NULL; its fetch is the saga's. @over, which may be NULL, tells whether it ended.
 */
char *saga_play(struct saga *s, const struct compose_options *options, bool *over);

/* The same into a compose that is at hand: the changes with the places @first to @end - 1. */
void saga_feed(struct saga *s, struct compose *c, size_t first, size_t end, struct buf *out);

/* The options with the saga's fetch. */
struct compose_options saga_options(struct saga *s, const struct compose_options *options);

/* For a test of its own: *state is a saga. */
int saga_setup(void **state);
int saga_teardown(void **state);

/* saga_play() gives these events, as listener_words() has them, and ends, or goes on. */
void saga_expect(
	struct saga *s, const struct compose_options *options, bool over, const char *words);

/* It ends, and the SDK makes of it what it must. */
void saga_expect_sense(struct saga *s, const struct compose_options *options);
