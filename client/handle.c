#include "client/handle.h"
#include "client/fail.h"
#include "client/url.h"
#include "client/util.h"

#include <stdlib.h>

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_CONNECT_MS 2000
#define DEFAULT_ATTEMPTS 3
#define DEFAULT_CONNECTIONS 4
#define MAX_CONNECTIONS 256

const char *runstore_version(void)
{
	return RUNSTORE_VERSION;
}

const char *runstore_url(const struct runstore *rs)
{
	return rs->url;
}

static int check_option(const char *name, int value, int max, struct runstore_error *error)
{
	if (value < 0 || value > max) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, name,
			"%s is %d; 0 (the default) to %d are possible.", name, value, max);
	}
	return 0;
}

static int check_options(const struct runstore_options *o, struct runstore_error *error)
{
	int r;

	r = check_option("timeout_ms", o->timeout_ms, INT32_MAX, error);
	if (!r) {
		r = check_option("attempts", o->attempts, 1000, error);
	}
	if (!r) {
		r = check_option("connections", o->connections, MAX_CONNECTIONS, error);
	}
	return r;
}

static int or_default(int value, int preset)
{
	return value ? value : preset;
}

static void handle_configure(struct runstore *rs, const struct runstore_options *o)
{
	rs->timeout_ms = or_default(o->timeout_ms, DEFAULT_TIMEOUT_MS);
	rs->connect_timeout_ms = or_default(o->connect_timeout_ms, DEFAULT_CONNECT_MS);
	rs->attempts = or_default(o->attempts, DEFAULT_ATTEMPTS);
	if (rs->connect_timeout_ms < 0) {
		rs->connect_timeout_ms = 0;
	}
}

static int handle_init_pools(struct runstore *rs, const struct runstore_options *o)
{
	int r;

	r = pool_init(&rs->pool, or_default(o->connections, DEFAULT_CONNECTIONS));
	if (r) {
		return r;
	}
	r = pool_init(&rs->waiting, MAX_CONNECTIONS);
	if (r) {
		pool_finish(&rs->pool);
	}
	return r;
}

int runstore_open(struct runstore **out, const char *url, const struct runstore_options *options,
	struct runstore_error *error)
{
	static const struct runstore_options none;
	struct runstore *rs;
	char *resolved;
	int r;

	options = options ? options : &none;
	r = check_options(options, error);
	if (!r) {
		r = url_resolve(url, &resolved, error);
	}
	if (r) {
		return r;
	}
	rs = calloc(1, sizeof(*rs));
	if (!rs || handle_init_pools(rs, options)) {
		free(rs);
		free(resolved);
		return fail_memory(error);
	}
	rs->url = resolved;
	handle_configure(rs, options);
	pthread_mutex_init(&rs->lock, NULL);
	*out = rs;
	return 0;
}

void runstore_close(struct runstore *rs)
{
	if (!rs) {
		return;
	}
	pool_finish(&rs->pool);
	pool_finish(&rs->waiting);
	pthread_mutex_destroy(&rs->lock);
	free(rs->url);
	free(rs);
}

int handle_make_key(
	struct runstore *rs, char out[static ULID_LENGTH + 1], struct runstore_error *error)
{
	struct timespec t;
	int r;

	clock_gettime(CLOCK_REALTIME, &t);
	pthread_mutex_lock(&rs->lock);
	r = ulid_next(&rs->ulid, (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000, out);
	pthread_mutex_unlock(&rs->lock);
	if (r) {
		return fail(error, RUNSTORE_E_INTERNAL, NULL,
			"The system has no random bytes for an idempotency key.");
	}
	return 0;
}
