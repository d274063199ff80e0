#include "proto/mp.h"
#include "tests/bench/bystanders.h"
#include "tests/bench/client.h"
#include "tests/bench/crowd.h"
#include "tests/bench/handoff.h"
#include "tests/bench/process.h"
#include "tests/bench/sections.h"
#include "tests/bench/tasks.h"

#include <stdio.h>

#define IDLE_PER_PHASE 20 /* idleness, in the time of a phase */
#define IDLE_MAX_SECONDS 30
#define MOST_PERCENT 1
#define MOST_BYTES 1024

static void call_create(int s, const char *id)
{
	struct buf frame = {0};

	task_create(&frame, &(struct task_run){.id = id,
				    .thread_id = "thread_waited",
				    .assistant_id = "asst_waited",
				    .on_active = "parallel"});
	client_free(client_call(s, buf_slice(&frame)));
	buf_finish(&frame);
}

static void begin_run(int s, uint64_t number)
{
	char id[TASK_ID_MAX];
	struct buf frame = {0};

	task_run_id(number, id);
	call_create(s, id);
	task_update(&frame, slice_str(id), "in_progress", slice_of(NULL, 0));
	client_free(client_call(s, buf_slice(&frame)));
	buf_finish(&frame);
}

static void put_wait(struct buf *out, uint64_t number)
{
	char id[TASK_ID_MAX];

	task_run_id(number, id);
	task_wait(out, id);
}

static void put_completion(struct buf *out, uint64_t number)
{
	char id[TASK_ID_MAX];

	task_run_id(number, id);
	task_update(out, slice_str(id), "completed", slice_of(NULL, 0));
}

static void take_run(int s, uint64_t number, struct slice run)
{
	struct slice id = {NULL, 0}, status = {NULL, 0};
	char expected[TASK_ID_MAX];

	(void)s;
	task_run_id(number, expected);
	mp_get_str(mp_lookup(run, "id"), &id);
	mp_get_str(mp_lookup(run, "status"), &status);
	if (!slice_is(id, expected) || !slice_is(status, "completed")) {
		child_die("a wait for '%s' got something else", expected);
	}
}

static const struct handoff_kind waking = {
	.prepare = begin_run,
	.put_wait = put_wait,
	.put_act = put_completion,
	.take = take_run,
};

static void compare_wake(void)
{
	enum { ALONE, WOKEN, SINCE, TRIP, N };
	struct server server;
	struct result since, trip;
	struct handoff alone = {.url = server.url, .kind = &waking, .alone = true};
	struct handoff woken = {.url = server.url, .kind = &waking, .since = &since, .trip = &trip};
	struct phase phases[N] = {
		[ALONE] = {"nobody waits", handoff_measure, &alone, {{0}}},
		[WOKEN] = {"to the wait's reply", handoff_measure, &woken, {{0}}},
		[SINCE] = {"of this after the reply", handoff_also, &since, {{0}}},
		[TRIP] = {"somebody waits", handoff_also, &trip, {{0}}},
	};
	struct row row;

	server_start(&server, "wake");
	rounds_run("runs.update to completed", phases, N);
	row = report_compare(&phases[WOKEN], &phases[ALONE], FIGURE_P50);
	snprintf(row.name, sizeof(row.name), "runs.update to the reply of runs.wait");
	row.n_clients = 1;
	report_add(&row);
	row = (struct row){.unit = UNIT_US,
		.name = "from the update's reply to the wait's",
		.n_clients = 1,
		.value = phase_median(&phases[SINCE], FIGURE_P50),
		.p99_us = phase_median(&phases[SINCE], FIGURE_P99)};
	report_add(&row);
	server_stop(&server);
	place_remove(server.dir);
}

/* A batch that completes @n runs from the number @first on. */
struct ending {
	const char *url;
	uint32_t first;
	uint32_t n;
	uint64_t sent_ns, answered_ns;
};

static void put_ending(const void *context, uint32_t i, struct buf *out)
{
	const struct ending *e = context;
	char id[CONTENT_ID_MAX];

	content_run_id(e->first + i, id);
	task_put_update(out, id, "completed");
}

static void end_runs(void *context)
{
	struct ending *e = context;
	int s = client_open(e->url);
	struct buf frame = {0};

	task_batch(&frame, e->n, put_ending, e);
	e->sent_ns = now_ns();
	client_free(client_call(s, buf_slice(&frame)));
	e->answered_ns = now_ns();
	buf_finish(&frame);
	client_close(s);
}

/* What a crowd is measured by; each is in place of the time of a phase's result. */
enum { CPU_IDLE, CPU_PARKED, OF_CONNECTION, OF_PARKED, BATCH_ALONE, BATCH_WAITED, N_FIGURES };

