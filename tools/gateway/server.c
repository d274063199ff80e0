#include "tools/gateway/server.h"
#include "client/fail.h"
#include "client/util.h"
#include "proto/bounds.h"
#include "tools/gateway/call.h"
#include "tools/gateway/exchange_server.h"
#include "tools/gateway/guard.h"
#include "tools/gateway/health.h"
#include "tools/gateway/log.h"
#include "tools/gateway/metrics.h"
#include "tools/gateway/watchdog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define MAX_TARGET 16384
#define MAX_HEAD 32768
#define POOL_BYTES (64u << 10)	/* of a connection; libmicrohttpd touches all of it */
#define MAX_DROPPED (64u << 20) /* of a body that was refused */
#define SILENT_S 75
#define BACKLOG 1024

struct server {
	const struct gateway *gw;
	struct MHD_Daemon *mhd;
	struct watchdog *dog;
	atomic_uint open; /* exchanges */
	atomic_bool stopping;
};

static struct connection *connection_of(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(con, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void on_connection(void *context, struct MHD_Connection *con, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	struct server *server = context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD);
		*socket_context = info ? watchdog_add(server->dog, info->connect_fd) : NULL;
		metrics_connection(server->gw->metrics, 1);
	} else {
		watchdog_remove(server->dog, *socket_context);
		metrics_connection(server->gw->metrics, -1);
	}
}

/*
 * The target is kept as it came. Its query is ours to read: libmicrohttpd would make a record of
 * each part of it in the connection's memory, and say nothing at all where that is too small; so it
 * finds none. (The text is in that memory, which is not const.)
 */
static void *on_target(void *context, const char *target, struct MHD_Connection *con)
{
	struct server *server = context;
	struct exchange *x = exchange_create(target, con);
	char *query = strchr((char *)(uintptr_t)target, '?');

	if (query) {
		query[1] = '\0';
	}
	server->open += x != NULL;
	return x;
}

static void on_completed(void *context, struct MHD_Connection *con, void **x_of,
	enum MHD_RequestTerminationCode code)
{
	struct server *server = context;
	struct exchange *x = *x_of;
	uint64_t ns;

	if (!x) {
		return;
	}
	ns = clock_ns() - exchange_began_ns(x);
	metrics_request(
		server->gw->metrics, exchange_route(x), exchange_status(x), ns, exchange_waits(x));
	if (log_wants(LOG_LEVEL_INFO)) {
		log_write(LOG_LEVEL_INFO, "event=request method=%s target=%.200s status=%u us=%lu",
			exchange_method(x), exchange_target(x), exchange_status(x),
			(unsigned long)(ns / 1000));
	}
	connection_enter(server->dog, connection_of(con), CONNECTION_IDLE, 0);
	exchange_over(x);
	server->open--;
	*x_of = NULL;
}

/* It has its own syntax, and what it unescapes is not undone again: it is left to us. */
static size_t keep_escapes(void *context, struct MHD_Connection *con, char *text)
{
	return strlen(text);
}

