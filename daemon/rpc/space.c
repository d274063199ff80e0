#include "daemon/rpc/space.h"
#include "daemon/log.h"

#include <sys/statvfs.h>

static uint64_t reserve_of(uint64_t whole)
{
	return whole / 16 < SPACE_RESERVE_BYTES ? whole / 16 : SPACE_RESERVE_BYTES;
}

bool space_disk_full(const struct space *space)
{
	struct statvfs fs;

	if (statvfs(space->dir, &fs)) {
		return false;
	}
	return (uint64_t)fs.f_bavail * fs.f_frsize <
	       reserve_of((uint64_t)fs.f_blocks * fs.f_frsize);
}

/* The free list is walked only when the file nears the end of the map. */
static bool map_full(struct space *space)
{
	struct kv_usage usage;
	uint64_t left;

	kv_usage(space->kv, &usage);
	left = usage.map_bytes - usage.file_bytes;
	if (left > usage.map_bytes / 5) {
		return false;
	}
	left += kv_free_bytes(space->kv);
	if (left <= usage.map_bytes / 5 && !space->warned) {
		space->warned = true;
		log_write(LOG_LEVEL_WARNING,
			"event=map_nearly_full left_bytes=%llu map_bytes=%llu hint=\"restart with "
			"a larger "
			"--map-size\"",
			(unsigned long long)left, (unsigned long long)usage.map_bytes);
	}
	return left < reserve_of(usage.map_bytes);
}

bool space_left(struct space *space)
{
	return !space_disk_full(space) && !map_full(space);
}
