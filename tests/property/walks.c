/* Whole lists, page by page, while others write: each object comes exactly once. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_WALKS = 150, N_OBJECTS = 500 };

/* Writes while one walk is under way: a slow walk must not run after its own end. */
enum { MAX_WRITES = 25 };

/* Something that was in the list when the walk began. */
struct mark {
	char id[ID_SIZE];
	int64_t created_at;
	uint64_t seq;
	unsigned int seen;
};

struct marks {
	struct mark *all;
	size_t n;
};

struct walk {
	struct world *world;
	struct query query;
	bool backwards;
	struct marks marks;
	unsigned int writes;
	size_t pages;
	char where[64];
};

/* All that the query gives now, whatever its limit. The caller frees the array. */
static void mark_all(const struct walk *walk, struct marks *marks)
{
	struct query query = walk->query;
	struct answer answer;

	*marks = (struct marks){0};
	query.limit = MAX_PAGE;
	*query.after = *query.before = '\0';
	do {
		oracle_list(&walk->world->oracle, &query, &answer);
		marks->all = realloc(marks->all, (marks->n + MAX_PAGE) * sizeof(struct mark));
		assert_non_null(marks->all);
		for (size_t i = 0; i < answer.n; i++) {
			struct mark *mark = &marks->all[marks->n++];

			*mark = (struct mark){.created_at = answer.data[i]->created_at,
				.seq = answer.data[i]->seq};
			strcpy(mark->id, answer.data[i]->id);
			strcpy(query.after, mark->id);
		}
	} while (answer.has_more);
}

static struct mark *find_mark(const struct marks *marks, const char *id)
{
	for (size_t i = 0; i < marks->n; i++) {
		if (!strcmp(marks->all[i].id, id)) {
			return &marks->all[i];
		}
	}
	return NULL;
}

static void tick_off(struct walk *walk, const json_t *list)
{
	const json_t *data = json_object_get(list, "data");

	for (size_t i = 0; i < json_array_size(data); i++) {
		struct mark *mark = find_mark(&walk->marks, text(json_array_get(data, i), "id"));

		if (mark) {
			mark->seen++;
		}
	}
}

/* Where the walk stands: the thing that its cursor names, or NULL. */
static const struct thing *cursor_of(const struct walk *walk)
{
	const struct query *query = &walk->query;
	const char *id = walk->backwards ? query->before : query->after;

	return *id ? oracle_find(&walk->world->oracle, query->kind, id) : NULL;
}

/*
 * Others write. False when the walk cannot go on: its list or its cursor was deleted, or the
 * cursor is a thread that moved in the list since it got an earlier run.
 */
static bool disturb(struct walk *walk, bool may_delete)
{
	const struct thing *cursor = cursor_of(walk);
	const struct thing was = cursor ? *cursor : (struct thing){0};
	struct world *world = walk->world;
	struct deed deed;

	for (uint64_t left = dice_roll(&world->dice, 4); left && walk->writes < MAX_WRITES;
		left--) {
		walk->writes++;
		world_plan(world, world_threads[dice_roll(&world->dice, N_THREADS_MAX)], may_delete,
			&deed);
		world_do(world, &deed);
	}
	if (*walk->query.run && !oracle_find(&world->oracle, RUNS, walk->query.run)) {
		return false;
	}
	if (!was.seq) {
		return true;
	}
	cursor = cursor_of(walk);
	return cursor && cursor->seq == was.seq && cursor->created_at == was.created_at;
}

/* The last object of the list stands outside the walk back from it. */
static bool begin_backwards(struct walk *walk)
{
	struct query end = walk->query;
	const json_t *list;

	end.order = end.order == ORDER_ASC ? ORDER_DESC : ORDER_ASC;
	end.limit = 1;
	list = query_ask(walk->where, walk->world, &end);
	if (!json_array_size(json_object_get(list, "data"))) {
		return false;
	}
	tick_off(walk, list);
	snprintf(walk->query.before, ID_SIZE, "%s", text(list, "first_id"));
	return true;
}

