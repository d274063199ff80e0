#include "tests/bench/handoff.h"
#include "proto/mp.h"
#include "tests/bench/aide.h"
#include "tests/bench/client.h"
#include "tests/bench/process.h"
#include "tests/bench/samples.h"
#include "tests/bench/tasks.h"

#define WARM_UP 4
#define LEAST 8		       /* measured however long it takes */
#define PARK_NS 10000000000u   /* for a request to be parked */
#define NUMBERS_EACH (1 << 20) /* of a measurement */

/* Shared by the one who acts, who measures, and the one who waits. */
struct pair {
	struct handoff what;
	uint64_t length_ns;
	uint64_t number;
	uint64_t answered_ns; /* who waits had its answer */
	struct samples total, since, trip;
	int line; /* to who waits */
};

static void wait_main(void *context, int line)
{
	struct pair *pair = context;
	int s = client_open(pair->what.url);
	struct buf frame = {0};
	struct slice reply;

	while (aide_hear(line)) {
		pair->what.kind->put_wait(&frame, pair->number);
		client_send(s, buf_slice(&frame));
		reply = client_receive(s);
		pair->answered_ns = now_ns();
		pair->what.kind->take(s, pair->number, client_result(reply));
		client_free(reply);
		aide_tell(line);
	}
}

static int64_t parked(int s, struct slice stats)
{
	struct slice reply = client_call(s, stats);
	int64_t n = -1;

	mp_get_int(mp_lookup(client_result(reply), "parked"), &n);
	client_free(reply);
	return n;
}

/* Also asked when nobody waits, so that both go at the same pace. */
static void await_parked(int s, int64_t n)
{
	uint64_t until = now_ns() + PARK_NS;
	struct buf stats = {0};

	task_bare(&stats, "server.stats");
	while (parked(s, buf_slice(&stats)) != n) {
		if (now_ns() > until) {
			child_die("not %lld requests are parked", (long long)n);
		}
	}
	buf_finish(&stats);
}

static void act(struct pair *pair, int s, struct buf *frame, bool counts)
{
	const struct handoff *what = &pair->what;
	uint64_t start, end;

	if (what->kind->prepare) {
		what->kind->prepare(s, pair->number);
	}
	what->kind->put_act(frame, pair->number);
	if (!what->alone && !aide_tell(pair->line)) {
		child_die("the one who waits is gone");
	}
	await_parked(s, what->alone ? 0 : 1);
	start = now_ns();
	client_free(client_call(s, buf_slice(frame)));
	end = now_ns();
	if (!what->alone && !aide_hear(pair->line)) {
		child_die("the one who waits is gone");
	}
	if (what->alone && what->kind->undo) {
		what->kind->undo(s, pair->number);
	}
	if (counts) {
		double trip = (double)(end - start) / 1e3;
		double total = (double)(pair->answered_ns - start) / 1e3;

		samples_add(&pair->trip, trip);
		samples_add(&pair->total, total);
		samples_add(&pair->since, total - trip);
	}
}

static void act_main(void *context)
{
	struct pair *pair = context;
	int s = client_open(pair->what.url);
	struct buf frame = {0};
	uint64_t until;

	for (int i = 0; i < WARM_UP; i++, pair->number++) {
		act(pair, s, &frame, false);
	}
	until = now_ns() + pair->length_ns;
	for (int i = 0; i < LEAST || now_ns() < until; i++, pair->number++) {
		act(pair, s, &frame, true);
	}
	buf_finish(&frame);
	client_close(s);
}

void handoff_measure(const void *what, double seconds, struct result *out)
{
	static uint64_t n_measured;
	struct pair *pair = shared_alloc(sizeof(*pair));
	struct aide aide = {0};

	pair->what = *(const struct handoff *)what;
	pair->length_ns = (uint64_t)(seconds * 1e9);
	pair->number = ++n_measured * NUMBERS_EACH;
	if (!pair->what.alone) {
		aide_start(&aide, wait_main, pair);
		pair->line = aide.line;
	}
	child_run(act_main, pair);
	if (!pair->what.alone) {
		aide_stop(&aide);
		samples_result(&pair->since, seconds, pair->what.since);
		samples_result(&pair->trip, seconds, pair->what.trip);
	}
	samples_result(pair->what.alone ? &pair->trip : &pair->total, seconds, out);
	shared_free(pair, sizeof(*pair));
}

void handoff_also(const void *what, double seconds, struct result *out)
{
	(void)seconds;
	*out = *(const struct result *)what;
}
