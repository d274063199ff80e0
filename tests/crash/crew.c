#include "cmocka_all.h"

#include "crew.h"

#include "objects.h"

#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

/* A serving process that was killed is replaced within 1 s; a busy machine gets some more. */
enum { BACK_MS = 10000, WORKERS_END_MS = 40000, N_THREADS = 40, BATCH = 200 };

int64_t crew_look_ahead(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - journal_now_us();
}

static void journal_path(const struct crew *crew, unsigned int place, char *out, size_t size)
{
	snprintf(out, size, "%s/journal%u", crew->fixture->daemon.dir, place);
}

int crew_start(void **state)
{
	/* Every change is to be read in the end. */
	static const char *const args[] = {"--changes-max", "10000000", NULL};
	struct crew *crew = calloc(1, sizeof(*crew));
	void *fixture = (void *)(uintptr_t)args;
	char path[64];

	assert_non_null(crew);
	fixture_start(&fixture);
	crew->fixture = fixture;
	*state = crew;
	dice_init(&crew->dice, dice_seed(), 0);
	crew->ahead_us = crew_look_ahead();
	for (unsigned int i = 0; i < N_PLACES; i++) {
		journal_path(crew, i, path, sizeof(path));
		crew->journals[i] = journal_open(path, true);
		crew->journals[i]->lease_ms = LEASE_MS;
	}
	return 0;
}

static void end_worker(struct crew *crew, unsigned int place)
{
	int status;

	assert_true(crew->pids[place] > 0);
	kill(crew->pids[place], SIGKILL);
	waitpid(crew->pids[place], &status, 0);
	crew->pids[place] = 0;
}

int crew_stop(void **state)
{
	struct crew *crew = *state;
	void *fixture = crew->fixture;

	for (unsigned int i = 0; i < N_PLACES; i++) {
		if (crew->pids[i] > 0) {
			end_worker(crew, i);
		}
		if (crew->journals[i]) {
			journal_close(crew->journals[i]);
		}
	}
	free(crew);
	return fixture_stop(&fixture);
}

static json_t *new_run(uint32_t run)
{
	char id[16];

	journal_run_id(run, id, sizeof(id));
	return codec_parse("['runs.create',{'id':'%s','thread_id':'t%" PRIu32 "','assistant_id':"
			   "'asst_1','on_active':'parallel','expires_in':0}]",
		id, run % N_THREADS);
}

static void add_batch(struct crew *crew, uint32_t n)
{
	struct wire *wire = &crew->fixture->wire;
	json_t *requests = json_array(), *results;

	while (n--) {
		json_array_append_new(requests, new_run(++crew->n_runs));
	}
	results = field(expect_ok_take(wire, "batch",
				json_pack("{sosb}", "requests", requests, "atomic", 1)),
		"results");
	assert_true(json_is_array(results));
	json_array_clear(wire->kept);
}

void crew_add_runs(struct crew *crew, uint32_t n)
{
	for (; n > BATCH; n -= BATCH) {
		add_batch(crew, BATCH);
	}
	if (n) {
		add_batch(crew, n);
	}
}

static void start_worker(struct crew *crew, unsigned int place)
{
	const char *program = getenv("RUNSTORE_CRASH_WORKER");
	char path[64], number[16], seed[32];
	char *argv[] = {(char *)"worker", crew->fixture->daemon.url, path, number, seed, NULL};

	if (!program) {
		fail_msg("RUNSTORE_CRASH_WORKER names no program");
	}
	crew->workers[place] = ++crew->n_workers;
	assert_true(crew->n_workers < MAX_WORKERS);
	journal_path(crew, place, path, sizeof(path));
	snprintf(number, sizeof(number), "%" PRIu32, crew->n_workers);
	snprintf(seed, sizeof(seed), "%" PRIu64, dice_seed());
	assert_int_equal(posix_spawn(&crew->pids[place], program, NULL, NULL, argv, environ), 0);
}

void crew_go_to_work(struct crew *crew, uint32_t wait_ms)
{
	for (unsigned int i = 0; i < N_PLACES; i++) {
		crew->journals[i]->wait_ms = wait_ms;
		crew->journals[i]->stop = false;
		start_worker(crew, i);
	}
}

static void kill_at(struct crew *crew, unsigned int place)
{
	crew_expect_at_work(crew);
	crew->killed_us[crew->workers[place]] = journal_now_us();
	end_worker(crew, place);
	start_worker(crew, place);
}

void crew_kill_worker(struct crew *crew)
{
	kill_at(crew, (unsigned int)dice_roll(&crew->dice, N_PLACES));
}

bool crew_kill_holder(struct crew *crew, uint32_t run)
{
	for (unsigned int i = 0; i < N_PLACES; i++) {
		uint32_t n = crew->journals[i]->n;
		const struct entry *last = &crew->journals[i]->entries[n ? n - 1 : 0];

		if (n && last->run == run && last->worker == crew->workers[i]) {
			kill_at(crew, i);
			return true;
		}
	}
	return false;
}

