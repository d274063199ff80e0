/* The filters of runs.list, alone, together and with cursors. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

/* Two threads, two assistants, two models, times 100 to 107, in this order. */
static const char *const stock[] = {
	"{'id':'a','thread_id':'t1','assistant_id':'x','model':'m1','created_at':100,"
	"'status':'completed','metadata':{'team':'red','n':'1'}}",
	"{'id':'b','thread_id':'t2','assistant_id':'y','model':'m1','created_at':101,"
	"'status':'failed','metadata':{'team':'blue'}}",
	"{'id':'c','thread_id':'t1','assistant_id':'y','model':'m2','created_at':102,"
	"'status':'queued','metadata':{'team':'red','n':'2'}}",
	"{'id':'d','thread_id':'t1','assistant_id':'x','model':'m2','created_at':103,"
	"'status':'in_progress','metadata':{}}",
	"{'id':'e','thread_id':'t2','assistant_id':'x','model':'m1','created_at':104,"
	"'status':'requires_action','required_action':{'type':'submit_tool_outputs',"
	"'submit_tool_outputs':{'tool_calls':[]}},'metadata':{'team':'red'}}",
	"{'id':'f','thread_id':'t1','assistant_id':'y','model':'m1','created_at':105,"
	"'status':'completed','metadata':{'n':'1'}}",
	"{'id':'g','thread_id':'t2','assistant_id':'y','model':'m2','created_at':106,"
	"'status':'cancelled'}",
	"{'id':'h','thread_id':'t1','assistant_id':'x','model':'m1','created_at':107,"
	"'status':'completed','metadata':{'team':'red','n':'1','more':'x'}}",
};

static int start(void **state)
{
	fixture_start(state);
	for (size_t i = 0; i < sizeof(stock) / sizeof(*stock); i++) {
		import_one(wire_of(state), run_object("%s", stock[i]));
	}
	return 0;
}

/* All in ascending order. */
static const struct {
	const char *params;
	const char *ids;
	bool has_more;
} rows[] = {
	{"'limit':20", "a b c d e f g h", false},
	{"'status':'completed'", "a f h", false},
	{"'status':['completed']", "a f h", false},
	{"'status':['completed','queued']", "a c f h", false},
	{"'status':['queued','in_progress','requires_action','cancelling','cancelled','failed',"
	 "'completed','incomplete','expired']",
		"a b c d e f g h", false},
	{"'status':['queued','completed','queued']", "a c f h", false},
	{"'status':'incomplete'", "", false},
	{"'status':'completed','thread_id':'t2'", "", false},
	{"'status':['failed','cancelled'],'thread_id':'t2'", "b g", false},
	{"'thread_id':'t1'", "a c d f h", false},
	{"'assistant_id':'x'", "a d e h", false},
	{"'assistant_id':'x','thread_id':'t1'", "a d h", false},
	{"'assistant_id':'nobody'", "", false},
	{"'model':'m2'", "c d g", false},
	{"'model':'m2','assistant_id':'y'", "c g", false},
	{"'created_after':104", "f g h", false},
	{"'created_before':102", "a b", false},
	{"'created_after':101,'created_before':104", "c d", false},
	{"'created_after':103,'created_before':104", "", false},
	{"'created_after':101,'created_before':106,'thread_id':'t1'", "c d f", false},
	{"'created_after':0", "a b c d e f g h", false},
	{"'created_after':107", "", false},
	{"'metadata':{'team':'red'}", "a c e h", false},
	{"'metadata':{'team':'red','n':'1'}", "a h", false},
	{"'metadata':{'n':'1','team':'red'},'thread_id':'t1'", "a h", false},
	{"'metadata':{'team':'green'}", "", false},
	{"'metadata':{'te':'red'}", "", false},
	{"'metadata':{}", "a b c d e f g h", false},
	{"'status':'completed','model':'m1','assistant_id':'x','metadata':{'n':'1'},"
	 "'created_after':100",
		"h", false},
	/* Cursors count by their position, also when a filter leaves them out. */
	{"'status':'completed','after':'b'", "f h", false},
	{"'status':'completed','after':'a'", "f h", false},
	{"'status':'completed','before':'g'", "a f", false},
	{"'status':'completed','limit':1", "a", true},
	{"'status':'completed','limit':1,'after':'c'", "f", true},
	{"'status':'completed','limit':1,'after':'g'", "h", false},
	{"'status':'completed','limit':1,'before':'g'", "f", true},
	{"'status':'completed','limit':1,'before':'e'", "a", false},
	{"'status':['completed','failed'],'after':'a','before':'h'", "b f", false},
	{"'metadata':{'team':'red'},'limit':2,'after':'b'", "c e", true},
	{"'model':'m1','limit':2,'before':'g'", "e f", true},
	{"'created_after':102,'after':'a'", "d e f g h", false},
	{"'created_after':102,'after':'e'", "f g h", false},
	{"'created_before':106,'before':'d'", "a b c", false},
	{"'thread_id':'t1','limit':2", "a c", true},
	{"'thread_id':'t1','assistant_id':'x','limit':2,'after':'c'", "d h", false},
	{"'status':'queued','after':'c'", "", false},
};

