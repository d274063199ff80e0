#include "tests/bench/place.h"
#include "tests/bench/process.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

static char path[PLACE_MAX];

static const char *filesystem_of(const char *where)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = {
		{0xef53, "ext4"},
		{0x58465342, "xfs"},
		{0x9123683e, "btrfs"},
		{0xf2f52010, "f2fs"},
		{0x2fc12fc1, "zfs"},
		{0x794c7630, "overlayfs"},
		{0x6969, "nfs"},
		{0x01021994, "tmpfs"},
	};
	struct statfs s;

	if (statfs(where, &s)) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if ((unsigned long)s.f_type == known[i].magic) {
			return known[i].name;
		}
	}
	return "another file system";
}

static bool on_disk(const char *where)
{
	const char *name = where ? filesystem_of(where) : NULL;

	return name && strcmp(name, "tmpfs") != 0;
}

static int remove_entry(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(name);
}

void place_remove(const char *which)
{
	nftw(which, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void remove_all(void)
{
	place_remove(path);
}

void place_make(const char *parent)
{
	if (!parent) {
		parent = on_disk(getenv("TMPDIR")) ? getenv("TMPDIR") : "/var/tmp";
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/rsb-XXXXXX", parent) >= sizeof(path)) {
		die("--dir %s: expected a path of at most %d bytes", parent, PLACE_MAX - 12);
	}
	if (!mkdtemp(path)) {
		die("cannot make a directory in %s: %s", parent, strerror(errno));
	}
	on_cleanup(remove_all);
	if (!on_disk(path)) {
		progress(
			"%s is kept in memory: figures of durable writes mean nothing there", path);
	}
}

const char *place_path(void)
{
	return path;
}

const char *place_filesystem(void)
{
	return filesystem_of(path);
}