void crew_expect_at_work(struct crew *crew)
{
	int status;

	for (unsigned int i = 0; i < N_PLACES; i++) {
		if (crew->pids[i] > 0 && waitpid(crew->pids[i], &status, WNOHANG) != 0) {
			crew->pids[i] = 0;
			fail_msg("w%" PRIu32 " has ended with status %#x", crew->workers[i],
				(unsigned int)status);
		}
	}
}

static struct outage *begin_outage(struct crew *crew)
{
	struct outage *outage = &crew->outages[crew->n_outages++];

	assert_true(crew->n_outages <= MAX_OUTAGES);
	outage->from_us = journal_now_us();
	return outage;
}

void crew_kill_server(struct crew *crew)
{
	pid_t pid = fixture_server(crew->fixture);
	struct outage *outage = begin_outage(crew);

	daemon_kill_child(&crew->fixture->daemon, pid);
	crew->n_server_kills++;
	if (dice_chance(&crew->dice, 25)) {
		crew_kill_worker(crew);
	}
	fixture_await_service(crew->fixture, pid, BACK_MS);
	outage->to_us = journal_now_us();
}

void crew_kill_daemon(struct crew *crew)
{
	struct outage *outage = begin_outage(crew);

	fixture_crash(crew->fixture);
	crew->n_crashes++;
	if (dice_chance(&crew->dice, 50)) {
		crew_kill_worker(crew);
		pause_ms((int)dice_roll(&crew->dice, 2 * LEASE_MS));
	}
	fixture_resume(crew->fixture);
	crew->fixture->server = 0; /* may be killed */
	outage->to_us = journal_now_us();
}

/* Answer the calls of one whose worker may be dead. Another may be quicker. */
static void answer_calls(struct wire *wire, const json_t *run)
{
	const char *call = text(run, "required_action.submit_tool_outputs.tool_calls[0].id");
	json_t *reply = wire_call(wire, "runs.submit_tool_outputs",
		"{'run_id':'%s','tool_outputs':[{'tool_call_id':'%s','output':'seen'}]}",
		text(run, "id"), call);

	if (!json_is_null(field(reply, "error"))) {
		check_error(
			"submit", field(reply, "error"), "invalid_transition|invalid_params", NULL);
	}
}

/* Returns whether a run has not ended. */
static bool any_left(struct crew *crew)
{
	struct wire *wire = &crew->fixture->wire;
	const json_t *list = expect_ok(wire, "runs.list",
		"{'limit':100,'order':'asc','status':['queued','in_progress','requires_action',"
		"'cancelling']}");
	const json_t *runs = field(list, "data");
	size_t n = json_array_size(runs);

	for (size_t i = 0; i < n; i++) {
		const json_t *run = json_array_get(runs, i);

		if (!strcmp(text(run, "status"), "requires_action")) {
			answer_calls(wire, run);
		}
	}
	json_array_clear(wire->kept);
	return n;
}

void crew_await_ends(struct crew *crew, int limit_ms)
{
	long deadline = clock_ms() + limit_ms;

	while (any_left(crew)) {
		if (clock_ms() > deadline) {
			fail_msg("there are runs that have not ended after %d ms in peace",
				limit_ms);
		}
		crew_expect_at_work(crew);
		pause_ms(50);
	}
}

void crew_go_home(struct crew *crew)
{
	int status = 0;

	for (unsigned int i = 0; i < N_PLACES; i++) {
		crew->journals[i]->stop = true;
	}
	for (unsigned int i = 0; i < N_PLACES; i++) {
		assert_true(daemon_reap(crew->pids[i], WORKERS_END_MS, &status));
		crew->pids[i] = 0;
		assert_int_equal(status, 0);
	}
}

void crew_send_home(struct crew *crew)
{
	crew_expect_at_work(crew);
	for (unsigned int i = 0; i < N_PLACES; i++) {
		end_worker(crew, i);
	}
}

unsigned int crew_n_killed(const struct crew *crew)
{
	unsigned int n = 0;

	for (uint32_t i = 1; i <= crew->n_workers; i++) {
		n += crew->killed_us[i] != 0;
	}
	return n;
}

int64_t crew_outage_us(const struct crew *crew, int64_t from_us, int64_t to_us)
{
	int64_t sum = 0;

	for (size_t i = 0; i < crew->n_outages; i++) {
		const struct outage *o = &crew->outages[i];
		int64_t from = o->from_us > from_us ? o->from_us : from_us;
		int64_t to = o->to_us < to_us ? o->to_us : to_us;

		sum += to > from ? to - from : 0;
	}
	return sum;
}
