/* What grows while it is made: the text of a message, the arguments of a tool call. */
#pragma once

#include "proto/mp.h"

/*
 * Is @now what @was with more at its end? Arrays have the same items, each perhaps grown, and maybe
 * more; maps the same members and maybe more; a text may go on, where it is content and not a name
 * or an id; null may become anything. False also when they are the same.
 */
bool growth_is(struct slice was, struct slice now);
