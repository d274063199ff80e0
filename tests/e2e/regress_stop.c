/* A stop that meets long work: scans of a large store, and runs that fell due before a start. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <nanomsg/nn.h>

enum { CHUNK = 1000, MANY_RUNS = 50000, OVERDUE = 20000, PEERS = 48 };

/* As many runs, numbered, of which the first alone has {'k':'first'}. */
static void import_runs(struct wire *w, int from, int to, const char *status, json_int_t expires_at)
{
	json_t *objects = json_array();

	for (int i = 0; i < CHUNK; i++) {
		json_array_append_new(
			objects, run_object("{'status':'%s','metadata':{'k':'v'}}", status));
	}
	for (int n = from; n < to; n += CHUNK) {
		for (int i = 0; i < CHUNK; i++) {
			json_t *run = json_array_get(objects, (size_t)i);
			char id[32];

			snprintf(id, sizeof(id), "run_%d", n + i);
			json_object_set_new(run, "id", json_string(id));
			if (expires_at) {
				json_object_set_new(run, "expires_at", json_integer(expires_at));
			}
			json_object_set_new(field(run, "metadata"), "k",
				json_string(n + i ? "other" : "first"));
		}
		expect_ok_take(w, "objects.import", json_pack("{sO}", "objects", objects));
		json_array_clear(w->kept);
	}
	json_decref(objects);
}

/* Look for that first run, newest first: past all others, and that @n times. */
static void ask_for_the_first(struct wire *w, int n)
{
	json_t *requests = json_array(), *params;
	msgpack_sbuffer frame;

	for (int i = 0; i < n; i++) {
		json_array_append_new(
			requests, codec_parse("['runs.list',{'metadata':{'k':'first'}}]"));
	}
	params = json_pack("{so}", "requests", requests);
	msgpack_sbuffer_init(&frame);
	codec_pack_request(&frame, ++w->msgid, "batch", params);
	assert_int_equal(nn_send(w->socket, frame.data, frame.size, 0), frame.size);
	msgpack_sbuffer_destroy(&frame);
	json_decref(params);
}

