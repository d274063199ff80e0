/* Statuses of runs, steps and messages. The numbers are stored in index keys: never renumber. */
#pragma once

#include "proto/slice.h"

enum run_status {
	RUN_QUEUED = 0,
	RUN_IN_PROGRESS,
	RUN_REQUIRES_ACTION,
	RUN_CANCELLING,
	RUN_CANCELLED,
	RUN_FAILED,
	RUN_COMPLETED,
	RUN_INCOMPLETE,
	RUN_EXPIRED,
	N_RUN_STATUSES,
};

enum step_status {
	STEP_IN_PROGRESS = 0,
	STEP_CANCELLED,
	STEP_FAILED,
	STEP_COMPLETED,
	STEP_EXPIRED,
	N_STEP_STATUSES,
};

enum message_status {
	MESSAGE_IN_PROGRESS = 0,
	MESSAGE_COMPLETED,
	MESSAGE_INCOMPLETE,
	N_MESSAGE_STATUSES,
};

/* Names by number, NULL after the last. */
extern const char *const run_status_names[];
extern const char *const step_status_names[];
extern const char *const message_status_names[];

/* The number of an encoded (MessagePack) status; -1 when it is none. */
int run_status_of(struct slice value);
int step_status_of(struct slice value);
int message_status_of(struct slice value);

static inline bool run_status_terminal(enum run_status s)
{
	return s >= RUN_CANCELLED;
}
