/* messages.update: what is growth and what is not, how a message ends, and how each is told. */
#include "cmocka_all.h"

#include "fixture.h"
#include "history.h"
#include "objects.h"
#include "talk.h"

#include <string.h>

#define MIB ((size_t)1024 * 1024)
#define DELTA "thread.message.delta"
#define UPDATED "thread.message.updated"

/* messages.update with @members, as in `'content':'x'`. */
static json_t *update(struct wire *w, const char *id, const char *members)
{
	return expect_ok(w, "messages.update", "{'message_id':'%s',%s}", id, members);
}

static void expect_update_refused(
	struct wire *w, const char *id, const char *code, const char *members)
{
	expect_error(w, "messages.update", code, NULL, "{'message_id':'%s',%s}", id, members);
}

/* The store's last change, with its object. */
static json_t *last_change(struct wire *w)
{
	json_t *changes = history_since(w, history_last(w) - 1, ",'objects':true");

	assert_int_equal(json_array_size(changes), 1);
	return json_array_get(changes, 0);
}

/* The last change is @event of the message that @message shows. */
static void expect_told(struct wire *w, const char *event, const json_t *message)
{
	json_t *change = last_change(w);

	expect_fields(change, "{'event':'%s','message_id':'%s','step_id':null}", event,
		text(message, "id"));
	expect_same(field(change, "object"), message);
}

/* A message in progress with the content @content, JSON. */
static const char *open_with(struct wire *w, const char *thread, const char *content)
{
	return text(expect_ok(w, "messages.create",
			    "{'thread_id':'%s','role':'assistant','status':'in_progress',"
			    "'content':%s}",
			    thread, content),
		"id");
}

static void text_that_grows_is_a_delta(void **state)
{
	static const char *const steps[] = {"Hello", "Hello, w", "Hello, world", "Hello, world.\\n",
		"Hello, world.\\n\xc3\xa4", "Hello, world.\\n\xc3\xa4\\u0000\xf0\x9f\x98\x80"};
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_grow", "");
	json_t *first = message_get(w, "t_grow", id);

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		json_t *message = expect_ok(
			w, "messages.update", "{'message_id':'%s','content':'%s'}", id, steps[i]);

		expect_names(message, message_names);
		expect_fields(message,
			"{'status':'in_progress','completed_at':null,'content':[{'type':'text',"
			"'text':{'value':'%s','annotations':[]}}]}",
			steps[i]);
		expect_same(field(message, "created_at"), field(first, "created_at"));
		expect_told(w, DELTA, message);
		expect_fields(last_change(w), "{'from':'in_progress','to':'in_progress'}");
		expect_same(message_get(w, "t_grow", id), message);
	}
}

#define T(value) "{'type':'text','text':{'value':'" value "','annotations':[]}}"
#define T_NOTED(value, notes)                                                                      \
	"{'type':'text','text':{'value':'" value "','annotations':[" notes "]}}"
#define NOTE(text)                                                                                 \
	"{'type':'file_citation','text':'" text "','file_citation':{'file_id':'f'},"               \
	"'start_index':0,'end_index':1}"
#define IMAGE(id) "{'type':'image_file','image_file':{'file_id':'" id "','detail':'auto'}}"
#define NO(words) "{'type':'refusal','refusal':'" words "'}"

static const char *const growth[][2] = {
	{"[]", "[" T("a") "]"},
	{"[]", "[" T("") "]"},
	{"[" T("") "]", "[" T("a") "]"},
	{"[" T("a") "]", "[" T("a") "," T("b") "]"},
	{"[" T("a") "]", "[" T("ab") "," T("b") "]"},
	{"[" T("a") "," T("b") "]", "[" T("a") "," T("bc") "]"},
	{"[" T("a") "," T("b") "]", "[" T("aa") "," T("b") "]"},
	{"[" T("a") "]", "[" T("a") "," IMAGE("f") "]"},
	{"[" IMAGE("f") "]", "[" IMAGE("f") "," T("a") "]"},
	{"[" NO("I ") "]", "[" NO("I cannot.") "]"},
	{"[" T("a") "]", "[" T_NOTED("a", NOTE("a")) "]"},
	{"[" T_NOTED("a", NOTE("a")) "]", "[" T_NOTED("ab", NOTE("a") "," NOTE("b")) "]"},
	{"[" T("e") "]", "[" T("e\xcc\x81") "]"},
};

