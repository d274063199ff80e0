/* A store and its oracle: random writes that are done to both. */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "dice.h"
#include "oracle.h"
#include "wire.h"

enum { N_THREADS_MAX = 6, N_ASSISTANTS = 3, N_MODELS = 3, N_GONE = 8, MAX_IMPORT = 16 };

extern const char *const world_threads[N_THREADS_MAX];
extern const char *const world_assistants[N_ASSISTANTS];
extern const char *const world_models[N_MODELS];

/* Seconds in which imported objects were created: few, so that many are equal. */
enum { EPOCH = 1700000000, N_SECONDS = 8 };

struct world {
	struct wire *wire;
	struct oracle oracle;
	struct dice dice;
	char gone[N_KINDS][N_GONE][ID_SIZE]; /* ids that were deleted, or "" */
};

enum deed_kind {
	DEED_IMPORT,
	DEED_CREATE_RUN,
	DEED_CREATE_STEP,
	DEED_MOVE_RUN,
	DEED_MOVE_STEP,
	DEED_METADATA,
	DEED_DELETE_RUN,
	DEED_DELETE_THREAD,
	N_DEED_KINDS
};

/* A write that will succeed if nothing else is done in its thread meanwhile. */
struct deed {
	enum deed_kind kind;
	json_t *request; /* [method, params] */
	struct thing things[MAX_IMPORT];
	enum kind kinds[MAX_IMPORT];
	size_t n;
};

void world_init(struct world *world, struct wire *wire, uint64_t stream);
void world_finish(struct world *world);

/* Plan a random write in @thread. The request is the caller's. */
void world_plan(struct world *world, const char *thread, bool may_delete, struct deed *deed);

/* Plan an import of some @n objects in @thread. */
void world_plan_import(struct world *world, const char *thread, size_t n, struct deed *deed);

/* It has been done, with this [error, result]: do it to the oracle too. */
void world_apply(struct world *world, const struct deed *deed, const json_t *outcome);

/* Send the deed by itself and apply it. Takes its request. */
void world_do(struct world *world, struct deed *deed);

/* Metadata as JSON. */
json_t *world_pairs(const int *pairs);

#endif
