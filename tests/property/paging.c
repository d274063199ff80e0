/* Lists over the socket against the oracle, while the store changes between and within messages. */
#include "cmocka_all.h"

#include "fixture.h"
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 40 };

struct item {
	bool writes;
	struct deed deed;
	struct query query;
};

/* Forget the replies so far: what lives as long as the wire would else pile up. */
static void forget_replies(struct wire *wire)
{
	json_array_clear(wire->kept);
}

/* Objects in every thread, by imports of all sizes and in no order. */
static void fill(struct world *world, size_t n)
{
	struct deed deed;

	while (n) {
		size_t part = 1 + dice_roll(&world->dice, MAX_IMPORT);

		part = part < n ? part : n;
		world_plan_import(
			world, world_threads[dice_roll(&world->dice, N_THREADS_MAX)], part, &deed);
		world_do(world, &deed);
		n -= part;
	}
	forget_replies(world->wire);
}

/* A batch of lists with up to three writes, each in a thread of its own, anywhere among them. */
static size_t plan(struct world *world, struct item *items)
{
	struct dice *dice = &world->dice;
	size_t n = 1 + dice_roll(dice, MAX_ITEMS), thread = dice_roll(dice, N_THREADS_MAX);
	unsigned int left = (unsigned int)dice_roll(dice, 4);

	for (size_t i = 0; i < n; i++) {
		items[i].writes = left && dice_chance(dice, 15);
		if (items[i].writes) {
			left--;
			thread = (thread + 1) % N_THREADS_MAX;
			world_plan(world, world_threads[thread], true, &items[i].deed);
		} else {
			query_roll(world, &items[i].query, false);
		}
	}
	return n;
}

static json_t *request_of(const struct item *item)
{
	return item->writes
		       ? json_incref(item->deed.request)
		       : json_pack("[so]", query_method(&item->query), query_params(&item->query));
}

/* Returns how many lists it asked for. */
static size_t play_batch(struct world *world, const char *where)
{
	static struct item items[MAX_ITEMS];
	size_t n = plan(world, items), lists = 0;
	json_t *requests = json_array(), *results;

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(requests, request_of(&items[i]));
	}
	results = json_object_get(
		expect_ok_take(world->wire, "batch", json_pack("{so}", "requests", requests)),
		"results");
	assert_int_equal(json_array_size(results), n);
	for (size_t i = 0; i < n; i++) {
		const json_t *outcome = json_array_get(results, i);

		if (items[i].writes) {
			world_apply(world, &items[i].deed, outcome);
			json_decref(items[i].deed.request);
		} else {
			query_check(where, world, &items[i].query, outcome);
			lists++;
		}
	}
	return lists;
}

/* Each by itself, so that it is read by a worker and not by the writer. */
static size_t play_single(struct world *world, const char *where)
{
	struct query query;
	struct deed deed;

	if (dice_chance(&world->dice, 20)) {
		world_plan(
			world, world_threads[dice_roll(&world->dice, N_THREADS_MAX)], true, &deed);
		world_do(world, &deed);
	}
	query_roll(world, &query, false);
	query_ask(where, world, &query);
	return 1;
}

static size_t play(struct fixture *fixture, unsigned int round, size_t objects, size_t messages)
{
	struct world world;
	size_t lists = 0;
	char where[64];

	world_init(&world, &fixture->wire, round);
	fill(&world, objects);
	for (size_t i = 0; i < messages; i++) {
		snprintf(where, sizeof(where), "round %u, message %zu", round, i);
		lists += dice_chance(&world.dice, 60) ? play_single(&world, where)
						      : play_batch(&world, where);
		forget_replies(&fixture->wire);
	}
	world_finish(&world);
	return lists;
}

static void lists_are_those_of_the_oracle(void **state)
{
	static const struct {
		size_t objects;
		size_t messages;
	} rounds[] = {{0, 80}, {2, 80}, {20, 200}, {100, 300}, {400, 300}, {1200, 150}};
	struct fixture *fixture;
	size_t lists = 0;

	for (unsigned int i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		void *fresh = NULL;

		fixture_start(&fresh);
		fixture = fresh;
		lists += play(fixture, i, rounds[i].objects, rounds[i].messages);
		fixture_stop(&fresh);
	}
	printf("# %zu lists were compared\n", lists);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_those_of_the_oracle),
	};

	dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
