/* Values that are accepted, spoiled in one place at a time. */
#ifndef TEST_UNIT_SPOIL_H
#define TEST_UNIT_SPOIL_H

#include "tests/unit/canon.h"

/*
 * Do to @value, which @subject accepts, everything that makes it unacceptable, one thing at a
 * time: drop what must be there, add what is unknown, change a type, pass a limit. Fails the test
 * unless each is refused with the right code and names the right parameter. @value is in the end
 * as it was. Returns how many things were done.
 */
unsigned int spoil(const struct subject *subject, json_t *value);

#endif