static void filters_leave_what_matches(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("# %s\n", rows[i].params);
		expect_list(expect_ok(wire_of(state), "runs.list", "{'order':'asc',%s}",
				    rows[i].params),
			rows[i].ids, rows[i].has_more);
	}
}

static void descending_is_the_same_turned_round(void **state)
{
	struct wire *w = wire_of(state);

	expect_list(expect_ok(w, "runs.list", "{'status':'completed'}"), "h f a", false);
	expect_list(expect_ok(w, "runs.list", "{'status':['queued','failed'],'after':'d'}"), "c b",
		false);
	expect_list(expect_ok(w, "runs.list", "{'status':'completed','limit':1,'before':'b'}"), "f",
		true);
	expect_list(
		expect_ok(w, "runs.list", "{'metadata':{'team':'red'},'limit':3}"), "h e c", true);
	expect_list(expect_ok(w, "runs.list", "{'created_before':104,'limit':2}"), "d c", true);
}

static void null_filters_are_none(void **state)
{
	expect_list(expect_ok(wire_of(state), "runs.list",
			    "{'thread_id':null,'status':null,'assistant_id':null,'model':null,"
			    "'created_after':null,'created_before':null,'metadata':null}"),
		"h g f e d c b a", false);
}

static void a_status_that_changed_is_found_under_the_new_one(void **state)
{
	struct wire *w = wire_of(state);
	static const char list[] = "{'thread_id':'t3','status':'%s'}";
	const char *id = run_new(w, "t3");

	expect_list(expect_ok(w, "runs.list", list, "queued"), id, false);
	run_move(w, id, "in_progress");
	expect_list(expect_ok(w, "runs.list", list, "queued"), "", false);
	expect_list(expect_ok(w, "runs.list", list, "in_progress"), id, false);
	expect_ok(w, "runs.update", "{'run_id':'%s','metadata':{'new':'1'}}", id);
	expect_list(expect_ok(w, "runs.list", "{'metadata':{'new':'1'}}"), id, false);
	expect_ok(w, "runs.delete", "{'run_id':'%s'}", id);
	expect_list(expect_ok(w, "runs.list", list, "in_progress"), "", false);
	expect_list(expect_ok(w, "runs.list", "{'metadata':{'new':'1'}}"), "", false);
}

static void bad_filters_are_refused(void **state)
{
	static const char *const bad[][3] = {{"'status':'done'", "invalid_params", "status*"},
		{"'status':['completed','done']", "invalid_params", "status*"},
		{"'status':1", "invalid_params", "status*"},
		{"'assistant_id':1", "invalid_params|invalid_id", "assistant_id"},
		{"'model':1", "invalid_params", "model"},
		{"'created_after':'1'", "invalid_params", "created_after"},
		{"'created_before':1.5", "invalid_params", "created_before"},
		{"'metadata':{'a':1}", "invalid_params", "metadata*"},
		{"'metadata':'a'", "invalid_params", "metadata"},
		{"'include':[]", "unknown_param", "include"}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		expect_error(wire_of(state), "runs.list", bad[i][1], bad[i][2], "{%s}", bad[i][0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_leave_what_matches),
		cmocka_unit_test(descending_is_the_same_turned_round),
		cmocka_unit_test(null_filters_are_none),
		cmocka_unit_test(a_status_that_changed_is_found_under_the_new_one),
		cmocka_unit_test(bad_filters_are_refused),
	};

	return cmocka_run_group_tests_name("list filters", tests, start, fixture_stop);
}
