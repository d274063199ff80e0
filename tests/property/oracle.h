/*
 * Lists as the contract words them, from plain arrays: everything is copied, sorted and filtered
 * for every question. Shares nothing with the daemon.
 */
#ifndef TEST_ORACLE_H
#define TEST_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind { RUNS, STEPS, THREADS, N_KINDS };

enum { ID_SIZE = 40, N_PAIRS = 3, N_STEP_STATUSES = 5, N_TYPES = 2, MAX_PAGE = 100 };

extern const char *const step_statuses[N_STEP_STATUSES];
extern const char *const step_types[N_TYPES];

/* A run, a step or a thread, as far as lists look at it. What is const is of static tables. */
struct thing {
	char id[ID_SIZE];
	char run[ID_SIZE];  /* of a step */
	const char *thread; /* of a run or a step */
	int64_t created_at;
	uint64_t seq;
	const char *status;
	const char *type;
	const char *assistant;
	const char *model;
	int pairs[N_PAIRS]; /* metadata: the number of the value, -1 for none */
};

struct table {
	struct thing *things; /* in any order */
	size_t n;
	size_t size;
};

struct oracle {
	struct table tables[N_KINDS];
	uint64_t seq;
};

enum order { ORDER_ABSENT, ORDER_ASC, ORDER_DESC };

struct query {
	enum kind kind;
	const char *thread; /* of runs; NULL for all */
	char run[ID_SIZE];  /* of steps */
	int limit;	    /* 0 for none */
	enum order order;
	char after[ID_SIZE]; /* "" for none */
	char before[ID_SIZE];
	unsigned int statuses; /* bits by number, 0 for all */
	unsigned int types;
	const char *assistant; /* NULL for all */
	const char *model;
	int64_t created_after; /* -1 for none */
	int64_t created_before;
	int pairs[N_PAIRS]; /* -1 for all */
};

struct answer {
	const char *not_found; /* the parameter, or NULL */
	const struct thing *data[MAX_PAGE];
	size_t n;
	bool has_more;
};

/* What must be shown of a thread. */
struct summary {
	int64_t last_run_at; /* -1 for null */
	size_t runs;
	size_t steps;
	const struct thing *active; /* NULL for null */
};

void oracle_finish(struct oracle *oracle);

/* The thing of that kind and id, or NULL. Valid until the next add or removal. */
struct thing *oracle_find(struct oracle *oracle, enum kind kind, const char *id);

/* Adds a copy of @thing with the next seq; a run makes its thread. */
void oracle_add(struct oracle *oracle, enum kind kind, const struct thing *thing);

/* Removes a thing and what is in it. */
void oracle_remove(struct oracle *oracle, enum kind kind, const char *id);

void oracle_list(const struct oracle *oracle, const struct query *query, struct answer *answer);

void oracle_sum_up(
	const struct oracle *oracle, const struct thing *thread, struct summary *summary);

/* A step in progress of @run; of any active run of @thread when @run is NULL. Or NULL. */
struct thing *oracle_open_step(struct oracle *oracle, const struct thing *run, const char *thread);

bool run_is_terminal(const struct thing *run);

/* The number of @name among the first @n of @names. */
unsigned int name_number(const char *const *names, unsigned int n, const char *name);

#endif
