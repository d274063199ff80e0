#include "daemon/rpc/writer.h"
#include "daemon/log.h"
#include "daemon/ops/lifecycle.h"
#include "daemon/ops/stats.h"
#include "daemon/store/changes.h"
#include "daemon/store/deadlines.h"
#include "daemon/store/idempotency.h"
#include "daemon/store/ready.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define QUEUE_MAX 8192
#define QUEUE_MAX_BYTES (256u << 20)
#define BATCH_MAX 1024
#define SETTLE_MAX 1000 /* deadlines in a transaction */

/*
 * Clients that wait for their replies send again as soon as they have them. Left to itself, one
 * half of them would gather while the other half commits, for ever, and each commit would serve
 * half of them at nearly the full price. So after a batch its senders are waited for, for no more
 * than this part of the time that a commit takes. A lone client waits for nobody.
 */
#define GATHER_PART 4

#define HOUSEKEEPING_NS 60000000000u
#define RETRY_NS 1000000000u
#define EVENTS_KEPT (1u << 20) /* bytes of the buffer to keep from batch to batch */

struct writer {
	struct writer_options o;
	struct queue queue;
	struct space space;
	bool tight; /* the transaction under way must do with less room than it would take */
	struct buf events;
	struct key swept;	  /* where the sweep of idempotency records is */
	int64_t next_deadline_ms; /* steady time; INT64_MAX: there is none */
	uint64_t settle_after_ns; /* after a failure: not before this */
	uint64_t flush_at_ns;	  /* UINT64_MAX: nothing to flush */
	uint64_t housekeeping_ns;
	uint64_t commit_ns; /* that the last commit took */
	struct claims claims;
	bool claims_apart;	  /* they failed: not together with anything else */
	uint64_t claims_after_ns; /* not before this */
	pthread_t thread;
};

/* After such an error the state of the environment is not known: the supervisor opens it anew. */
static void end_if_fatal(struct writer *w, int error)
{
	if (error != -ENOTRECOVERABLE && (error != -EIO || space_disk_full(&w->space))) {
		return;
	}
	log_write(LOG_LEVEL_ERROR, "event=store_failed error=\"%s\" action=exit", strerror(-error));
	usleep(100000); /* the last reply is on its way */
	_exit(EXIT_FAILURE);
}

/* What every transaction does besides what was asked for. */
static void tend(struct writer *w, struct txn *txn)
{
	idempotency_sweep(txn, &w->swept, 8 + 2 * txn->n_keys);
	changes_trim(txn);
	w->next_deadline_ms = deadlines_next(txn);
}

static bool is_claim(const struct request *request)
{
	return request->call.method->id == METHOD_ID_runs_claim;
}

/* Are there runs for claims that wait? */
static bool must_serve(const struct writer *w, const struct txn *txn)
{
	return !w->claims_apart &&
	       (w->claims.due || readied_has(&txn->readied, slice_of(NULL, 0), slice_of(NULL, 0)));
}

/* Claims of this transaction that found nothing: what came after them may be for them. */
static int serve_newcomers(struct writer *w, struct txn *txn, struct request *first)
{
	int r = 0;

	for (struct request *request = first; request && !r; request = request->next) {
		if (request->parking && is_claim(request)) {
			r = request_run(request, txn, w->o.service);
		}
	}
	return r;
}

/* A claim that has just come stands behind those that wait. */
static int run_requests(struct writer *w, struct txn *txn, struct request *first)
{
	enum space_state space = space_look(&w->space);
	int r = 0;

	txn->scarce = space != SPACE_AMPLE || w->tight;
	txn->full = space == SPACE_NONE || w->tight;
	txn->stopping = w->o.stopping;
	for (struct request *request = first; request && !r; request = request->next) {
		if (is_claim(request) && must_serve(w, txn)) {
			r = claims_serve(&w->claims, txn);
		}
		if (!r) {
			r = request_run(request, txn, w->o.service);
		}
	}
	return r;
}

static void publish(struct writer *w)
{
	struct slice events = buf_slice(&w->events), topic, frame;

	while (changes_take_event(&events, &topic, &frame)) {
		net_publish(w->o.net, topic, frame);
	}
	lot_announce(w->o.lot, buf_slice(&w->events), store_last_seq(w->o.store));
}

/* Did one of these change the store? Heartbeats do, and add no change to the feed. */
static bool any_applied(const struct request *request)
{
	while (request && (request->parking || request->refused)) {
		request = request->next;
	}
	return request;
}

