#include "tools/gateway/options.h"
#include "client/util.h"
#include "tools/gateway/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TOKEN_MAX 4096

static const char usage[] =
	"Usage: runstore-gateway [OPTION]...\n"
	"Serve OpenAI's Assistants API (v2) over HTTP, out of a runstore daemon.\n"
	"\n"
	"  --listen HOST:PORT   where to serve (default: 127.0.0.1:8788; port 0: any that is "
	"free).\n"
	"                       Anything but this machine's loopback needs --token-file\n"
	"  --url URL            where the daemon is (default: $RUNSTORE_URL or its own default)\n"
	"  --token-file FILE    ask for the token in FILE as API key; without it any key will do\n"
	"  --allow-host NAME    answer to this name in the Host header too; may be repeated\n"
	"  --cors ORIGIN        let pages of this origin use it; may be repeated\n"
	"  --strict-assistants  refuse runs of assistants that are not in the store\n"
	"  --max-connections N  clients at a time, 1 to 65536 (default: 1024)\n"
	"  --threads N          requests to the daemon at a time, 1 to 256 (default: 16)\n"
	"  --log-level LEVEL    error, warning, info (each request) or debug (default: warning)\n"
	"  --help               show this and exit\n"
	"  --version            show the version and exit\n"
	"\n"
	"It is ready when it prints a line that begins with `ready`; programs are to be told\n"
	"OPENAI_BASE_URL=http://HOST:PORT/v1. SIGTERM ends it.\n";

enum option_id {
	OPT_LISTEN = 1,
	OPT_URL,
	OPT_TOKEN_FILE,
	OPT_ALLOW_HOST,
	OPT_CORS,
	OPT_STRICT_ASSISTANTS,
	OPT_MAX_CONNECTIONS,
	OPT_THREADS,
	OPT_LOG_LEVEL,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"url", required_argument, NULL, OPT_URL},
	{"token-file", required_argument, NULL, OPT_TOKEN_FILE},
	{"allow-host", required_argument, NULL, OPT_ALLOW_HOST},
	{"cors", required_argument, NULL, OPT_CORS},
	{"strict-assistants", no_argument, NULL, OPT_STRICT_ASSISTANTS},
	{"max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static int refuse(const char *flag, const char *value, const char *right)
{
	fprintf(stderr, "runstore-gateway: %s %s: %s\n", flag, value, right);
	return -1;
}

static int take_number(const char *flag, const char *text, unsigned long max, unsigned int *out)
{
	char right[64], *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || v < 1 || v > max) {
		snprintf(right, sizeof(right), "expected a number from 1 to %lu", max);
		return refuse(flag, text, right);
	}
	*out = (unsigned int)v;
	return 0;
}

static int take_name(const char *flag, const char *text, struct names *names)
{
	if (!*text || names->n == NAMES_MAX) {
		return refuse(flag, text, "expected up to 16 of them, none empty");
	}
	names->name[names->n++] = text;
	return 0;
}

/* A token that others can read is none, but who says so decides for himself. */
static int read_token(struct options *o, const char *path)
{
	FILE *file = fopen(path, "re");
	char *token = calloc(1, TOKEN_MAX + 1);
	struct stat st;
	size_t n;

	if (!file || !token || fstat(fileno(file), &st)) {
		refuse("--token-file", path, strerror(errno));
		free(token);
		if (file) {
			fclose(file);
		}
		return -1;
	}
	if (st.st_mode & 077) {
		log_write(LOG_LEVEL_WARNING, "event=token_file_open path=%s mode=%o", path,
			(unsigned int)st.st_mode & 0777);
	}
	n = fread(token, 1, TOKEN_MAX + 1, file);
	fclose(file);
	while (n && n <= TOKEN_MAX && (token[n - 1] == '\n' || token[n - 1] == '\r')) {
		token[--n] = '\0';
	}
	if (!n || n > TOKEN_MAX || strlen(token) != n) {
		free(token);
		return refuse(
			"--token-file", path, "expected a file with a token of 1 to 4096 bytes");
	}
	free(o->token);
	o->token = token;
	return 0;
}

/* HOST:PORT or [HOST]:PORT; the host's text goes to o->host. */
static int split_listen(struct options *o, char port[static 16])
{
	const char *colon = strrchr(o->listen, ':'), *host = o->listen;
	size_t n;

	if (!colon || !colon[1] || strlen(colon + 1) > 5 ||
		strspn(colon + 1, "0123456789") != strlen(colon + 1) || atoi(colon + 1) > 65535) {
		return -1;
	}
	n = (size_t)(colon - host);
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (!n || n >= sizeof(o->host)) {
		return -1;
	}
	memcpy(o->host, host, n);
	o->host[n] = '\0';
	strcpy(port, colon + 1);
	return 0;
}

static bool is_loopback(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET) {
		uint32_t ip = ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr);

		return ip >> 24 == 127;
	}
	return a->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static int resolve(struct options *o)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
	char port[16];
	int r;

	if (split_listen(o, port)) {
		return refuse("--listen", o->listen, "expected HOST:PORT, as in 127.0.0.1:8788");
	}
	r = getaddrinfo(o->host, port, &hints, &found);
	if (r) {
		return refuse("--listen", o->listen, gai_strerror(r));
	}
	memcpy(&o->address, found->ai_addr, found->ai_addrlen);
	o->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	o->loopback = is_loopback(&o->address);
	if (!o->loopback && !o->token) {
		return refuse("--listen", o->listen,
			"others than this machine can get there: give --token-file too");
	}
	return 0;
}

static int apply(struct options *o, int option, const char *value, const char **token_file)
{
	switch (option) {
	case OPT_LISTEN:
		o->listen = value;
		return 0;
	case OPT_URL:
		o->url = value;
		return 0;
	case OPT_TOKEN_FILE:
		*token_file = value;
		return 0;
	case OPT_ALLOW_HOST:
		return take_name("--allow-host", value, &o->hosts);
	case OPT_CORS:
		return take_name("--cors", value, &o->cors);
	case OPT_STRICT_ASSISTANTS:
		o->strict_assistants = true;
		return 0;
	case OPT_MAX_CONNECTIONS:
		return take_number("--max-connections", value, 65536, &o->max_connections);
	case OPT_THREADS:
		return take_number("--threads", value, 256, &o->threads);
	case OPT_LOG_LEVEL:
		o->log_level = log_level_from_name(value);
		return o->log_level < 0 ? refuse("--log-level", value,
						  "expected error, warning, info or debug")
					: 0;
	case OPT_HELP:
		fputs(usage, stdout);
		return 1;
	case OPT_VERSION:
		puts("runstore-gateway " RUNSTORE_VERSION);
		return 1;
	default:
		fputs("Try 'runstore-gateway --help'.\n", stderr);
		return -1;
	}
}

int options_parse(struct options *o, int argc, char **argv)
{
	const char *token_file = NULL;
	int option, r = 0;

	*o = (struct options){.listen = "127.0.0.1:8788",
		.max_connections = 1024,
		.threads = 16,
		.log_level = LOG_LEVEL_WARNING};
	while (!r && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		r = apply(o, option, optarg, &token_file);
	}
	if (!r && optind < argc) {
		r = refuse(argv[optind], "", "there are no arguments besides the options");
	}
	if (!r && token_file) {
		r = read_token(o, token_file);
	}
	return r ? r : resolve(o);
}

void options_finish(struct options *o)
{
	free(o->token);
}
