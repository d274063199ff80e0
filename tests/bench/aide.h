/* A child that takes a step each time it is told to, and tells when it has taken it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct aide {
	pid_t pid;
	int line; /* to it */
};

/* Start @body in a child with the other end of the line. */
void aide_start(struct aide *aide, void (*body)(void *context, int line), void *context);
void aide_stop(struct aide *aide);

/* From either end: say something; wait until the other end does. False when it is gone. */
bool aide_tell(int line);
bool aide_hear(int line);
