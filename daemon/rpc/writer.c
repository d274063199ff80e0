#include "daemon/rpc/writer.h"
#include "daemon/log.h"
#include "daemon/ops/lifecycle.h"
#include "daemon/ops/stats.h"
#include "daemon/store/changes.h"
#include "daemon/store/deadlines.h"
#include "daemon/store/idempotency.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define QUEUE_MAX 8192
#define QUEUE_MAX_BYTES (256u << 20)
#define BATCH_MAX 1024
#define SETTLE_MAX 1000
#define HOUSEKEEPING_NS 60000000000u
#define RETRY_MS 1000
#define EVENTS_KEPT (1u << 20) /* bytes of the buffer to keep from batch to batch */

struct writer {
	struct writer_options o;
	struct queue queue;
	struct space space;
	struct buf events;
	struct key swept;	  /* where the sweep of idempotency records is */
	int64_t next_deadline_ms; /* Unix time */
	int64_t settle_after_ms;  /* after a failure: not before this */
	uint64_t flush_at_ns;	  /* UINT64_MAX: nothing to flush */
	uint64_t housekeeping_ns;
	pthread_t thread;
};

/* What every transaction does besides what was asked for. */
static void tend(struct writer *w, struct txn *txn, unsigned int n)
{
	struct arena arena = {0};

	txn->arena = &arena;
	idempotency_sweep(txn, &w->swept, 8 + 2 * n);
	changes_trim(txn);
	w->next_deadline_ms = deadlines_next(txn);
	arena_finish(&arena);
}

static int run_requests(struct writer *w, struct txn *txn, struct request *first)
{
	bool room = space_left(&w->space);
	int r = 0;

	for (struct request *request = first; request && !r; request = request->next) {
		if (!room && !request_frees(request)) {
			request_fail(request, -ENOSPC);
		} else {
			r = request_run(request, txn, w->o.service);
		}
	}
	return r;
}

static int settle(struct writer *w, struct txn *txn)
{
	if (txn->now_ms >= w->settle_after_ms && txn->now_ms >= w->next_deadline_ms) {
		lifecycle_settle(txn, SETTLE_MAX);
	}
	return kv_error(txn->kv);
}

static int run_all(struct writer *w, struct txn *txn, struct request *first, unsigned int n)
{
	uint64_t start;
	bool changed;
	int r;

	r = settle(w, txn);
	if (!r) {
		r = run_requests(w, txn, first);
	}
	if (!r) {
		tend(w, txn, n);
		r = buf_error(&w->events);
	}
	if (r) {
		txn_abort(txn);
		return r;
	}
	changed = txn->seq != store_last_seq(w->o.store);
	start = clock_ns();
	r = txn_commit(txn);
	if (changed) {
		stats_commit(w->o.service->stats, n, clock_ns() - start);
	}
	return r;
}

/*
 * One transaction with the requests of a list, which may be empty. Returns 0 or -errno. After a
 * failure what is due is looked up again, but not at once: it may have been the reason.
 */
static int transact(struct writer *w, struct request *first, unsigned int n)
{
	struct txn txn;
	int r;

	buf_reset(&w->events, EVENTS_KEPT);
	r = txn_begin_write(&txn, w->o.store, &w->events);
	if (!r) {
		txn.now_ms = clock_unix_ms();
		r = run_all(w, &txn, first, n);
	}
	if (r) {
		w->next_deadline_ms = 0;
		w->settle_after_ms = clock_unix_ms() + RETRY_MS;
	}
	return r;
}

static void publish(struct writer *w)
{
	struct slice events = buf_slice(&w->events), topic, frame;

	while (changes_take_event(&events, &topic, &frame)) {
		net_publish(w->o.net, topic, frame);
	}
}

static void answer_all(struct writer *w, struct request *first)
{
	while (first) {
		struct request *next = first->next;

		stats_queue(w->o.service->stats, -1);
		request_answer(first, w->o.net, w->o.service->stats);
		first = next;
	}
}

/* After this the state of the environment is not known: the supervisor opens it anew. */
static void give_up(struct writer *w, int error)
{
	log_write(LOG_LEVEL_ERROR, "event=store_failed error=\"%s\" action=exit", strerror(-error));
	usleep(100000); /* the last reply is on its way */
	_exit(EXIT_FAILURE);
}

