/* The statuses of a run, as section 4 of the contract has them. */
#ifndef TEST_STATUS_H
#define TEST_STATUS_H

#include <stdbool.h>

/* May an update lead there? What only a lease or tool outputs do is not in this. */
bool status_allows(const char *from, const char *to);

bool status_ended(const char *status);

#endif
