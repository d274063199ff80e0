/* batch, plain and atomic. */
#include "cmocka_all.h"

#include "fixture.h"
#include "objects.h"

#define CREATE(id, thread)                                                                         \
	"['runs.create',{'thread_id':'" thread "','assistant_id':'a','id':'" id "'}]"
#define KEYED                                                                                      \
	"['runs.create',{'thread_id':'t_in','assistant_id':'a','id':'in','idempotency_key':'k'}]"
#define GET(id) "['runs.get',{'run_id':'" id "'}]"
#define MOVE(id, status) "['runs.update',{'run_id':'" id "','status':'" status "'}]"

static json_t *plain(struct wire *w, const char *requests)
{
	return expect_ok(w, "batch", "{'requests':[%s]}", requests);
}

/* The results array's entry @i: its error is null, or has @code. */
static void expect_entry(const json_t *reply, int i, const char *code)
{
	const json_t *entry = json_array_get(field(reply, "results"), (size_t)i);

	assert_int_equal(json_array_size(entry), 2);
	if (code) {
		check_error("a request of the batch", json_array_get(entry, 0), code, NULL);
		assert_true(json_is_null(json_array_get(entry, 1)));
	} else {
		assert_true(json_is_null(json_array_get(entry, 0)));
		assert_false(json_is_null(json_array_get(entry, 1)));
	}
}

static void expect_no_run(struct wire *w, const char *id)
{
	expect_error(w, "runs.get", "not_found", NULL, "{'run_id':'%s'}", id);
}

static void each_request_sees_those_before_it(void **state)
{
	struct wire *w = wire_of(state);
	json_t *reply = plain(w, CREATE("b1", "t1") "," MOVE("b1",
					 "in_progress") ",['steps.create',{'run_id':'b1',"
							"'id':'b1s','type':'message_creation','"
							"step_details':{'type':'message_creation',"
							"'message_creation':{'message_id':'m'}}}],["
							"'steps.list',{'run_id':'b1'}]," GET("b1"));

	assert_int_equal(json_array_size(field(reply, "results")), 5);
	for (int i = 0; i < 5; i++) {
		expect_entry(reply, i, NULL);
	}
	expect_list(field(reply, "results[3][1]"), "b1s", false);
	expect_fields(
		reply, "{'results[0][1].status':'queued','results[4][1].status':'in_progress'}");
	expect_same(field(reply, "results[4][1]"), run_get(w, "b1"));
}

static void a_plain_batch_applies_what_can_be(void **state)
{
	struct wire *w = wire_of(state);
	json_t *reply = plain(w, CREATE("p1", "t_p") "," CREATE("p2", "t_p") "," GET(
					 "none") "," MOVE("p1", "in_progress"));

	expect_entry(reply, 0, NULL);
	expect_entry(reply, 1, "run_active");
	expect_entry(reply, 2, "not_found");
	expect_entry(reply, 3, NULL);
	expect_fields(run_get(w, "p1"), "{'status':'in_progress'}");
	expect_no_run(w, "p2");
}

static void reads_alone_make_a_batch(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t_reads");
	json_t *reply = expect_ok(w, "batch",
		"{'requests':[['runs.get',{'run_id':'%s'}],['runs.list',{'thread_id':'t_reads'}],"
		"['threads.list',{}],['server.info',{}]]}",
		id);

	for (int i = 0; i < 4; i++) {
		expect_entry(reply, i, NULL);
	}
	expect_same(field(reply, "results[0][1]"), run_get(w, id));
}

static void an_atomic_batch_applies_all(void **state)
{
	struct wire *w = wire_of(state);
	json_t *reply = expect_ok(w, "batch",
		"{'atomic':true,'requests':[" CREATE("a1", "t_a1") "," CREATE("a2", "t_a2") "]}");

	expect_entry(reply, 0, NULL);
	expect_entry(reply, 1, NULL);
	expect_fields(run_get(w, "a2"), "{'status':'queued'}");
}

static void an_atomic_batch_with_one_failure_applies_nothing(void **state)
{
	struct wire *w = wire_of(state);
	const char *id = run_new(w, "t_all");

	expect_error(w, "batch", "run_active", "requests[3]*",
		"{'atomic':true,'requests':[['runs.update',{'run_id':'%s','status':'in_progress'}],"
		"['runs.delete',{'run_id':'%s'}]," CREATE("n1", "t_n") "," CREATE("n2", "t_n") "]}",
		id, id);
	expect_fields(run_get(w, id), "{'status':'queued'}");
	expect_no_run(w, "n1");
	expect_error(w, "runs.list", "not_found", NULL, "{'thread_id':'t_n'}");
}

