#include "tools/gateway/health.h"
#include "client/util.h"
#include "tools/gateway/exchange_server.h"
#include "tools/gateway/metrics.h"
#include "tools/gateway/quick.h"

#include <stdlib.h>

struct probe {
	struct pool_job job;
	const struct gateway *gw;
	struct exchange *x;
	bool metrics;
};

bool health_serves(const char *path, size_t n)
{
	struct slice s = slice_of(path, n);

	return slice_is(s, "/healthz") || slice_is(s, "/metrics");
}

static void answer_health(struct probe *p)
{
	struct runstore_reply *reply;
	struct runstore_error error;

	if (quick_probe(p->gw->quick, "server.info", &reply, &error)) {
		exchange_answer_error(p->x, &error);
		return;
	}
	runstore_reply_free(reply);
	exchange_answer_take(p->x, 200, strdup("{\"status\":\"ok\"}"));
}

/* What it counts itself is told also when no daemon answers. */
static void answer_metrics(struct probe *p)
{
	struct runstore_reply *reply = NULL;
	struct runstore_value stats = {0};
	struct buf text = {0};

	if (!quick_probe(p->gw->quick, "server.stats", &reply, NULL)) {
		stats = runstore_reply_value(reply);
	}
	metrics_write(p->gw, slice_of(stats.data, stats.size), &text);
	buf_append(&text, "", 1);
	runstore_reply_free(reply);
	if (buf_error(&text)) {
		buf_finish(&text);
		text.ptr = NULL;
	}
	exchange_answer_text_take(
		p->x, text.ptr ? 200 : 500, (char *)text.ptr, "text/plain; version=0.0.4");
}

static void run(struct pool_job *job)
{
	struct probe *p = (struct probe *)job;

	(p->metrics ? answer_metrics : answer_health)(p);
	exchange_unref(p->x);
	free(p);
}

void health_submit(const struct gateway *gw, struct exchange *x, const char *path, size_t n)
{
	struct probe *p;

	if (strcmp(exchange_method(x), "GET") != 0) {
		exchange_add_header(x, "Allow", "GET, HEAD");
		exchange_refuse(x, REFUSE_METHOD);
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		exchange_answer_take(x, 500, NULL);
		return;
	}
	*p = (struct probe){.job.run = run,
		.gw = gw,
		.x = exchange_ref(x),
		.metrics = slice_is(slice_of(path, n), "/metrics")};
	exchange_wait(x);
	pool_submit(gw->pool, &p->job);
}
