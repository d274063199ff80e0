/* Threads as objects. */
#pragma once

#include "daemon/ops/op.h"
#include "daemon/store/threads.h"

/*
 * The Thread as its row @t has it, in the arena: one that came to be with a run or a message has
 * only defaults. Returns 0 or -ENOMEM.
 */
int threads_encode(struct op *op, struct slice id, const struct thread *t, struct slice *out);

/* Append the Thread @id as the result. Returns 0, E_NOT_FOUND, or as op_result(). */
int threads_put_object(struct op *op, struct slice id);