/* Returns false when it could not be walked to its end. */
static bool walk_through(struct walk *walk, bool may_delete)
{
	struct query *query = &walk->query;
	const json_t *list;

	if (walk->backwards && !begin_backwards(walk)) {
		return true;
	}
	for (;;) {
		if (!disturb(walk, may_delete)) {
			return false;
		}
		list = query_ask(walk->where, walk->world, query);
		tick_off(walk, list);
		walk->pages++;
		if (!json_is_true(json_object_get(list, "has_more"))) {
			return true;
		}
		snprintf(walk->backwards ? query->before : query->after, ID_SIZE, "%s",
			text(list, walk->backwards ? "first_id" : "last_id"));
	}
}

static bool has_moved(const struct mark *mark, const struct mark *now)
{
	return now->created_at != mark->created_at || now->seq != mark->seq;
}

/*
 * Objects that were in the list all the time came once, and none came twice. Those that left the
 * list, even if they came back, and threads that got an earlier run, are not looked at.
 */
static void expect_each_once(struct walk *walk, bool complete)
{
	struct marks still;

	mark_all(walk, &still);
	for (size_t i = 0; i < walk->marks.n; i++) {
		const struct mark *mark = &walk->marks.all[i], *now = find_mark(&still, mark->id);

		if (mark->seen == 1 || (!mark->seen && !complete) || !now || has_moved(mark, now)) {
			continue;
		}
		fail_msg("%s, %s %s %s: %s came %u times", walk->where, query_method(&walk->query),
			json_dumps(query_params(&walk->query), 0),
			walk->backwards ? "backwards" : "forwards", mark->id, mark->seen);
	}
	free(still.all);
}

static bool play_walk(struct world *world, unsigned int number, bool may_delete, size_t *pages)
{
	struct walk walk = {.world = world, .backwards = dice_chance(&world->dice, 50)};
	bool complete;

	snprintf(walk.where, sizeof(walk.where), "walk %u", number);
	do {
		query_roll(world, &walk.query, true);
	} while (walk.query.thread && !oracle_find(&world->oracle, THREADS, walk.query.thread));
	walk.query.limit =
		1 + (int)dice_roll(&world->dice, dice_chance(&world->dice, 20) ? 100 : 9);
	mark_all(&walk, &walk.marks);
	complete = walk_through(&walk, may_delete);
	assert_true(complete || may_delete || walk.query.kind == THREADS);
	expect_each_once(&walk, complete);
	json_array_clear(world->wire->kept);
	*pages += walk.pages;
	free(walk.marks.all);
	return complete;
}

static void walk_often(void **state, uint64_t stream, bool may_delete)
{
	struct fixture *fixture = *state;
	unsigned int complete = 0;
	struct world world;
	struct deed deed;
	size_t pages = 0;

	world_init(&world, &fixture->wire, stream);
	for (size_t i = 0; i < N_OBJECTS / MAX_IMPORT; i++) {
		world_plan_import(&world, world_threads[i % N_THREADS_MAX], MAX_IMPORT, &deed);
		world_do(&world, &deed);
	}
	for (unsigned int i = 0; i < N_WALKS; i++) {
		complete += play_walk(&world, i, may_delete, &pages);
	}
	printf("# %u of %d walks to the end, %zu pages\n", complete, N_WALKS, pages);
	assert_true(complete > N_WALKS / 2);
	world_finish(&world);
}

static void a_walk_gives_each_object_once_whatever_is_inserted(void **state)
{
	walk_often(state, 100, false);
}

static void a_walk_gives_each_object_once_whatever_is_deleted(void **state)
{
	walk_often(state, 101, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_walk_gives_each_object_once_whatever_is_inserted,
			fixture_start, fixture_stop),
		cmocka_unit_test_setup_teardown(a_walk_gives_each_object_once_whatever_is_deleted,
			fixture_start, fixture_stop),
	};

	dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
