/* Runs, steps and threads as C structures, out of their MessagePack bytes. */
#pragma once

#include "client/runstore.h"
#include "proto/slice.h"

/*
 * Each is one block of memory with all that it points at, for free(). RUNSTORE_E_INVALID_PARAMS
 * when @value, which must be well formed, is no such object.
 */
int object_run(struct slice value, struct runstore_run **out, struct runstore_error *error);
int object_step(struct slice value, struct runstore_step **out, struct runstore_error *error);
int object_change(struct slice value, struct runstore_change **out, struct runstore_error *error);
int object_thread(struct slice value, struct runstore_thread **out, struct runstore_error *error);
