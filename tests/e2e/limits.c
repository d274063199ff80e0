/* Sizes: 4 MiB an object, 16 MiB a message, and what happens beyond. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1024 * 1024)

static json_t *create_params(struct wire *w, const char *thread, const char *id, size_t size)
{
	return json_pack("{ss ss ss ss ss}", "thread_id", thread, "assistant_id", "a", "id", id,
		"on_active", "parallel", "instructions", repeated(w, "i", size));
}

/* The last 2 KiB of an object's 4 MiB are left for its other fields. */
static void an_object_may_have_four_mebibytes(void **state)
{
	struct wire *w = wire_of(state);
	size_t size = 4 * MIB - 2048;

	expect_ok_take(w, "runs.create", create_params(w, "t_four", "four", size));
	assert_int_equal(strlen(text(run_get(w, "four"), "instructions")), size);
	expect_error_take(
		w, "runs.create", "too_large", NULL, create_params(w, "t_four", "five", 4 * MIB));
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'five'}");
}

static void an_update_may_not_make_it_larger(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_grow", "in_progress");
	json_t *step = json_incref(step_get(w, run, step_calls_new(w, run, "c")));
	json_t *params = codec_parse("{'run_id':'%s','step_id':'%s','step_details':{'type':"
				     "'tool_calls','tool_calls':[]}}",
		run, text(step, "id"));

	for (int i = 0; i < 5; i++) {
		json_array_append_new(field(params, "step_details.tool_calls"),
			json_pack("{ss ss s{ss ss sn}}", "id", "c", "type", "function", "function",
				"name", "n", "arguments", repeated(w, "x", MIB), "output"));
	}
	expect_error_take(w, "steps.update", "too_large", NULL, params);
	expect_same(step_get(w, run, text(step, "id")), step);
	json_decref(step);
}

/* A server.info frame of @size bytes in all, whose one param is unknown. */
static void send_padded(struct wire *w, size_t size, const char *code)
{
	static const char head[] = "\x94\x00\x01\xabserver.info\x91\x81\xa1k\xdb";
	size_t start = sizeof(head) - 1 + 4;
	size_t pad = size - start;
	char *frame = malloc(size);
	json_t *reply;

	assert_non_null(frame);
	memset(frame, 'x', size);
	memcpy(frame, head, sizeof(head) - 1);
	for (int i = 0; i < 4; i++) {
		frame[start - 4 + (size_t)i] = (char)(pad >> (24 - 8 * i));
	}
	reply = wire_exchange(w, frame, size);
	free(frame);
	if (!code) {
		assert_null(reply);
		return;
	}
	assert_non_null(reply);
	check_error("server.info", json_array_get(reply, 2), code, NULL);
}

static void a_message_of_sixteen_mebibytes_is_read(void **state)
{
	send_padded(wire_of(state), 16 * MIB, "unknown_param");
}

static void a_larger_message_is_too_large_up_to_seventeen(void **state)
{
	struct wire *w = wire_of(state);

	send_padded(w, 16 * MIB + 1, "too_large");
	send_padded(w, 17 * MIB - 64, "too_large");
	expect_ok(w, "server.info", NULL);
}

static void beyond_seventeen_the_connection_is_closed_and_the_service_goes_on(void **state)
{
	struct fixture *fixture = *state;
	struct wire other;
	pid_t server = fixture_server(fixture);

	wire_open(&other, fixture->daemon.url, 1500);
	send_padded(&other, 17 * MIB + 4096, NULL);
	send_padded(&other, 40 * MIB, NULL);
	wire_close(&other);
	assert_int_equal(fixture_server(fixture), server);
}

static const char *const large[] = {
	"large_0", "large_1", "large_2", "large_3", "large_4", "large_5"};

static void make_large(struct wire *w, const char *thread)
{
	static bool made;

	for (int i = 0; i < 6 && !made; i++) {
		expect_ok_take(
			w, "runs.create", create_params(w, thread, large[i], 4 * MIB - 4096));
	}
	made = true;
}

