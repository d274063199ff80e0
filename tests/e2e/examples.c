/*
 * What the API's documentation prints goes in through objects.import and comes back whole. The
 * published examples are read from RUNSTORE_OPENAI_DIR, or ../shared/openai beside the sources.
 */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <stdlib.h>
#include <string.h>

static const char printed_run[] =
	"{'id':'run_abc123','object':'thread.run','created_at':1698107661,"
	"'assistant_id':'asst_abc123','thread_id':'thread_abc123','status':'completed',"
	"'started_at':1699073476,'expires_at':null,'cancelled_at':null,'failed_at':null,"
	"'completed_at':1699073498,'last_error':null,'model':'gpt-4o','instructions':null,"
	"'tools':[{'type':'file_search'},{'type':'code_interpreter'}],'metadata':{},"
	"'incomplete_details':null,'usage':{'prompt_tokens':123,'completion_tokens':456,"
	"'total_tokens':579},'temperature':1.0,'top_p':1.0,'max_prompt_tokens':1000,"
	"'max_completion_tokens':1000,'truncation_strategy':{'type':'auto','last_messages':null},"
	"'response_format':'auto','tool_choice':'auto','parallel_tool_calls':true}";

static const char printed_step[] =
	"{'id':'step_abc123','object':'thread.run.step','created_at':1699063291,"
	"'run_id':'run_abc123','assistant_id':'asst_abc123','thread_id':'thread_abc123',"
	"'type':'message_creation','status':'completed','cancelled_at':null,"
	"'completed_at':1699063291,'expired_at':null,'failed_at':null,'last_error':null,"
	"'step_details':{'type':'message_creation','message_creation':{'message_id':'msg_abc123'}},"
	"'usage':{'prompt_tokens':123,'completion_tokens':456,'total_tokens':579}}";

struct tally {
	struct wire *wire;
	int runs;
	int steps;
};

static bool is_step(const json_t *object)
{
	return !strcmp(text(object, "object"), "thread.run.step");
}

/* Give a copy of @example ids that nothing else has; a step's run and thread share its number. */
static json_t *with_fresh_ids(const json_t *example, int n)
{
	json_t *object = json_deep_copy(example);
	json_t *ids =
		is_step(example)
			? codec_parse("{'id':'step_x%d','run_id':'run_x%d','thread_id':'t_x%d'}", n,
				  n, n)
			: codec_parse("{'id':'run_x%d','thread_id':'t_x%d'}", n, n);

	json_object_update(object, ids);
	json_decref(ids);
	return object;
}

/* A run that is not at its end and whose time is over expires as it comes in. */
static bool expires(const json_t *run)
{
	static const char ends[] = "cancelled failed completed incomplete expired";

	return json_is_integer(field(run, "expires_at")) && !strstr(ends, text(run, "status"));
}

static void check_member(const json_t *got, const char *name, const json_t *sent, bool late)
{
	const json_t *value = field(got, name);

	if (!strcmp(name, "instructions") && json_is_null(sent)) {
		assert_string_equal(text(got, name), "");
	} else if (!strcmp(name, "metadata") && (!sent || json_is_null(sent))) {
		assert_true(json_is_object(value) && json_object_size(value) == 0);
	} else if (late && !strcmp(name, "status")) {
		assert_string_equal(text(got, name), "expired");
	} else if (late && (!strcmp(name, "expires_at") || !strcmp(name, "required_action"))) {
		assert_true(json_is_null(value));
	} else if (sent) {
		expect_same(value, sent);
	} else {
		assert_non_null(value);
	}
}

static void check_run(struct wire *w, const json_t *sent)
{
	bool late = expires(sent);
	const json_t *got;

	got = late ? run_await(w, text(sent, "id"), "expired", 1000) : run_get(w, text(sent, "id"));
	expect_names(got, run_names);
	for (const char *const *name = run_names; *name; name++) {
		check_member(got, *name, field(sent, *name), late);
	}
}

static void check_step(struct wire *w, const json_t *sent)
{
	json_t *got = expect_ok(w, "steps.get",
		"{'run_id':'%s','step_id':'%s','include':"
		"['step_details.tool_calls[*].file_search.results[*].content']}",
		text(sent, "run_id"), text(sent, "id"));

	expect_names(got, step_names);
	for (const char *const *name = step_names; *name; name++) {
		check_member(got, *name, field(sent, *name), false);
	}
}

static void go_through(struct tally *tally, const json_t *example)
{
	struct wire *w = tally->wire;
	int n = tally->runs + tally->steps;
	json_t *object = wire_keep(w, with_fresh_ids(example, n));

	if (is_step(object)) {
		import_one(w, run_object("{'id':'run_x%d','thread_id':'t_x%d'}", n, n));
		expect_fields(import_one(w, json_incref(object)), "{'imported':1,'unchanged':0}");
		check_step(w, object);
		tally->steps++;
	} else {
		expect_fields(import_one(w, json_incref(object)), "{'imported':1,'unchanged':0}");
		check_run(w, object);
		tally->runs++;
	}
}

