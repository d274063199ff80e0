#include "daemon/serve.h"
#include "daemon/datadir.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/ops/stats.h"
#include "daemon/rpc/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINGER_US 100000 /* for the last replies to leave; nanomsg has no way to ask */

struct server {
	struct config config; /* with absolute paths */
	struct store *store;
	struct net *net;
	struct engine *engine;
	struct service service;
	char why[256];
};

static int resolve_config(struct server *s)
{
	char absolute[PATH_MAX];
	struct config *c = &s->config;
	int r;

	r = datadir_prepare(c->data, absolute, s->why);
	if (r) {
		return r;
	}
	strcpy(c->data, absolute);
	if (!c->listen[0]) {
		snprintf(c->listen, sizeof(c->listen), "ipc://%s/rpc.sock", absolute);
	}
	if (!c->events[0]) {
		snprintf(c->events, sizeof(c->events), "ipc://%s/events.sock", absolute);
	}
	return 0;
}

static int open_store(struct server *s)
{
	struct store_options options = {
		.dir = s->config.data,
		.map_size_bytes = s->config.map_size_bytes,
		.sync = s->config.sync_interval_ms ? KV_SYNC_LAZY : KV_SYNC_FULL,
		.changes_max = (uint64_t)s->config.changes_max,
		.changes_age_ms = s->config.changes_age * 1000,
	};

	return store_open(&s->store, &options, s->why);
}

static int make_service(struct server *s)
{
	s->service = (struct service){
		.run_ttl = s->config.run_ttl,
		.strict_assistants = s->config.strict_assistants,
		.data = s->config.data,
		.listen = s->config.listen,
		.events = s->config.events,
		.started_ms = clock_wall_ms(),
		.stats = stats_create(),
	};
	if (!s->service.stats) {
		snprintf(s->why, sizeof(s->why), "out of memory");
		return -ENOMEM;
	}
	return 0;
}

static int start_engine(struct server *s)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct engine_options options = {
		.writer =
			{
				.store = s->store,
				.net = s->net,
				.service = &s->service,
				.dir = s->config.data,
				.flush_ms = s->config.sync_interval_ms,
			},
		.n_workers = cores > 0 ? (unsigned int)cores : 1,
	};
	int r;

	r = engine_create(&s->engine, &options);
	if (!r) {
		r = engine_run(s->engine);
	}
	if (r) {
		snprintf(s->why, sizeof(s->why), "cannot start to serve: %s", strerror(-r));
	}
	return r;
}

static int open_net(struct server *s)
{
	return net_open(&s->net, s->config.listen, s->config.events, s->why);
}

static int lock_data(struct server *s)
{
	return datadir_lock(s->config.data, s->config.supervise ? getppid() : getpid(), s->why);
}

static void close_all(struct server *s)
{
	engine_stop(s->engine);
	if (s->engine) {
		usleep(LINGER_US);
	}
	net_close(s->net);
	store_close(s->store);
	stats_destroy(s->service.stats);
}

static int wait_for_signal(void)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	while (sigwait(&set, &signal)) {
	}
	return signal;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Each connection is a descriptor; take as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void tell_ready(const struct server *s, bool first)
{
	if (first) {
		printf("ready listen=%s events=%s data=%s\n", s->config.listen, s->config.events,
			s->config.data);
		fflush(stdout);
	}
	log_write(LOG_LEVEL_INFO, "event=ready pid=%ld data=%s last_seq=%llu", (long)getpid(),
		s->config.data, (unsigned long long)store_last_seq(s->store));
	notify_send("READY=1");
}

int serve(const struct config *config, bool first, void (*on_ready)(void *context), void *context)
{
	static int (*const stages[])(struct server *) = {
		resolve_config, lock_data, open_store, make_service, open_net, start_engine};
	struct server s = {.config = *config};
	int r = 0;

	umask(077);
	raise_descriptor_limit();
	block_signals();
	for (size_t i = 0; i < N_OF(stages) && !r; i++) {
		r = stages[i](&s);
	}
	if (r == -ECANCELED) {
		log_write(LOG_LEVEL_INFO, "event=stopped_at_start");
	} else if (r) {
		log_write(LOG_LEVEL_ERROR, "runstored: %s", s.why);
	} else {
		tell_ready(&s, first);
		on_ready(context);
		log_write(LOG_LEVEL_INFO, "event=stopping signal=%d", wait_for_signal());
		notify_send("STOPPING=1");
	}
	close_all(&s);
	return r && r != -ECANCELED ? EXIT_FAILURE : EXIT_SUCCESS;
}
