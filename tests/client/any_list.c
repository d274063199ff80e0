/* Lists of any method, as values. */
#include "cmocka_all.h"

#include "tests/client/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void call(struct store *s, const char *method, const char *params)
{
	char *result = NULL;

	OK(s, runstore_call_json(s->rs, method, params, &result, &s->error));
	free(result);
}

/* Messages msg_PREFIX_0 to n - 1 in a thread. */
static void make_messages(struct store *s, const char *thread, const char *prefix, int n)
{
	struct runstore_batch *batch = NULL;
	char params[256];

	OK(s, runstore_batch_open(&batch, &s->error));
	for (int i = 0; i < n; i++) {
		snprintf(params, sizeof(params),
			"{\"thread_id\":\"%s\",\"id\":\"msg_%s_%d\",\"role\":\"user\","
			"\"content\":\"text %d\"}",
			thread, prefix, i, i);
		OK(s, runstore_batch_add_json(batch, "messages.create", params, &s->error));
	}
	OK(s, runstore_batch_run(s->rs, batch, true, &s->error));
	runstore_batch_close(batch);
}

static struct runstore_list *open_list(
	struct store *s, const char *method, const char *params, const struct runstore_page *page)
{
	struct runstore_list *list = NULL;

	OK(s, runstore_list_open(s->rs, method, params, page, &list, &s->error));
	return list;
}

/* The next object is @id; NULL: there is none. */
static void expect_next(struct store *s, struct runstore_list *list, const char *id)
{
	struct runstore_value object = {"", 1};
	char *text;

	OK(s, runstore_list_next(list, &object, &s->error));
	if (!id) {
		assert_null(object.data);
		assert_int_equal(object.size, 0);
		return;
	}
	text = runstore_value_string(runstore_value_member(object, "id"));
	assert_non_null(text);
	assert_string_equal(text, id);
	free(text);
}

/* msg_PREFIX_FIRST and so on, by @by, and then none. */
static void expect_messages(
	struct store *s, struct runstore_list *list, const char *prefix, int first, int n, int by)
{
	char id[64];

	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "msg_%s_%d", prefix, first + i * by);
		expect_next(s, list, id);
	}
	expect_next(s, list, NULL);
	expect_next(s, list, NULL);
	runstore_list_close(list);
}

static void messages_come_in_order_over_all_pages(void **state)
{
	static const char thread[] = "{\"thread_id\":\"t_pages\"}";
	struct store *s = *state;

	make_messages(s, "t_pages", "p", 230);
	expect_messages(s, open_list(s, "messages.list", thread, NULL), "p", 229, 230, -1);
	expect_messages(s,
		open_list(s, "messages.list", thread,
			&(struct runstore_page){.order = RUNSTORE_ORDER_ASC, .page_size = 7}),
		"p", 0, 230, 1);
	expect_messages(s,
		open_list(s, "messages.list", thread,
			&(struct runstore_page){.order = RUNSTORE_ORDER_ASC,
				.after = "msg_p_9",
				.page_size = 7,
				.max = 20}),
		"p", 10, 20, 1);
}

static void filters_are_the_methods_parameters(void **state)
{
	struct store *s = *state;
	struct runstore_run *run = store_working_run(s, "t_filter");
	struct runstore_list *list;
	char params[200];

	make_messages(s, "t_filter", "f", 2);
	snprintf(params, sizeof(params),
		"{\"thread_id\":\"t_filter\",\"run_id\":\"%s\",\"role\":\"assistant\","
		"\"content\":\"x\",\"id\":\"msg_made\"}",
		run->id);
	call(s, "messages.create", params);
	snprintf(params, sizeof(params), "{\"run_id\":\"%s\",\"thread_id\":\"t_filter\"}", run->id);
	list = open_list(s, "messages.list", params, NULL);
	expect_next(s, list, "msg_made");
	expect_next(s, list, NULL);
	runstore_list_close(list);
	runstore_run_free(run);
}

static void what_has_no_parameters_is_listed_too(void **state)
{
	static const struct runstore_page asc = {.order = RUNSTORE_ORDER_ASC, .page_size = 1};
	struct store *s = *state;
	struct runstore_list *list;

	call(s, "assistants.create", "{\"model\":\"m\",\"id\":\"asst_a\"}");
	call(s, "assistants.create", "{\"model\":\"m\",\"id\":\"asst_b\"}");
	list = open_list(s, "assistants.list", NULL, &asc);
	expect_next(s, list, "asst_a");
	expect_next(s, list, "asst_b");
	expect_next(s, list, NULL);
	runstore_list_close(list);
	list = open_list(s, "assistants.list", "{}", NULL);
	expect_next(s, list, "asst_b");
	runstore_list_close(list);
	runstore_list_close(NULL);
}