static int commit(struct writer *w, struct txn *txn, struct request *first, unsigned int n)
{
	bool changed = txn->seq != store_last_seq(w->o.store) || any_applied(first);
	uint64_t start = clock_ns();
	int r;

	r = txn_commit(txn);
	if (r || !changed) {
		return r;
	}
	w->commit_ns = clock_ns() - start;
	stats_commit(w->o.service->stats, n, w->commit_ns);
	if (w->o.flush_ms && w->flush_at_ns == UINT64_MAX) {
		w->flush_at_ns = start + (uint64_t)w->o.flush_ms * 1000000;
	}
	publish(w);
	return 0;
}

/* What a transaction is for, besides the claims that wait for what it brings. */
enum job { JOB_REQUESTS, JOB_DUE, JOB_CLAIMS };

static int do_job(struct writer *w, struct txn *txn, enum job job, struct request *first)
{
	int r = 0;

	if (job == JOB_REQUESTS) {
		r = run_requests(w, txn, first);
	} else if (job == JOB_DUE) {
		lifecycle_settle(txn, SETTLE_MAX);
	}
	if (!r) {
		r = kv_error(txn->kv);
	}
	w->claims.due = w->claims.due || (txn->readied_some && w->claims_apart);
	if (!r && (job == JOB_CLAIMS || must_serve(w, txn))) {
		r = claims_serve(&w->claims, txn);
	}
	return r || !txn->readied_some ? r : serve_newcomers(w, txn, first);
}

static int work(
	struct writer *w, struct txn *txn, enum job job, struct request *first, unsigned int n)
{
	int r;

	txn->now_ms = clock_wall_ms();
	txn->steady_ms = store_steady_ms(w->o.store);
	r = do_job(w, txn, job, first);
	if (!r) {
		tend(w, txn);
		r = buf_error(&w->events);
	}
	if (r) {
		txn_abort(txn);
		return r;
	}
	return commit(w, txn, first, n);
}

/*
 * One transaction; with JOB_REQUESTS for a list of them. Returns 0 or -errno. After a failure what
 * is due is looked up again, but not at once.
 */
static int transact(struct writer *w, enum job job, struct request *first, unsigned int n)
{
	struct txn txn;
	int r;

	buf_reset(&w->events, EVENTS_KEPT);
	r = txn_begin_write(&txn, w->o.store, &w->events);
	if (!r) {
		r = work(w, &txn, job, first, n);
	}
	if (!r) {
		claims_answer(&w->claims);
		return 0;
	}
	w->claims_apart = w->claims_apart || w->claims.first;
	claims_return(&w->claims);
	if (job != JOB_CLAIMS) {
		w->next_deadline_ms = 0;
		w->settle_after_ns = clock_ns() + RETRY_NS;
	}
	return r;
}

/* Claims for which there was no place in another transaction: too many, or one that failed. */
static int serve_claims(struct writer *w)
{
	int r;

	if (!(w->claims.due || w->claims.passed_over) || w->claims_after_ns > clock_ns()) {
		return 0;
	}
	w->claims.due = true;
	r = transact(w, JOB_CLAIMS, NULL, 0);
	w->claims_apart = r;
	w->claims_after_ns = r || w->claims.passed_over ? clock_ns() + RETRY_NS : 0;
	if (r) {
		log_write(LOG_LEVEL_ERROR, "event=claims_failed error=\"%s\"", strerror(-r));
	}
	return r;
}

/*
 * Do what has fallen due, in transactions of a bounded size, before the next request is run: that
 * one shall find it done.
 */
static int settle_due(struct writer *w)
{
	int r = 0;

	while (!r && w->next_deadline_ms <= store_steady_ms(w->o.store) &&
		w->settle_after_ns <= clock_ns()) {
		r = transact(w, JOB_DUE, NULL, 0);
	}
	if (r) {
		log_write(LOG_LEVEL_ERROR, "event=settle_failed error=\"%s\"", strerror(-r));
	}
	return r;
}

/* Answer them, or let them wait; returns how many were answered, and may ask again at once. */
static unsigned int answer_all(struct writer *w, struct request *first)
{
	unsigned int n = 0;

	while (first) {
		struct request *next = first->next;

		n += !first->parking;
		stats_queue(w->o.service->stats, -1);
		lot_finish_request(w->o.lot, first, w->o.net, w->o.service->stats);
		first = next;
	}
	return n;
}

static bool is_full(const struct writer *w, int error)
{
	return error == -ENOSPC || (error == -EIO && space_disk_full(&w->space));
}

