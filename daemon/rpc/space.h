/*
 * Is there room to write? A part of the disk and of the map is kept in reserve, so that deletes
 * can still be done when everything else is refused. (A disk that is full shows as EIO at the
 * commit, and a full map spoils the whole transaction: it is better not to come to that.)
 */
#pragma once

#include "daemon/store/kv.h"

#define SPACE_RESERVE_BYTES (64u << 20)

struct space {
	struct kv *kv;
	const char *dir;
	bool warned;
};

/* False when less than the reserve is left: 64 MiB, or a sixteenth of a small disk or map. */
bool space_left(struct space *space);

/* Is the disk itself full, or nearly? Tells a full disk from a broken one after an EIO. */
bool space_disk_full(const struct space *space);
