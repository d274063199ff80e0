/* What file searches found is left out of steps unless it is asked for, as in the API. */
#pragma once

#include "proto/buf.h"

/* Append the encoded step @step without step_details.tool_calls[*].file_search.results[*].content.
 */
void strip_step(struct slice step, struct buf *out);