static void what_is_given_to_open_need_not_live_on(void **state)
{
	struct store *s = *state;
	struct runstore_list *list;
	char method[] = "messages.list", params[] = "{\"thread_id\":\"t_copy\"}";
	char after[] = "msg_c_2";

	make_messages(s, "t_copy", "c", 3);
	list = open_list(s, method, params, &(struct runstore_page){.after = after});
	memset(method, 'x', sizeof(method) - 1);
	memset(params, 'x', sizeof(params) - 1);
	memset(after, 'x', sizeof(after) - 1);
	expect_messages(s, list, "c", 1, 2, -1);
}

static void a_message_that_is_deleted_meanwhile_does_not_end_the_list(void **state)
{
	struct store *s = *state;
	struct runstore_list *list;
	char id[64];

	make_messages(s, "t_gone", "g", 6);
	list = open_list(s, "messages.list", "{\"thread_id\":\"t_gone\"}",
		&(struct runstore_page){.order = RUNSTORE_ORDER_ASC, .page_size = 3});
	for (int i = 0; i < 6; i++) {
		snprintf(id, sizeof(id), "msg_g_%d", i);
		expect_next(s, list, id);
		if (i == 2) {
			call(s, "messages.delete", "{\"message_id\":\"msg_g_2\"}");
		}
	}
	expect_next(s, list, NULL);
	runstore_list_close(list);
}

static void expect_refusal(struct store *s, const char *params, int code, const char *param)
{
	struct runstore_list *list = NULL;

	assert_int_equal(
		runstore_list_open(s->rs, "messages.list", params, NULL, &list, &s->error), code);
	assert_null(list);
	assert_string_equal(s->error.param, param);
}

static void parameters_that_cannot_be_are_refused_at_once(void **state)
{
	struct store *s = *state;
	struct runstore_list *list = NULL;

	expect_refusal(s, "{\"thread_id\":\"t\",\"limit\":5}", RUNSTORE_E_INVALID_PARAMS, "limit");
	expect_refusal(s, "{\"order\":\"asc\"}", RUNSTORE_E_INVALID_PARAMS, "order");
	expect_refusal(s, "{\"after\":\"x\"}", RUNSTORE_E_INVALID_PARAMS, "after");
	expect_refusal(s, "{\"before\":\"x\"}", RUNSTORE_E_INVALID_PARAMS, "before");
	expect_refusal(s, "[]", RUNSTORE_E_INVALID_PARAMS, "");
	expect_refusal(s, "{\"thread_id\":", RUNSTORE_E_INVALID_PARAMS, "");
	assert_int_equal(runstore_list_open(s->rs, "messages.list", NULL,
				 &(struct runstore_page){.page_size = 101}, &list, &s->error),
		RUNSTORE_E_INVALID_PARAMS);
	assert_null(list);
}

static void what_the_daemon_refuses_comes_from_next(void **state)
{
	static const struct {
		const char *method, *params;
		int code;
	} cases[] = {
		{"messages.list", "{\"thread_id\":\"t_none\"}", RUNSTORE_E_NOT_FOUND},
		{"messages.list", NULL, RUNSTORE_E_MISSING_PARAM},
		{"assistants.list", "{\"model\":\"m\"}", RUNSTORE_E_UNKNOWN_PARAM},
		{"no.list", NULL, RUNSTORE_E_UNKNOWN_METHOD},
		{"changes.list", NULL, RUNSTORE_E_INVALID_FRAME},
	};
	struct store *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct runstore_list *list = open_list(s, cases[i].method, cases[i].params, NULL);
		struct runstore_value object = {"kept", 4};

		assert_int_equal(runstore_list_next(list, &object, &s->error), cases[i].code);
		assert_string_equal(object.data, "kept");
		runstore_list_close(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_in_order_over_all_pages),
		cmocka_unit_test(filters_are_the_methods_parameters),
		cmocka_unit_test(what_has_no_parameters_is_listed_too),
		cmocka_unit_test(what_is_given_to_open_need_not_live_on),
		cmocka_unit_test(a_message_that_is_deleted_meanwhile_does_not_end_the_list),
		cmocka_unit_test(parameters_that_cannot_be_are_refused_at_once),
		cmocka_unit_test(what_the_daemon_refuses_comes_from_next),
	};

	return cmocka_run_group_tests(tests, store_start, store_stop);
}
