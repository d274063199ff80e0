#include "daemon/config.h"
#include "daemon/log.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAP_SIZE ((size_t)256 << 30)
#define MIN_MAP_SIZE ((size_t)1 << 20)
#define DEFAULT_RUN_TTL 600

static const char usage[] =
	"Usage: runstored [OPTION]...\n"
	"Keep the runs and run steps of AI agents, and answer queries about them.\n"
	"\n"
	"  --data DIR           directory of the store, made if there is none\n"
	"                       (default: $RUNSTORE_DIR, else $XDG_STATE_HOME/runstore,\n"
	"                       else ~/.local/state/runstore)\n"
	"  --listen URL         where requests come in: ipc://PATH or tcp://127.0.0.1:PORT\n"
	"                       (default: ipc://DIR/rpc.sock)\n"
	"  --events URL         where changes are published (default: ipc://DIR/events.sock)\n"
	"  --map-size SIZE      bytes that the store may grow to, with K, M, G or T for\n"
	"                       powers of 1024 (default: 256G; room, not use)\n"
	"  --sync MODE          full: what is acknowledged survives a power cut (default);\n"
	"                       interval:MS: a power cut may take the last MS milliseconds\n"
	"  --run-ttl SECONDS    seconds after which a run expires, 0 for never (default: 600)\n"
	"  --strict-assistants  refuse runs of assistants that are not in the store\n"
	"  --changes-max N      changes that the feed keeps (default: 1000000)\n"
	"  --changes-age SECONDS\n"
	"                       for how long it keeps them (default: 604800, 7 days)\n"
	"  --log-level LEVEL    error, warning, info or debug (default: info)\n"
	"  --no-supervise       serve in this process; by default a child serves, and is\n"
	"                       started again when it dies\n"
	"  --help               show this and exit\n"
	"  --version            show the version and exit\n"
	"\n"
	"It is ready when it prints a line that begins with `ready`. SIGTERM ends it.\n";

enum option_id {
	OPT_DATA = 1,
	OPT_LISTEN,
	OPT_EVENTS,
	OPT_MAP_SIZE,
	OPT_SYNC,
	OPT_RUN_TTL,
	OPT_STRICT_ASSISTANTS,
	OPT_CHANGES_MAX,
	OPT_CHANGES_AGE,
	OPT_LOG_LEVEL,
	OPT_NO_SUPERVISE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option options[] = {
	{"data", required_argument, NULL, OPT_DATA},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"events", required_argument, NULL, OPT_EVENTS},
	{"map-size", required_argument, NULL, OPT_MAP_SIZE},
	{"sync", required_argument, NULL, OPT_SYNC},
	{"run-ttl", required_argument, NULL, OPT_RUN_TTL},
	{"strict-assistants", no_argument, NULL, OPT_STRICT_ASSISTANTS},
	{"changes-max", required_argument, NULL, OPT_CHANGES_MAX},
	{"changes-age", required_argument, NULL, OPT_CHANGES_AGE},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"no-supervise", no_argument, NULL, OPT_NO_SUPERVISE},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static int refuse(const char *flag, const char *value, const char *right)
{
	fprintf(stderr, "runstored: %s %s: expected %s\n", flag, value, right);
	return -1;
}

/* A number of 0 or more; @rest is what follows it. */
static bool parse_number(const char *text, int64_t max, int64_t *out, char **rest)
{
	long long v;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	errno = 0;
	v = strtoll(text, rest, 10);
	*out = v;
	return !errno && v <= max;
}

