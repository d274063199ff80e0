/* Stopping, being killed, coming back. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define BACK_MS 1000

static const char *no_supervise[] = {"--no-supervise", NULL};

static void a_killed_child_is_replaced_within_a_second(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 3; i++) {
		char *id = strdup(run_new(&fixture->wire, "t"));
		pid_t server = fixture_server(fixture);

		daemon_kill_child(&fixture->daemon, server);
		print_message("# service back after %ld ms\n",
			fixture_await_service(fixture, server, BACK_MS));
		expect_fields(run_get(&fixture->wire, id), "{'status':'queued'}");
		assert_true(daemon_is_parent_of(&fixture->daemon, fixture_server(fixture)));
		free(id);
		/* So that it counts as a new misfortune. */
		pause_ms(200);
	}
}

static void killed_again_and_again_it_still_comes_back_in_time(void **state)
{
	struct fixture *fixture = *state;
	long worst = 0;

	for (int i = 0; i < 12; i++) {
		pid_t server = fixture_server(fixture);
		long ms;

		daemon_kill_child(&fixture->daemon, server);
		ms = fixture_await_service(fixture, server, BACK_MS);
		worst = ms > worst ? ms : worst;
	}
	print_message("# service back after %ld ms at worst\n", worst);
}

static void a_stop_that_meets_a_killed_child_is_clean(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 5; i++) {
		pid_t server = fixture_server(fixture);

		wire_close(&fixture->wire);
		daemon_kill_child(&fixture->daemon, server);
		pause_ms(i * 5);
		daemon_stop(&fixture->daemon, SIGTERM);
		fixture_resume(fixture);
	}
}

static void a_client_that_waits_gets_its_answer_from_the_next_child(void **state)
{
	struct fixture *fixture = *state;
	pid_t server = fixture_server(fixture);

	fixture->server = 0;
	daemon_kill_child(&fixture->daemon, server);
	/* The same connection: it reconnects by itself. */
	expect_ok(&fixture->wire, "runs.create",
		"{'thread_id':'t_wait','assistant_id':'a','idempotency_key':'wait'}");
	assert_int_not_equal(fixture_server(fixture), server);
}

static void stop_with(void **state, int signal)
{
	struct fixture *fixture = *state;
	char *id = strdup(run_new(&fixture->wire, "t"));
	pid_t server = fixture_server(fixture);
	long began = clock_ms();

	wire_close(&fixture->wire);
	daemon_stop(&fixture->daemon, signal);
	print_message("# stopped after %ld ms\n", clock_ms() - began);
	assert_int_equal(kill(server, 0), -1);
	fixture_resume(fixture);
	expect_fields(run_get(&fixture->wire, id), "{'status':'queued'}");
	free(id);
}

static void sigterm_ends_it_with_status_zero(void **state)
{
	stop_with(state, SIGTERM);
}

static void sigint_ends_it_with_status_zero(void **state)
{
	stop_with(state, SIGINT);
}

static void clients_that_stay_connected_do_not_keep_it(void **state)
{
	struct fixture *fixture = *state;
	struct wire others[5];

	for (int i = 0; i < 5; i++) {
		wire_open(&others[i], fixture->daemon.url, WIRE_TIMEOUT_MS);
		expect_ok(&others[i], "server.info", NULL);
	}
	daemon_stop(&fixture->daemon, SIGTERM);
	for (int i = 0; i < 5; i++) {
		wire_close(&others[i]);
	}
}

static void a_stop_right_after_the_start_is_clean(void **state)
{
	struct fixture *fixture = *state;

	fixture_halt(fixture);
	for (int i = 0; i < 5; i++) {
		daemon_start(&fixture->daemon, NULL);
		daemon_stop(&fixture->daemon, SIGTERM);
	}
}

/* The pid that the store's lock names. */
static long lock_holder(const struct fixture *fixture)
{
	char path[80];
	long pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/LOCK", fixture->daemon.data);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld", &pid), 1);
	fclose(file);
	return pid;
}

/* It is the supervisor's to say when all ends, and the lock names whom to ask. */
static void a_child_that_is_told_to_stop_is_replaced(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		pid_t server = fixture_server(fixture);

		assert_int_not_equal(server, fixture->daemon.pid);
		assert_int_equal(lock_holder(fixture), fixture->daemon.pid);
		assert_true(daemon_is_parent_of(&fixture->daemon, server));
		assert_int_equal(kill(server, i ? SIGINT : SIGTERM), 0);
		print_message("# service back after %ld ms\n",
			fixture_await_service(fixture, server, 5 * BACK_MS));
		assert_true(daemon_is_parent_of(&fixture->daemon, fixture_server(fixture)));
	}
	assert_int_equal(lock_holder(fixture), fixture->daemon.pid);
	fixture_halt(fixture);
}

static void without_a_supervisor_there_is_one_process(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture_server(fixture), fixture->daemon.pid);
	assert_int_equal(lock_holder(fixture), fixture->daemon.pid);
	fixture_halt(fixture);
}

static void every_killed_process_leaves_what_it_acknowledged(void **state)
{
	struct fixture *fixture = *state;
	const char *run = run_in(&fixture->wire, "t", "in_progress");
	char id[80];

	snprintf(id, sizeof(id), "%s", run);
	for (int i = 1; i <= 10; i++) {
		json_t *list;

		step_new(&fixture->wire, id);
		fixture_crash(fixture);
		fixture_resume(fixture);
		list = expect_ok(&fixture->wire, "steps.list", "{'run_id':'%s'}", id);
		assert_int_equal(json_array_size(field(list, "data")), i);
	}
}

static const char *small_map[] = {"--map-size", "1M", NULL};

/* The map is the store's disk here: when it is full, what is there stays readable. */
static void a_full_store_says_so_and_loses_nothing(void **state)
{
	struct wire *w = wire_of(state);
	const char *filler = repeated(w, "f", 20000);
	int n = 0;
	json_t *error;

	for (;;) {
		json_t *reply = wire_call(w, "runs.create",
			"{'thread_id':'t_full','assistant_id':'a','id':'full_%d',"
			"'on_active':'parallel','instructions':'%s'}",
			n, filler);

		error = field(reply, "error");
		if (!json_is_null(error) || n > 1000) {
			break;
		}
		n++;
	}
	check_error("runs.create", error, "store_full", NULL);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		expect_ok(w, "runs.get", "{'run_id':'full_%d'}", i);
	}
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'full_%d'}", n);
	expect_ok(w, "server.info", NULL);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, fixture_start, fixture_stop)
#define WITH(args, test)                                                                           \
	cmocka_unit_test_prestate_setup_teardown(test, fixture_start, fixture_stop, args)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(a_killed_child_is_replaced_within_a_second),
		ALONE(killed_again_and_again_it_still_comes_back_in_time),
		ALONE(a_stop_that_meets_a_killed_child_is_clean),
		ALONE(a_client_that_waits_gets_its_answer_from_the_next_child),
		ALONE(sigterm_ends_it_with_status_zero),
		ALONE(sigint_ends_it_with_status_zero),
		ALONE(clients_that_stay_connected_do_not_keep_it),
		ALONE(a_stop_right_after_the_start_is_clean),
		ALONE(a_child_that_is_told_to_stop_is_replaced),
		WITH(no_supervise, without_a_supervisor_there_is_one_process),
		ALONE(every_killed_process_leaves_what_it_acknowledged),
		WITH(small_map, a_full_store_says_so_and_loses_nothing),
	};

	return cmocka_run_group_tests_name("supervise", tests, NULL, NULL);
}
