/* The directory of a store: made, private, and of one daemon at a time. */
#pragma once

#include <sys/types.h>

/*
 * Make the directory and those above it, mode 0700, unless it is there, and write its absolute
 * path to @absolute (PATH_MAX bytes). Returns 0 or -errno with the reason for a person in @why.
 */
int datadir_prepare(const char *dir, char *absolute, char why[static 256]);

/*
 * Take the instance lock: a flock on DIR/LOCK, held until the process ends. The file has @pid, that
 * of the process to signal.
 * Returns 0 or -errno (-EWOULDBLOCK: another daemon has it) with the reason in @why.
 */
int datadir_lock(const char *dir, pid_t pid, char why[static 256]);
