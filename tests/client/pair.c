#include "cmocka_all.h"

#include "tests/client/pair.h"

#include <stdio.h>
#include <stdlib.h>

int pair_start(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	store_start((void **)&p->from);
	store_start((void **)&p->to);
	snprintf(p->path, sizeof(p->path), "%s/x", p->from->daemon.dir);
	*state = p;
	return 0;
}

int pair_stop(void **state)
{
	struct pair *p = *state;

	store_stop((void **)&p->from);
	store_stop((void **)&p->to);
	free(p);
	return 0;
}

void pair_use(const struct store *s)
{
	setenv("RUNSTORE_URL", s->daemon.url, 1);
}
