#include "tests/bench/echo.h"
#include "tests/bench/sections.h"

#include <stdio.h>

#define N_FRAMES 1024
#define MOST_OF_ECHO 1.3
#define LEAST_OF_RATE 0.8

struct read {
	const char *name;
	const char *url;
	struct frames frames;
	unsigned int n_clients;
};

static void add_row(const struct read *read, const struct phase *measured, const struct phase *echo)
{
	bool alone = read->n_clients == 1;
	struct row row = report_compare(measured, echo, alone ? FIGURE_P50 : FIGURE_RATE);

	snprintf(row.name, sizeof(row.name), "%s, %s", read->name, alone ? "round trip" : "rate");
	row.n_clients = read->n_clients;
	row.goal = alone ? GOAL_RATIO_MAX : GOAL_RATIO_MIN;
	row.limit = alone ? MOST_OF_ECHO : LEAST_OF_RATE;
	report_add(&row);
}

/* The daemon and both echoes take turns; the faster echo is the floor. */
static void compare_to_echo(const struct read *read)
{
	size_t reply_bytes = load_reply_bytes(read->url, &read->frames);
	struct echo cooked, raw;
	struct load loads[3] = {
		{.url = cooked.url, .n_clients = read->n_clients, .frames = &read->frames},
		{.url = raw.url, .n_clients = read->n_clients, .frames = &read->frames},
		{.url = read->url, .n_clients = read->n_clients, .frames = &read->frames},
	};
	struct phase phases[3] = {
		{.name = "echo (cooked)", .measure = load_measure, .what = &loads[0]},
		{.name = "echo (raw)", .measure = load_measure, .what = &loads[1]},
		{.name = "daemon", .measure = load_measure, .what = &loads[2]},
	};
	char subject[96];

	snprintf(subject, sizeof(subject), "%s, %zu bytes, %u clients", read->name, reply_bytes,
		read->n_clients);
	echo_start(&cooked, reply_bytes, false);
	echo_start(&raw, reply_bytes, true);
	rounds_run(subject, phases, 3);
	echo_stop(&cooked);
	echo_stop(&raw);
	add_row(read, &phases[2], phase_faster(&phases[0], &phases[1]));
}

static void compare_both_ways(const struct stage *stage, const char *name, struct frames frames)
{
	struct read read = {.name = name, .url = stage->server.url, .frames = frames};

	read.n_clients = 1;
	compare_to_echo(&read);
	read.n_clients = 16;
	compare_to_echo(&read);
	frames_free(&read.frames);
}

void section_get(const struct stage *stage)
{
	compare_both_ways(stage, "runs.get", request_run_gets(&stage->content, N_FRAMES));
	compare_both_ways(stage, "steps.get", request_step_gets(&stage->content, N_FRAMES));
}

void section_list(const struct stage *stage)
{
	compare_both_ways(
		stage, "steps.list of 20", request_step_lists(&stage->content, N_FRAMES, 20));
}
