#include "client/url.h"
#include "client/fail.h"
#include "client/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define IPC "ipc://"
#define URL_MAX 127 /* characters, nanomsg's limit */

/* nanomsg aborts the process over a longer path. */
#define PATH_LIMIT (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static bool begins(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static int url_default(char **out)
{
	const char *dir;

	if (env("RUNSTORE_URL")) {
		*out = strdup(env("RUNSTORE_URL"));
		return *out ? 0 : -1;
	}
	if ((dir = env("RUNSTORE_DIR"))) {
		return asprintf(out, IPC "%s/rpc.sock", dir);
	}
	if ((dir = env("XDG_STATE_HOME"))) {
		return asprintf(out, IPC "%s/runstore/rpc.sock", dir);
	}
	dir = env("HOME");
	return asprintf(out, IPC "%s/.local/state/runstore/rpc.sock", dir ? dir : "");
}

static int url_check(const char *url, struct runstore_error *error)
{
	if (!begins(url, IPC) && !begins(url, "tcp://") && !begins(url, "inproc://")) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "url",
			"The URL '%s' is neither ipc:///path/to/rpc.sock nor tcp://host:port.",
			url);
	}
	if (!*(strchr(url, '/') + 2)) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "url",
			"The URL '%s' names no place after '//'.", url);
	}
	if (begins(url, IPC) && strlen(url + strlen(IPC)) > PATH_LIMIT) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "url",
			"The socket path in '%s' has %zu bytes, at most %zu are possible: use a "
			"shorter directory.",
			url, strlen(url + strlen(IPC)), PATH_LIMIT);
	}
	if (strlen(url) > URL_MAX) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, "url",
			"The URL '%s' is longer than %d characters.", url, URL_MAX);
	}
	return 0;
}

static void free_text(char **text)
{
	free(*text);
}

int url_resolve(const char *url, char **out, struct runstore_error *error)
{
	_cleanup_(free_text) char *text = NULL;
	int r;

	if (url) {
		text = strdup(url);
	} else if (url_default(&text) < 0) {
		text = NULL;
	}
	if (!text) {
		return fail_memory(error);
	}
	r = url_check(text, error);
	if (r) {
		return r;
	}
	*out = text;
	text = NULL; /* moved to the caller */
	return 0;
}

const char *url_trouble(const char *url)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *trouble = "";
	int fd;

	if (!begins(url, IPC)) {
		return "";
	}
	/* A daemon that hangs has a full backlog: this is not to wait for it. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return "";
	}
	strncpy(address.sun_path, url + strlen(IPC), sizeof(address.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		trouble = strerrordesc_np(errno);
	}
	close(fd);
	return trouble ? trouble : "";
}
