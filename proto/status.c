#include "proto/status.h"
#include "proto/mp.h"

const char *const run_status_names[] = {
	[RUN_QUEUED] = "queued",
	[RUN_IN_PROGRESS] = "in_progress",
	[RUN_REQUIRES_ACTION] = "requires_action",
	[RUN_CANCELLING] = "cancelling",
	[RUN_CANCELLED] = "cancelled",
	[RUN_FAILED] = "failed",
	[RUN_COMPLETED] = "completed",
	[RUN_INCOMPLETE] = "incomplete",
	[RUN_EXPIRED] = "expired",
	[N_RUN_STATUSES] = NULL,
};

const char *const step_status_names[] = {
	[STEP_IN_PROGRESS] = "in_progress",
	[STEP_CANCELLED] = "cancelled",
	[STEP_FAILED] = "failed",
	[STEP_COMPLETED] = "completed",
	[STEP_EXPIRED] = "expired",
	[N_STEP_STATUSES] = NULL,
};

const char *const message_status_names[] = {
	[MESSAGE_IN_PROGRESS] = "in_progress",
	[MESSAGE_COMPLETED] = "completed",
	[MESSAGE_INCOMPLETE] = "incomplete",
	[N_MESSAGE_STATUSES] = NULL,
};

static int index_of(const char *const *names, struct slice value)
{
	struct slice s;

	if (mp_get_str(value, &s)) {
		for (int i = 0; names[i]; i++) {
			if (slice_is(s, names[i])) {
				return i;
			}
		}
	}
	return -1;
}

int run_status_of(struct slice value)
{
	return index_of(run_status_names, value);
}

int step_status_of(struct slice value)
{
	return index_of(step_status_names, value);
}

int message_status_of(struct slice value)
{
	return index_of(message_status_names, value);
}