static void commit_one(struct writer *w, struct request *request)
{
	int r;

	request->next = NULL;
	r = transact(w, request, 1);
	if (r == -EIO && space_disk_full(&w->space)) {
		r = -ENOSPC;
	}
	if (r) {
		log_write(LOG_LEVEL_WARNING, "event=write_failed method=%s error=\"%s\"",
			request->call.method->name, strerror(-r));
		request_fail(request, r);
	} else {
		publish(w);
	}
	answer_all(w, request);
	if (r == -EIO) {
		give_up(w, r);
	}
}

/*
 * Commit a list together. When that fails, for a reason that may be that of one request alone,
 * each is done again by itself and gets its own answer.
 */
static void commit_batch(struct writer *w, struct request *first, unsigned int n)
{
	int r = transact(w, first, n);

	if (!r) {
		publish(w);
		answer_all(w, first);
		w->flush_at_ns = w->o.flush_ms && w->flush_at_ns == UINT64_MAX
					 ? clock_ns() + (uint64_t)w->o.flush_ms * 1000000
					 : w->flush_at_ns;
		return;
	}
	log_write(
		LOG_LEVEL_WARNING, "event=commit_failed requests=%u error=\"%s\"", n, strerror(-r));
	while (first) {
		struct request *next = first->next;

		commit_one(w, first);
		first = next;
	}
}

static uint64_t wake_at(const struct writer *w)
{
	int64_t due_ms =
		w->next_deadline_ms > w->settle_after_ms ? w->next_deadline_ms : w->settle_after_ms;
	int64_t wait_ms = due_ms - clock_unix_ms();
	uint64_t now = clock_ns(), at = w->housekeeping_ns;

	if (w->next_deadline_ms != INT64_MAX && wait_ms < 60000) {
		uint64_t due = now + (uint64_t)(wait_ms > 0 ? wait_ms : 0) * 1000000;

		at = due < at ? due : at;
	}
	return w->flush_at_ns < at ? w->flush_at_ns : at;
}

static void idle_work(struct writer *w)
{
	uint64_t now = clock_ns();

	if (w->flush_at_ns <= now) {
		w->flush_at_ns = UINT64_MAX;
		kv_flush(store_kv(w->o.store));
	}
	if (w->housekeeping_ns <= now) {
		w->housekeeping_ns = now + HOUSEKEEPING_NS;
		kv_reap_readers(store_kv(w->o.store));
	}
}

static void *writer_main(void *context)
{
	struct writer *w = context;
	struct request *first;
	unsigned int n;

	while (!queue_ended(&w->queue)) {
		first = queue_take(&w->queue, BATCH_MAX, wake_at(w), &n);
		idle_work(w);
		if (first || (clock_unix_ms() >= w->next_deadline_ms &&
				     clock_unix_ms() >= w->settle_after_ms)) {
			commit_batch(w, first, n);
		}
	}
	return NULL;
}

/* What fell due before the start is done before the first request is answered. */
static int settle_all(struct writer *w)
{
	int r;

	do {
		r = transact(w, NULL, 0);
	} while (!r && w->next_deadline_ms <= clock_unix_ms());
	if (r == -ENOSPC || (r == -EIO && space_disk_full(&w->space))) {
		return 0; /* a full store can still be read, and be made room in */
	}
	return r;
}

int writer_start(struct writer **out, const struct writer_options *o)
{
	struct writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w) {
		return -ENOMEM;
	}
	w->o = *o;
	w->space = (struct space){.kv = store_kv(o->store), .dir = o->dir};
	w->flush_at_ns = UINT64_MAX;
	w->housekeeping_ns = clock_ns() + HOUSEKEEPING_NS;
	queue_init(&w->queue, QUEUE_MAX, QUEUE_MAX_BYTES);
	r = settle_all(w);
	if (!r) {
		r = -pthread_create(&w->thread, NULL, writer_main, w);
	}
	if (r) {
		queue_finish(&w->queue);
		buf_finish(&w->events);
		free(w);
		return r;
	}
	*out = w;
	return 0;
}

bool writer_push(struct writer *writer, struct request *request)
{
	stats_queue(writer->o.service->stats, 1);
	if (queue_push(&writer->queue, request)) {
		return true;
	}
	stats_queue(writer->o.service->stats, -1);
	return false;
}

void writer_stop(struct writer *w)
{
	if (!w) {
		return;
	}
	queue_close(&w->queue);
	pthread_join(w->thread, NULL);
	queue_finish(&w->queue);
	buf_finish(&w->events);
	free(w);
}
