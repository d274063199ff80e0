/* A daemon of the test group's own and a handle for it. */
#pragma once

#include "client/runstore.h"
#include "daemon.h"

struct store {
	struct daemon daemon;
	struct runstore *rs;
	struct runstore_error error;
};

int store_start(void **state);
int store_stop(void **state);

/* The call must succeed. */
#define OK(store, call) store_check(store, call, #call)
void store_check(struct store *s, int r, const char *what);

/* A new run in @thread beside any other; freed by the caller. */
struct runstore_run *store_run(struct store *s, const char *thread);

/* The same, in progress. */
struct runstore_run *store_working_run(struct store *s, const char *thread);

/* A message_creation step of @message. */
struct runstore_step *store_step(struct store *s, const char *run_id, const char *message);
