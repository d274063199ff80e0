/* What messages.create and messages.update refuse, by its path, and that nothing is stored. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "talk.h"

#include <stdio.h>

#define BAD "invalid_params"
#define UNKNOWN "unknown_param"
#define MISSING "missing_param"

struct refusal {
	const char *members; /* of a messages.create that is good otherwise */
	const char *code;
	const char *param;
};

static const struct refusal scalars[] = {
	{"'role':'system'", BAD, "role"},
	{"'role':1", BAD, "role"},
	{"'role':'User'", BAD, "role"},
	{"'status':'incomplete'", BAD, "status"},
	{"'status':'queued'", BAD, "status"},
	{"'status':1", BAD, "status"},
	{"'metadata':'x'", BAD, "metadata"},
	{"'metadata':{'a':1}", BAD, "metadata*"},
	{"'id':7", "invalid_params|invalid_id", "id"},
	{"'run_id':7", "invalid_params|invalid_id", "run_id"},
	{"'assistant_id':[]", "invalid_params|invalid_id", "assistant_id"},
	{"'lease':1", BAD, "lease"},
	{"'lease':''", BAD, "lease"},
	{"'attachments':{}", BAD, "attachments"},
	{"'attachments':['file_1']", BAD, "attachments[0]"},
	{"'attachments':[{'file_id':1,'tools':[]}]", BAD, "attachments[0].file_id"},
	{"'attachments':[{'file_id':'f','tools':{}}]", BAD, "attachments[0].tools"},
	{"'attachments':[{'file_id':'f','tools':['code_interpreter']}]", BAD,
		"attachments[0].tools[0]"},
	{"'attachments':[{'file_id':'f','tools':[]},{'file_id':'f','tools':[{}]}]", MISSING,
		"attachments[1].tools[0].type"},
	{"'attachments':[{'file_id':'f','tools':[{'type':'function'}]}]", BAD,
		"attachments[0].tools[0].type"},
	{"'attachments':[{'file_id':'f','tools':[{'type':'file_search','file_search':{}}]}]",
		UNKNOWN, "attachments[0].tools[0].file_search"},
	{"'attachments':[{'file_id':'f','tools':[],'colour':1}]", UNKNOWN, "attachments[0].colour"},
	{"'colour':'red'", UNKNOWN, "colour"},
	{"'stream':true", UNKNOWN, "stream"},
	{"'object':'thread.message'", UNKNOWN, "object"},
	{"'created_at':1", UNKNOWN, "created_at"},
	{"'completed_at':1", UNKNOWN, "completed_at"},
	{"'incomplete_details':{'reason':'max_tokens'}", UNKNOWN, "incomplete_details"},
	{"'file_ids':[]", UNKNOWN, "file_ids"},
};

/* The content alone: of a create and of an update. */
static const struct refusal contents[] = {
	{"5", BAD, "content"},
	{"true", BAD, "content"},
	{"{'type':'text','text':'a'}", BAD, "content"},
	{"['a']", BAD, "content[0]"},
	{"[null]", BAD, "content[0]"},
	{"[{}]", MISSING, "content[0].type"},
	{"[{'text':'a'}]", MISSING, "content[0].type"},
	{"[{'type':'audio'}]", BAD, "content[0].type"},
	{"[{'type':5}]", BAD, "content[0].type"},
	{"[{'type':'text'}]", MISSING, "content[0].text"},
	{"[{'type':'text','text':5}]", BAD, "content[0].text"},
	{"[{'type':'text','text':['a']}]", BAD, "content[0].text"},
	{"[{'type':'text','text':{'annotations':[]}}]", MISSING, "content[0].text.value"},
	{"[{'type':'text','text':{'value':5,'annotations':[]}}]", BAD, "content[0].text.value"},
	{"[{'type':'text','text':{'value':'a','annotations':{}}}]", BAD,
		"content[0].text.annotations"},
	{"[{'type':'text','text':{'value':'a','annotations':[],'x':1}}]", UNKNOWN,
		"content[0].text.x"},
	{"[{'type':'text','text':'a','colour':1}]", UNKNOWN, "content[0].colour"},
	{"[{'type':'text','text':'a','image_url':{'url':'u'}}]", UNKNOWN, "content[0].image_url"},
	{"[{'type':'text','text':'a'},{'type':'text','text':'b','x':1}]", UNKNOWN, "content[1].x"},
	{"[{'type':'image_file'}]", MISSING, "content[0].image_file"},
	{"[{'type':'image_file','image_file':'file_1'}]", BAD, "content[0].image_file"},
	{"[{'type':'image_file','image_file':{}}]", MISSING, "content[0].image_file.file_id"},
	{"[{'type':'image_file','image_file':{'file_id':1}}]", BAD,
		"content[0].image_file.file_id"},
	{"[{'type':'image_file','image_file':{'file_id':'f','detail':'huge'}}]", BAD,
		"content[0].image_file.detail"},
	{"[{'type':'image_file','image_file':{'file_id':'f','url':'u'}}]", UNKNOWN,
		"content[0].image_file.url"},
	{"[{'type':'image_url'}]", MISSING, "content[0].image_url"},
	{"[{'type':'image_url','image_url':{}}]", MISSING, "content[0].image_url.url"},
	{"[{'type':'image_url','image_url':{'url':5}}]", BAD, "content[0].image_url.url"},
	{"[{'type':'image_url','image_url':{'url':'u','detail':1}}]", BAD,
		"content[0].image_url.detail"},
	{"[{'type':'refusal'}]", MISSING, "content[0].refusal"},
	{"[{'type':'refusal','refusal':{}}]", BAD, "content[0].refusal"},
};