static const char *const no_growth[][2] = {
	{"[" T("a") "]", "[" T("a") "]"},
	{"[" T("ab") "]", "[" T("a") "]"},
	{"[" T("ab") "]", "[" T("b") "]"},
	{"[" T("ab") "]", "[" T("xab") "]"},
	{"[" T("ab") "]", "[" T("aB") "]"},
	{"[" T("a") "]", "[" T("A longer one") "]"},
	{"[" T("\xc3\xa4") "]", "[" T("\xc3\xa5 and more") "]"},
	{"[" T("a") "," T("b") "]", "[" T("a") "]"},
	{"[" T("a") "," T("b") "]", "[" T("b") "," T("a") "]"},
	{"[" T("a") "," T("b") "]", "[" T("x") "," T("bc") "]"},
	{"[" T("a") "," T("b") "]", "[" T("a longer") "," T("x") "]"},
	{"[" T("b") "]", "[" T("a") "," T("b") "]"},
	{"[" T("a") "]", "[" NO("ab") "]"},
	{"[" IMAGE("f") "]", "[" IMAGE("g") "]"},
	{"[" NO("No") "]", "[" NO("N") "]"},
	{"[" T_NOTED("a", NOTE("a")) "]", "[" T("ab") "]"},
	{"[" T_NOTED("a", NOTE("a")) "]", "[" T_NOTED("ab", NOTE("b")) "]"},
};

/* Each content is followed by the other one; all are told as @event. */
static void check_rows(struct wire *w, const char *const (*rows)[2], size_t n, const char *event)
{
	for (size_t i = 0; i < n; i++) {
		const char *id = open_with(w, "t_rows", rows[i][0]);
		json_t *message;

		print_message("# %s -> %s\n", rows[i][0], rows[i][1]);
		message = expect_ok(
			w, "messages.update", "{'message_id':'%s','content':%s}", id, rows[i][1]);
		expect_fields(message, "{'status':'in_progress','content':%s}", rows[i][1]);
		expect_told(w, event, message);
	}
}

static void growth_is_told_as_a_delta(void **state)
{
	check_rows(wire_of(state), growth, sizeof(growth) / sizeof(*growth), DELTA);
}

static void growth_that_is_none_is_told_as_an_update(void **state)
{
	check_rows(wire_of(state), no_growth, sizeof(no_growth) / sizeof(*no_growth), UPDATED);
}

static void all_forms_of_text_are_compared_alike(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_forms", "");

	expect_told(w, DELTA, update(w, id, "'content':[{'type':'text','text':'Hell'}]"));
	expect_told(w, DELTA, update(w, id, "'content':[" T("Hello") "]"));
	expect_told(w, UPDATED, update(w, id, "'content':'Hello'"));
}

static void metadata_alone_is_an_update(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_meta", ",'metadata':{'a':'1'}");
	json_t *message = update(w, id, "'metadata':{'b':'2'}");

	expect_fields(message, "{'metadata':{'b':'2'},'status':'in_progress'}");
	expect_told(w, UPDATED, message);
	expect_fields(last_change(w), "{'from':'in_progress','to':'in_progress'}");
	expect_fields(update(w, id, "'metadata':null"), "{'metadata':{}}");
	expect_fields(update(w, id, "'metadata':{'c':'3'}"), "{'metadata':{'c':'3'}}");
	expect_fields(update(w, id, "'metadata':{}"), "{'metadata':{}}");
	expect_fields(update(w, id, "'content':'Hello','metadata':{'d':'4'}"),
		"{'metadata':{'d':'4'},'content[0].text.value':'Hello'}");
}

