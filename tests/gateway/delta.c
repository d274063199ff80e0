#include "cmocka_all.h"

#include "codec.h"
#include "proto/mp.h"
#include "tests/gateway/listener.h"
#include "tools/gateway/delta.h"

#include <stdlib.h>

static struct slice pack(const char *json, msgpack_sbuffer *out)
{
	json_t *value = codec_parse("%s", json);
	msgpack_packer packer;

	msgpack_sbuffer_init(out);
	msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
	codec_pack(&packer, value);
	json_decref(value);
	return slice_of(out->data, out->size);
}

/* What comes out for two values; @expected NULL: nothing. */
static void check(const char *before, const char *after, enum delta result, const char *expected)
{
	msgpack_sbuffer a, b;
	struct buf out = {0};
	struct slice was = pack(before, &a), is = pack(after, &b);

	buf_append(&out, "\xc0", 1);
	if (delta_write(was, is, &out) != result) {
		fail_msg("from %s to %s", before, after);
	}
	if (expected) {
		json_t *wanted = codec_parse("%s", expected);
		json_t *made = codec_unpack(out.ptr + 1, out.len - 1);

		if (!json_equal(made, wanted)) {
			fail_msg("from %s to %s: %s", before, after, json_dumps(made, 0));
		}
		json_decref(wanted);
		json_decref(made);
	} else {
		assert_int_equal(out.len, 1);
	}
	assert_int_equal(buf_error(&out), 0);
	buf_finish(&out);
	msgpack_sbuffer_destroy(&a);
	msgpack_sbuffer_destroy(&b);
}

static void made(const char *before, const char *after, const char *expected)
{
	check(before, after, DELTA_MADE, expected);
}

static void what_is_the_same_has_no_delta(void **state)
{
	check("{'a':[1,{'b':'c'}]}", "{'a':[1,{'b':'c'}]}", DELTA_NOTHING, NULL);
	check("[]", "[]", DELTA_NOTHING, NULL);
	check("null", "null", DELTA_NOTHING, NULL);
}

static void a_text_becomes_what_follows(void **state)
{
	made("{'a':'Hel'}", "{'a':'Hello'}", "{'a':'lo'}");
	made("{'a':''}", "{'a':'Hello'}", "{'a':'Hello'}");
	made("{'a':'gr\xc3\xbc'}", "{'a':'gr\xc3\xbc\xc3\x9f'}", "{'a':'\xc3\x9f'}");
}

static void null_and_nothing_become_the_value(void **state)
{
	made("{'output':null}", "{'output':'70'}", "{'output':'70'}");
	made("{}", "{'output':null}", "{'output':null}");
	made("{}", "{'a':{'b':[1]}}", "{'a':{'b':[1]}}");
	made("{'a':null}", "{'a':[{'b':1}]}", "{'a':[{'index':0,'b':1}]}");
}

static void the_type_is_told_beside_what_changed(void **state)
{
	made("{'type':'t','id':'i','f':{'a':'1','b':'2'}}",
		"{'type':'t','id':'i','f':{'a':'1','b':'23'}}", "{'type':'t','f':{'b':'3'}}");
	check("{'type':'t'}", "{'type':'tt'}", DELTA_BROKEN, NULL);
	made("{}", "{'type':'t'}", "{'type':'t'}");
	made("{'type':null}", "{'type':'t'}", "{'type':'t'}");
}

static void items_go_by_their_index(void **state)
{
	made("[{'v':'a'},{'v':'b'}]", "[{'v':'a'},{'v':'bc'},{'v':'d'}]",
		"[{'index':1,'v':'c'},{'index':2,'v':'d'}]");
	made("[]", "[{'v':{'w':[{'x':1},{'x':2}]}}]",
		"[{'index':0,'v':{'w':[{'index':0,'x':1},{'index':1,'x':2}]}}]");
}

static void an_index_of_their_own_gives_way(void **state)
{
	made("[]", "[{'index':7,'v':1}]", "[{'index':0,'v':1}]");
	made("[{'index':7,'v':'a'}]", "[{'index':7,'v':'ab'}]", "[{'index':0,'v':'b'}]");
	check("[{'index':7,'v':'a'}]", "[{'index':8,'v':'a'}]", DELTA_NOTHING, NULL);
}

static void plain_arrays_are_continued(void **state)
{
	made("['a',1]", "['a',1,'b',2.5]", "['b',2.5]");
	made("[]", "['a',{'b':1}]", "['a',{'b':1,'index':1}]");
	check("['a']", "['b']", DELTA_BROKEN, NULL);
	check("[{'a':1}]", "[{'a':1},'b']", DELTA_BROKEN, NULL);
	check("[[1]]", "[[1],[2]]", DELTA_BROKEN, NULL);
	check("[[1]]", "[[1,2]]", DELTA_BROKEN, NULL);
}