static int parse_size(const char *text, size_t *out)
{
	static const char right[] = "a size from 1M up to 64T, as in 16G";
	static const char units[] = "KMGT";
	int64_t v = 0;
	char *rest = NULL;
	const char *unit;
	unsigned int shift = 0;

	if (!parse_number(text, INT64_C(64) << 40, &v, &rest)) {
		return refuse("--map-size", text, right);
	}
	if (*rest) {
		unit = strchr(units, *rest);
		if (!unit || rest[1]) {
			return refuse("--map-size", text, right);
		}
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if ((uint64_t)v > (UINT64_C(64) << 40) >> shift || ((size_t)v << shift) < MIN_MAP_SIZE) {
		return refuse("--map-size", text, right);
	}
	*out = (size_t)v << shift;
	return 0;
}

static int parse_sync(const char *text, int64_t *interval_ms)
{
	char *rest = NULL;

	if (!strcmp(text, "full")) {
		*interval_ms = 0;
		return 0;
	}
	if (strncmp(text, "interval:", 9) || !parse_number(text + 9, 3600000, interval_ms, &rest) ||
		*rest || !*interval_ms) {
		return refuse("--sync", text, "full, or interval:MS with MS from 1 to 3600000");
	}
	return 0;
}

static int parse_count(
	const char *flag, const char *text, int64_t min, int64_t *out, const char *right)
{
	char *rest = NULL;
	int64_t v;

	if (!parse_number(text, 3155760000, &v, &rest) || *rest || v < min) {
		return refuse(flag, text, right);
	}
	*out = v;
	return 0;
}

static int copy_text(const char *flag, const char *text, char *out, size_t size)
{
	if (!text[0] || strlen(text) >= size) {
		return refuse(flag, text, "something of 1 to 4000 bytes");
	}
	strcpy(out, text);
	return 0;
}

static int apply(struct config *c, int option, const char *value)
{
	switch (option) {
	case OPT_DATA:
		return copy_text("--data", value, c->data, sizeof(c->data));
	case OPT_LISTEN:
		return copy_text("--listen", value, c->listen, sizeof(c->listen));
	case OPT_EVENTS:
		return copy_text("--events", value, c->events, sizeof(c->events));
	case OPT_MAP_SIZE:
		return parse_size(value, &c->map_size_bytes);
	case OPT_SYNC:
		return parse_sync(value, &c->sync_interval_ms);
	case OPT_RUN_TTL:
		return parse_count("--run-ttl", value, 0, &c->run_ttl, "seconds, 0 for never");
	case OPT_STRICT_ASSISTANTS:
		c->strict_assistants = true;
		return 0;
	case OPT_CHANGES_MAX:
		return parse_count("--changes-max", value, 1, &c->changes_max, "1 or more");
	case OPT_CHANGES_AGE:
		return parse_count(
			"--changes-age", value, 1, &c->changes_age, "seconds, 1 or more");
	case OPT_LOG_LEVEL:
		c->log_level = log_level_from_name(value);
		return c->log_level < 0
			       ? refuse("--log-level", value, "error, warning, info or debug")
			       : 0;
	case OPT_NO_SUPERVISE:
		c->supervise = false;
		return 0;
	case OPT_HELP:
		fputs(usage, stdout);
		return 1;
	case OPT_VERSION:
		puts("runstored " RUNSTORE_VERSION);
		return 1;
	default:
		fputs("Try 'runstored --help'.\n", stderr);
		return -1;
	}
}

static int default_data(struct config *c)
{
	const char *dir = getenv("RUNSTORE_DIR"), *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int n;

	if (dir && dir[0]) {
		n = snprintf(c->data, sizeof(c->data), "%s", dir);
	} else if (state && state[0] == '/') {
		n = snprintf(c->data, sizeof(c->data), "%s/runstore", state);
	} else if (home && home[0]) {
		n = snprintf(c->data, sizeof(c->data), "%s/.local/state/runstore", home);
	} else {
		fputs("runstored: there is no $HOME to put the store in: give --data DIR\n",
			stderr);
		return -1;
	}
	return (size_t)n < sizeof(c->data) ? 0 : refuse("--data", c->data, "a shorter path");
}

int config_parse(struct config *c, int argc, char **argv)
{
	int option, r;

	*c = (struct config){
		.map_size_bytes = DEFAULT_MAP_SIZE,
		.run_ttl = DEFAULT_RUN_TTL,
		.log_level = LOG_LEVEL_INFO,
		.supervise = true,
	};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		r = apply(c, option, optarg);
		if (r) {
			return r;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "runstored: %s: there are no arguments besides the options\n",
			argv[optind]);
		return -1;
	}
	return c->data[0] ? 0 : default_data(c);
}
