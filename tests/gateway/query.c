#include "tests/support/cmocka_all.h"

#include "proto/mp.h"
#include "tests/support/codec.h"
#include "tools/gateway/query.h"

#include <string.h>

static const struct query_key keys[] = {
	{"limit", QUERY_INTEGER},
	{"after", QUERY_TEXT},
	{"include", QUERY_TEXTS},
	{"metadata", QUERY_PAIRS},
	{NULL, QUERY_TEXT},
};

/* The query must be read as the JSON object, its quotes single ones. */
static void expect(const char *query, const char *json)
{
	struct runstore_error error;
	struct pairs pairs = {0};
	struct buf map = {0};
	json_t *got, *want = codec_parse("%s", json);

	if (query_read(query, keys, &pairs, &error)) {
		fail_msg("%s: refused: %s", query, error.message);
	}
	pairs_write(&pairs, &map);
	got = codec_unpack(map.ptr, map.len);
	if (!json_equal(got, want)) {
		fail_msg("%s: got %s", query, json_dumps(got, 0));
	}
	json_decref(got);
	json_decref(want);
	buf_finish(&map);
	pairs_finish(&pairs);
}

static void refuse(const char *query, int code, const char *param)
{
	struct runstore_error error = {0};
	struct pairs pairs = {0};

	if (query_read(query, keys, &pairs, &error) != code) {
		fail_msg("%s: expected code %d, got %d", query, code, error.code);
	}
	assert_string_equal(error.param, param);
	pairs_finish(&pairs);
}

static void nothing_asks_for_nothing(void **state)
{
	expect(NULL, "{}");
	expect("", "{}");
	expect("&&", "{}");
}

static void texts_and_integers_are_read(void **state)
{
	expect("limit=3&after=run_1", "{'limit':3,'after':'run_1'}");
	expect("limit=-1", "{'limit':-1}");
	expect("after=", "{'after':''}");
	expect("after", "{'after':''}");
	expect("after=a=b", "{'after':'a=b'}");
}

static void what_is_no_integer_is_refused(void **state)
{
	static const char *const bad[] = {"limit=", "limit=x", "limit=1x", "limit=1.5", "limit=%20",
		"limit=+1", "limit=99999999999999999999", "limit=0x1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		refuse(bad[i], RUNSTORE_E_INVALID_PARAMS, "limit");
	}
}

static void percent_encoding_is_undone_in_values_and_keys(void **state)
{
	expect("after=%C3%A9+b%2Bc%26d", "{'after':'\xc3\xa9 b+c&d'}");
	expect("%61fter=x", "{'after':'x'}");
	expect("include%5B%5D=a", "{'include':['a']}");
	expect("metadata%5bk%5D=v", "{'metadata':{'k':'v'}}");
}

static void broken_encoding_is_refused(void **state)
{
	static const char *const bad[] = {
		"after=%", "after=%1", "after=%zz", "after=%ff", "after=a%00b"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		refuse(bad[i], RUNSTORE_E_INVALID_PARAMS, "after");
	}
	refuse("%00=1", RUNSTORE_E_INVALID_PARAMS, "");
	refuse("a%ffter=1", RUNSTORE_E_INVALID_PARAMS, "");
}

static void lists_gather_with_and_without_brackets(void **state)
{
	expect("include=a", "{'include':['a']}");
	expect("include[]=a&include[]=b&include=c", "{'include':['a','b','c']}");
	expect("include[]=a&limit=1&include[]=b", "{'include':['a','b'],'limit':1}");
}

static void pairs_gather_under_their_names(void **state)
{
	expect("metadata[a]=1&metadata[b]=2", "{'metadata':{'a':'1','b':'2'}}");
	expect("metadata[]=1", "{'metadata':{'':'1'}}");
	expect("metadata[a[b]]=1", "{'metadata':{'a[b]':'1'}}");
}

static void what_is_given_twice_is_refused(void **state)
{
	refuse("limit=1&limit=1", RUNSTORE_E_INVALID_PARAMS, "limit");
	refuse("after=a&%61fter=b", RUNSTORE_E_INVALID_PARAMS, "after");
	refuse("metadata[a]=1&metadata[a]=2", RUNSTORE_E_INVALID_PARAMS, "metadata[a]");
}

static void unknown_keys_are_named(void **state)
{
	refuse("colour=1", RUNSTORE_E_UNKNOWN_PARAM, "colour");
	refuse("limit[]=1", RUNSTORE_E_UNKNOWN_PARAM, "limit[]");
	refuse("metadata=1", RUNSTORE_E_UNKNOWN_PARAM, "metadata");
	refuse("include[a]=1", RUNSTORE_E_UNKNOWN_PARAM, "include[a]");
	refuse("=1", RUNSTORE_E_UNKNOWN_PARAM, "");
	refuse("Limit=1", RUNSTORE_E_UNKNOWN_PARAM, "Limit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asks_for_nothing),
		cmocka_unit_test(texts_and_integers_are_read),
		cmocka_unit_test(what_is_no_integer_is_refused),
		cmocka_unit_test(percent_encoding_is_undone_in_values_and_keys),
		cmocka_unit_test(broken_encoding_is_refused),
		cmocka_unit_test(lists_gather_with_and_without_brackets),
		cmocka_unit_test(pairs_gather_under_their_names),
		cmocka_unit_test(what_is_given_twice_is_refused),
		cmocka_unit_test(unknown_keys_are_named),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
