/* Statuses and types by name. The public enums are those of the store, one up. */
#include "client/runstore.h"
#include "proto/status.h"

#define SAME(name)                                                                                 \
	_Static_assert((int)RUNSTORE_##name == (int)name + 1, "the order of proto/status.h")

SAME(RUN_QUEUED);
SAME(RUN_IN_PROGRESS);
SAME(RUN_REQUIRES_ACTION);
SAME(RUN_CANCELLING);
SAME(RUN_CANCELLED);
SAME(RUN_FAILED);
SAME(RUN_COMPLETED);
SAME(RUN_INCOMPLETE);
SAME(RUN_EXPIRED);
SAME(STEP_IN_PROGRESS);
SAME(STEP_CANCELLED);
SAME(STEP_FAILED);
SAME(STEP_COMPLETED);
SAME(STEP_EXPIRED);

const char *runstore_run_status_name(enum runstore_run_status status)
{
	return status >= 1 && status <= RUNSTORE_RUN_EXPIRED ? run_status_names[status - 1]
							     : "unknown";
}

const char *runstore_step_status_name(enum runstore_step_status status)
{
	return status >= 1 && status <= RUNSTORE_STEP_EXPIRED ? step_status_names[status - 1]
							      : "unknown";
}

const char *runstore_step_type_name(enum runstore_step_type type)
{
	static const char *const names[] = {"unknown", "message_creation", "tool_calls"};

	return names[type <= RUNSTORE_STEP_TOOL_CALLS ? type : 0];
}
