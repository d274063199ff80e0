#include "daemon/rpc/lot.h"
#include "daemon/ops/stats.h"
#include "daemon/rpc/heap.h"
#include "daemon/store/changes.h"
#include "proto/frame.h"
#include "proto/status.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define LOT_MAX 65536
#define N_BUCKETS 4096

struct links {
	struct parked *first, *last;
};

/* An argument in parked->data: this, then its bytes. */
struct argument {
	uint32_t param;
	uint32_t len;
};

struct parked {
	struct parked *prev, *next;
	struct links *in; /* the list that it is in */
	struct heap_item due;
	struct net_message message; /* without its body */
	const struct method *method;
	uint64_t hash;
	uint64_t received_ns;
	uint64_t seq;
	struct op_wake wake; /* ids in data */
	uint32_t msgid;
	uint32_t n_args;
	uint8_t data[];
};

struct lot {
	pthread_mutex_t lock;
	pthread_cond_t stirred;
	struct heap due;
	struct links buckets[N_BUCKETS]; /* by the id of a run, or of a thread */
	struct links all;		 /* those whom any change concerns */
	struct links claims;
	struct links woken;
	uint64_t seq; /* of the last change that was announced */
	unsigned int n_listening;
	bool closed;
	struct stats *stats;
};

struct lot *lot_create(struct stats *stats)
{
	struct lot *lot = calloc(1, sizeof(*lot));
	pthread_condattr_t attr;

	if (!lot) {
		return NULL;
	}
	lot->stats = stats;
	pthread_mutex_init(&lot->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&lot->stirred, &attr);
	pthread_condattr_destroy(&attr);
	return lot;
}

static struct parked *parked_of(struct heap_item *item)
{
	return (struct parked *)((uint8_t *)item - offsetof(struct parked, due));
}

static void parked_free(struct parked *p)
{
	net_forget(&p->message);
	free(p);
}

void lot_destroy(struct lot *lot)
{
	struct heap_item *item;

	if (!lot) {
		return;
	}
	while ((item = heap_first(&lot->due))) {
		heap_remove(&lot->due, item);
		parked_free(parked_of(item));
	}
	heap_finish(&lot->due);
	pthread_cond_destroy(&lot->stirred);
	pthread_mutex_destroy(&lot->lock);
	free(lot);
}

static void link_behind(struct parked *p, struct links *list, struct parked *prev)
{
	struct parked **at = prev ? &prev->next : &list->first;

	p->in = list;
	p->prev = prev;
	p->next = *at;
	*at = p;
	*(p->next ? &p->next->prev : &list->last) = p;
}

static void link_to(struct parked *p, struct links *list)
{
	link_behind(p, list, list->last);
}

/*
 * The more connections ended since somebody was heard, the likelier he is gone: claims stand by
 * that, and then as they came.
 */
static void link_claim(struct parked *p, struct links *claims)
{
	struct parked *prev = claims->last;

	while (prev && prev->message.ended < p->message.ended) {
		prev = prev->prev;
	}
	link_behind(p, claims, prev);
}

static void detach(struct parked *p)
{
	*(p->prev ? &p->prev->next : &p->in->first) = p->next;
	*(p->next ? &p->next->prev : &p->in->last) = p->prev;
	p->in = NULL;
}

/* FNV-1a */
static struct links *bucket_of(struct lot *lot, struct slice id)
{
	uint32_t hash = 0x811c9dc5;

	for (size_t i = 0; i < id.len; i++) {
		hash = (hash ^ id.ptr[i]) * 0x01000193;
	}
	return &lot->buckets[hash % N_BUCKETS];
}

static bool is_claim(const struct parked *p)
{
	return p->method->id == METHOD_ID_runs_claim;
}

static struct links *list_of(struct lot *lot, const struct parked *p)
{
	if (p->wake.run_id.ptr) {
		return bucket_of(lot, p->wake.run_id);
	}
	return p->wake.thread_id.ptr ? bucket_of(lot, p->wake.thread_id) : &lot->all;
}

/* The parameters, pointing into @p. */
static void args_of(const struct parked *p, struct slice args[static N_PARAMS])
{
	const uint8_t *at = p->data;
	struct argument a;

	memset(args, 0, N_PARAMS * sizeof(*args));
	for (uint32_t i = 0; i < p->n_args; i++) {
		memcpy(&a, at, sizeof(a));
		args[a.param] = slice_of(at + sizeof(a), a.len);
		at += sizeof(a) + a.len;
	}
}

static struct slice text_of(struct slice value)
{
	struct slice text = {NULL, 0};

