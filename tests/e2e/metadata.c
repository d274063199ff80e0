/* metadata: its limits, counted in characters, its replacement and its emptying. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <stdlib.h>

#define EURO "\xe2\x82\xac"
#define SMILE "\xf0\x9f\x98\x80"

/* Where metadata can be written: every call takes it as its last member. */
struct place {
	const char *method;
	char members[256];
};

static struct place places[4] = {
	{"runs.create", "'thread_id':'t','assistant_id':'a','on_active':'parallel'"},
	{"runs.update", ""},
	{"steps.create", ""},
	{"steps.update", ""},
};

static int start(void **state)
{
	const char *run;

	fixture_start(state);
	run = run_in(wire_of(state), "t", "in_progress");
	snprintf(places[1].members, sizeof(places[1].members), "'run_id':'%s'", run);
	snprintf(places[2].members, sizeof(places[2].members),
		"'run_id':'%s','type':'message_creation','step_details':{'type':'message_creation',"
		"'message_creation':{'message_id':'m'}}",
		run);
	snprintf(places[3].members, sizeof(places[3].members), "'run_id':'%s','step_id':'%s'", run,
		step_new(wire_of(state), run));
	return 0;
}

static void expect_kept(struct wire *w, const char *metadata)
{
	for (int i = 0; i < 4; i++) {
		expect_fields(expect_ok(w, places[i].method, "{%s,'metadata':%s}",
				      places[i].members, metadata),
			"{'metadata':%s}", metadata);
	}
}

static void expect_refused(struct wire *w, const char *metadata)
{
	for (int i = 0; i < 4; i++) {
		expect_error(w, places[i].method, "invalid_params", "metadata*",
			"{%s,'metadata':%s}", places[i].members, metadata);
	}
}

/* A JSON object of @n pairs, borrowed from the wire. */
static const char *pairs(struct wire *w, int n)
{
	json_t *map = wire_keep(w, json_object());
	char key[16];
	char *json;
	const char *kept;

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(map, key, json_string("v"));
	}
	json = json_dumps(map, 0);
	kept = repeated(w, json, 1);
	free(json);
	return kept;
}

static const char *pair(struct wire *w, const char *key, const char *value)
{
	char json[4096];

	snprintf(json, sizeof(json), "{'%s':'%s'}", key, value);
	return repeated(w, json, 1);
}

static void sixteen_pairs_are_kept_and_seventeen_refused(void **state)
{
	struct wire *w = wire_of(state);

	expect_kept(w, pairs(w, 16));
	expect_refused(w, pairs(w, 17));
}

static void a_key_has_sixty_four_characters_at_most(void **state)
{
	struct wire *w = wire_of(state);

	expect_kept(w, pair(w, repeated(w, "k", 64), "v"));
	expect_refused(w, pair(w, repeated(w, "k", 65), "v"));
}

static void a_key_s_characters_are_counted_not_its_bytes(void **state)
{
	struct wire *w = wire_of(state);

	expect_kept(w, pair(w, repeated(w, SMILE, 64), "v"));
	expect_refused(w, pair(w, repeated(w, SMILE, 65), "v"));
}

static void a_value_has_512_characters_at_most(void **state)
{
	struct wire *w = wire_of(state);

	expect_kept(w, pair(w, "k", repeated(w, "v", 512)));
	expect_refused(w, pair(w, "k", repeated(w, "v", 513)));
}

static void a_value_s_characters_are_counted_not_its_bytes(void **state)
{
	struct wire *w = wire_of(state);

	expect_kept(w, pair(w, "k", repeated(w, EURO, 512)));
	expect_kept(w, pair(w, "k", repeated(w, SMILE, 512)));
	expect_refused(w, pair(w, "k", repeated(w, EURO, 513)));
	expect_refused(w, pair(w, "k", repeated(w, "e\xcc\x81", 257)));
}

static void values_are_strings(void **state)
{
	static const char *const bad[] = {"{'a':1}", "{'a':true}", "{'a':null}", "{'a':{}}",
		"{'a':'b','c':[]}", "[]", "'a'", "1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		expect_refused(wire_of(state), bad[i]);
	}
}

static void an_update_replaces_the_whole_map(void **state)
{
	struct wire *w = wire_of(state);

	for (int i = 1; i < 4; i += 2) {
		expect_ok(w, places[i].method, "{%s,'metadata':{'a':'1','b':'2'}}",
			places[i].members);
		expect_fields(expect_ok(w, places[i].method, "{%s,'metadata':{'c':'3'}}",
				      places[i].members),
			"{'metadata':{'c':'3'}}");
	}
}

static void null_and_the_empty_map_empty_it(void **state)
{
	static const char *const empty[] = {"null", "{}"};
	struct wire *w = wire_of(state);

	for (int i = 0; i < 8; i++) {
		struct place *place = &places[i % 4];

		expect_ok(w, place->method, "{%s,'metadata':{'a':'1'}}", place->members);
		expect_fields(expect_ok(w, place->method, "{%s,'metadata':%s}", place->members,
				      empty[i / 4]),
			"{'metadata':{}}");
	}
}

static void an_update_of_the_status_leaves_it(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = text(
		expect_ok(w, "runs.create", "{%s,'metadata':{'a':'1'}}", places[0].members), "id");

	expect_fields(run_move(w, run, "in_progress"), "{'metadata':{'a':'1'}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_pairs_are_kept_and_seventeen_refused),
		cmocka_unit_test(a_key_has_sixty_four_characters_at_most),
		cmocka_unit_test(a_key_s_characters_are_counted_not_its_bytes),
		cmocka_unit_test(a_value_has_512_characters_at_most),
		cmocka_unit_test(a_value_s_characters_are_counted_not_its_bytes),
		cmocka_unit_test(values_are_strings),
		cmocka_unit_test(an_update_replaces_the_whole_map),
		cmocka_unit_test(null_and_the_empty_map_empty_it),
		cmocka_unit_test(an_update_of_the_status_leaves_it),
	};

	return cmocka_run_group_tests_name("metadata", tests, start, fixture_stop);
}
