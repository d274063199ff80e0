/* UTF-8 as Unicode defines it (no surrogates, no overlong forms, nothing above U+10FFFF). */
#pragma once

#include "proto/slice.h"

bool utf8_valid(struct slice s);

/* The start of @s, which must be valid, with at most @max bytes, cut between two characters. */
struct slice utf8_cut(struct slice s, size_t max);

/* Unicode characters in @s, which must be valid. */
size_t utf8_length(struct slice s);
