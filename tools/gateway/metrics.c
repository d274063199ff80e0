#include "tools/gateway/metrics.h"
#include "proto/mp.h"
#include "tools/gateway/hold.h"
#include "tools/gateway/stream.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Statuses that are answered; any other counts under the last, which is "other". */
static const unsigned int statuses[] = {
	200, 204, 400, 401, 403, 404, 405, 408, 413, 414, 415, 431, 500, 503, 0};
#define N_STATUSES (sizeof(statuses) / sizeof(*statuses))

/* Upper bounds of the histogram's buckets, in microseconds. */
static const unsigned int bounds_us[] = {
	250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 10000000};
#define N_BOUNDS (sizeof(bounds_us) / sizeof(*bounds_us))

struct route_metrics {
	_Atomic uint64_t requests[N_STATUSES];
	_Atomic uint64_t buckets[N_BOUNDS + 1];
	_Atomic uint64_t sum_us;
};

struct metrics {
	struct route_metrics routes[N_ROUTES + 1];
	_Atomic int connections;
};

struct metrics *metrics_create(void)
{
	return calloc(1, sizeof(struct metrics));
}

void metrics_destroy(struct metrics *m)
{
	free(m);
}

void metrics_connection(struct metrics *m, int delta)
{
	m->connections += delta;
}

void metrics_request(
	struct metrics *m, unsigned int route, unsigned int status, uint64_t ns, bool waited)
{
	struct route_metrics *r = &m->routes[route];
	uint64_t us = ns / 1000;
	size_t i = 0;

	while (i < N_STATUSES - 1 && statuses[i] != status) {
		i++;
	}
	r->requests[i]++;
	if (waited) {
		return;
	}
	for (i = 0; i < N_BOUNDS && us > bounds_us[i]; i++) {
	}
	r->buckets[i]++;
	r->sum_us += us;
}

__attribute__((format(printf, 2, 3))) static void put(struct buf *out, const char *format, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	buf_append(out, line, strlen(line));
}

static const char *verb_of(size_t route)
{
	return route < N_ROUTES ? routes[route].verb : "";
}

static const char *path_of(size_t route)
{
	return route < N_ROUTES ? routes[route].path : "";
}

static void put_requests(const struct metrics *m, struct buf *out)
{
	put(out, "# HELP runstore_gateway_requests_total Requests that were answered.\n"
		 "# TYPE runstore_gateway_requests_total counter\n");
	for (size_t i = 0; i <= N_ROUTES; i++) {
		for (size_t s = 0; s < N_STATUSES; s++) {
			char code[8] = "other";

			if (statuses[s]) {
				snprintf(code, sizeof(code), "%u", statuses[s]);
			}
			if (m->routes[i].requests[s]) {
				put(out,
					"runstore_gateway_requests_total{method=\"%s\",route=\"%"
					"s\",status=\"%s\"} %" PRIu64 "\n",
					verb_of(i), path_of(i), code, m->routes[i].requests[s]);
			}
		}
	}
}

static void put_histogram(const struct route_metrics *r, size_t route, struct buf *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= N_BOUNDS; i++) {
		char bound[24] = "+Inf";

		n += r->buckets[i];
		if (i < N_BOUNDS) {
			snprintf(bound, sizeof(bound), "%g", bounds_us[i] / 1e6);
		}
		put(out,
			"runstore_gateway_request_seconds_bucket{method=\"%s\",route=\"%s\",le=\"%"
			"s\"} %" PRIu64 "\n",
			verb_of(route), path_of(route), bound, n);
	}
	put(out, "runstore_gateway_request_seconds_sum{method=\"%s\",route=\"%s\"} %g\n",
		verb_of(route), path_of(route), (double)r->sum_us / 1e6);
	put(out, "runstore_gateway_request_seconds_count{method=\"%s\",route=\"%s\"} %" PRIu64 "\n",
		verb_of(route), path_of(route), n);
}

static bool was_used(const struct route_metrics *r)
{
	for (size_t i = 0; i <= N_BOUNDS; i++) {
		if (r->buckets[i]) {
			return true;
		}
	}
	return false;
}

static void put_gauge(struct buf *out, const char *name, const char *help, double value)
{
	put(out, "# HELP %s %s\n# TYPE %s gauge\n%s %.17g\n", name, help, name, name, value);
}

/* The numbers of server.stats that say how the daemon is. */
static void put_daemon(struct slice stats, struct buf *out)
{
	static const struct {
		const char *name;
		const char *help;
	} rows[] = {
		{"runs", "Runs in the store."},
		{"steps", "Run steps in the store."},
		{"threads", "Threads in the store."},
		{"messages", "Messages in the store."},
		{"assistants", "Assistants in the store."},
		{"changes", "Changes that the feed keeps."},
		{"file_bytes", "Size of the store's file."},
		{"free_bytes", "Bytes of it that are free."},
		{"queue_depth", "Writes that wait for the daemon's writer."},
		{"parked", "Requests that are parked in the daemon."},
		{"commits", "Commits since the daemon started."},
	};

	put_gauge(out, "runstore_up", "Whether the daemon answers.", stats.ptr != NULL);
	for (size_t i = 0; stats.ptr && i < sizeof(rows) / sizeof(*rows); i++) {
		char name[64];
		double v;

		snprintf(name, sizeof(name), "runstore_%s", rows[i].name);
		if (mp_get_double(mp_lookup(stats, rows[i].name), &v)) {
			put_gauge(out, name, rows[i].help, v);
		}
	}
}

void metrics_write(const struct gateway *gw, struct slice stats, struct buf *out)
{
	const struct metrics *m = gw->metrics;

	put_requests(m, out);
	put(out, "# HELP runstore_gateway_request_seconds Time to the answer, of those that were "
		 "not held or streamed.\n"
		 "# TYPE runstore_gateway_request_seconds histogram\n");
	for (size_t i = 0; i <= N_ROUTES; i++) {
		if (was_used(&m->routes[i])) {
			put_histogram(&m->routes[i], i, out);
		}
	}
	put_gauge(
		out, "runstore_gateway_connections", "Clients that are connected.", m->connections);
	put_gauge(out, "runstore_gateway_held", "Requests that are held for a change.",
		holds_count(gw->holds));
	put_gauge(
		out, "runstore_gateway_streams", "Streams of events.", streams_count(gw->streams));
	put_daemon(stats, out);
}
