/* The directory that the benchmark works in: made on a real disk, removed at the end. */
#pragma once

#define PLACE_MAX 80 /* bytes of a path; the path of a socket is to fit behind it */

/*
 * Make a directory in @parent, or, when that is NULL, in $TMPDIR or /var/tmp, whichever is not
 * kept in memory. It is removed when the process exits.
 */
void place_make(const char *parent);

/* Its path, and the name of its file system. */
const char *place_path(void);
const char *place_filesystem(void);

/* Remove one directory in it, with all it holds. */
void place_remove(const char *path);
