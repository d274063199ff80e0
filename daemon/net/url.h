/* Addresses that may be listened on. */
#pragma once

/*
 * Is @url ipc:// with a path that a socket can have, where nothing or a socket is, or tcp:// on
 * loopback? Returns 0, or -errno with the reason for a person in @why. libnanomsg itself would
 * delete a file that is in the way, and end the process at a path that is too long.
 */
int url_check(const char *url, char why[static 256]);
