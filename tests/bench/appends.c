#include "tests/bench/echo.h"
#include "tests/bench/lmdb_floor.h"
#include "tests/bench/process.h"
#include "tests/bench/sections.h"

#include <stdio.h>

#define BATCH 256
#define N_BATCHES 16
#define LEAST_OF_SERIES 0.7

enum { COOKED, RAW, COMMIT, PLAIN, KEYED, N_PHASES };

static double at_most(double v, double limit)
{
	return v < limit ? v : limit;
}

/* What is asked for where the echo, or the commit, reaches less than on the machine meant. */
static double append_target(const struct phase *echo)
{
	return at_most(15000, phase_median(echo, FIGURE_RATE) * 15 / 55);
}

static double batch_target(const struct phase *commit)
{
	return at_most(100000, phase_median(commit, FIGURE_RATE) * 100 / 150);
}

static void add_row(const struct phase *measured, const struct phase *echo,
	const struct phase *commit, unsigned int n_clients)
{
	struct phase series = {.name = "echo then commit"};
	struct row row;

	if (n_clients == 1) {
		phase_in_series(echo, commit, &series);
		row = report_compare(measured, &series, FIGURE_RATE);
		row.goal = GOAL_RATIO_MIN;
		row.limit = LEAST_OF_SERIES;
	} else {
		row = report_compare(measured, echo, FIGURE_RATE);
		row.goal = GOAL_VALUE_MIN;
		row.limit = append_target(echo);
	}
	snprintf(row.name, sizeof(row.name), "steps.create, %s", measured->name);
	row.n_clients = n_clients;
	report_add(&row);
}

/* What share of commits of as many records, without any socket, that is. */
static void add_commit_row(
	const struct phase *measured, const struct phase *commit, unsigned int n_clients)
{
	struct row row = report_compare(measured, commit, FIGURE_RATE);

	snprintf(row.name, sizeof(row.name), "steps.create, %s, to commits alone", measured->name);
	row.n_clients = n_clients;
	row.floor_name = "commits of as many";
	report_add(&row);
}

static void compare_appends(const struct stage *stage, unsigned int n_clients)
{
	struct frames plain = request_step_creates(&stage->content, false);
	struct frames keyed = request_step_creates(&stage->content, true);
	size_t reply_bytes = load_reply_bytes(stage->server.url, &plain);
	char dir[PLACE_MAX + 32], subject[64];
	struct lmdb_commits commits = {dir, n_clients};
	struct echo cooked, raw;
	struct load loads[N_PHASES] = {
		[COOKED] = {.url = cooked.url, .n_clients = n_clients, .frames = &plain},
		[RAW] = {.url = raw.url, .n_clients = n_clients, .frames = &plain},
		[PLAIN] = {.url = stage->server.url, .n_clients = n_clients, .frames = &plain},
		[KEYED] = {.url = stage->server.url, .n_clients = n_clients, .frames = &keyed},
	};
	struct phase phases[N_PHASES] = {
		[COOKED] = {"echo (cooked)", load_measure, &loads[COOKED], {{0}}},
		[RAW] = {"echo (raw)", load_measure, &loads[RAW], {{0}}},
		[COMMIT] = {"commit", lmdb_measure_commits, &commits, {{0}}},
		[PLAIN] = {"no key", load_measure, &loads[PLAIN], {{0}}},
		[KEYED] = {"idempotency key", load_measure, &loads[KEYED], {{0}}},
	};
	int64_t steps = server_count(&stage->server, "steps");
	int64_t commits_made = server_count(&stage->server, "commits");
	const struct phase *echo;

	snprintf(dir, sizeof(dir), "%s/append-floor", place_path());
	snprintf(subject, sizeof(subject), "steps.create, %u clients", n_clients);
	echo_start(&cooked, reply_bytes, false);
	echo_start(&raw, reply_bytes, true);
	rounds_run(subject, phases, N_PHASES);
	echo_stop(&cooked);
	echo_stop(&raw);
	echo = phase_faster(&phases[COOKED], &phases[RAW]);
	add_row(&phases[PLAIN], echo, &phases[COMMIT], n_clients);
	add_row(&phases[KEYED], echo, &phases[COMMIT], n_clients);
	add_commit_row(&phases[KEYED], &phases[COMMIT], n_clients);
	progress("%s: %.1f requests a commit", subject,
		(double)(server_count(&stage->server, "steps") - steps) /
			(double)(server_count(&stage->server, "commits") - commits_made));
	place_remove(dir);
	frames_free(&plain);
	frames_free(&keyed);
}

void section_append(const struct stage *stage)
{
	compare_appends(stage, 1);
	compare_appends(stage, 16);
	compare_appends(stage, 64);
}

static void add_batch_row(
	const struct phase *measured, const struct phase *commit, unsigned int n_clients)
{
	struct row row = report_compare(measured, commit, FIGURE_RATE);

	snprintf(row.name, sizeof(row.name), "batches of %d steps.create, steps", BATCH);
	row.n_clients = n_clients;
	row.goal = GOAL_VALUE_MIN;
	row.limit = batch_target(commit);
	report_add(&row);
}

void section_batch(const struct stage *stage)
{
	static const unsigned int n_clients[] = {1, 2, 4};
	enum { N = sizeof(n_clients) / sizeof(n_clients[0]) };
	struct frames frames = request_batches(&stage->content, N_BATCHES, BATCH);
	char dir[PLACE_MAX + 32];
	struct lmdb_commits commits = {dir, BATCH};
	struct load loads[N];
	struct phase phases[N + 1] = {{"commit of 256", lmdb_measure_commits, &commits, {{0}}}};

	snprintf(dir, sizeof(dir), "%s/batch-floor", place_path());
	for (size_t i = 0; i < N; i++) {
		loads[i] = (struct load){stage->server.url, n_clients[i], &frames, BATCH};
		phases[i + 1] = (struct phase){"batch", load_measure, &loads[i], {{0}}};
	}
	rounds_run("batches of 256 steps.create", phases, N + 1);
	for (size_t i = 0; i < N; i++) {
		add_batch_row(&phases[i + 1], &phases[0], n_clients[i]);
	}
	place_remove(dir);
	frames_free(&frames);
}
