#include "tests/bench/crowd.h"
#include "proto/mp.h"
#include "tests/bench/client.h"
#include "tests/bench/content.h"
#include "tests/bench/process.h"
#include "tests/bench/tasks.h"

#define EACH_MAX 400
#define PARK_TRIES 1000 /* of 10 ms */

/* A process of them. */
struct crowd_member {
	const char *url;
	uint32_t first;
	uint32_t n;
	const char *assistant_id;
	uint64_t answered_ns;
	int sockets[EACH_MAX];
};

static void connect_all(struct crowd_member *m)
{
	struct buf frame = {0};
	char id[CONTENT_ID_MAX];

	for (uint32_t i = 0; i < m->n; i++) {
		content_run_id(m->first + i, id);
		task_get(&frame, id);
		m->sockets[i] = client_open(m->url);
		client_free(client_call(m->sockets[i], buf_slice(&frame)));
	}
	buf_finish(&frame);
}

static void send_all(struct crowd_member *m)
{
	struct buf frame = {0};
	char id[CONTENT_ID_MAX];

	for (uint32_t i = 0; i < m->n; i++) {
		content_run_id(m->first + i, id);
		if (m->assistant_id) {
			task_claim(&frame, m->assistant_id, 60000);
		} else {
			task_wait(&frame, id);
		}
		client_send(m->sockets[i], buf_slice(&frame));
	}
	buf_finish(&frame);
}

static void check(uint32_t run, struct slice result)
{
	struct slice id = {NULL, 0}, status = {NULL, 0};
	char expected[CONTENT_ID_MAX];

	content_run_id(run, expected);
	mp_get_str(mp_lookup(result, "id"), &id);
	mp_get_str(mp_lookup(result, "status"), &status);
	if (!slice_is(id, expected) || !slice_is(status, "completed")) {
		child_die("the wait for '%s' got '%.*s', status '%.*s'", expected, (int)id.len,
			(const char *)id.ptr, (int)status.len, (const char *)status.ptr);
	}
}

static void receive_all(struct crowd_member *m)
{
	struct slice replies[EACH_MAX];

	for (uint32_t i = 0; i < m->n; i++) {
		replies[i] = client_receive(m->sockets[i]);
	}
	m->answered_ns = now_ns();
	for (uint32_t i = 0; i < m->n; i++) {
		check(m->first + i, client_result(replies[i]));
		client_free(replies[i]);
	}
}

static void member_main(void *context, int line)
{
	static void (*const steps[])(struct crowd_member * m) = {
		connect_all, send_all, receive_all};
	struct crowd_member *m = context;

	for (size_t i = 0; i < 3; i++) {
		if (!aide_hear(line)) {
			return;
		}
		steps[i](m);
		aide_tell(line);
	}
	aide_hear(line); /* connected until it is ended */
}

static void tell_all(struct crowd *crowd)
{
	for (int i = 0; i < CROWD_PROCESSES; i++) {
		if (!aide_tell(crowd->aides[i].line)) {
			die("some of those who wait are gone");
		}
	}
}

static void hear_all(struct crowd *crowd)
{
	for (int i = 0; i < CROWD_PROCESSES; i++) {
		if (!aide_hear(crowd->aides[i].line)) {
			die("some of those who wait are gone");
		}
	}
}

void crowd_start(struct crowd *crowd)
{
	uint32_t each = crowd->n / CROWD_PROCESSES;

	crowd->members = shared_alloc(CROWD_PROCESSES * sizeof(*crowd->members));
	for (uint32_t i = 0; i < CROWD_PROCESSES; i++) {
		crowd->members[i] = (struct crowd_member){.url = crowd->server->url,
			.first = crowd->first + i * each,
			.n = each,
			.assistant_id = crowd->assistant_id};
		aide_start(&crowd->aides[i], member_main, &crowd->members[i]);
	}
	tell_all(crowd);
	hear_all(crowd);
}

static void await_parked(const struct crowd *crowd)
{
	for (int i = 0; i < PARK_TRIES; i++) {
		check_interrupted();
		if (server_count(crowd->server, "parked") == crowd->n) {
			return;
		}
		sleep_ms(10);
	}
	die("%u requests do not get parked", crowd->n);
}

void crowd_wait(struct crowd *crowd)
{
	tell_all(crowd);
	hear_all(crowd);
	await_parked(crowd);
}

void crowd_listen(struct crowd *crowd)
{
	tell_all(crowd);
}

uint64_t crowd_answered_ns(struct crowd *crowd)
{
	uint64_t last = 0;

	hear_all(crowd);
	for (int i = 0; i < CROWD_PROCESSES; i++) {
		uint64_t at = crowd->members[i].answered_ns;

		last = at > last ? at : last;
	}
	return last;
}

void crowd_stop(struct crowd *crowd)
{
	for (int i = 0; i < CROWD_PROCESSES; i++) {
		aide_stop(&crowd->aides[i]);
	}
	shared_free(crowd->members, CROWD_PROCESSES * sizeof(*crowd->members));
	crowd->members = NULL;
}
