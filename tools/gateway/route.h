/* Which path and method are what: one row of routes.def each. */
#pragma once

#include "tools/gateway/query.h"

struct call;

/* Path parameters, in the order in which a path has them. */
enum { PATH_IDS = 3 };

enum route_id {
#define ROUTE(symbol, verb, path, handler, method, fields, keys, at_once) ROUTE_##symbol,
#include "tools/gateway/routes.def"
#undef ROUTE
	N_ROUTES, /* for what is no route */
};

struct route {
	const char *verb;
	const char *path;   /* behind "/v1/" */
	const char *method; /* of the daemon; NULL where the handler says which */
	int (*handle)(struct call *call);
	const char *const *fields;    /* of the body, that go to the daemon; NULL: it takes none */
	const struct query_key *keys; /* of the query */
	bool at_once;		      /* it reads one object (quick.h) */
};

extern const struct route routes[N_ROUTES];

/* The fields of a thread and a message that a caller may set; up to a NULL. */
extern const char *const route_thread_fields[];
extern const char *const route_message_fields[];

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/*
 * Find the route of @path (behind "/v1/", up to the query, still encoded) and @verb. With
 * ROUTE_FOUND, @ids has the path's parameters where they begin and how long they are. With
 * ROUTE_NO_METHOD, @allow has the methods that there are.
 */
enum route_match route_find(const char *verb, struct slice path, enum route_id *route,
	struct slice ids[static PATH_IDS], char allow[static 64]);

/* The name of the path parameter @index of a route, such as "thread_id", into @out. */
void route_id_name(const struct route *route, unsigned int index, char out[static 32]);
