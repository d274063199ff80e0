#include "proto/mp.h"
#include "tests/bench/client.h"
#include "tests/bench/echo.h"
#include "tests/bench/handoff.h"
#include "tests/bench/lmdb_floor.h"
#include "tests/bench/process.h"
#include "tests/bench/sections.h"
#include "tests/bench/tasks.h"
#include "tests/bench/workers.h"

#include <stdio.h>

#define ASSISTANT "asst_handed"
#define NOBODYS "asst_nobodys"
#define N_WORKERS 16
#define MOST_OF_WRITE 2
#define MOST_OF_EMPTY 1.3

static void put_claim(struct buf *out, uint64_t number)
{
	(void)number;
	task_claim(out, ASSISTANT, 60000);
}

static void put_create(struct buf *out, uint64_t number)
{
	char id[TASK_ID_MAX];

	task_run_id(number, id);
	task_create(out, &(struct task_run){.id = id,
				 .thread_id = "thread_handed",
				 .assistant_id = ASSISTANT,
				 .on_active = "parallel"});
}

static void call_update(int s, uint64_t number, const char *status, struct slice lease)
{
	char id[TASK_ID_MAX];
	struct buf frame = {0};

	task_run_id(number, id);
	task_update(&frame, slice_str(id), status, lease);
	client_free(client_call(s, buf_slice(&frame)));
	buf_finish(&frame);
}

/* It must be the run that was made for it. */
static void take_claim(int s, uint64_t number, struct slice claim)
{
	struct slice id = {NULL, 0}, token = {NULL, 0};
	char expected[TASK_ID_MAX];

	task_run_id(number, expected);
	mp_get_str(mp_lookup(mp_lookup(claim, "run"), "id"), &id);
	mp_get_str(mp_lookup(mp_lookup(claim, "lease"), "token"), &token);
	if (!slice_is(id, expected)) {
		child_die("a claim got '%.*s', not '%s'", (int)id.len, (const char *)id.ptr,
			expected);
	}
	call_update(s, number, "completed", token);
}

static void end_unclaimed(int s, uint64_t number)
{
	call_update(s, number, "cancelled", slice_of(NULL, 0));
}

static const struct handoff_kind claiming = {
	.put_wait = put_claim,
	.put_act = put_create,
	.take = take_claim,
	.undo = end_unclaimed,
};

enum { ECHO, COMMIT, ALONE, CLAIMED, SINCE, TRIP, N_HANDOFF };

static void add_ratio(
	const char *name, const struct phase *measured, const struct phase *floor, double limit)
{
	struct row row = report_compare(measured, floor, FIGURE_P50);

	snprintf(row.name, sizeof(row.name), "%s", name);
	row.n_clients = 1;
	row.goal = limit > 0 ? GOAL_RATIO_MAX : GOAL_NONE;
	row.limit = limit;
	report_add(&row);
}

static void add_handoff_rows(const struct phase *phases)
{
	struct phase series = {.name = "echo then commit"};
	struct row row = {.unit = UNIT_US,
		.name = "from the create's reply to the claim's",
		.n_clients = 1,
		.value = phase_median(&phases[SINCE], FIGURE_P50),
		.p99_us = phase_median(&phases[SINCE], FIGURE_P99)};

	phase_in_series(&phases[ECHO], &phases[COMMIT], &series);
	add_ratio("runs.create to claimed", &phases[CLAIMED], &phases[ALONE], MOST_OF_WRITE);
	add_ratio("runs.create to claimed, to the floor", &phases[CLAIMED], &series, 0);
	report_add(&row);
	add_ratio("runs.create while a claim waits", &phases[TRIP], &phases[ALONE], 0);
}

/* A worker waits in a claim; another client makes the run. */
static void compare_handoff(const struct server *server)
{
	struct frames create = request_run_creates(NOBODYS, 1);
	struct result since, trip;
	struct handoff alone = {.url = server->url, .kind = &claiming, .alone = true};
	struct handoff claimed = {
		.url = server->url, .kind = &claiming, .since = &since, .trip = &trip};
	char dir[PLACE_MAX + 32];
	struct lmdb_commits commits = {dir, 1};
	struct echo echo;
	struct load load = {.url = echo.url, .n_clients = 1, .frames = &create};
	struct phase phases[N_HANDOFF] = {
		[ECHO] = {"echo (raw)", load_measure, &load, {{0}}},
		[COMMIT] = {"commit", lmdb_measure_commits, &commits, {{0}}},
		[ALONE] = {"nobody waits", handoff_measure, &alone, {{0}}},
		[CLAIMED] = {"to claimed", handoff_measure, &claimed, {{0}}},
		[SINCE] = {"of this after the reply", handoff_also, &since, {{0}}},
		[TRIP] = {"a claim waits", handoff_also, &trip, {{0}}},
	};

	snprintf(dir, sizeof(dir), "%s/claim-floor", place_path());
	echo_start(&echo, load_reply_bytes(server->url, &create), true);
	rounds_run("runs.create", phases, N_HANDOFF);
	echo_stop(&echo);
	add_handoff_rows(phases);
	place_remove(dir);
	frames_free(&create);
}