struct crowding {
	struct server server;
	pid_t serving;
	struct content content; /* 2 * n open runs */
	uint32_t n;
	double idle_seconds;
	struct ending *ending; /* shared */
	struct phase figures[N_FIGURES];
	unsigned int round;
};

static void note(struct crowding *c, int figure, double value)
{
	struct phase *p = &c->figures[figure];

	p->results[c->round].p50_us = value;
	progress("%u waits, round %u of %u, %s: %.3f", c->n, c->round + 1, rounds_count(), p->name,
		value);
}

static void measure_idleness(struct crowding *c, int figure)
{
	double before = server_cpu_seconds(c->serving);
	uint64_t start = now_ns();

	sleep_ms((unsigned int)(c->idle_seconds * 1e3));
	note(c, figure,
		(server_cpu_seconds(c->serving) - before) * 1e11 / (double)(now_ns() - start));
}

static void end_waited(struct crowding *c, struct crowd *crowd)
{
	uint64_t answered_ns;

	*c->ending = (struct ending){.url = c->server.url, .first = crowd->first, .n = crowd->n};
	crowd_listen(crowd);
	child_run(end_runs, c->ending);
	answered_ns = crowd_answered_ns(crowd);
	note(c, BATCH_WAITED, (double)(answered_ns - c->ending->sent_ns) / 1e6);
}

static void end_alone(struct crowding *c, uint32_t first)
{
	*c->ending = (struct ending){.url = c->server.url, .first = first, .n = c->n};
	child_run(end_runs, c->ending);
	note(c, BATCH_ALONE, (double)(c->ending->answered_ns - c->ending->sent_ns) / 1e6);
}

/* With a daemon of its own, whose memory nothing else has stretched. */
static void run_round(struct crowding *c)
{
	uint32_t first = c->round * 2 * c->n;
	struct crowd crowd = {.server = &c->server, .first = first, .n = c->n};
	double before, connected;

	server_start(&c->server, "waiters");
	c->serving = server_serving_pid(&c->server);
	before = server_anonymous_bytes(c->serving);
	crowd_start(&crowd);
	measure_idleness(c, CPU_IDLE);
	connected = server_anonymous_bytes(c->serving);
	note(c, OF_CONNECTION, (connected - before) / c->n);
	crowd_wait(&crowd);
	note(c, OF_PARKED, (server_anonymous_bytes(c->serving) - connected) / c->n);
	measure_idleness(c, CPU_PARKED);
	end_waited(c, &crowd);
	end_alone(c, first + c->n);
	crowd_stop(&crowd);
	server_stop(&c->server);
}

static void add_crowd_row(const struct crowding *c, const char *name, enum unit unit, int figure,
	int floor, double limit)
{
	struct row row = report_compare(&c->figures[figure], &c->figures[floor], FIGURE_P50);

	snprintf(row.name, sizeof(row.name), "%s", name);
	row.n_clients = c->n;
	row.unit = unit;
	row.goal = limit > 0 ? GOAL_VALUE_MAX : GOAL_NONE;
	row.limit = limit;
	report_add(&row);
}

static void import_runs(struct crowding *c)
{
	server_start(&c->server, "waiters");
	c->content = (struct content){.n_open = 2 * c->n * rounds_count()};
	content_import(&c->content, c->server.url);
	server_stop(&c->server);
}

static void measure_crowd(uint32_t n)
{
	double idle_seconds = IDLE_PER_PHASE * rounds_seconds();
	struct crowding c = {.n = n,
		.idle_seconds = idle_seconds < IDLE_MAX_SECONDS ? idle_seconds : IDLE_MAX_SECONDS,
		.ending = shared_alloc(sizeof(*c.ending)),
		.figures = {
			[CPU_IDLE] = {.name = "connected only"},
			[CPU_PARKED] = {.name = "parked"},
			[OF_CONNECTION] = {.name = "of a connection"},
			[OF_PARKED] = {.name = "of a parked request"},
			[BATCH_ALONE] = {.name = "nobody waits"},
			[BATCH_WAITED] = {.name = "all are answered"},
		}};

	import_runs(&c);
	for (c.round = 0; c.round < rounds_count(); c.round++) {
		run_round(&c);
	}
	add_crowd_row(&c, "a core's time while runs.wait is parked", UNIT_PERCENT, CPU_PARKED,
		CPU_IDLE, MOST_PERCENT);
	add_crowd_row(&c, "memory of a parked runs.wait", UNIT_BYTES, OF_PARKED, OF_CONNECTION,
		MOST_BYTES);
	add_crowd_row(&c, "a batch that ends all to the last reply", UNIT_MS, BATCH_WAITED,
		BATCH_ALONE, 0);
	place_remove(c.server.dir);
	shared_free(c.ending, sizeof(*c.ending));
}

void section_waiters(const struct stage *stage)
{
	measure_crowd(stage->quick ? 100 : 1000);
	compare_wake();
	bystanders_compare(stage);
}
