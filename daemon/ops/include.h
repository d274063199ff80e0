/* What get and list replies leave out of a step unless `include` asks for it. */
#pragma once

#include "proto/buf.h"

/* Append the stored step @bytes without the contents of its file search results. */
void include_strip(struct slice bytes, struct buf *out);
