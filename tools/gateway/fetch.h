/* What those who wait ask of the daemon. These calls block: they are for threads of the pool. */
#pragma once

#include "client/runstore.h"
#include "tools/gateway/event.h"

struct fetch_place {
	const char *thread_id;
	const char *run_id;
};

/* All return 0 and a reply for runstore_reply_free(), or RUNSTORE_E_*. */

int fetch_run(struct runstore *rs, const struct fetch_place *at, struct runstore_reply **reply,
	struct runstore_error *error);

/* A run, a step or a message by its @id. @content: with what file searches found. */
int fetch_object(struct runstore *rs, const struct fetch_place *at, enum subject subject,
	struct slice id, bool content, struct runstore_reply **reply, struct runstore_error *error);

/* The first @limit of a run's changes after @after, with their objects if @objects. */
int fetch_changes(struct runstore *rs, const char *run_id, int64_t after, int limit, bool objects,
	struct runstore_reply **reply, struct runstore_error *error);

/* The result of a reply as a slice. */
struct slice fetch_value(const struct runstore_reply *reply);