	mp_get_str(value, &text);
	return text;
}

static size_t put_args(uint8_t *at, const struct slice *args, uint32_t *n)
{
	size_t size = 0;

	*n = 0;
	for (uint32_t i = 0; i < N_PARAMS; i++) {
		struct argument a = {i, (uint32_t)args[i].len};

		if (!args[i].ptr) {
			continue;
		}
		if (at) {
			memcpy(at + size, &a, sizeof(a));
			memcpy(at + size + sizeof(a), args[i].ptr, args[i].len);
		}
		size += sizeof(a) + args[i].len;
		++*n;
	}
	return size;
}

static struct parked *parked_make(struct request *request)
{
	struct slice args[N_PARAMS];
	uint32_t n;
	struct parked *p = malloc(sizeof(*p) + put_args(NULL, request->call.args, &n));

	if (!p) {
		return NULL;
	}
	*p = (struct parked){
		.due = {.at = request->received_ns + request->wait_ns},
		.method = request->call.method,
		.hash = request->call.hash,
		.received_ns = request->received_ns,
		.seq = request->wait.seq,
		.wake = request->wait.wake,
		.msgid = request->msgid,
	};
	put_args(p->data, request->call.args, &p->n_args);
	args_of(p, args);
	if (p->wake.run_id.ptr) {
		p->wake.run_id = text_of(args[P_run_id]);
	}
	if (p->wake.thread_id.ptr) {
		p->wake.thread_id = text_of(args[P_thread_id]);
	}
	return p;
}

static void add(struct lot *lot, struct parked *p)
{
	bool missed = !is_claim(p) && lot->seq > p->seq;

	if (is_claim(p)) {
		link_claim(p, &lot->claims);
	} else {
		link_to(p, missed ? &lot->woken : list_of(lot, p));
	}
	lot->n_listening += !is_claim(p);
	stats_parked(lot->stats, (unsigned int)lot->due.n);
	if (missed || heap_first(&lot->due) == &p->due || lot->closed) {
		pthread_cond_signal(&lot->stirred);
	}
}

bool lot_park(struct lot *lot, struct request *request)
{
	struct parked *p = parked_make(request);
	bool added;

	if (!p) {
		return false;
	}
	pthread_mutex_lock(&lot->lock);
	added = lot->due.n < LOT_MAX && heap_add(&lot->due, &p->due);
	if (added) {
		net_drop_body(&request->message);
		p->message = request->message;
		request->message = (struct net_message){0};
		add(lot, p);
	}
	pthread_mutex_unlock(&lot->lock);
	if (added) {
		request_destroy(request);
	} else {
		free(p);
	}
	return added;
}

void lot_finish_request(
	struct lot *lot, struct request *request, struct net *net, struct stats *stats)
{
	if (request->parking && lot_park(lot, request)) {
		return;
	}
	if (request->parking) {
		request_refuse(request, E_OVERLOADED, "Too many requests are waiting: try again.");
	}
	request_answer(request, net, stats);
}

/* Take out of the lot. */
static void leave(struct lot *lot, struct parked *p)
{
	detach(p);
	heap_remove(&lot->due, &p->due);
	lot->n_listening -= !is_claim(p);
	stats_parked(lot->stats, (unsigned int)lot->due.n);
}

/* Make it a request again; NULL, and then it is gone, when memory runs out. */
static struct request *resume(struct parked *p)
{
	struct request *request = request_create(&p->message);
	struct slice args[N_PARAMS];

	args_of(p, args);
	if (request && !request_resume(request, p->method, args)) {
		request_destroy(request);
		request = NULL;
	}
	if (request) {
		request->call.hash = p->hash;
		request->msgid = p->msgid;
		request->received_ns = p->received_ns;
		request->wait_ns = p->due.at - p->received_ns;
		request->wait = (struct op_wait){.left_ms = 1, .seq = p->seq};
	}
	parked_free(p);
	return request;
}

struct event {
	struct slice thread_id, run_id;
	int64_t seq;
	unsigned int statuses; /* the bit of the one that the run came to; all when it is gone */
};

static void read_event(struct slice frame, struct event *out)
{
	struct slice change = frame_event_change(frame);
	int to = run_status_of(mp_lookup(change, "to"));

	*out = (struct event){0};
	mp_get_int(mp_lookup(change, "seq"), &out->seq);
	mp_get_str(mp_lookup(change, "thread_id"), &out->thread_id);
	mp_get_str(mp_lookup(change, "run_id"), &out->run_id);
	if (changes_of_run(change)) {
		out->statuses = to < 0 ? ~0u : 1u << to;
	}
}

