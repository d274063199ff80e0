/* What get and list replies leave out of a step unless `include` asks for it. */
#pragma once

#include "daemon/ops/op.h"

/* Append the stored step @bytes, without the contents of its file search results by default. */
void include_put_step(struct op *op, struct slice bytes);
