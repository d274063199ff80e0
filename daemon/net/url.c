#include "daemon/net/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

static int check_ipc(const char *path, char *why)
{
	const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	struct stat st;

	if (!path[0] || strlen(path) > max) {
		snprintf(why, 256,
			"the path of a socket has 1 to %zu bytes, this one has %zu: %.100s", max,
			strlen(path), path);
		return -ENAMETOOLONG;
	}
	if (!lstat(path, &st) && !S_ISSOCK(st.st_mode)) {
		snprintf(why, 256, "%.120s exists and is not a socket: move it away", path);
		return -EEXIST;
	}
	return 0;
}

static int check_tcp(const char *address, char *why)
{
	if (!strncmp(address, "127.0.0.1:", 10)) {
		return 0;
	}
	snprintf(why, 256, "tcp:// is for loopback only (tcp://127.0.0.1:PORT), not for %.100s",
		address);
	return -EACCES;
}

int url_check(const char *url, char why[static 256])
{
	if (!strncmp(url, "ipc://", 6)) {
		return check_ipc(url + 6, why);
	}
	if (!strncmp(url, "tcp://", 6)) {
		return check_tcp(url + 6, why);
	}
	snprintf(why, 256, "an address is ipc://PATH or tcp://127.0.0.1:PORT, not %.150s", url);
	return -EINVAL;
}
