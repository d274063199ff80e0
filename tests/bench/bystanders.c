#include "tests/bench/bystanders.h"
#include "tests/bench/crowd.h"

#include <stdio.h>

#define DIR_NAME "bystanders"

struct bystanders {
	const struct frames *frames;
	uint32_t n;
	bool waiting; /* in runs.claim; else they are only connected */
};

/* With a daemon of its own: who was parked is gone with it. */
static void measure(const void *what, double seconds, struct result *out)
{
	const struct bystanders *b = what;
	struct server server;
	struct crowd crowd = {.server = &server, .n = b->n, .assistant_id = "asst_never_seen"};
	struct load load = {.url = server.url, .n_clients = 1, .frames = b->frames};

	server_start(&server, DIR_NAME);
	crowd_start(&crowd);
	if (b->waiting) {
		crowd_wait(&crowd);
	}
	load_measure(&load, seconds, out);
	crowd_stop(&crowd);
	server_stop(&server);
}

static void import_runs(struct server *server, uint32_t n)
{
	struct content content = {.n_open = n};

	server_start(server, DIR_NAME);
	content_import(&content, server->url);
	server_stop(server);
}

void bystanders_compare(const struct stage *stage)
{
	uint32_t n = stage->quick ? 100 : 1000;
	struct frames frames = request_run_creates("asst_created", 1);
	struct bystanders idle = {&frames, n, false}, waiting = {&frames, n, true};
	struct phase phases[2] = {
		{"others are connected", measure, &idle, {{0}}},
		{"others wait in claims", measure, &waiting, {{0}}},
	};
	struct server server;
	struct row row;

	import_runs(&server, n);
	rounds_run("runs.create", phases, 2);
	row = report_compare(&phases[1], &phases[0], FIGURE_P50);
	snprintf(row.name, sizeof(row.name), "runs.create past %u claims of others", n);
	row.n_clients = 1;
	report_add(&row);
	place_remove(server.dir);
	frames_free(&frames);
}
