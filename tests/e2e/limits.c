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

static void a_message_that_is_too_large_is_answered_under_its_own_number(void **state)
{
	static const uint32_t msgids[] = {0, 7, 300, 0xfedcba98};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < 4; i++) {
		json_t *params = json_pack("{ss}", "x", repeated(w, "x", 16 * MIB)), *reply;
		msgpack_sbuffer frame;

		msgpack_sbuffer_init(&frame);
		codec_pack_request(&frame, msgids[i], "server.info", params);
		reply = wire_exchange(w, frame.data, frame.size);
		msgpack_sbuffer_destroy(&frame);
		json_decref(params);
		assert_non_null(reply);
		check_error("server.info", json_array_get(reply, 2), "too_large", NULL);
		assert_int_equal(json_integer_value(json_array_get(reply, 1)), msgids[i]);
	}
}

/* Details of @n function calls whose ids begin with @prefix. */
static json_t *call_details(const char *prefix, int n)
{
	json_t *calls = json_array();

	for (int i = 0; i < n; i++) {
		json_array_append_new(calls,
			codec_parse("{'id':'%s_%d','type':'function','function':{'name':'look',"
				    "'arguments':'{}','output':null}}",
				prefix, i));
	}
	return json_pack("{ss so}", "type", "tool_calls", "tool_calls", calls);
}

static json_t *step_params(const char *run, json_t *details)
{
	return json_pack(
		"{ss ss so}", "run_id", run, "type", "tool_calls", "step_details", details);
}

static void a_step_has_at_most_1024_tool_calls(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_calls", "in_progress");
	json_t *step = expect_ok_take(w, "steps.create", step_params(run, call_details("c", 1024)));
	json_t *params = step_params(run, call_details("c", 1025)), *imported;

	json_object_del(params, "type");
	json_object_set(params, "step_id", field(step, "id"));
	expect_error_take(w, "steps.update", "invalid_params", "step_details.tool_calls", params);
	expect_error_take(w, "steps.create", "invalid_params", "step_details.tool_calls",
		step_params(run, call_details("c", 1025)));
	assert_int_equal(json_array_size(field(expect_ok(w, "steps.list", "{'run_id':'%s'}", run),
				 "data[0].step_details.tool_calls")),
		1024);
	imported = step_object("{'run_id':'%s','type':'tool_calls'}", run);
	json_object_set_new(imported, "step_details", call_details("c", 1025));
	expect_error_take(w, "objects.import", "invalid_params",
		"objects[0].step_details.tool_calls", json_pack("{s[o]}", "objects", imported));
}

/* Every one of 1,024 calls is looked for in each of 20 steps: that must not hold up the others. */
static void many_calls_are_told_apart_from_many_others_in_time(void **state)
{
	struct wire *w = wire_of(state);
	const char *run = run_in(w, "t_many", "in_progress");
	json_t *action = json_pack("{ss so}", "type", "submit_tool_outputs", "submit_tool_outputs",
		call_details("wanted", 1024));
	json_t *call;
	long began;
	size_t i;

	json_object_del(field(action, "submit_tool_outputs"), "type");
	json_array_foreach(field(action, "submit_tool_outputs.tool_calls"), i, call)
	{
		json_object_del(json_object_get(call, "function"), "output");
	}
	for (int k = 0; k < 20; k++) {
		expect_ok_take(w, "steps.create", step_params(run, call_details("unwanted", 1024)));
	}
	began = clock_ms();
	expect_ok_take(w, "runs.update",
		json_pack("{ss ss so}", "run_id", run, "status", "requires_action",
			"required_action", action));
	print_message(
		"# 1,024 calls among 20 times 1,024 others took %ld ms\n", clock_ms() - began);
	assert_in_range(clock_ms() - began, 0, 1000);
}

static size_t stored_size(const json_t *object)
{
	msgpack_packer packer;
	msgpack_sbuffer bytes;
	size_t size;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	codec_pack(&packer, object);
	size = bytes.size;
	msgpack_sbuffer_destroy(&bytes);
	return size;
}

static const char *step_of_size(struct wire *w, const char *run, size_t size)
{
	json_t *details = call_details("c", 1);

	json_object_set_new(field(details, "tool_calls[0].function"), "arguments",
		json_string(repeated(w, "x", size)));
	return text(expect_ok_take(w, "steps.create", step_params(run, details)), "id");
}

/* The step failed with the run, and has as much of its message as there is room for. */
static size_t expect_error_of_run(
	struct wire *w, const char *run, const char *step_id, const char *code, const char *message)
{
	json_t *step = step_get(w, run, step_id);
	const char *part = text(step, "last_error.message");
	size_t len = strlen(part);

	expect_fields(step, "{'status':'failed','last_error.code':'%s'}", code);
	assert_memory_equal(part, message, len);
	/* Not within a character. */
	assert_int_not_equal((unsigned char)message[len] & 0xc0, 0x80);
	assert_in_range(stored_size(step), 1, 4 * MIB);
	return len;
}

static void a_long_error_of_a_run_leaves_its_steps_within_their_limit(void **state)
{
	static const char *const codes[] = {"server_error", "rate_limit_exceeded"};
	static const size_t sizes[] = {10, MIB, 2 * MIB, 4 * MIB - 30000, 4 * MIB - 2000};
	struct wire *w = wire_of(state);
	/* 3.9 MiB of characters of one to four bytes. */
	const char *message = repeated(w, "a\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e", 39 * MIB / 100);

	for (int i = 0; i < 2; i++) {
		const char *run = run_in(w, "t_error", "in_progress"), *steps[5];

		for (int k = 0; k < 5; k++) {
			steps[k] = step_of_size(w, run, sizes[k]);
		}
		expect_ok_take(w, "runs.update",
			json_pack("{ss ss s{ss ss}}", "run_id", run, "status", "failed",
				"last_error", "code", codes[i], "message", message));
		for (int k = 0; k < 5; k++) {
			expect_error_of_run(w, run, steps[k], codes[i], message);
		}
	}
}

static void a_common_error_of_a_run_is_copied_whole(void **state)
{
	static const size_t lengths[] = {0, 1, 300, 60000};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < 4; i++) {
		const char *run = run_in(w, "t_error", "in_progress");
		const char *step = step_of_size(w, run, 2 * MIB);
		const char *message = repeated(w, "\xe2\x82\xac", lengths[i] / 3);

		expect_ok_take(w, "runs.update",
			json_pack("{ss ss s{ss ss}}", "run_id", run, "status", "failed",
				"last_error", "code", "invalid_prompt", "message", message));
		assert_int_equal(expect_error_of_run(w, run, step, "server_error", message),
			strlen(message));
	}
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
		cmocka_unit_test(a_message_that_is_too_large_is_answered_under_its_own_number),
		cmocka_unit_test(a_step_has_at_most_1024_tool_calls),
		cmocka_unit_test(many_calls_are_told_apart_from_many_others_in_time),
		cmocka_unit_test(a_long_error_of_a_run_leaves_its_steps_within_their_limit),
		cmocka_unit_test(a_common_error_of_a_run_is_copied_whole),
	};

	return cmocka_run_group_tests_name("limits", tests, fixture_start, fixture_stop);
}
