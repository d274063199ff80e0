/*
 * Calls of the daemon that the server's own threads make: a read of one object takes less time than
 * to hand it to another thread and back. A daemon that is away or slow must not hold up what else
 * these threads serve: a call gets a quarter of a second, and after one that took too long there
 * are none for a while.
 */
#pragma once

#include "client/runstore.h"

struct quick;

/* Returns 0, or RUNSTORE_E_* of runstore_open(). */
int quick_open(struct quick **out, const char *url, struct runstore_error *error);
void quick_close(struct quick *quick);

/*
 * As runstore_call(), for a read; RUNSTORE_E_UNAVAILABLE also when there are no such calls now:
 * then it is to be asked in another way.
 */
int quick_call(struct quick *quick, const char *method, const void *params, size_t size,
	struct runstore_reply **reply, struct runstore_error *error);

/*
 * As runstore_call() with the handle @rs, for threads that may wait. Where no daemon was there just
 * now, it is not waited for again for a moment: requests that queue up are told so at once.
 */
int quick_patient(struct quick *quick, struct runstore *rs, const char *method, const void *params,
	size_t size, struct runstore_reply **reply, struct runstore_error *error);

/* As runstore_call() without parameters, but it takes no longer than a second. */
int quick_probe(struct quick *quick, const char *method, struct runstore_reply **reply,
	struct runstore_error *error);
