#include "tests/bench/echo.h"
#include "tests/bench/sections.h"

#include <stdio.h>

#define N_DEPTHS 3
#define MOST_OF_OTHER 1.3

struct pages {
	struct server server;
	struct frames frames[N_DEPTHS];
	struct load loads[N_DEPTHS + 1];
	struct phase phases[N_DEPTHS + 1]; /* the last one is the echo */
	struct echo echo;
};

static void fill(struct pages *p, const struct content *content)
{
	struct row row = {.unit = UNIT_PER_SECOND, .name = "objects.import, steps of one run"};

	server_start(&p->server, "pages");
	row.value = content_import(content, p->server.url);
	report_add(&row);
}

static void prepare(struct pages *p, const struct content *content, const uint32_t *depths)
{
	for (int i = 0; i < N_DEPTHS; i++) {
		p->frames[i] = request_page_at(content, depths[i]);
		p->loads[i] = (struct load){
			.url = p->server.url, .n_clients = 1, .frames = &p->frames[i]};
		p->phases[i] = (struct phase){
			.name = "page", .measure = load_measure, .what = &p->loads[i]};
	}
	p->phases[0].name = "page at depth 100";
	echo_start(&p->echo, load_reply_bytes(p->server.url, &p->frames[0]), true);
	p->loads[N_DEPTHS] =
		(struct load){.url = p->echo.url, .n_clients = 1, .frames = &p->frames[0]};
	p->phases[N_DEPTHS] = (struct phase){
		.name = "echo (raw)", .measure = load_measure, .what = &p->loads[N_DEPTHS]};
}

static void add_rows(const struct pages *p, const uint32_t *depths)
{
	for (int i = 0; i < N_DEPTHS; i++) {
		const struct phase *floor = &p->phases[i ? 0 : N_DEPTHS];
		struct row row = report_compare(&p->phases[i], floor, FIGURE_P50);

		snprintf(row.name, sizeof(row.name), "page of 100 at depth %u", depths[i]);
		row.n_clients = 1;
		row.goal = i ? GOAL_RATIO_MAX : GOAL_NONE;
		row.limit = MOST_OF_OTHER;
		report_add(&row);
	}
}

void section_page(const struct stage *stage)
{
	static const uint32_t full[] = {100, 10000, 1000000}, quick[] = {100, 1000, 5000};
	const uint32_t *depths = stage->quick ? quick : full;
	struct content content = {.n_runs = 1, .steps_per_run = depths[N_DEPTHS - 1] + 1000};
	struct pages p;

	fill(&p, &content);
	prepare(&p, &content, depths);
	rounds_run("page of 100 steps", p.phases, N_DEPTHS + 1);
	add_rows(&p, depths);
	echo_stop(&p.echo);
	for (int i = 0; i < N_DEPTHS; i++) {
		frames_free(&p.frames[i]);
	}
	server_stop(&p.server);
	place_remove(p.server.dir);
}
