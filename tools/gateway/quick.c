#include "tools/gateway/quick.h"
#include "client/fail.h"
#include "client/util.h"
#include "tools/gateway/server.h"

#include <stdatomic.h>
#include <stdlib.h>

#define CALL_MS 250
#define SLOW_MS 50
#define REST_MS 1000
#define AWAY_MS 500
#define PROBE_MS 1000

struct quick {
	struct runstore *rs;
	struct runstore *probe;
	_Atomic int64_t rests_until_ms;
	_Atomic int64_t away_until_ms;
};

int quick_open(struct quick **out, const char *url, struct runstore_error *error)
{
	const struct runstore_options options = {.timeout_ms = CALL_MS,
		.connect_timeout_ms = CALL_MS,
		.attempts = 1,
		.connections = SERVER_THREADS};
	const struct runstore_options probe = {.timeout_ms = PROBE_MS,
		.connect_timeout_ms = PROBE_MS / 2,
		.attempts = 1,
		.connections = 1};
	struct quick *quick = calloc(1, sizeof(*quick));
	int r;

	if (!quick) {
		return fail_memory(error);
	}
	r = runstore_open(&quick->rs, url, &options, error);
	if (!r) {
		r = runstore_open(&quick->probe, url, &probe, error);
	}
	if (r) {
		quick_close(quick);
		return r;
	}
	*out = quick;
	return 0;
}

void quick_close(struct quick *quick)
{
	if (quick) {
		runstore_close(quick->probe);
		runstore_close(quick->rs);
		free(quick);
	}
}

int quick_call(struct quick *quick, const char *method, const void *params, size_t size,
	struct runstore_reply **reply, struct runstore_error *error)
{
	int64_t now = now_ms(), then;
	int r;

	if (now < quick->rests_until_ms) {
		return RUNSTORE_E_UNAVAILABLE;
	}
	r = runstore_call(quick->rs, method, params, size, reply, error);
	then = now_ms();
	if (may_pass(r) || then - now > SLOW_MS) {
		quick->rests_until_ms = then + REST_MS;
	}
	return r;
}

int quick_patient(struct quick *quick, struct runstore *rs, const char *method, const void *params,
	size_t size, struct runstore_reply **reply, struct runstore_error *error)
{
	int r;

	if (now_ms() < quick->away_until_ms) {
		return fail(error, RUNSTORE_E_UNAVAILABLE, NULL,
			"No daemon answers at %s: try again in a moment.", runstore_url(rs));
	}
	r = runstore_call(rs, method, params, size, reply, error);
	if (r == RUNSTORE_E_UNAVAILABLE) {
		quick->away_until_ms = now_ms() + AWAY_MS;
	}
	return r;
}

int quick_probe(struct quick *quick, const char *method, struct runstore_reply **reply,
	struct runstore_error *error)
{
	return runstore_call(quick->probe, method, NULL, 0, reply, error);
}
