/* The directory of a store: made, private, and of one daemon at a time. */
#pragma once

#include <stddef.h>

/*
 * Make the directory and those above it, mode 0700, unless it is there, and write its absolute
 * path to @absolute (PATH_MAX bytes). Returns 0 or -errno with the reason for a person in @why.
 */
int datadir_prepare(const char *dir, char *absolute, char why[static 256]);

/*
 * Take the instance lock: a flock on DIR/LOCK, held until the process ends; the file has its pid.
 * Returns 0 or -errno (-EWOULDBLOCK: another daemon has it) with the reason in @why.
 */
int datadir_lock(const char *dir, char why[static 256]);
