/* What a run and its steps go through, and what the daemon does of it by itself. */
#pragma once

#include "daemon/ops/op.h"
#include "daemon/store/messages.h"

/* May an update or a cancel lead from @from to @to? None leads to queued: tool outputs do. */
bool lifecycle_allows(enum run_status from, enum run_status to);

/*
 * Set the fields of @run that follow from its new status: the status itself, the time that goes
 * with it, expires_at and required_action. The others are the caller's.
 */
void lifecycle_enter(struct txn *txn, struct run *run, enum run_status to);

/* The same for a step. */
void lifecycle_enter_step(struct txn *txn, struct step *step, enum step_status to);

/* The same for a message. */
void lifecycle_enter_message(struct txn *txn, struct message *message, enum message_status to);

/*
 * End the messages and steps of a run that is about to be stored in the terminal status @to. Those
 * steps that are still in progress become expired, cancelled or failed with it; such messages are
 * completed with a run that completes, and else left incomplete.
 */
void lifecycle_end_parts(struct txn *txn, const struct run *run, enum run_status to);

/* The messages alone, of a run that is about to be removed. */
void lifecycle_end_messages(struct txn *txn, const struct run *run, enum run_status to);

/*
 * Store a loaded run that was entered into a status, as the result too; with its parts where that
 * is terminal. Returns 0, E_TOO_LARGE, or -errno.
 */
int lifecycle_store(struct op *op, struct run *run);

/* End a loaded run in the terminal status @to, with its steps, and store it. */
void lifecycle_end_run(struct txn *txn, struct run *run, enum run_status to);

/* Set last_error of a run that is about to fail. */
void lifecycle_set_error(struct txn *txn, struct run *run, const char *code, struct slice message);

/*
 * Do what is due at txn->steady_ms: expire runs, cancel those whose cancel nobody confirmed, take
 * back leases that ran out; at most @max of them. Returns how many were looked at; @max means that
 * there may be more.
 */
unsigned int lifecycle_settle(struct txn *txn, unsigned int max);
