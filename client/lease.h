/* A lease that is held, and the thread that holds it. */
#pragma once

#include "client/handle.h"

#include <stdatomic.h>

struct runstore_lease {
	struct runstore *rs;
	struct runstore_reply *claim; /* the hints are in it */
	struct runstore_run *run;
	char *token;
	char *worker;
	int64_t attempt;
	int64_t lease_ms;

	_Atomic int64_t expires_ms; /* Unix time */
	_Atomic int64_t until_ms;   /* CLOCK_BOOTTIME */
	atomic_int status;	    /* enum runstore_run_status */
	atomic_bool over;	    /* refused, given back, or out of time and given up */

	pthread_mutex_t lock; /* for changing the above, and for the thread's sleep */
	pthread_cond_t stir;
	pthread_t thread;
	bool has_thread;
	atomic_bool stop;
	struct socket socket; /* the thread's own */
};

/*
 * The lease of a claim's reply, which was asked for at @asked_ms (lease_clock_ms()). Takes @claim,
 * also when it fails: RUNSTORE_E_INVALID_FRAME for what is no such reply, RUNSTORE_E_INTERNAL
 * without memory.
 */
int lease_make(struct runstore *rs, struct runstore_reply *claim, int64_t lease_ms,
	int64_t asked_ms, struct runstore_lease **out, struct runstore_error *error);

/* Start the thread. RUNSTORE_E_INTERNAL when the system has none. */
int lease_keep(struct runstore_lease *lease, struct runstore_error *error);

/* Milliseconds of the clock that leases are measured by: it runs in sleep too. */
int64_t lease_clock_ms(void);
