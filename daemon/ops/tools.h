/* Tool calls: the step that holds those that a run waits for, and their outputs. */
#pragma once

#include "daemon/ops/op.h"

struct tool_step {
	struct step step;
	struct slice bytes; /* its record; ptr NULL when there is none to store */
};

/*
 * A run is to require the action in the parameters. Check that, and make the step that holds its
 * tool calls, unless one in progress does: @out is then left without bytes.
 */
int tools_prepare_step(struct op *op, const struct run *run, struct tool_step *out);

/* A new step of @run in status in_progress, its fields set; @details is encoded. */
int step_make(struct op *op, const struct run *run, struct slice id, struct slice type,
	struct slice details, struct slice metadata, struct step *out);
