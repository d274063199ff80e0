#include "tests/bench/aide.h"
#include "tests/bench/process.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct start {
	void (*body)(void *context, int line);
	void *context;
	int ends[2]; /* the first one stays here */
};

static void begin(void *context, int ready)
{
	struct start *start = context;

	close(start->ends[0]);
	child_ready(ready);
	start->body(start->context, start->ends[1]);
}

void aide_start(struct aide *aide, void (*body)(void *context, int line), void *context)
{
	struct start start = {.body = body, .context = context};

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, start.ends)) {
		die("cannot make a pair of sockets: %s", strerror(errno));
	}
	aide->pid = child_start(begin, &start);
	aide->line = start.ends[0];
	close(start.ends[1]);
}

void aide_stop(struct aide *aide)
{
	child_kill(aide->pid);
	close(aide->line);
	*aide = (struct aide){0};
}

bool aide_tell(int line)
{
	return send(line, "", 1, MSG_NOSIGNAL) == 1;
}

bool aide_hear(int line)
{
	ssize_t n;
	char byte;

	while ((n = read(line, &byte, 1)) < 0 && errno == EINTR) {
		check_interrupted();
	}
	return n == 1;
}