/* What makes room may have failed for lack of it: it can do with less. */
static void commit_one(struct writer *w, struct request *request)
{
	int r;

	request->next = NULL;
	r = transact(w, JOB_REQUESTS, request, 1);
	if (is_full(w, r)) {
		w->tight = true;
		r = transact(w, JOB_REQUESTS, request, 1);
		w->tight = false;
	}
	if (r) {
		log_write(LOG_LEVEL_WARNING, "event=write_failed method=%s error=\"%s\"",
			request->call.method->name, strerror(-r));
		request_fail(request, is_full(w, r) ? -ENOSPC : r);
	}
	answer_all(w, request);
	end_if_fatal(w, r);
}

/*
 * Commit a list together. When that fails, for a reason that may be that of one request alone,
 * each is done again by itself and gets its own answer. Returns how many
 * were answered together.
 */
static unsigned int commit_batch(struct writer *w, struct request *first, unsigned int n)
{
	int r = transact(w, JOB_REQUESTS, first, n);

	if (!r) {
		return answer_all(w, first);
	}
	log_write(
		LOG_LEVEL_WARNING, "event=commit_failed requests=%u error=\"%s\"", n, strerror(-r));
	while (first) {
		struct request *next = first->next;

		commit_one(w, first);
		first = next;
	}
	return 0;
}

/*
 * The monotonic clock stands still while the machine sleeps and does not follow when the wall
 * clock is set: with a deadline ahead, the time is looked at once a second.
 */
static uint64_t wake_at(const struct writer *w)
{
	uint64_t now = clock_ns(), at = w->housekeeping_ns;

	if ((w->claims.due || w->claims.passed_over) && w->claims_after_ns < at) {
		at = w->claims_after_ns;
	}
	if (w->next_deadline_ms != INT64_MAX) {
		int64_t wait_ms = w->next_deadline_ms - store_steady_ms(w->o.store);
		uint64_t due = now + (uint64_t)(wait_ms < 0	 ? 0
						: wait_ms > 1000 ? 1000
								 : wait_ms) *
					     1000000;

		due = due > w->settle_after_ns ? due : w->settle_after_ns;
		at = due < at ? due : at;
	}
	return w->flush_at_ns < at ? w->flush_at_ns : at;
}

static void flush(struct writer *w)
{
	int r = 0;

	if (w->flush_at_ns != UINT64_MAX) {
		r = kv_flush(store_kv(w->o.store));
		w->flush_at_ns = UINT64_MAX;
	}
	end_if_fatal(w, r);
}

/* Besides dead readers, a daemon that nobody writes to still has old changes to remove. */
static void keep_house(struct writer *w)
{
	w->housekeeping_ns = clock_ns() + HOUSEKEEPING_NS;
	kv_reap_readers(store_kv(w->o.store));
	end_if_fatal(w, transact(w, JOB_DUE, NULL, 0));
}

static void *writer_main(void *context)
{
	struct writer *w = context;
	struct request *first;
	unsigned int n = 0;

	while (!queue_ended(&w->queue)) {
		queue_gather(&w->queue, n, wake_at(w), w->commit_ns / GATHER_PART);
		first = queue_take(&w->queue, BATCH_MAX, 0, &n);
		end_if_fatal(w, settle_due(w));
		end_if_fatal(w, serve_claims(w));
		if (first) {
			n = commit_batch(w, first, n);
		}
		if (w->flush_at_ns <= clock_ns()) {
			flush(w);
		}
		if (w->housekeeping_ns <= clock_ns()) {
			keep_house(w);
		}
	}
	flush(w);
	return NULL;
}

static bool stop_asked(void)
{
	sigset_t set;

	return !sigpending(&set) && (sigismember(&set, SIGTERM) || sigismember(&set, SIGINT));
}

/*
 * What fell due before the start is done before the first request is answered. A store that is
 * full, or has a record that makes no sense, can still be read and deleted from.
 */
static int settle_at_start(struct writer *w)
{
	int r = 0;

	while (!r && w->next_deadline_ms <= store_steady_ms(w->o.store)) {
		r = stop_asked() ? -ECANCELED : transact(w, JOB_DUE, NULL, 0);
	}
	if (r == -ENOSPC || r == -EBADMSG || (r == -EIO && space_disk_full(&w->space))) {
		log_write(LOG_LEVEL_ERROR, "event=settle_failed error=\"%s\"", strerror(-r));
		return 0;
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
	w->claims = (struct claims){.lot = o->lot, .net = o->net, .service = o->service};
	w->flush_at_ns = UINT64_MAX;
	w->housekeeping_ns = clock_ns() + HOUSEKEEPING_NS;
	queue_init(&w->queue, QUEUE_MAX, QUEUE_MAX_BYTES);
	r = settle_at_start(w);
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
