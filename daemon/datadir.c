#include "daemon/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_directories(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *p = path + 1; *p; p++) {
		if (*p == '/') {
			*p = '\0';
			if (mkdir(path, 0700) && errno != EEXIST) {
				return -errno;
			}
			*p = '/';
		}
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int refuse(const char *dir, const char *what, int error, char *why)
{
	snprintf(why, 256, "%s %.160s: %s", what, dir, strerror(error));
	return -error;
}

/* May others be shut out of it? Yes when there is nothing in it, or a store. */
static bool is_ours(const char *dir)
{
	const struct dirent *entry;
	bool empty = true, store = false;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d))) {
		empty = empty && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."));
		store = store || !strcmp(entry->d_name, "data.mdb");
	}
	if (d) {
		closedir(d);
	}
	return empty || store;
}

static int make_private(const char *dir, char *why)
{
	if (!is_ours(dir)) {
		snprintf(why, 256,
			"%.150s is open to others and holds other files: name another directory, "
			"or chmod "
			"700 this one",
			dir);
		return -EPERM;
	}
	return chmod(dir, 0700) ? refuse(dir, "cannot make private the data directory", errno, why)
				: 0;
}

int datadir_prepare(const char *dir, char *absolute, char why[static 256])
{
	struct stat st;
	int r;

	r = make_directories(dir);
	if (r) {
		return refuse(dir, "cannot make the data directory", -r, why);
	}
	if (stat(dir, &st)) {
		return refuse(dir, "cannot read the data directory", errno, why);
	}
	if (!S_ISDIR(st.st_mode)) {
		return refuse(dir, "the data directory", ENOTDIR, why);
	}
	if (access(dir, R_OK | W_OK | X_OK)) {
		return refuse(dir, "cannot write to the data directory", errno, why);
	}
	if (st.st_mode & 077) {
		r = make_private(dir, why);
		if (r) {
			return r;
		}
	}
	if (!realpath(dir, absolute)) {
		return refuse(dir, "cannot find the data directory", errno, why);
	}
	return 0;
}

static void read_holder(int fd, char *out, size_t size)
{
	ssize_t n = pread(fd, out, size - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

int datadir_lock(const char *dir, pid_t pid, char why[static 256])
{
	char path[PATH_MAX], text[32];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/LOCK", dir) >= sizeof(path)) {
		return refuse(dir, "the data directory", ENAMETOOLONG, why);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return refuse(path, "cannot open", errno, why);
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int error = errno;

		read_holder(fd, text, sizeof(text));
		snprintf(why, 256, "another runstored (pid %s) serves %.160s", text, dir);
		close(fd);
		return -error;
	}
	snprintf(text, sizeof(text), "%ld\n", (long)pid);
	if (ftruncate(fd, 0) || pwrite(fd, text, strlen(text), 0) < 0) {
		return refuse(
			path, "cannot write", errno, why); /* the lock ends with the process */
	}
	return 0;
}
