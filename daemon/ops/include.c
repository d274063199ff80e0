#include "daemon/ops/include.h"
#include "proto/strip.h"

/* There is one thing to ask for, so any name in the list is that. */
static bool asked_for(const struct op *op)
{
	struct slice list = op->args[P_include];
	struct mp t;

	return list.ptr && mp_read(&list, &t) && t.n;
}

void include_put_step(struct op *op, struct slice bytes)
{
	if (asked_for(op)) {
		buf_put(op->out, bytes);
	} else {
		strip_step(bytes, op->out);
	}
}
