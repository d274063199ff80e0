/* Users who write while runs come and go: no message slips in beside an active run. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "talk.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { USERS = 6, ROUNDS = 60 };

/* A user, or who starts and ends runs, on a thread and a connection of its own. */
struct actor {
	pthread_t thread;
	const char *url;
	int done;
	int refused;
};

/* A message is stored or refused for an active run, and for nothing else. */
static void *say_all(void *arg)
{
	struct actor *actor = arg;
	struct wire wire;

	wire_open(&wire, actor->url, WIRE_TIMEOUT_MS);
	for (int i = 0; i < ROUNDS; i++) {
		json_t *reply = wire_call(&wire, "messages.create",
			"{'thread_id':'t_race','role':'user','content':'Hi.'}");

		if (json_is_null(field(reply, "error"))) {
			actor->done++;
			continue;
		}
		check_error("a message", field(reply, "error"), "run_active", NULL);
		actor->refused++;
	}
	wire_close(&wire);
	return NULL;
}

static void *run_all(void *arg)
{
	struct actor *actor = arg;
	struct wire wire;

	wire_open(&wire, actor->url, WIRE_TIMEOUT_MS);
	for (int i = 0; i < ROUNDS; i++) {
		json_t *run = expect_ok(
			&wire, "runs.create", "{'thread_id':'t_race','assistant_id':'a'}");

		run_move(&wire, text(run, "id"), "in_progress");
		run_move(&wire, text(run, "id"), "completed");
		actor->done++;
	}
	wire_close(&wire);
	return NULL;
}

/* In the order of the feed: between a run's creation and its end the user is silent. */
static int count_messages(const json_t *changes)
{
	bool active = false;
	int n = 0;

	for (size_t i = 0; i < json_array_size(changes); i++) {
		const char *event = text(json_array_get(changes, i), "event");

		if (!strcmp(event, "thread.run.created")) {
			assert_false(active);
			active = true;
		} else if (!strcmp(event, "thread.run.completed")) {
			active = false;
		} else if (!strcmp(event, "thread.message.created")) {
			assert_false(active);
			n++;
		}
	}
	return n;
}

static void no_user_s_message_comes_beside_an_active_run(void **state)
{
	struct fixture *fixture = *state;
	struct actor actors[USERS + 1];
	int said = 0, refused = 0;
	json_t *changes;

	for (int i = 0; i <= USERS; i++) {
		actors[i] = (struct actor){.url = fixture->daemon.url};
		assert_int_equal(
			pthread_create(&actors[i].thread, NULL, i ? say_all : run_all, &actors[i]),
			0);
	}
	for (int i = 0; i <= USERS; i++) {
		assert_int_equal(pthread_join(actors[i].thread, NULL), 0);
		said += i ? actors[i].done : 0;
		refused += actors[i].refused;
	}
	print_message("# %d said, %d refused\n", said, refused);
	assert_int_equal(actors[0].done, ROUNDS);
	assert_int_equal(said + refused, USERS * ROUNDS);
	changes = history_since(&fixture->wire, 0, ",'thread_id':'t_race'");
	assert_int_equal(count_messages(changes), said);
	assert_int_equal(history_count(changes, "thread.run.created"), ROUNDS);
}

/* Each writes what it read and one character more, whatever the others wrote meanwhile. */
static void *append_all(void *arg)
{
	struct actor *actor = arg;
	struct wire wire;

	wire_open(&wire, actor->url, WIRE_TIMEOUT_MS);
	for (int i = 0; i < ROUNDS; i++) {
		json_t *message = message_get(&wire, "t_append", "m_append");

		expect_ok(&wire, "messages.update", "{'message_id':'m_append','content':'%s.'}",
			text(message, "content[0].text.value"));
		actor->done++;
	}
	wire_close(&wire);
	return NULL;
}

/* Of writers who do not know of each other each change is told as what it was. */
static void competing_growth_is_told_as_it_happened(void **state)
{
	struct fixture *fixture = *state;
	struct actor actors[USERS];
	const char *last = "Hel";
	json_t *changes;

	message_open(&fixture->wire, "t_append", ",'id':'m_append'");
	for (int i = 0; i < USERS; i++) {
		actors[i] = (struct actor){.url = fixture->daemon.url};
		assert_int_equal(
			pthread_create(&actors[i].thread, NULL, append_all, &actors[i]), 0);
	}
	for (int i = 0; i < USERS; i++) {
		assert_int_equal(pthread_join(actors[i].thread, NULL), 0);
	}
	changes = history_since(&fixture->wire, 0, ",'objects':true,'thread_id':'t_append'");
	assert_int_equal(json_array_size(changes), 1 + USERS * ROUNDS);
	for (size_t i = 1; i < json_array_size(changes); i++) {
		const json_t *change = json_array_get(changes, i);
		const char *value = text(change, "object.content[0].text.value");
		bool grew = strlen(value) > strlen(last);

		assert_string_equal(text(change, "event"),
			grew ? "thread.message.delta" : "thread.message.updated");
		last = value;
	}
	assert_string_equal(
		text(message_get(&fixture->wire, "t_append", "m_append"), "content[0].text.value"),
		last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_user_s_message_comes_beside_an_active_run),
		cmocka_unit_test(competing_growth_is_told_as_it_happened),
	};

	return cmocka_run_group_tests_name("messages race", tests, fixture_start, fixture_stop);
}