static void add_crew_row(
	const char *name, const struct phase *measured, const struct phase *floor, double each)
{
	struct phase scaled = *measured;
	struct row row;

	for (unsigned int i = 0; i < rounds_count(); i++) {
		scaled.results[i].rate *= each;
	}
	row = report_compare(&scaled, floor, FIGURE_RATE);
	snprintf(row.name, sizeof(row.name), "%s", name);
	row.n_clients = N_WORKERS;
	report_add(&row);
}

/* Workers on a queue that does not run empty, next to as many that append steps. */
static void compare_crew(const struct stage *stage, const struct server *server)
{
	struct content content = {.n_open = CONTENT_LIVE};
	struct frames steps = request_step_creates(&content, true);
	uint32_t left = 0;
	struct workers workers = {.url = server->url,
		.n = N_WORKERS,
		.queue = stage->quick ? 500 : 10000,
		.left = &left};
	struct load load = {.url = server->url, .n_clients = N_WORKERS, .frames = &steps};
	struct phase phases[2] = {
		{"steps.create", load_measure, &load, {{0}}},
		{"claim and complete", workers_measure, &workers, {{0}}},
	};

	content_import(&content, server->url);
	rounds_run("16 workers", phases, 2);
	add_crew_row("runs claimed and completed", &phases[1], &phases[0], 1);
	add_crew_row("runs claimed and completed, in writes", &phases[1], &phases[0], 2);
	frames_free(&steps);
}

struct crowded {
	const char *url;
	char first[TASK_ID_MAX];
};

/* Begins a thread with a run that somebody is at, so that those behind it wait. */
static void begin_thread(void *context)
{
	const struct crowded *c = context;
	int s = client_open(c->url);
	struct buf frame = {0};

	task_create(&frame, &(struct task_run){.id = c->first,
				    .thread_id = "thread_crowded",
				    .assistant_id = WORKERS_ASSISTANT,
				    .on_active = "enqueue"});
	client_free(client_call(s, buf_slice(&frame)));
	task_update(&frame, slice_str(c->first), "in_progress", slice_of(NULL, 0));
	client_free(client_call(s, buf_slice(&frame)));
	buf_finish(&frame);
	client_close(s);
}

/* Before whatever is queued for the workers: @n that wait in a thread, @n that are not for them. */
static void crowd(const struct server *server, uint32_t n)
{
	struct crowded crowded = {.url = server->url, .first = "run_first"};
	uint64_t start = now_ns();

	child_run(begin_thread, &crowded);
	workers_fill(&(struct workers_queue){server->url, "thread_crowded", WORKERS_ASSISTANT, n});
	progress("%u runs enqueued in one thread: %.0f/s", n,
		n / ((double)(now_ns() - start) / 1e9));
	start = now_ns();
	workers_fill(&(struct workers_queue){server->url, NULL, NOBODYS, n});
	progress("%u runs queued in as many threads: %.0f/s", n,
		n / ((double)(now_ns() - start) / 1e9));
}

/* The same claims from a store of as many runs, which have ended. */
static void compare_crowded(const struct stage *stage)
{
	uint32_t n = stage->quick ? 500 : 10000;
	struct content ended = {.n_runs = 2 * n / CONTENT_LIVE * CONTENT_LIVE};
	struct frames claim = request_claims("asst_without_runs");
	struct server empty, full;
	struct load loads[2] = {
		{.url = empty.url, .n_clients = 1, .frames = &claim},
		{.url = full.url, .n_clients = 1, .frames = &claim},
	};
	struct phase phases[4] = {
		{"nothing is queued", workers_measure_one, empty.url, {{0}}},
		{"others are queued", workers_measure_one, full.url, {{0}}},
		{"nothing is queued", load_measure, &loads[0], {{0}}},
		{"others are queued, nil", load_measure, &loads[1], {{0}}},
	};
	char name[64];

	server_start(&empty, "queue-empty");
	server_start(&full, "queue-full");
	content_import(&ended, empty.url);
	crowd(&full, n);
	rounds_run("runs.claim", phases, 4);
	snprintf(name, sizeof(name), "runs.claim past %u others", 2 * n);
	add_ratio(name, &phases[1], &phases[0], MOST_OF_EMPTY);
	snprintf(name, sizeof(name), "runs.claim of nothing past %u others", 2 * n);
	add_ratio(name, &phases[3], &phases[2], MOST_OF_EMPTY);
	server_stop(&empty);
	server_stop(&full);
	place_remove(empty.dir);
	place_remove(full.dir);
	frames_free(&claim);
}

void section_claims(const struct stage *stage)
{
	struct server server;

	server_start(&server, "claims");
	compare_handoff(&server);
	compare_crew(stage, &server);
	server_stop(&server);
	place_remove(server.dir);
	compare_crowded(stage);
}
