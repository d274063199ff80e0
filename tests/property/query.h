/* Random questions for a list, and whether the daemon's answer is the oracle's. */
#ifndef TEST_QUERY_H
#define TEST_QUERY_H

#include "world.h"

/* A random one; nothing but the scope and, sometimes, filters when @bare. */
void query_roll(struct world *world, struct query *query, bool bare);

const char *query_method(const struct query *query);

json_t *query_params(const struct query *query);

/*
 * Fails the test unless [error, result] is what the oracle says. @where is put before the
 * description of what went wrong.
 */
void query_check(const char *where, const struct world *world, const struct query *query,
	const json_t *outcome);

/* Sends it by itself and checks the answer, which is returned. */
json_t *query_ask(const char *where, const struct world *world, const struct query *query);

#endif
