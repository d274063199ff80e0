#include "tests/support/cmocka_all.h"

#include "proto/growth.h"
#include "tests/support/codec.h"

static struct slice pack(const char *json, struct buf *out)
{
	json_t *value = codec_parse("%s", json);
	msgpack_sbuffer bytes;
	msgpack_packer packer;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	codec_pack(&packer, value);
	buf_append(out, bytes.data, bytes.size);
	msgpack_sbuffer_destroy(&bytes);
	json_decref(value);
	return buf_slice(out);
}

static void expect(const char *was, const char *now, bool grown)
{
	struct buf a = {0}, b = {0};

	if (growth_is(pack(was, &a), pack(now, &b)) != grown) {
		fail_msg("%s -> %s: %s expected to count as growth", was, now, grown ? "" : "not");
	}
	buf_finish(&a);
	buf_finish(&b);
}

#define TEXT(text) "[{'type':'text','text':{'value':'" text "','annotations':[]}}]"
#define CALL(id, arguments, output)                                                                \
	"{'type':'tool_calls','tool_calls':[{'id':'" id "','type':'function','function':"          \
	"{'name':'f','arguments':'" arguments "','output':" output "}}]}"

static void a_text_that_goes_on_has_grown(void **state)
{
	expect("[]", TEXT("He"), true);
	expect(TEXT("He"), TEXT("Hello"), true);
	expect(TEXT(""), TEXT("H"), true);
}

static void what_is_the_same_has_not_grown(void **state)
{
	expect(TEXT("He"), TEXT("He"), false);
	expect("[]", "[]", false);
}

static void what_lost_or_changed_something_has_not_grown(void **state)
{
	expect(TEXT("Hello"), TEXT("He"), false);
	expect(TEXT("Hello"), TEXT("Hullo there"), false);
	expect(TEXT("He"), "[]", false);
	expect("[1]", "[2]", false);
	expect("{'a':true}", "{'a':false}", false);
	expect("{'a':1,'b':2}", "{'a':1}", false);
	expect("{'value':'a'}", "['a']", false);
}

static void more_parts_and_annotations_are_growth(void **state)
{
	expect(TEXT("a"),
		"[{'type':'text','text':{'value':'a','annotations':[]}},"
		"{'type':'refusal','refusal':'no'}]",
		true);
	expect(TEXT("a"),
		"[{'type':'text','text':{'value':'a','annotations':[{'type':'file_path','text':'x'}"
		"]}}]",
		true);
}

static void tool_calls_grow_in_arguments_and_outputs(void **state)
{
	expect("{'type':'tool_calls','tool_calls':[]}", CALL("c", "", "null"), true);
	expect(CALL("c", "{", "null"), CALL("c", "{}", "null"), true);
	expect(CALL("c", "{}", "null"), CALL("c", "{}", "'rain'"), true);
	expect(CALL("c", "{}", "'rain'"), CALL("c", "{}", "null"), false);
}

/* A name or an id that happens to begin with the old one is another one. */
static void names_and_ids_do_not_grow(void **state)
{
	expect(CALL("c", "", "null"), CALL("call", "", "null"), false);
	expect("{'type':'message_creation','message_creation':{'message_id':'m'}}",
		"{'type':'message_creation','message_creation':{'message_id':'m2'}}", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_that_goes_on_has_grown),
		cmocka_unit_test(what_is_the_same_has_not_grown),
		cmocka_unit_test(what_lost_or_changed_something_has_not_grown),
		cmocka_unit_test(more_parts_and_annotations_are_growth),
		cmocka_unit_test(tool_calls_grow_in_arguments_and_outputs),
		cmocka_unit_test(names_and_ids_do_not_grow),
	};

	return cmocka_run_group_tests_name("growth", tests, NULL, NULL);
}