static bool concerns(const struct op_wake *wake, const struct event *e)
{
	return (!wake->run_id.ptr || slice_eq(wake->run_id, e->run_id)) &&
	       (!wake->thread_id.ptr || slice_eq(wake->thread_id, e->thread_id)) &&
	       (!wake->statuses || wake->statuses & e->statuses);
}

static void wake(struct lot *lot, struct links *list, const struct event *e)
{
	struct parked *next;

	for (struct parked *p = list->first; p; p = next) {
		next = p->next;
		if (concerns(&p->wake, e)) {
			p->seq = (uint64_t)e->seq - 1; /* before this there was nothing for him */
			detach(p);
			link_to(p, &lot->woken);
		}
	}
}

static void announce(struct lot *lot, struct slice events)
{
	struct slice topic, frame;
	struct event e;

	while (changes_take_event(&events, &topic, &frame)) {
		read_event(frame, &e);
		wake(lot, bucket_of(lot, e.run_id), &e);
		wake(lot, bucket_of(lot, e.thread_id), &e);
		wake(lot, &lot->all, &e);
	}
}

void lot_announce(struct lot *lot, struct slice events, uint64_t last_seq)
{
	pthread_mutex_lock(&lot->lock);
	lot->seq = last_seq;
	if (lot->n_listening) {
		announce(lot, events);
	}
	if (lot->woken.first) {
		pthread_cond_signal(&lot->stirred);
	}
	pthread_mutex_unlock(&lot->lock);
}

/* Take a claim out; false when that is the end of it. */
static bool take_out(struct lot *lot, struct parked *p, const struct lot_taker *taker)
{
	struct request *request;

	leave(lot, p);
	request = resume(p);
	return !request || taker->take(taker->context, request);
}

/* Nothing goes to those who seem to be gone; whether there was such a one is told. */
bool lot_each_claim(struct lot *lot, struct net *net, const struct lot_taker *taker)
{
	struct net_counts counts = net_count(net);
	enum lot_answer answer = LOT_LEAVE;
	struct slice args[N_PARAMS];
	bool passed_over = false;
	struct parked *next;

	pthread_mutex_lock(&lot->lock);
	for (struct parked *p = lot->claims.first; p && answer != LOT_STOP; p = next) {
		next = p->next;
		args_of(p, args);
		answer = taker->wants(taker->context, args);
		if (answer != LOT_TAKE) {
			continue;
		}
		if (net_presence(net, &p->message, &counts) == PEER_GONE) {
			passed_over = true;
		} else if (!take_out(lot, p, taker)) {
			answer = LOT_STOP;
		}
	}
	pthread_mutex_unlock(&lot->lock);
	return passed_over;
}

/*
 * Who is next: out of time, or woken; NULL for nobody yet. Who was not woken has seen nothing in
 * all that was announced.
 */
static struct parked *pick(struct lot *lot)
{
	struct heap_item *first = heap_first(&lot->due);
	struct parked *p;

	if (!first || (!lot->closed && first->at > clock_ns())) {
		return lot->woken.first;
	}
	p = parked_of(first);
	if (p->in != &lot->woken && p->seq < lot->seq) {
		p->seq = lot->seq;
	}
	return p;
}

static void doze(struct lot *lot)
{
	struct heap_item *first = heap_first(&lot->due);
	struct timespec t;

	if (!first) {
		pthread_cond_wait(&lot->stirred, &lot->lock);
		return;
	}
	t = (struct timespec){.tv_sec = (time_t)(first->at / 1000000000u),
		.tv_nsec = (long)(first->at % 1000000000u)};
	pthread_cond_timedwait(&lot->stirred, &lot->lock, &t);
}

struct request *lot_next(struct lot *lot)
{
	struct request *request = NULL;
	struct parked *p = NULL;
	bool closed;

	pthread_mutex_lock(&lot->lock);
	while (!request && (!lot->closed || lot->due.n)) {
		p = pick(lot);
		if (p) {
			leave(lot, p);
			request = resume(p);
		} else {
			doze(lot);
		}
	}
	closed = lot->closed;
	pthread_mutex_unlock(&lot->lock);
	if (request && (closed || request->received_ns + request->wait_ns <= clock_ns())) {
		request->wait.left_ms = 0;
	}
	return request;
}

void lot_close(struct lot *lot)
{
	pthread_mutex_lock(&lot->lock);
	lot->closed = true;
	pthread_cond_broadcast(&lot->stirred);
	pthread_mutex_unlock(&lot->lock);
}
