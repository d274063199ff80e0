#include "daemon/rpc/reader.h"
#include "daemon/log.h"

#include <errno.h>

int reader_init(struct reader *reader, struct store *store, const struct service *service,
	const atomic_bool *stopping)
{
	*reader = (struct reader){.store = store, .service = service, .stopping = stopping};
	return kv_read_open(store_kv(store), &reader->kv);
}

void reader_finish(struct reader *reader)
{
	if (reader->kv) {
		kv_read_close(reader->kv);
		reader->kv = NULL;
	}
}

void reader_run(struct reader *reader, struct request *request)
{
	struct txn txn;
	int r;

	r = kv_read_begin(reader->kv);
	if (!r) {
		txn_init_read(&txn, reader->store, reader->kv, clock_wall_ms());
		txn.stopping = request_bounded(request) ? NULL : reader->stopping;
		r = request_run(request, &txn, reader->service);
		kv_read_end(reader->kv);
	}
	if (r && r != -ECANCELED) {
		log_write(LOG_LEVEL_ERROR, "event=read_failed method=%s error=%d",
			request->call.method->name, -r);
	}
	if (r) {
		request_fail(request, r);
	}
}
