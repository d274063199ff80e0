#include "tests/bench/lmdb_floor.h"
#include "tests/bench/sections.h"

#include <stdio.h>

static void add_row(const char *name, const struct phase *p, bool times)
{
	struct row row = {.unit = UNIT_PER_SECOND, .value = phase_median(p, FIGURE_RATE)};

	snprintf(row.name, sizeof(row.name), "%s", name);
	row.p99_us = times ? phase_median(p, FIGURE_P99) : 0;
	report_add(&row);
}

void section_floors(const struct stage *stage)
{
	static const unsigned int sizes[] = {1, 16, 64, 256, 1024};
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	char dirs[N][PLACE_MAX + 32], name[64];
	struct lmdb_commits commits[N];
	struct phase phases[N + 1] = {0};

	for (size_t i = 0; i < N; i++) {
		snprintf(dirs[i], sizeof(dirs[i]), "%s/floor-%u", place_path(), sizes[i]);
		commits[i] = (struct lmdb_commits){dirs[i], sizes[i]};
		phases[i] = (struct phase){
			.name = "commit", .measure = lmdb_measure_commits, .what = &commits[i]};
	}
	phases[N] = (struct phase){
		.name = "seek", .measure = lmdb_measure_seeks, .what = &commits[N - 1]};
	rounds_run("raw LMDB", phases, N + 1);
	for (size_t i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "raw LMDB commits of %u, records", sizes[i]);
		add_row(name, &phases[i], true);
		place_remove(dirs[i]);
	}
	add_row("raw LMDB seeks", &phases[N], false);
}
