/* A client of event streams that does what the official SDKs do, and fails where they throw. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* The events of a stream, [{id, event, data}]; a missing id is null. Fails the test if malformed.
 */
json_t *listener_parse(const char *text);

/*
 * Each event as a word: `run.created`, `step.created:step_1`, `message.delta:msg_1`, `done`;
 * joined by spaces, for free().
 */
char *listener_words(const char *text);

struct listener {
	json_t *run;	  /* as last told */
	json_t *steps;	  /* by id, put together out of what was told */
	json_t *messages; /* the same */
	char step[65];	  /* that is open, "" for none */
	char message[65];
	bool done;
};

void listener_init(struct listener *l);
void listener_finish(struct listener *l);

/* Take the events of @text. What was put together must be what a final object says. */
void listener_take(struct listener *l, const char *text);

/* The SDK's own way of adding a delta: changes @sum, which it returns. */
json_t *listener_accumulate(json_t *sum, const json_t *delta);

/* Remove `index` from all items of arrays. */
void listener_strip_index(json_t *value);