static size_t head_bytes(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(con, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info ? info->header_size : 0;
}

/* The target without scheme and authority. */
static const char *path_of(const char *target)
{
	const char *slashes = strstr(target, "://");

	if (target[0] == '/' || !slashes) {
		return target;
	}
	target = strchr(slashes + 3, '/');
	return target ? target : "/";
}

static void allow_origin(struct server *server, struct exchange *x)
{
	const char *origin = exchange_request_header(x, "Origin");

	if (guard_origin(server->gw->options, origin)) {
		exchange_add_header(x, "Access-Control-Allow-Origin", origin);
		exchange_add_header(x, "Vary", "Origin");
		exchange_add_header(x, "Access-Control-Expose-Headers",
			"x-request-id, openai-poll-after-ms, retry-after");
	}
}

/* What of a head two readers could take for different things. */
struct head {
	unsigned int hosts;
	unsigned int lengths;
	unsigned int codings;
	bool unclear;
};

static enum MHD_Result look_at(void *context, enum MHD_ValueKind kind, const char *name, size_t n,
	const char *value, size_t size)
{
	struct head *head = context;

	head->unclear |= !*name || strpbrk(name, " \t"); /* "Content-Length : 2" */
	if (!strcasecmp(name, "Host")) {
		head->hosts++;
		head->unclear |= value && strlen(value) != size;
	} else if (!strcasecmp(name, "Content-Length")) {
		head->lengths++;
		head->unclear |= !value || !*value || strspn(value, "0123456789") != size;
	} else if (!strcasecmp(name, "Transfer-Encoding")) {
		head->codings++;
		head->unclear |= !value || strcasecmp(value, "chunked") != 0;
	}
	return MHD_YES;
}

/* One Host, and one way to tell where the body ends (RFC 9112, 3.2 and 6.3). */
static bool is_clear(struct MHD_Connection *con)
{
	struct head head = {0};

	MHD_get_connection_values_n(con, MHD_HEADER_KIND, look_at, &head);
	return !head.unclear && head.hosts <= 1 && head.lengths + head.codings <= 1;
}

/* The name in a target that has one, "http://name:port/path", which goes before the Host header. */
static bool names_us(const struct options *o, const char *target)
{
	const char *slashes = strstr(target, "://");
	char name[256];
	size_t n;

	if (target[0] == '/' || !slashes) {
		return true;
	}
	n = strcspn(slashes + 3, "/?#");
	if (n >= sizeof(name)) {
		return false;
	}
	memcpy(name, slashes + 3, n);
	name[n] = '\0';
	return guard_host(o, name);
}

/* What a browser asks before it lets a page ask. */
static bool answer_preflight(struct server *server, struct exchange *x)
{
	const char *headers = exchange_request_header(x, "Access-Control-Request-Headers");

	if (strcmp(exchange_method(x), "OPTIONS") != 0 ||
		!guard_origin(server->gw->options, exchange_request_header(x, "Origin"))) {
		return false;
	}
	exchange_add_header(x, "Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE");
	exchange_add_header(x, "Access-Control-Allow-Headers", headers ? headers : "*");
	exchange_add_header(x, "Access-Control-Max-Age", "600");
	exchange_answer_take(x, 204, strdup(""));
	return true;
}

static bool is_open_path(const char *path)
{
	return !strcmp(path, "/healthz");
}

/* Is it somebody who may ask? False when it was refused. */
static bool pass_guards(struct server *server, struct exchange *x, struct MHD_Connection *con)
{
	const struct options *o = server->gw->options;
	const char *path = path_of(exchange_target(x));

	if (strlen(exchange_target(x)) > MAX_TARGET) {
		exchange_refuse(x, REFUSE_LONG_TARGET);
	} else if (head_bytes(con) > MAX_HEAD) {
		exchange_refuse(x, REFUSE_LARGE_HEAD);
	} else if (!is_clear(con)) {
		exchange_add_header(x, "Connection", "close");
		exchange_refuse(x, REFUSE_UNCLEAR_HEAD);
	} else if (!guard_host(o, exchange_request_header(x, "Host")) ||
		   !names_us(o, exchange_target(x))) {
		exchange_refuse(x, REFUSE_FORBIDDEN_HOST);
	} else if (strcmp(exchange_method(x), "GET") != 0 &&
		   strcmp(exchange_method(x), "OPTIONS") != 0 &&
		   !guard_change(o, exchange_request_header(x, "Origin"),
			   exchange_request_header(x, "Host"))) {
		exchange_refuse(x, REFUSE_FORBIDDEN_ORIGIN);
	} else {
		allow_origin(server, x);
		if (answer_preflight(server, x)) {
			return false;
		}
		if (is_open_path(path) ||
			guard_token(o, exchange_request_header(x, "Authorization"))) {
			return true;
		}
		exchange_refuse(x, REFUSE_UNAUTHORIZED);
	}
	return false;
}

static uint64_t body_bytes(const struct exchange *x)
{
	const char *length = exchange_request_header(x, "Content-Length");

	return length ? strtoull(length, NULL, 10) : 0;
}

static bool is_json(const char *type)
{
	size_t n = type ? strcspn(type, "; \t") : 0;

	return (n == 16 && !strncasecmp(type, "application/json", n)) ||
	       (n > 5 && !strncasecmp(type + n - 5, "+json", 5));
}

/* Find out what it asks for, and hand it on; a refusal is answered at once. */
static void route(struct server *server, struct exchange *x)
{
	const char *target = path_of(exchange_target(x));
	size_t n = strcspn(target, "?#");
	const char *query = target[n] == '?' ? target + n + 1 : NULL;
	struct slice ids[PATH_IDS] = {0};
	enum route_match match = ROUTE_NO_PATH;
	enum route_id id = N_ROUTES;
	char allow[64] = "";

	if (health_serves(target, n)) {
		health_submit(server->gw, x, target, n);
		return;
	}
	if (n > 4 && !strncmp(target, "/v1/", 4)) {
		match = route_find(
			exchange_method(x), slice_of(target + 4, n - 4), &id, ids, allow);
	}
	if (match == ROUTE_NO_METHOD) {
		exchange_add_header(x, "Allow", allow);
	}
	if (match != ROUTE_FOUND) {
		exchange_refuse(x, match == ROUTE_NO_METHOD ? REFUSE_METHOD : REFUSE_UNKNOWN_PATH);
		return;
	}
	exchange_set_route(x, id);
	if (routes[id].fields && exchange_body(x).len &&
		!is_json(exchange_request_header(x, "Content-Type"))) {
		exchange_refuse(x, REFUSE_MEDIA_TYPE);
		return;
	}
	call_submit(server->gw, exchange_ref(x), id, ids, exchange_body(x), query);
}

/* The head is there. */
static enum MHD_Result begin(
	struct server *server, struct exchange *x, struct MHD_Connection *con, const char *method)
{
	struct connection *c = connection_of(con);
	uint64_t bytes;
	enum MHD_Result r;

	exchange_set_method(x, method);
	exchange_set_route(x, N_ROUTES);
	bytes = body_bytes(x);
	if (pass_guards(server, x, con) && bytes > MAX_MESSAGE) {
		exchange_refuse(x, REFUSE_TOO_LARGE);
		if (!exchange_request_header(x, "Expect")) {
			connection_refuse(server->dog, c, REFUSE_TOO_LARGE);
			connection_enter(server->dog, c, CONNECTION_BODY, 0);
			return MHD_YES;
		}
	}
	if (exchange_send(x, &r)) {
		connection_enter(server->dog, c, CONNECTION_BUSY, 0);
		return r;
	}
	connection_enter(server->dog, c, CONNECTION_BODY, bytes);
	return MHD_YES;
}

/* Who was refused is heard out, within reason. */
static enum MHD_Result receive(struct server *server, struct exchange *x,
	struct MHD_Connection *con, const char *data, size_t *size)
{
	if (!exchange_receive(x, data, *size, MAX_MESSAGE) && !exchange_status(x)) {
		exchange_refuse(x, REFUSE_TOO_LARGE);
		connection_refuse(server->dog, connection_of(con), REFUSE_TOO_LARGE);
	}
	*size = 0;
	return exchange_dropped(x) > MAX_DROPPED ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *con, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **x_of)
{
	struct server *server = context;
	struct exchange *x = *x_of;
	enum MHD_Result r;

	if (!x) {
		return MHD_NO;
	}
	if (!*exchange_method(x)) {
		return begin(server, x, con, method);
	}
	if (*size) {
		return receive(server, x, con, data, size);
	}
	if (exchange_dropped(x)) {
		return MHD_NO; /* it was told */
	}
	if (exchange_send(x, &r)) {
		return r;
	}
	connection_enter(server->dog, connection_of(con), CONNECTION_BUSY, 0);
	if (server->stopping) { /* what would be suspended now would never be resumed */
		exchange_add_header(x, "Connection", "close");
		exchange_refuse(x, REFUSE_STOPPING);
	} else {
		route(server, x);
	}
	return exchange_send(x, &r) ? r : MHD_YES;
}

static int listen_on(const struct options *o)
{
	int fd = socket(o->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(fd, (const struct sockaddr *)&o->address, o->address_len) ||
		listen(fd, BACKLOG)) {
		int r = -errno;

		fprintf(stderr, "runstore-gateway: cannot listen on %s: %s\n", o->listen,
			strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return r;
	}
	return fd;
}

static void tell_where(const struct options *o, int fd, char *where, size_t size)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);
	bool six;

	getsockname(fd, (struct sockaddr *)&a, &len);
	six = a.ss_family == AF_INET6;
	snprintf(where, size, "http://%s%s%s:%u", six ? "[" : "", o->host, six ? "]" : "",
		ntohs(six ? ((struct sockaddr_in6 *)(void *)&a)->sin6_port
			  : ((struct sockaddr_in *)(void *)&a)->sin_port));
}