#define NOTE(members)                                                                              \
	"[{'type':'text','text':{'value':'a','annotations':[{'type':'file_citation','text':'a',"   \
	"'file_citation':{'file_id':'f'},'start_index':0,'end_index':1},{" members "}]}}]"
#define AT "content[0].text.annotations[1]"

static const struct refusal annotations[] = {
	{NOTE(""), MISSING, AT ".type"},
	{NOTE("'type':'link'"), BAD, AT ".type"},
	{NOTE("'type':'file_citation','file_citation':{'file_id':'f'},'start_index':0,"
	      "'end_index':1"),
		MISSING, AT ".text"},
	{NOTE("'type':'file_citation','text':'a','file_citation':{},'start_index':0,"
	      "'end_index':1"),
		MISSING, AT ".file_citation.file_id"},
	{NOTE("'type':'file_citation','text':'a','file_citation':{'file_id':'f','quote':'q'},"
	      "'start_index':0,'end_index':1"),
		UNKNOWN, AT ".file_citation.quote"},
	{NOTE("'type':'file_path','text':'a','file_path':{'file_id':'f'},'start_index':-1,"
	      "'end_index':1"),
		BAD, AT ".start_index"},
	{NOTE("'type':'file_path','text':'a','file_path':{'file_id':'f'},'start_index':0,"
	      "'end_index':'1'"),
		BAD, AT ".end_index"},
	{NOTE("'type':'file_path','text':'a','file_path':{'file_id':'f'},'start_index':0,"
	      "'end_index':1,'file_citation':{'file_id':'f'}"),
		UNKNOWN, AT ".file_citation"},
};

static const struct refusal updates[] = {
	{"'status':'queued'", BAD, "status"},
	{"'status':5", BAD, "status"},
	{"'status':'in_progress'", BAD "|invalid_transition", NULL},
	{"'status':'incomplete'", MISSING, "incomplete_details"},
	{"'status':'incomplete','incomplete_details':{}", MISSING, "incomplete_details.reason"},
	{"'status':'incomplete','incomplete_details':{'reason':'tired'}", BAD,
		"incomplete_details.reason"},
	{"'status':'incomplete','incomplete_details':{'reason':'max_tokens','x':1}", UNKNOWN,
		"incomplete_details.x"},
	{"'status':'incomplete','incomplete_details':'max_tokens'", BAD, "incomplete_details"},
	{"'status':'completed','incomplete_details':{'reason':'max_tokens'}", BAD,
		"incomplete_details"},
	{"'incomplete_details':{'reason':'max_tokens'}", BAD, "incomplete_details"},
	{"'metadata':{'a':1}", BAD, "metadata*"},
	{"'lease':''", BAD, "lease"},
	{"'role':'user'", UNKNOWN, "role"},
	{"'attachments':[]", UNKNOWN, "attachments"},
	{"'assistant_id':'a'", UNKNOWN, "assistant_id"},
	{"'run_id':'r'", UNKNOWN, "run_id"},
	{"'id':'m'", UNKNOWN, "id"},
	{"'completed_at':1", UNKNOWN, "completed_at"},
	{"'colour':'red'", UNKNOWN, "colour"},
};

/* Each row's member takes the place of the good one. */
static void expect_refusals(struct wire *w, const struct refusal *row, size_t n)
{
	for (; n; n--, row++) {
		json_t *params =
			codec_parse("{'thread_id':'t_fields','role':'user','content':'a'}");
		json_t *members = codec_parse("{%s}", row->members);

		json_object_update(params, members);
		json_decref(members);
		expect_error_take(w, "messages.create", row->code, row->param, params);
	}
}

static void expect_content_refused(
	struct wire *w, const char *message, const struct refusal *row, size_t n)
{
	for (; n; n--, row++) {
		expect_error(w, "messages.create", row->code, row->param,
			"{'thread_id':'t_fields','role':'assistant','content':%s}", row->members);
		expect_error(w, "messages.create", row->code, row->param,
			"{'thread_id':'t_fields','role':'user','status':'in_progress',"
			"'content':%s}",
			row->members);
		expect_error(w, "messages.update", row->code, row->param,
			"{'thread_id':'t_update','message_id':'%s','content':%s}", message,
			row->members);
	}
}

static void a_bad_scalar_is_refused_by_its_name(void **state)
{
	expect_refusals(wire_of(state), scalars, sizeof(scalars) / sizeof(*scalars));
}