static void a_message_is_completed_once(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_done", "");
	json_t *message = update(w, id, "'status':'completed'");

	expect_names(message, message_names);
	expect_fields(message,
		"{'status':'completed','incomplete_at':null,'incomplete_details':null,"
		"'content[0].text.value':'Hel'}");
	expect_now(message, "completed_at");
	expect_told(w, "thread.message.completed", message);
	expect_fields(last_change(w), "{'from':'in_progress','to':'completed'}");
	expect_update_refused(w, id, "invalid_transition", "'status':'completed'");
	expect_update_refused(w, id, "invalid_transition",
		"'status':'incomplete','incomplete_details':{'reason':'max_tokens'}");
	expect_update_refused(w, id, "invalid_transition|invalid_params", "'status':'in_progress'");
	expect_update_refused(w, id, "invalid_transition", "'content':'Hello'");
	expect_update_refused(
		w, id, "invalid_transition", "'content':'Hello','metadata':{'a':'b'}");
	expect_same(message_get(w, "t_done", id), message);
}

static void an_incomplete_message_says_why(void **state)
{
	static const char *const reasons[] = {
		"content_filter", "max_tokens", "run_cancelled", "run_expired", "run_failed"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		const char *id = message_open(w, "t_why", "");
		json_t *message = expect_ok(w, "messages.update",
			"{'message_id':'%s','status':'incomplete','incomplete_details':"
			"{'reason':'%s'}}",
			id, reasons[i]);

		expect_names(message, message_names);
		expect_fields(message,
			"{'status':'incomplete','completed_at':null,"
			"'incomplete_details':{'reason':'%s'}}",
			reasons[i]);
		expect_now(message, "incomplete_at");
		expect_told(w, "thread.message.incomplete", message);
		expect_update_refused(w, id, "invalid_transition", "'status':'completed'");
		expect_update_refused(w, id, "invalid_transition", "'content':'Hello'");
	}
}

static void the_last_text_may_come_with_the_end(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_last", "");
	json_t *message = update(w, id, "'content':'Hello.','status':'completed'");

	expect_fields(message, "{'status':'completed','content[0].text.value':'Hello.'}");
	expect_told(w, "thread.message.completed", message);
	id = message_open(w, "t_last", "");
	message = update(w, id,
		"'content':'Another','status':'incomplete',"
		"'incomplete_details':{'reason':'content_filter'},'metadata':{'k':'v'}");
	expect_fields(message,
		"{'status':'incomplete','content[0].text.value':'Another','metadata':{'k':'v'}}");
	expect_told(w, "thread.message.incomplete", message);
}

static void a_finished_message_still_takes_metadata(void **state)
{
	struct wire *w = wire_of(state);
	json_t *said = message_say(w, "t_after", ""), *message;

	message = update(w, text(said, "id"), "'metadata':{'k':'v'}");
	expect_fields(message, "{'metadata':{'k':'v'},'status':'completed'}");
	expect_same(field(message, "completed_at"), field(said, "completed_at"));
	expect_told(w, UPDATED, message);
	expect_fields(last_change(w), "{'from':'completed','to':'completed'}");
	expect_same(update(w, text(said, "id"), "'metadata':null"), said);
	expect_update_refused(w, text(said, "id"), "invalid_transition", "'content':'Hi. There.'");
	expect_update_refused(w, text(said, "id"), "invalid_transition", "'status':'completed'");
}

static void the_thread_must_match_if_given(void **state)
{
	static const char in[] = "{'thread_id':'%s','message_id':'%s','content':'Hello'}";
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_match", "");

	message_say(w, "t_match_2", "");
	expect_error(w, "messages.update", "not_found", NULL, in, "t_match_2", id);
	expect_fields(message_get(w, "t_match", id), "{'content[0].text.value':'Hel'}");
	expect_ok(w, "messages.update", in, "t_match", id);
}

static void an_update_sent_again_grows_once(void **state)
{
	static const char grow[] = "{'message_id':'%s','content':'%s','idempotency_key':'grow'}";
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_again", "");
	json_t *message = expect_ok(w, "messages.update", grow, id, "Hello");
	json_int_t last = history_last(w);

	expect_same(expect_ok(w, "messages.update", grow, id, "Hello"), message);
	assert_int_equal(history_last(w), last);
	expect_error(w, "messages.update", "idempotency_conflict", NULL, grow, id, "Hello!");
	message = update(w, id, "'content':'Hello, world','status':'completed'");
	expect_same(expect_ok(w, "messages.update", grow, id, "Hello"), message);
	expect_ok(w, "messages.delete", "{'message_id':'%s','thread_id':'t_again'}", id);
	expect_error(w, "messages.update", "not_found", NULL, grow, id, "Hello");
}