static void the_path_of_a_bad_param_begins_with_its_request(void **state)
{
	expect_error(wire_of(state), "batch", "invalid_params", "requests[1].temperature",
		"{'atomic':true,'requests':[" CREATE(
			"q1", "t_q") ",['runs.create',"
				     "{'thread_id':'t_q2','assistant_id':'a','temperature':9}]]}");
	expect_error(wire_of(state), "batch", "missing_param", "requests[0].run_id",
		"{'atomic':true,'requests':[['runs.get',{}]]}");
	expect_error(wire_of(state), "batch", "unknown_method", "requests[0]*",
		"{'atomic':true,'requests':[['runs.fly',{}]]}");
	expect_no_run(wire_of(state), "q1");
}

/* Refused as a whole or in its place: the contract leaves that open, but not that it is. */
static void expect_refused_inside(struct wire *w, const char *atomic, const char *request)
{
	json_t *reply = wire_call(w, "batch", "{'atomic':%s,'requests':[%s]}", atomic, request);
	json_t *error = field(reply, "error");

	if (json_is_null(error)) {
		error = field(reply, "result.results[0][0]");
	}
	check_error(request, error, "invalid_params|unknown_param|unknown_method", NULL);
}

static void what_may_not_be_inside_is_refused(void **state)
{
	static const char *const requests[] = {"['batch',{'requests':[]}]",
		"['batch',{'requests':[" CREATE("in", "t_in") "]}]", KEYED,
		"['store.backup',{'path':'/nowhere/at/all'}]", "['runs.fly',{}]"};
	struct wire *w = wire_of(state);

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		expect_refused_inside(w, "false", requests[i]);
		expect_refused_inside(w, "true", requests[i]);
	}
	expect_no_run(w, "in");
}

static void malformed_requests_are_refused(void **state)
{
	static const char *const rows[][2] = {{"5", "requests*"}, {"{}", "requests*"},
		{"[5]", "requests[0]*"}, {"[[]]", "requests[0]*"},
		{"[['runs.get']]", "requests[0]*"},
		{"[['runs.get',{'run_id':'r'},1]]", "requests[0]*"}, {"[[1,{}]]", "requests[0]*"},
		{"[['runs.get',5]]", "requests[0]*"}, {"[" GET("r") ",null]", "requests[1]*"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_error(wire_of(state), "batch", "invalid_params|missing_param|invalid_frame",
			rows[i][1], "{'atomic':true,'requests':%s}", rows[i][0]);
	}
	expect_error(wire_of(state), "batch", "invalid_params", "atomic",
		"{'atomic':'yes','requests':[]}");
}

static json_t *creates(int n)
{
	json_t *requests = json_array();

	for (int i = 0; i < n; i++) {
		json_array_append_new(requests,
			codec_parse("['runs.create',{'thread_id':'t_%d','assistant_id':'a','id':"
				    "'k_%d'}]",
				i, i));
	}
	return json_pack("{so}", "requests", requests);
}

static void a_thousand_requests_go_in_one_batch_and_no_more(void **state)
{
	struct wire *w = wire_of(state);
	json_t *reply;

	expect_error_take(w, "batch", "invalid_params|too_large", NULL, creates(1001));
	expect_no_run(w, "k_0");
	reply = expect_ok_take(w, "batch", creates(1000));
	assert_int_equal(json_array_size(field(reply, "results")), 1000);
	expect_entry(reply, 999, NULL);
	expect_fields(run_get(w, "k_999"), "{'status':'queued'}");
}

static void an_atomic_import_inside_is_undone_too(void **state)
{
	struct wire *w = wire_of(state);
	json_t *run = run_object("{'id':'undone','thread_id':'t_undone'}");

	expect_error_take(w, "batch", "not_found", "requests[1]*",
		json_pack("{sbs[[s{s[o]}][s{ss}]]}", "atomic", 1, "requests", "objects.import",
			"objects", run, "runs.get", "run_id", "none"));
	expect_no_run(w, "undone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_sees_those_before_it),
		cmocka_unit_test(a_plain_batch_applies_what_can_be),
		cmocka_unit_test(reads_alone_make_a_batch),
		cmocka_unit_test(an_atomic_batch_applies_all),
		cmocka_unit_test(an_atomic_batch_with_one_failure_applies_nothing),
		cmocka_unit_test(the_path_of_a_bad_param_begins_with_its_request),
		cmocka_unit_test(what_may_not_be_inside_is_refused),
		cmocka_unit_test(malformed_requests_are_refused),
		cmocka_unit_test(a_thousand_requests_go_in_one_batch_and_no_more),
		cmocka_unit_test(an_atomic_import_inside_is_undone_too),
	};

	return cmocka_run_group_tests_name("batch", tests, fixture_start, fixture_stop);
}
