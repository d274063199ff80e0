#include "daemon/rpc/space.h"
#include "daemon/log.h"

#include <sys/statvfs.h>

static uint64_t reserve_of(uint64_t whole)
{
	return whole / 16 < SPACE_RESERVE_BYTES ? whole / 16 : SPACE_RESERVE_BYTES;
}

/* Bytes of the disk that are free beyond so many reserves; below 0 when these are touched. */
static int64_t disk_left(const struct space *space, int64_t reserves)
{
	struct statvfs fs;

	if (statvfs(space->dir, &fs)) {
		return INT64_MAX; /* what cannot be asked is tried */
	}
	return (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize) -
	       reserves * (int64_t)reserve_of((uint64_t)fs.f_blocks * fs.f_frsize);
}

bool space_disk_full(const struct space *space)
{
	return disk_left(space, 1) < 0;
}

/* The same of the map behind the file. */
static int64_t map_left(struct space *space, int64_t reserves)
{
	struct kv_usage usage;
	uint64_t left;

	kv_usage(space->kv, &usage);
	left = usage.map_bytes - usage.file_bytes;
	if (left < usage.map_bytes / 5 && !space->warned) {
		space->warned = true;
		log_write(LOG_LEVEL_WARNING,
			"event=map_nearly_full left_bytes=%llu map_bytes=%llu hint=\"restart with "
			"a larger "
			"--map-size\"",
			(unsigned long long)left, (unsigned long long)usage.map_bytes);
	}
	return (int64_t)left - reserves * (int64_t)reserve_of(usage.map_bytes);
}

/* The pages that deletes freed are used again before the file grows: they are room as well. */
static bool has_reserves(struct space *space, int64_t reserves)
{
	int64_t disk = disk_left(space, reserves), map = map_left(space, reserves);
	int64_t left = disk < map ? disk : map;

	return left >= 0 || left + (int64_t)kv_free_bytes(space->kv) >= 0;
}

enum space_state space_look(struct space *space)
{
	if (has_reserves(space, 4)) {
		return SPACE_AMPLE;
	}
	return has_reserves(space, 1) ? SPACE_SCARCE : SPACE_NONE;
}
