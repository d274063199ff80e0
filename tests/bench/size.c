#include "daemon/store/store.h"
#include "tests/bench/process.h"
#include "tests/bench/sections.h"

#include <stdio.h>

#define N_FRAMES 8192
#define N_STARTS 5
#define MAP_SIZE ((size_t)256 << 30)
#define MOST_OF_SMALL 1.5
#define MOST_OPEN_MS 100
#define MOST_PRIVATE_MIB 64

/* A store of some size, and the daemon that serves it. */
struct sized {
	struct server server;
	struct content content;
	double import_rate;
	double ready_ms;
	double open_ms;
};

static struct content content_of(uint64_t n_steps)
{
	uint64_t n_runs = n_steps / 1000 / CONTENT_LIVE * CONTENT_LIVE;

	n_runs = n_runs < CONTENT_LIVE ? CONTENT_LIVE : n_runs;
	n_runs = n_runs > 10048 ? 10048 : n_runs;
	return (struct content){.n_runs = (uint32_t)n_runs,
		.steps_per_run = (uint32_t)((n_steps + n_runs - 1) / n_runs)};
}

struct opening {
	const char *dir;
	double *ms;
};

static void open_store(void *context)
{
	const struct opening *o = context;
	struct store_options options = {.dir = o->dir, .map_size_bytes = MAP_SIZE};
	struct store *store;
	uint64_t start = now_ns();
	char why[256];

	if (store_open(&store, &options, why)) {
		child_die("%s", why);
	}
	*o->ms = (double)(now_ns() - start) / 1e6;
	store_close(store);
}

static double time_opening(const struct sized *s)
{
	double *shared = shared_alloc(sizeof(*shared)), ms;
	struct opening opening = {s->server.dir, shared};

	child_run(open_store, &opening);
	ms = *shared;
	shared_free(shared, sizeof(*shared));
	return ms;
}

/* Restart the daemon some times; the store is opened by itself in between. */
static void time_starts(struct sized *s, const char *name, bool cold)
{
	double starts[N_STARTS], openings[N_STARTS];

	for (int i = 0; i < N_STARTS; i++) {
		server_stop(&s->server);
		if (cold) {
			server_forget_pages(&s->server);
		}
		openings[i] = time_opening(s);
		if (cold) {
			server_forget_pages(&s->server);
		}
		server_start(&s->server, name);
		starts[i] = s->server.ready_ms;
	}
	s->ready_ms = median(starts, N_STARTS);
	s->open_ms = median(openings, N_STARTS);
}

static void add_value(const char *name, enum unit unit, double value, enum goal goal, double limit)
{
	struct row row = {.unit = unit, .value = value, .goal = goal, .limit = limit};

	snprintf(row.name, sizeof(row.name), "%s", name);
	report_add(&row);
}

static void add_warm_starts(struct sized *large)
{
	time_starts(large, "large", false);
	add_value("opening of the store", UNIT_MS, large->open_ms, GOAL_VALUE_MAX, MOST_OPEN_MS);
	add_value("start of the daemon, exec to ready", UNIT_MS, large->ready_ms, GOAL_VALUE_MAX,
		MOST_OPEN_MS);
}

/* After the reads: those are to be compared with the small store's, not with the disk. */
static void add_cold_starts(struct sized *large)
{
	time_starts(large, "large", true);
	add_value("opening, file out of the page cache", UNIT_MS, large->open_ms, GOAL_NONE, 0);
	add_value("start, file out of the page cache", UNIT_MS, large->ready_ms, GOAL_NONE, 0);
}

static void compare(const struct sized *large, const struct sized *small, const char *name,
	struct frames (*make)(const struct content *c, size_t n))
{
	struct frames frames[2] = {
		make(&small->content, N_FRAMES), make(&large->content, N_FRAMES)};
	struct load loads[2] = {
		{.url = small->server.url, .n_clients = 1, .frames = &frames[0]},
		{.url = large->server.url, .n_clients = 1, .frames = &frames[1]},
	};
	struct phase phases[2] = {
		{"the same of the small", load_measure, &loads[0], {{0}}},
		{"large", load_measure, &loads[1], {{0}}},
	};
	struct row row;

	rounds_run(name, phases, 2);
	row = report_compare(&phases[1], &phases[0], FIGURE_P50);
	snprintf(row.name, sizeof(row.name), "%s, large store", name);
	row.n_clients = 1;
	row.goal = GOAL_RATIO_MAX;
	row.limit = MOST_OF_SMALL;
	report_add(&row);
	frames_free(&frames[0]);
	frames_free(&frames[1]);
}

static void fill(struct sized *s, const char *name, uint64_t n_steps)
{
	s->content = content_of(n_steps);
	server_start(&s->server, name);
	s->import_rate = content_import(&s->content, s->server.url);
}

static void add_memory(const char *when, const struct server *server)
{
	struct server_memory m = server_memory(server);
	char name[64];

	snprintf(name, sizeof(name), "private memory %s", when);
	add_value(name, UNIT_MIB, m.private_mib, GOAL_VALUE_MAX, MOST_PRIVATE_MIB);
	snprintf(name, sizeof(name), "pages of the file in use %s", when);
	add_value(name, UNIT_MIB, m.mapped_mib, GOAL_NONE, 0);
}

void section_size(const struct stage *stage)
{
	struct sized small, large;
	char name[64];

	fill(&small, "small", stage->quick ? 1000 : 10000);
	fill(&large, "large", stage->n_steps);
	snprintf(name, sizeof(name), "import of %llu steps, %u runs",
		(unsigned long long)content_steps(&large.content), large.content.n_runs);
	add_value(name, UNIT_PER_SECOND, large.import_rate, GOAL_NONE, 0);
	add_value("the store's file", UNIT_MIB, server_file_mib(&large.server), GOAL_NONE, 0);
	add_memory("after the import", &large.server);
	add_warm_starts(&large);
	compare(&large, &small, "steps.get", request_step_gets);
	compare(&large, &small, "page of 100", request_pages);
	add_memory("after the reads", &large.server);
	add_cold_starts(&large);
	server_stop(&small.server);
	server_stop(&large.server);
	place_remove(small.server.dir);
	place_remove(large.server.dir);
}
