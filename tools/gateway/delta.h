/*
 * What an object gained since a client saw it, in the form of the API's deltas: added to what the
 * client has, it makes the object as it is now.
 */
#pragma once

#include "proto/buf.h"

enum delta {
	DELTA_NOTHING, /* it is as it was */
	DELTA_MADE,
	DELTA_BROKEN, /* it does not continue what it was: no delta leads there */
};

/*
 * Append the delta from @before, which may be absent, to @after, both encoded and scanned values,
 * to @out. Strings become what follows; null and what was not there become the value; arrays of
 * objects become those that are new or changed, each with its place as `index`; other objects
 * become the members that changed, and their `type`. Except for DELTA_MADE, @out is as it was.
 */
enum delta delta_write(struct slice before, struct slice after, struct buf *out);