/* Every run and step in @value, at any depth. */
static void visit(struct tally *tally, const json_t *value)
{
	const char *kind = json_string_value(json_object_get(value, "object"));
	const char *key;
	json_t *member;

	if (kind && (!strcmp(kind, "thread.run") || !strcmp(kind, "thread.run.step"))) {
		go_through(tally, value);
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		visit(tally, json_array_get(value, i));
	}
	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member)
		{
			visit(tally, member);
		}
	}
}

/* A reply is one JSON text, or an event stream whose data lines are; some end in a brace too many.
 */
static void visit_reply(struct tally *tally, const char *reply)
{
	json_t *value = json_loads(reply, JSON_DISABLE_EOF_CHECK, NULL);

	if (value) {
		visit(tally, wire_keep(tally->wire, value));
		return;
	}
	for (const char *line = reply; (line = strstr(line, "data: {")) != NULL; line++) {
		value = json_loads(line + strlen("data: "), JSON_DISABLE_EOF_CHECK, NULL);
		if (value) {
			visit(tally, wire_keep(tally->wire, value));
		}
	}
}

/* A JSON file of the published description, or NULL. The caller owns it. */
static json_t *published(const char *name)
{
	const char *dir = getenv("RUNSTORE_OPENAI_DIR");
	const char *sources = getenv("RUNSTORE_SOURCES");
	char path[1024];
	json_t *value;

	if (dir) {
		snprintf(path, sizeof(path), "%s/%s", dir, name);
	} else {
		snprintf(path, sizeof(path), "%s/../shared/openai/%s", sources ? sources : ".",
			name);
	}
	value = json_load_file(path, 0, NULL);
	if (!value) {
		print_message("# %s is not there; what needs it is left out\n", path);
	}
	return value;
}

static void the_printed_run_and_step_come_back_whole(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run = wire_keep(w, codec_parse("%s", printed_run));
	json_t *step = wire_keep(w, codec_parse("%s", printed_step));

	expect_fields(
		expect_ok_take(w, "objects.import", json_pack("{s[OO]}", "objects", run, step)),
		"{'imported':2,'unchanged':0}");
	check_run(w, run);
	check_step(w, step);
}

static void every_published_run_and_step_comes_back_whole(void **state)
{
	struct tally tally = {.wire = wire_of(state)};
	json_t *examples = published("examples.json");
	const char *name;
	json_t *example;

	json_object_foreach(examples, name, example)
	{
		const char *reply = json_string_value(json_object_get(example, "response"));

		if (reply) {
			visit_reply(&tally, reply);
		}
	}
	print_message("# %d runs and %d steps\n", tally.runs, tally.steps);
	assert_true(!examples || (tally.runs > 0 && tally.steps > 0));
	json_decref(examples);
}

/* The objects of a file of tests/data, one a line. Kept by the wire. */
static json_t *shipped(struct wire *w, const char *name)
{
	const char *sources = getenv("RUNSTORE_SOURCES");
	json_t *objects = wire_keep(w, json_array()), *object;
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/data/%s", sources ? sources : ".", name);
	file = fopen(path, "re");
	assert_non_null(file);
	while ((object = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL))) {
		json_array_append_new(objects, object);
	}
	fclose(file);
	return objects;
}

static void every_shipped_example_comes_back_whole(void **state)
{
	struct tally tally = {.wire = wire_of(state), .runs = 1000}; /* ids of their own */

	visit(&tally, shipped(tally.wire, "api-examples.ndjson"));
	assert_int_equal(tally.runs - 1000 + tally.steps, 33);
}

static void the_shipped_store_goes_in_as_a_whole_and_twice(void **state)
{
	struct wire *w = wire_of(state);
	json_t *objects = shipped(w, "api-store.ndjson");

	for (int i = 0; i < 2; i++) {
		expect_fields(
			expect_ok_take(w, "objects.import", json_pack("{sO}", "objects", objects)),
			i ? "{'imported':0,'unchanged':6}" : "{'imported':6,'unchanged':0}");
	}
	expect_ok(w, "threads.delete", "{'thread_id':'thread_123'}");
	expect_ok(w, "threads.delete", "{'thread_id':'thread_abc123'}");
}

static void the_fields_are_those_of_the_published_schema(void **state)
{
	static const char *const schemas[] = {"RunObject", "RunStepObject"};
	json_t *description = published("runs.openapi.json");
	const char *const *names[] = {run_names, step_names};

	for (int i = 0; description && i < 2; i++) {
		char path[80];

		snprintf(path, sizeof(path), "components.schemas.%s.properties", schemas[i]);
		expect_names(field(description, path), names[i]);
	}
	json_decref(description);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_store_goes_in_as_a_whole_and_twice),
		cmocka_unit_test(the_printed_run_and_step_come_back_whole),
		cmocka_unit_test(every_published_run_and_step_comes_back_whole),
		cmocka_unit_test(every_shipped_example_comes_back_whole),
		cmocka_unit_test(the_fields_are_those_of_the_published_schema),
	};

	return cmocka_run_group_tests_name("examples", tests, fixture_start, fixture_stop);
}
