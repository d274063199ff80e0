/* What tests of the command line do by commands, and how they read JSON lines. */
#pragma once

#include <jansson.h>

/* A store that the commands talk to, without colours being turned off; ends with store_stop(). */
int commands_start(void **state);

/* The one JSON line of a command that ends with @status, for json_decref(). */
json_t *line_of(int status, const char *const *words);

/* The member at a path of names with dots between; NULL when there is none, "" for no string. */
const json_t *json_at(const json_t *object, const char *path);
const char *json_text(const json_t *object, const char *path);
json_int_t json_number(const json_t *object, const char *path);

/* The strings of an array with a space between any two; borrowed until the next call. */
const char *json_items(const json_t *object, const char *path);

/* A new run @id of the assistant @thread in the thread @thread, beside others or as @on_active. */
void run_make(const char *thread, const char *id, const char *on_active);

/* Claim the oldest run of these assistants for a minute, as the worker `w`. */
void run_claim(const char *assistants, char token[80]);

void run_move(const char *id, const char *status);

/* Make it require the outputs of the calls `call_1`, of get_time, and `call 2`, of get_place. */
void run_ask(const char *id);
