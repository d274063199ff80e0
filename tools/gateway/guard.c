#include "tools/gateway/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

static bool is_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* The name without port and brackets, into @out; false when it is none. */
static bool take_name(const char *host, char *out, size_t size)
{
	char text[300] = "", *end, *colon;
	size_t n;

	host += strspn(host, " \t");
	n = strlen(host);
	while (n && strchr(" \t", host[n - 1])) {
		n--;
	}
	if (n >= sizeof(text)) {
		return false;
	}
	memcpy(text, host, n);
	host = text;
	end = text + n;
	colon = strrchr(text, ':');

	if (host[0] == '[') {
		char *close = strchr(text, ']');

		if (!close || memchr(text, ':', (size_t)(close - text)) == NULL ||
			(close[1] && (close[1] != ':' || !is_digits(close + 2)))) {
			return false;
		}
		host++;
		end = close;
	} else if (colon) {
		if (!is_digits(colon + 1)) {
			return false;
		}
		end = colon;
	}
	n = (size_t)(end - host);
	if (!n || n >= size) {
		return false;
	}
	memcpy(out, host, n);
	out[n] = '\0';
	return true;
}

static bool is_among(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (!strcasecmp(names->name[i], name)) {
			return true;
		}
	}
	return false;
}

static bool is_loopback(const char *name)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, name, &four) == 1) {
		return ntohl(four.s_addr) >> 24 == 127;
	}
	return inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool is_address(const char *name)
{
	struct in6_addr any;

	return inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1;
}

/* Nobody's name resolves to what is no name: an address is safe where any is listened on. */
static bool listens_anywhere(const struct options *o)
{
	return !strcmp(o->host, "0.0.0.0") || !strcmp(o->host, "::");
}

bool guard_host(const struct options *o, const char *host)
{
	char name[256];

	if (!host || !take_name(host, name, sizeof(name))) {
		return false;
	}
	return !strcasecmp(name, "localhost") || is_loopback(name) || !strcasecmp(name, o->host) ||
	       is_among(&o->hosts, name) || (listens_anywhere(o) && is_address(name));
}

bool guard_token(const struct options *o, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	unsigned int differ = 0;
	const char *given;
	size_t n;

	if (!o->token) {
		return true;
	}
	if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0) {
		return false;
	}
	given = authorization + sizeof(scheme) - 1;
	given += strspn(given, " ");
	n = strlen(given);
	while (n && strchr(" \t", given[n - 1])) {
		n--;
	}
	if (n != strlen(o->token)) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		differ |= (unsigned char)given[i] ^ (unsigned char)o->token[i];
	}
	return !differ;
}

bool guard_origin(const struct options *o, const char *origin)
{
	for (size_t i = 0; origin && i < o->cors.n; i++) {
		if (!strcmp(o->cors.name[i], origin)) {
			return true;
		}
	}
	return false;
}

bool guard_change(const struct options *o, const char *origin, const char *host)
{
	static const char scheme[] = "http://";

	return !origin || guard_origin(o, origin) ||
	       (host && !strncmp(origin, scheme, sizeof(scheme) - 1) &&
		       !strcmp(origin + sizeof(scheme) - 1, host));
}
