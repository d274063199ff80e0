#include "daemon/ops/op.h"
#include "daemon/ops/stats.h"
#include "proto/bounds.h"

#include <unistd.h>

static void put_number(struct buf *out, const char *name, uint64_t v)
{
	mp_put_cstr(out, name);
	mp_put_uint(out, v);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	mp_put_cstr(out, name);
	mp_put_cstr(out, text);
}

static void put_limits(struct buf *out)
{
	mp_put_map(out, 11);
	put_number(out, "message_bytes", MAX_MESSAGE);
	put_number(out, "object_bytes", MAX_OBJECT);
	put_number(out, "depth", MAX_DEPTH);
	put_number(out, "batch_requests", MAX_BATCH);
	put_number(out, "list_limit", 100);
	put_number(out, "changes_limit", MAX_CHANGES);
	put_number(out, "wait_ms", MAX_WAIT_MS);
	put_number(out, "lease_ms", MAX_LEASE_MS);
	put_number(out, "metadata_pairs", METADATA_PAIRS);
	put_number(out, "metadata_key_characters", METADATA_KEY);
	put_number(out, "metadata_value_characters", METADATA_VALUE);
}

int op_server_info(struct op *op)
{
	const struct service *service = op->service;
	struct buf *out = op->out;

	mp_put_map(out, 9);
	put_text(out, "version", RUNSTORE_VERSION);
	put_number(out, "protocol", 1);
	put_number(out, "pid", (uint64_t)getpid());
	put_number(out, "uptime_ms", (uint64_t)(op->txn->now_ms - service->started_ms));
	put_text(out, "data", service->data);
	put_text(out, "listen", service->listen);
	put_text(out, "events", service->events);
	mp_put_cstr(out, "limits");
	put_limits(out);
	put_number(out, "last_seq", store_last_seq(op->txn->store));
	return op_result(op, slice_of(NULL, 0));
}

int op_server_stats(struct op *op)
{
	struct kv_txn *kv = op->txn->kv;
	struct buf *out = op->out;
	struct kv_usage usage;
	uint64_t free_bytes = kv_free_bytes(store_kv(op->txn->store));

	kv_usage(store_kv(op->txn->store), &usage);
	mp_put_map(out, 16);
	put_number(out, "runs", kv_count(kv, T_RUNS));
	put_number(out, "steps", kv_count(kv, T_STEPS));
	put_number(out, "threads", kv_count(kv, T_THREADS));
	put_number(out, "messages", kv_count(kv, T_MESSAGES));
	put_number(out, "assistants", kv_count(kv, T_ASSISTANTS));
	put_number(out, "changes", kv_count(kv, T_CHANGES));
	put_number(out, "idempotency_keys", kv_count(kv, T_IDEMPOTENCY));
	put_number(out, "file_bytes", usage.file_bytes);
	put_number(out, "free_bytes", free_bytes);
	mp_put_cstr(out, "map");
	mp_put_map(out, 2);
	put_number(out, "bytes", usage.map_bytes);
	mp_put_cstr(out, "used");
	mp_put_double(out, (double)(usage.file_bytes - free_bytes) / (double)usage.map_bytes);
	stats_encode(op->service->stats, out);
	return op_result(op, slice_of(NULL, 0));
}