static void log_mhd(void *context, const char *format, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, ap);
	text[strcspn(text, "\n")] = '\0';
	log_write(LOG_LEVEL_DEBUG, "event=http text=\"%s\"", text);
}

static struct MHD_Daemon *start(struct server *server, int fd)
{
	const struct options *o = server->gw->options;

	return MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
		NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
		MHD_OPTION_THREAD_POOL_SIZE, SERVER_THREADS, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, o->max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
		SILENT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, server, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
}

int server_open(struct server **out, const struct gateway *gw, char *where, size_t size)
{
	struct server *server = calloc(1, sizeof(*server));
	int fd, r;

	if (!server) {
		return -ENOMEM;
	}
	server->gw = gw;
	fd = listen_on(gw->options);
	r = fd < 0 ? fd : watchdog_open(&server->dog);
	if (!r) {
		tell_where(gw->options, fd, where, size);
		server->mhd = start(server, fd);
		r = server->mhd ? 0 : -EIO;
	}
	if (r) {
		if (fd >= 0) {
			fprintf(stderr, "runstore-gateway: the server does not start\n");
			close(fd);
		}
		watchdog_close(server->dog);
		free(server);
		return r;
	}
	*out = server;
	return 0;
}

void server_quiet(struct server *server)
{
	server->stopping = true;
}

bool server_close(struct server *server, int ms)
{
	int64_t end = now_ms() + ms;

	if (!server) {
		return true;
	}
	while (server->open && now_ms() < end) {
		pause_ms(5);
	}
	if (server->open) {
		return false;
	}
	MHD_stop_daemon(server->mhd);
	watchdog_close(server->dog);
	free(server);
	return true;
}