/* True when the right answer came, false when none did, or the word that the daemon stops. */
static bool hear_of_the_first(struct wire *w, int timeout_ms)
{
	void *bytes = NULL;
	json_t *reply, *entry;
	size_t i;
	int n;

	nn_setsockopt(w->socket, NN_SOL_SOCKET, NN_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	n = nn_recv(w->socket, &bytes, NN_MSG, 0);
	if (n < 0) {
		return false;
	}
	reply = wire_keep(w, codec_unpack(bytes, (size_t)n));
	nn_freemsg(bytes);
	assert_int_equal(json_integer_value(json_array_get(reply, 1)), w->msgid);
	if (!json_is_null(json_array_get(reply, 2))) {
		check_error("batch", json_array_get(reply, 2), "overloaded", NULL);
		return false;
	}
	json_array_foreach(field(json_array_get(reply, 3), "results"), i, entry)
	{
		expect_list(json_array_get(entry, 1), "run_0", false);
	}
	return true;
}

static void start_scans(const struct fixture *fixture, struct wire *wires, int n)
{
	for (int i = 0; i < PEERS; i++) {
		wire_open(&wires[i], fixture->daemon.url, WIRE_TIMEOUT_MS);
		expect_ok(&wires[i], "server.info", NULL);
	}
	for (int i = 0; i < PEERS; i++) {
		ask_for_the_first(&wires[i], n);
	}
}

static int end_scans(struct wire *wires, int timeout_ms)
{
	int n = 0;

	for (int i = 0; i < PEERS; i++) {
		n += hear_of_the_first(&wires[i], timeout_ms);
		wire_close(&wires[i]);
	}
	return n;
}

static void small_requests_do_not_wait_for_scans(void **state)
{
	struct fixture *fixture = *state;
	struct wire wires[PEERS];
	long began, batch_ms, write_ms;

	start_scans(fixture, wires, 2);
	began = clock_ms();
	expect_fields(expect_ok(&fixture->wire, "batch",
			      "{'requests':[['runs.get',{'run_id':'run_%d'}]]}", MANY_RUNS - 1),
		"{'results[0][1].id':'run_%d'}", MANY_RUNS - 1);
	batch_ms = clock_ms() - began;
	run_new(&fixture->wire, "t_new");
	write_ms = clock_ms() - began - batch_ms;
	assert_int_equal(end_scans(wires, 3 * WIRE_TIMEOUT_MS), PEERS);
	print_message("# a batch of one get took %ld ms, a create %ld ms, all scans %ld ms\n",
		batch_ms, write_ms, clock_ms() - began);
	assert_in_range(batch_ms, 0, 1000);
	assert_in_range(write_ms, 0, 1000);
}

static void a_stop_does_not_wait_for_scans_and_cuts_none_short(void **state)
{
	struct fixture *fixture = *state;
	struct wire wires[PEERS];
	long began;
	int n;

	start_scans(fixture, wires, 10);
	pause_ms(20);
	began = clock_ms();
	fixture_halt(fixture);
	began = clock_ms() - began;
	n = end_scans(wires, 0);
	print_message("# stopped after %ld ms, %d of %d peers had their answer\n", began, n, PEERS);
	fixture_resume(fixture);
}

/* Start it as daemon_start() does, but wait for its child alone. */
static void begin_start(struct daemon *daemon)
{
	const char *program = getenv("RUNSTORED");
	long deadline = clock_ms() + 5000;
	int ends[2];

	assert_non_null(program);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	daemon->pid = fork();
	assert_true(daemon->pid >= 0);
	if (!daemon->pid) {
		int err = open(daemon->errors, O_WRONLY | O_CREAT | O_APPEND, 0600);

		if (err < 0 || dup2(err, STDERR_FILENO) < 0 || dup2(ends[1], STDOUT_FILENO) < 0 ||
			prctl(PR_SET_PDEATHSIG, SIGTERM)) {
			_exit(127);
		}
		execl(program, "runstored", "--data", daemon->data, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	daemon->out = ends[0];
	while (daemon_child(daemon) == daemon->pid) {
		assert_true(clock_ms() < deadline);
		pause_ms(1);
	}
}

/* Start it, and stop it @ms later. Returns whether it was ready before. */
static bool stop_start(struct daemon *daemon, int ms)
{
	char byte;
	bool ready;
	int out;

	begin_start(daemon);
	out = dup(daemon->out);
	pause_ms(ms);
	daemon_stop(daemon, SIGTERM);
	ready = read(out, &byte, 1) == 1;
	close(out);
	return ready;
}

static void a_stop_is_heard_at_any_time_of_a_start(void **state)
{
	struct fixture *fixture = *state;
	int n = 0;

	for (int i = 0; i < 20; i++) {
		n += stop_start(&fixture->daemon, i);
	}
	print_message("# %d of 20 were ready when they were stopped\n", n);
}

static json_int_t unix_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* Leave a store whose runs fell due while nobody was there. */
static void make_overdue(struct fixture *fixture)
{
	long began = clock_ms();
	json_int_t due;

	fixture_resume(fixture);
	import_runs(&fixture->wire, 0, CHUNK, "queued", 0);
	due = unix_now() + 2 + (clock_ms() - began) * (OVERDUE / CHUNK) * 2 / 1000;
	import_runs(&fixture->wire, CHUNK, OVERDUE + CHUNK, "queued", due);
	if (unix_now() >= due) {
		fail_msg("the import took so long that the runs fell due meanwhile");
	}
	fixture_halt(fixture);
	while (unix_now() <= due) {
		pause_ms(50);
	}
}

static void a_stop_is_heard_while_runs_expire_at_a_start(void **state)
{
	struct fixture *fixture = *state;

	make_overdue(fixture);
	for (int ms = 0; ms <= 100; ms += 50) {
		long began = clock_ms();
		bool ready = stop_start(&fixture->daemon, ms);

		print_message("# told to stop after %d ms: %sready, ended after %ld ms\n", ms,
			ready ? "" : "not ", clock_ms() - began);
		assert_true(ms || !ready);
	}
	/* What was left undone is done by the next one. */
	fixture_resume(fixture);
	expect_fields(run_get(&fixture->wire, "run_1000"), "{'status':'expired'}");
	expect_fields(expect_ok(&fixture->wire, "runs.list", "{'status':'queued','limit':1}"),
		"{'data[0].id':'run_999'}");
}

#define UNSTARTED(test) cmocka_unit_test_setup_teardown(test, fixture_prepare, fixture_stop)

static int start_large(void **state)
{
	struct fixture *fixture;

	fixture_start(state);
	fixture = *state;
	import_runs(&fixture->wire, 0, MANY_RUNS, "completed", 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_requests_do_not_wait_for_scans),
		cmocka_unit_test(a_stop_does_not_wait_for_scans_and_cuts_none_short),
		UNSTARTED(a_stop_is_heard_at_any_time_of_a_start),
		UNSTARTED(a_stop_is_heard_while_runs_expire_at_a_start),
	};

	return cmocka_run_group_tests_name("stop", tests, start_large, fixture_stop);
}
