#include "daemon/ops/stats.h"

#include <stdatomic.h>
#include <stdlib.h>

/*
 * Buckets of a histogram: eight to each power of two, so a value read from one is off by at most
 * an eighth of itself.
 */
#define SUB_BITS 3
#define N_BUCKETS (64 << SUB_BITS)

struct histogram {
	_Atomic uint64_t count;
	_Atomic uint64_t max;
	_Atomic uint32_t buckets[N_BUCKETS];
};

struct stats {
	struct histogram methods[N_METHODS];
	_Atomic uint64_t refused[N_METHODS];
	struct histogram batch_size;
	struct histogram commit_ns;
	_Atomic int queue_depth;
	_Atomic unsigned int parked;
};

struct stats *stats_create(void)
{
	return calloc(1, sizeof(struct stats));
}

void stats_destroy(struct stats *stats)
{
	free(stats);
}

static unsigned int bucket_of(uint64_t v)
{
	unsigned int power;

	if (v < 1u << SUB_BITS) {
		return (unsigned int)v;
	}
	power = 63 - (unsigned int)__builtin_clzll(v);
	return (power - SUB_BITS + 1) << SUB_BITS |
	       ((v >> (power - SUB_BITS)) & ((1u << SUB_BITS) - 1));
}

/* The largest value that a bucket takes. */
static uint64_t bucket_top(unsigned int bucket)
{
	unsigned int power = bucket >> SUB_BITS, sub = bucket & ((1u << SUB_BITS) - 1);

	if (!power) {
		return bucket;
	}
	return ((uint64_t)((1u << SUB_BITS) + sub + 1) << (power - 1)) - 1;
}

static void add(struct histogram *h, uint64_t v)
{
	uint64_t max = atomic_load_explicit(&h->max, memory_order_relaxed);

	atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->buckets[bucket_of(v)], 1, memory_order_relaxed);
	while (v > max && !atomic_compare_exchange_weak(&h->max, &max, v)) {
	}
}

void stats_request(struct stats *stats, enum method_id method, uint64_t ns, bool refused)
{
	add(&stats->methods[method], ns);
	if (refused) {
		atomic_fetch_add_explicit(&stats->refused[method], 1, memory_order_relaxed);
	}
}

void stats_commit(struct stats *stats, unsigned int requests, uint64_t ns)
{
	add(&stats->batch_size, requests);
	add(&stats->commit_ns, ns);
}

void stats_queue(struct stats *stats, int delta)
{
	stats->queue_depth += delta;
}

void stats_parked(struct stats *stats, unsigned int n)
{
	stats->parked = n;
}

static uint64_t percentile(struct histogram *h, uint64_t count, unsigned int percent)
{
	uint64_t rank = (count * percent + 99) / 100, seen = 0;

	for (unsigned int i = 0; i < N_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= rank && seen) {
			uint64_t top = bucket_top(i);

			return top < h->max ? top : h->max;
		}
	}
	return h->max;
}

static void put_number(struct buf *out, const char *name, uint64_t v)
{
	mp_put_cstr(out, name);
	mp_put_uint(out, v);
}

/* The pairs p50, p90, p99 and max, each divided by @unit. */
static void put_percentiles(struct histogram *h, uint64_t unit, struct buf *out)
{
	uint64_t count = h->count;

	put_number(out, "p50", percentile(h, count, 50) / unit);
	put_number(out, "p90", percentile(h, count, 90) / unit);
	put_number(out, "p99", percentile(h, count, 99) / unit);
	put_number(out, "max", h->max / unit);
}

static void put_methods(struct stats *stats, struct buf *out)
{
	uint32_t used = 0;

	for (unsigned int i = 0; i < N_METHODS; i++) {
		used += stats->methods[i].count > 0;
	}
	mp_put_map(out, used);
	for (unsigned int i = 0; i < N_METHODS && used; i++) {
		if (!stats->methods[i].count) {
			continue;
		}
		used--;
		mp_put_cstr(out, methods[i].name);
		mp_put_map(out, 3);
		put_number(out, "count", stats->methods[i].count);
		put_number(out, "refused", stats->refused[i]);
		mp_put_cstr(out, "latency_us");
		mp_put_map(out, 4);
		put_percentiles(&stats->methods[i], 1000, out);
	}
}

void stats_encode(struct stats *stats, struct buf *out)
{
	put_number(out, "queue_depth", (uint64_t)stats->queue_depth);
	put_number(out, "parked", stats->parked);
	put_number(out, "commits", stats->batch_size.count);
	mp_put_cstr(out, "batch_size");
	mp_put_map(out, 4);
	put_percentiles(&stats->batch_size, 1, out);
	mp_put_cstr(out, "commit_us");
	mp_put_map(out, 4);
	put_percentiles(&stats->commit_ns, 1000, out);
	mp_put_cstr(out, "methods");
	put_methods(stats, out);
}
