#include "tools/gateway/hold.h"
#include "tools/gateway/hub.h"
#include "tools/gateway/log.h"
#include "tools/gateway/metrics.h"
#include "tools/gateway/options.h"
#include "tools/gateway/quick.h"
#include "tools/gateway/server.h"
#include "tools/gateway/stream.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CONNECT_MS 1500 /* for a daemon that is not there; its supervisor is quicker */
#define CALL_MS 20000
#define LAST_ANSWERS_MS 3000
#define LAST_RESORT_S 4 /* for a daemon that took a request and does not answer */

static int tell(const char *what)
{
	fprintf(stderr, "runstore-gateway: %s\n", what);
	return 1;
}

static int open_all(struct gateway *gw, struct server **server, char *where, size_t size)
{
	const struct options *o = gw->options;
	const struct runstore_options options = {.timeout_ms = CALL_MS,
		.connect_timeout_ms = CONNECT_MS,
		.connections = (int)o->threads};
	struct runstore_error error;

	if (runstore_open(&gw->rs, o->url, &options, &error) ||
		quick_open(&gw->quick, o->url, &error) || hub_open(&gw->hub, gw->rs, &error)) {
		return tell(error.message);
	}
	gw->metrics = metrics_create();
	if (!gw->metrics || pool_open(&gw->pool, o->threads) || holds_open(&gw->holds, gw) ||
		streams_open(&gw->streams, gw)) {
		return tell("there is no memory, or no thread, to begin with");
	}
	return server_open(server, gw, where, size) ? 1 : 0;
}

static void leave(int signal_number)
{
	_exit(0);
}

/* Whoever waits is answered first, as things are; then nothing is left to do. */
static void close_all(struct gateway *gw, struct server *server)
{
	if (server) {
		server_quiet(server);
	}
	if (gw->holds) {
		holds_stop(gw->holds);
	}
	if (gw->streams) {
		streams_stop(gw->streams);
	}
	if (!server_close(server, LAST_ANSWERS_MS)) {
		_exit(0);
	}
	pool_close(gw->pool);
	holds_close(gw->holds);
	streams_close(gw->streams);
	hub_close(gw->hub);
	metrics_destroy(gw->metrics);
	quick_close(gw->quick);
	runstore_close(gw->rs);
}

int main(int argc, char **argv)
{
	struct options options;
	struct gateway gw = {.options = &options};
	struct server *server = NULL;
	char where[320];
	sigset_t ends;
	int r, signal_number;

	r = options_parse(&options, argc, argv);
	if (r) {
		options_finish(&options);
		return r > 0 ? 0 : 2;
	}
	log_set_level(options.log_level);
	signal(SIGPIPE, SIG_IGN);
	/* What large requests took is given back: many threads would keep it otherwise. */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_ARENA_MAX, 4);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	r = open_all(&gw, &server, where, sizeof(where));
	if (!r) {
		printf("ready listen=%s url=%s\n", where, runstore_url(gw.rs));
		fflush(stdout);
		sigwait(&ends, &signal_number);
		signal(SIGALRM, leave);
		alarm(LAST_RESORT_S);
	}
	close_all(&gw, server);
	options_finish(&options);
	return r;
}
