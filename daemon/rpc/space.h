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

/*
 * The reserve is 64 MiB, or a sixteenth of a small disk or map. With less than
 * four of them left space is scarce: what makes room then keeps nothing of what it removes.
 */
enum space_state { SPACE_AMPLE, SPACE_SCARCE, SPACE_NONE };

enum space_state space_look(struct space *space);

/* Is the disk itself full, or nearly? Tells a full disk from a broken one after an EIO. */
bool space_disk_full(const struct space *space);