static void a_batch_tells_of_each_growth(void **state)
{
	struct wire *w = wire_of(state);
	json_int_t last = history_last(w);
	json_t *changes;

	expect_ok(w, "batch",
		"{'atomic':true,'requests':["
		"['messages.create',{'thread_id':'t_batch','role':'assistant','id':'m_batch',"
		"'status':'in_progress','content':[]}],"
		"['messages.update',{'message_id':'m_batch','content':'a'}],"
		"['messages.update',{'message_id':'m_batch','content':'ab'}],"
		"['messages.update',{'message_id':'m_batch','status':'completed'}]]}");
	changes = history_since(w, last, ",'objects':true");
	assert_int_equal(json_array_size(changes), 4);
	expect_fields(json_array_get(changes, 0),
		"{'event':'thread.message.created','object.content':[],'from':null}");
	expect_fields(json_array_get(changes, 1),
		"{'event':'" DELTA "','object.content[0].text.value':'a'}");
	expect_fields(json_array_get(changes, 2),
		"{'event':'" DELTA "','object.content[0].text.value':'ab'}");
	expect_fields(json_array_get(changes, 3), "{'event':'thread.message.completed'}");
	expect_error(w, "batch", "invalid_transition", "requests[1]*",
		"{'atomic':true,'requests':["
		"['messages.update',{'message_id':'m_batch','metadata':{'k':'v'}}],"
		"['messages.update',{'message_id':'m_batch','content':'abc'}]]}");
	expect_fields(message_get(w, "t_batch", "m_batch"), "{'metadata':{}}");
}

static void an_update_may_not_make_it_too_large(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = message_open(w, "t_size", "");
	json_t *before = message_get(w, "t_size", id);

	expect_error(w, "messages.update", "too_large", NULL, "{'message_id':'%s','content':'%s'}",
		id, repeated(w, "x", 4 * MIB));
	expect_same(message_get(w, "t_size", id), before);
	expect_ok(w, "messages.update", "{'message_id':'%s','content':'%s'}", id,
		repeated(w, "x", 4 * MIB - 2048));
}

/* The text of five hundred deltas is there in whole, and each showed what was there then. */
static void a_message_that_grows_five_hundred_times_is_whole(void **state)
{
	enum { TIMES = 500 };
	struct wire *w = wire_of(state);
	const char *id = open_with(w, "t_times", "[]");
	json_int_t last = history_last(w);
	json_t *changes;

	for (size_t i = 1; i <= TIMES; i++) {
		expect_ok(w, "messages.update", "{'message_id':'%s','content':'%s'}", id,
			repeated(w, "word ", i));
	}
	changes = history_since(w, last, ",'objects':true");
	assert_int_equal(json_array_size(changes), TIMES);
	for (size_t i = 0; i < TIMES; i++) {
		const json_t *change = json_array_get(changes, i);

		assert_string_equal(text(change, "event"), DELTA);
		assert_int_equal(strlen(text(change, "object.content[0].text.value")), 5 * (i + 1));
	}
	assert_string_equal(text(message_get(w, "t_times", id), "content[0].text.value"),
		repeated(w, "word ", TIMES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_that_grows_is_a_delta),
		cmocka_unit_test(growth_is_told_as_a_delta),
		cmocka_unit_test(growth_that_is_none_is_told_as_an_update),
		cmocka_unit_test(all_forms_of_text_are_compared_alike),
		cmocka_unit_test(metadata_alone_is_an_update),
		cmocka_unit_test(a_message_is_completed_once),
		cmocka_unit_test(an_incomplete_message_says_why),
		cmocka_unit_test(the_last_text_may_come_with_the_end),
		cmocka_unit_test(a_finished_message_still_takes_metadata),
		cmocka_unit_test(the_thread_must_match_if_given),
		cmocka_unit_test(an_update_sent_again_grows_once),
		cmocka_unit_test(a_batch_tells_of_each_growth),
		cmocka_unit_test(an_update_may_not_make_it_too_large),
		cmocka_unit_test(a_message_that_grows_five_hundred_times_is_whole),
	};

	return cmocka_run_group_tests_name("messages grow", tests, fixture_start, fixture_stop);
}