static void what_does_not_continue_is_broken(void **state)
{
	static const char *const pairs[][2] = {
		{"'abc'", "'ab'"},
		{"'abc'", "'abd'"},
		{"{'a':1}", "{'a':2}"},
		{"{'a':1.5}", "{'a':2.5}"},
		{"{'a':true}", "{'a':false}"},
		{"{'a':'b'}", "{'a':null}"},
		{"{'a':'b'}", "{'a':1}"},
		{"{'a':1,'b':2}", "{'a':1}"},
		{"{'a':1}", "{'b':1}"},
		{"[1,2]", "[1]"},
		{"[{'a':1},{'b':1}]", "[{'a':1}]"},
		{"{'a':'x','b':'y'}", "{'a':'xx','b':''}"},
		{"[{'a':'x'},{'b':'y'}]", "[{'a':'xx'},{'b':'z'}]"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		check(pairs[i][0], pairs[i][1], DELTA_BROKEN, NULL);
	}
}

static void the_words_of_the_api(void **state)
{
	made("[]", "[{'type':'text','text':{'value':'Hello','annotations':[]}}]",
		"[{'index':0,'type':'text','text':{'value':'Hello','annotations':[]}}]");
	made("[{'type':'text','text':{'value':'Hello','annotations':[]}}]",
		"[{'type':'text','text':{'value':'Hello today','annotations':[]}}]",
		"[{'index':0,'type':'text','text':{'value':' today'}}]");
	made("{'type':'tool_calls','tool_calls':[{'id':'c','type':'function','function':"
	     "{'name':'f','arguments':'{','output':null}}]}",
		"{'type':'tool_calls','tool_calls':[{'id':'c','type':'function','function':"
		"{'name':'f','arguments':'{}','output':null}}]}",
		"{'type':'tool_calls','tool_calls':[{'index':0,'type':'function','function':"
		"{'arguments':'}'}}]}");
}

/* Values made of dice; @grown says how far they have come: each stage continues the one before. */
static json_t *grown(unsigned int *seed, unsigned int stage, unsigned int depth)
{
	unsigned int own = (unsigned int)rand_r(seed);
	json_t *value;

	switch (own % (depth ? 5 : 3)) {
	case 0:
		return json_sprintf("%.*s", (int)(own % 3 + stage * (own / 7 % 3)),
			"the quick brown fox jumps over");
	case 1:
		return json_integer(own % 100);
	case 2:
		return stage > own / 5 % 4 ? json_string("late") : json_null();
	case 3:
		value = json_object();
		json_object_set_new(value, "type", json_string("t"));
		for (unsigned int i = 0; i < own / 5 % 3 + stage; i++) {
			unsigned int child = own + i;
			char key[8];

			snprintf(key, sizeof(key), "k%u", i);
			json_object_set_new(value, key, grown(&child, stage, depth - 1));
		}
		return value;
	default:
		value = json_array();
		for (unsigned int i = 0; i < own / 5 % 3 + stage; i++) {
			unsigned int child = own + i;
			json_t *item = json_object();

			json_object_set_new(item, "v", grown(&child, stage, depth - 1));
			json_array_append_new(value, item);
		}
		return value;
	}
}

static void pack_value(const json_t *value, msgpack_sbuffer *out)
{
	msgpack_packer packer;

	msgpack_sbuffer_init(out);
	msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
	codec_pack(&packer, value);
}

/* Add the delta between two stages to @sum. */
static void add_stage(json_t *sum, const json_t *was, const json_t *is)
{
	msgpack_sbuffer a, b;
	struct buf out = {0};
	enum delta d;

	pack_value(was, &a);
	pack_value(is, &b);
	d = delta_write(slice_of(a.data, a.size), slice_of(b.data, b.size), &out);
	assert_int_not_equal(d, DELTA_BROKEN);
	if (d == DELTA_MADE) {
		json_t *delta = codec_unpack(out.ptr, out.len);

		assert_non_null(delta);
		listener_accumulate(sum, delta);
		json_decref(delta);
	}
	buf_finish(&out);
	msgpack_sbuffer_destroy(&a);
	msgpack_sbuffer_destroy(&b);
}

static json_t *stage_of(unsigned int seed, unsigned int stage)
{
	return json_pack("{s:s,s:o}", "type", "t", "root", grown(&seed, stage, 4));
}

static void deltas_add_up_to_the_value(void **state)
{
	for (unsigned int seed = 1; seed <= 2000; seed++) {
		json_t *was = stage_of(seed, 0), *sum = json_deep_copy(was);

		for (unsigned int stage = 1; stage <= 4; stage++) {
			json_t *is = stage_of(seed, stage);

			add_stage(sum, was, is);
			json_decref(was);
			was = is;
		}
		listener_strip_index(sum);
		if (!json_equal(sum, was)) {
			fail_msg("seed %u: %s is not %s", seed, json_dumps(sum, 0),
				json_dumps(was, 0));
		}
		json_decref(sum);
		json_decref(was);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_the_same_has_no_delta),
		cmocka_unit_test(a_text_becomes_what_follows),
		cmocka_unit_test(null_and_nothing_become_the_value),
		cmocka_unit_test(the_type_is_told_beside_what_changed),
		cmocka_unit_test(items_go_by_their_index),
		cmocka_unit_test(an_index_of_their_own_gives_way),
		cmocka_unit_test(plain_arrays_are_continued),
		cmocka_unit_test(what_does_not_continue_is_broken),
		cmocka_unit_test(the_words_of_the_api),
		cmocka_unit_test(deltas_add_up_to_the_value),
	};

	return cmocka_run_group_tests_name("delta", tests, NULL, NULL);
}
