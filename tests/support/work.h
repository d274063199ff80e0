/* What executors do: runs are claimed, and written to under their leases. */
#ifndef TEST_WORK_H
#define TEST_WORK_H

#include "wire.h"

/* What a worker keeps of a claim; it outlives the wire. */
struct lease {
	char run[80];
	char token[80];
	json_int_t expires_ms;
	int attempt;
};

/* Milliseconds of Unix time. */
json_int_t unix_ms(void);

/*
 * A new run of the assistant @name in the thread @name, beside any other there, so that a test
 * that claims for its own name meets no other's runs. @members is "" or as in `,'id':'r'`.
 */
const char *work_new(struct wire *wire, const char *name, const char *members);

/* @n of them in one batch, at most 1000, under the ids NAME_0, NAME_1 and so on. */
void work_new_many(struct wire *wire, const char *name, int n);

/* runs.claim for the assistant @name: the result, which may be null. */
json_t *work_try(struct wire *wire, const char *worker, const char *name, const char *members);

/* The same, and there must be one. */
json_t *work_claim(struct wire *wire, const char *worker, const char *name, const char *members);
void work_expect_none(struct wire *wire, const char *name);

/* Fails the test unless @claim has the form of one and is @worker's. */
void work_check(const json_t *claim, const char *worker);

/* Fails the test unless @claim, a claim's result, is null. */
void work_check_none(const json_t *claim);
struct lease work_lease(const json_t *claim);

/* A new run of @name, claimed by the worker `w`. */
struct lease work_take(struct wire *wire, const char *name, int lease_ms);

/* runs.update to @status with what it demands, under the lease. */
json_t *work_move(struct wire *wire, const struct lease *lease, const char *status);

/* A new message_creation step, made under the lease. */
const char *work_step(struct wire *wire, const struct lease *lease);

/* runs.heartbeat with further @members. */
json_t *work_beat(struct wire *wire, const struct lease *lease, const char *members);
json_t *work_release(struct wire *wire, const struct lease *lease);

/* The token is refused: runs.heartbeat is answered with @code. */
void work_expect_over(struct wire *wire, const struct lease *lease, const char *code);

/* Wait until the lease has run out and the run is queued again. */
void work_await_loss(struct wire *wire, const struct lease *lease);

/* Return some 100 ms after the time @until_ms of unix_ms(). */
void work_sleep_past(json_int_t until_ms);

#endif