static void bad_content_is_refused_by_its_path(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_update", "");
	json_t *message = message_get(w, "t_update", id);
	json_int_t last = history_last(w);

	expect_content_refused(w, id, contents, sizeof(contents) / sizeof(*contents));
	expect_content_refused(w, id, annotations, sizeof(annotations) / sizeof(*annotations));
	expect_same(message_get(w, "t_update", id), message);
	assert_int_equal(history_last(w), last);
}

static void a_bad_update_is_refused_by_its_path(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_update", "");
	json_t *message = message_get(w, "t_update", id);

	for (size_t i = 0; i < sizeof(updates) / sizeof(*updates); i++) {
		expect_error(w, "messages.update", updates[i].code, updates[i].param,
			"{'thread_id':'t_update','message_id':'%s',%s}", id, updates[i].members);
	}
	expect_same(message_get(w, "t_update", id), message);
}

static void thread_role_and_content_must_be_given(void **state)
{
	static const char *const names[] = {"thread_id", "role", "content"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < 3; i++) {
		json_t *params =
			codec_parse("{'thread_id':'t_fields','role':'user','content':'a'}");

		json_object_del(params, names[i]);
		expect_error_take(w, "messages.create", MISSING, names[i], json_deep_copy(params));
		json_object_set_new(params, names[i], json_null());
		expect_error_take(
			w, "messages.create", MISSING "|" BAD "|invalid_id", names[i], params);
	}
	expect_error(w, "messages.create", MISSING, NULL, NULL);
}

static void other_methods_check_their_params_too(void **state)
{
	static const struct {
		const char *method, *params, *code, *param;
	} rows[] = {
		{"messages.get", "{}", MISSING, NULL},
		{"messages.get", "{'thread_id':'t','message_id':1}", BAD "|invalid_id",
			"message_id"},
		{"messages.get", "{'thread_id':'t','message_id':'m','x':1}", UNKNOWN, "x"},
		{"messages.delete", "{'thread_id':'t','message_id':'m','force':1}", UNKNOWN,
			"force"},
		{"messages.update", "{'metadata':{}}", MISSING, "message_id"},
		{"messages.list", "{'thread_id':'t','status':'completed'}", UNKNOWN, "status"},
		{"messages.list", "{}", MISSING, "thread_id"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(wire_of(state), rows[i].method, rows[i].code, rows[i].param, "%s",
			rows[i].params);
	}
}

/* A pair whose key and value are as long as may be in characters, and one too long. */
static void metadata_is_limited_in_characters(void **state)
{
	static const char metadata[] = ",'metadata':{'%s':'%s'}";
	struct wire *w = wire_of(state);
	const char *keys[] = {repeated(w, "\xf0\x9f\x98\x80", 64), repeated(w, "k", 65), "k"};
	const char *values[] = {
		repeated(w, "\xe2\x82\xac", 512), "v", repeated(w, "\xe2\x82\xac", 513)};
	const char *id = text(message_say(w, "t_meta", ""), "id");

	for (int i = 0; i < 3; i++) {
		char members[2048];

		snprintf(members, sizeof(members), metadata, keys[i], values[i]);
		if (i == 0) {
			expect_fields(message_say(w, "t_meta", members), "{%s}", members + 1);
			expect_fields(expect_ok(w, "messages.update", "{'message_id':'%s'%s}", id,
					      members),
				"{%s}", members + 1);
			continue;
		}
		expect_error(w, "messages.create", BAD, "metadata*",
			"{'thread_id':'t_meta','role':'user','content':'a'%s}", members);
		expect_error(w, "messages.update", BAD, "metadata*", "{'message_id':'%s'%s}", id,
			members);
	}
}

/* 16 pairs are well, 17 are not. */
static void metadata_has_sixteen_pairs_at_most(void **state)
{
	struct wire *w = wire_of(state);
	json_t *params = codec_parse("{'thread_id':'t_pairs','role':'user','content':'a',"
				     "'metadata':{}}");
	char key[16];

	for (int i = 0; i < 16; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(json_object_get(params, "metadata"), key, json_string("v"));
	}
	expect_ok_take(w, "messages.create", json_deep_copy(params));
	json_object_set_new(json_object_get(params, "metadata"), "k16", json_string("v"));
	expect_error_take(w, "messages.create", BAD, "metadata", params);
}

static void what_was_refused_left_no_thread_behind(void **state)
{
	expect_error(wire_of(state), "messages.list", "not_found", "thread_id",
		"{'thread_id':'t_fields'}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_scalar_is_refused_by_its_name),
		cmocka_unit_test(bad_content_is_refused_by_its_path),
		cmocka_unit_test(a_bad_update_is_refused_by_its_path),
		cmocka_unit_test(thread_role_and_content_must_be_given),
		cmocka_unit_test(other_methods_check_their_params_too),
		cmocka_unit_test(metadata_is_limited_in_characters),
		cmocka_unit_test(metadata_has_sixteen_pairs_at_most),
		cmocka_unit_test(what_was_refused_left_no_thread_behind),
	};

	return cmocka_run_group_tests_name("messages fields", tests, fixture_start, fixture_stop);
}