static void a_list_is_cut_where_the_message_would_be_too_large(void **state)
{
	struct wire *w = wire_of(state);

	make_large(w, "t_large");
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_large','order':'asc'}"),
		"large_0 large_1 large_2 large_3", true);
	expect_list(expect_ok(w, "runs.list",
			    "{'thread_id':'t_large','order':'asc','after':'large_3'}"),
		"large_4 large_5", false);
	expect_list(expect_ok(w, "runs.list", "{'thread_id':'t_large'}"),
		"large_5 large_4 large_3 large_2", true);
	/* The page that precedes is cut at its far end: it stays next to its cursor. */
	expect_list(expect_ok(w, "runs.list",
			    "{'thread_id':'t_large','order':'asc','before':'large_5'}"),
		"large_1 large_2 large_3 large_4", true);
}

static void a_batch_stops_where_its_reply_would_be_too_large(void **state)
{
	struct wire *w = wire_of(state);
	json_t *requests = json_array();
	json_t *reply;

	make_large(w, "t_large");
	for (int i = 0; i < 6; i++) {
		json_array_append_new(
			requests, codec_parse("['runs.get',{'run_id':'%s'}]", large[i]));
	}
	json_array_append_new(requests,
		codec_parse(
			"['runs.create',{'thread_id':'t_late','assistant_id':'a','id':'late'}]"));
	reply = expect_ok_take(w, "batch", json_pack("{so}", "requests", requests));
	assert_int_equal(json_array_size(field(reply, "results")), 7);
	for (size_t i = 0; i < 7; i++) {
		json_t *entry = json_array_get(field(reply, "results"), i);

		if (i < 4) {
			expect_fields(json_array_get(entry, 1), "{'id':'%s'}", large[i]);
		} else {
			check_error("the rest", json_array_get(entry, 0), "too_large", NULL);
		}
	}
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'late'}");
}

static void lists_within_a_batch_are_cut_or_refused(void **state)
{
	struct wire *w = wire_of(state);
	json_t *reply;

	make_large(w, "t_large");
	reply = expect_ok(w, "batch",
		"{'requests':[['runs.list',{'thread_id':'t_large'}],"
		"['runs.list',{'thread_id':'t_large','limit':1}],['runs.get',{'run_id':'large_0'}]]"
		"}");
	if (json_is_null(field(reply, "results[0][0]"))) {
		expect_fields(reply, "{'results[0][1].has_more':true}");
	} else {
		check_error("the list", field(reply, "results[0][0]"), "too_large", NULL);
	}
	check_error("the rest", field(reply, "results[2][0]"), "too_large", NULL);
}

static void an_import_of_sixteen_mebibytes_goes_in(void **state)
{
	struct wire *w = wire_of(state);
	json_t *objects = json_array();

	for (int i = 0; i < 15; i++) {
		json_t *run = run_object("{'id':'sixteen_%d'}", i);

		json_object_set_new(
			run, "instructions", json_string(repeated(w, "\xc3\xa4", MIB / 2)));
		json_array_append_new(objects, run);
	}
	expect_fields(expect_ok_take(w, "objects.import", json_pack("{so}", "objects", objects)),
		"{'imported':15,'unchanged':0}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_may_have_four_mebibytes),
		cmocka_unit_test(an_update_may_not_make_it_larger),
		cmocka_unit_test(a_message_of_sixteen_mebibytes_is_read),
		cmocka_unit_test(a_larger_message_is_too_large_up_to_seventeen),
		cmocka_unit_test(beyond_seventeen_the_connection_is_closed_and_the_service_goes_on),
		cmocka_unit_test(a_list_is_cut_where_the_message_would_be_too_large),
		cmocka_unit_test(a_batch_stops_where_its_reply_would_be_too_large),
		cmocka_unit_test(lists_within_a_batch_are_cut_or_refused),
		cmocka_unit_test(an_import_of_sixteen_mebibytes_goes_in),
	};

	return cmocka_run_group_tests_name("limits", tests, fixture_start, fixture_stop);
}
