/* Random requests, each answered as the model answers it, and at the end the same store. */
#include "cmocka_all.h"

#include "agree.h"
#include "fixture.h"
#include "objects.h"
#include "rules.h"
#include "script.h"

#include "daemon/store/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_MESSAGES = 1500, LOOK_AT_ALL_EVERY = 100 };

struct trial {
	struct wire *wire;
	struct model model;
	struct script script;
	struct moment moment; /* in which the last message was answered */
	unsigned int message;
	unsigned int refused;
	unsigned int requests;
};

/* To stderr by itself: cmocka cuts its own messages. */
static void print_value(const char *name, const json_t *value)
{
	char *dump = json_dumps(value, JSON_ENCODE_ANY);

	fprintf(stderr, "  %s %s\n", name, dump ? dump : "(nothing)");
	free(dump);
}

__attribute__((noreturn)) static void complain(const struct trial *t, const char *what,
	const json_t *message, const json_t *want, const json_t *got)
{
	fprintf(stderr, "message %u: %s\n", t->message, what);
	print_value("sent", message);
	print_value("expected", want);
	print_value("got", got);
	fail_msg("message %u: %s", t->message, what);
	abort();
}

/* The issued id @mark turns out to be @id. */
static void rename_all(struct model *model, const char *mark, const char *id)
{
	json_t *object, *lists[] = {model->runs, model->steps};
	const char *key;
	size_t i;

	if (json_object_get(model->waiting, mark)) {
		json_object_del(model->waiting, mark);
		json_object_set_new(model->waiting, id, json_true());
	}
	for (int list = 0; list < 2; list++) {
		json_array_foreach(lists[list], i, object)
		{
			if (!strcmp(get_text(object, "id"), mark)) {
				put_text(object, "id", id);
			}
			if (list && !strcmp(get_text(object, "run_id"), mark)) {
				put_text(object, "run_id", id);
			}
		}
	}
	json_object_foreach(model->keys, key, object)
	{
		json_t *result = json_object_get(object, "result");
		const char *was = get_text(result, "id");

		if (was && !strcmp(was, mark)) {
			put_text(result, "id", id);
		}
	}
}

static void expect_answer(
	struct trial *t, const json_t *message, const json_t *want, const json_t *got)
{
	const json_t *error = json_array_get(want, 0), *result = json_array_get(want, 1);
	const char *mark = json_is_object(result) ? get_text(result, "id") : NULL;

	t->requests++;
	if (!json_is_null(error)) {
		t->refused++;
		if (!agree_error(error, json_array_get(got, 0))) {
			complain(t, "another refusal", message, want, got);
		}
		return;
	}
	if (!json_is_null(json_array_get(got, 0)) ||
		!agree(&t->moment, result, json_array_get(got, 1))) {
		complain(t, "another result", message, want, got);
	}
	if (mark && !strncmp(mark, "@id:", 4)) {
		rename_all(&t->model, mark, text(got, "[1].id"));
	}
}

static void expect_batch(
	struct trial *t, const json_t *message, const json_t *want, const json_t *got)
{
	const json_t *requests = field(message, "[1].requests");
	const json_t *wanted = json_array_get(want, 1);
	const json_t *results = field(got, "[1].results");

	if (!json_is_null(json_array_get(want, 0))) {
		expect_answer(t, message, want, got);
		return;
	}
	if (json_array_size(results) != json_array_size(requests)) {
		complain(t, "another number of results", message, want, got);
	}
	for (size_t i = 0; i < json_array_size(requests); i++) {
		expect_answer(t, json_array_get(requests, i), json_array_get(wanted, i),
			json_array_get(results, i));
	}
}

/* Take over what only the daemon could know, where the rest agrees. */
static void adopt(struct trial *t, const char *what, json_t *object, const json_t *stored)
{
	char mark[64];

	if (!agree(&t->moment, object, stored)) {
		complain(t, what, NULL, object, stored);
	}
	snprintf(mark, sizeof(mark), "%s", get_text(object, "id"));
	if (*mark == '@') {
		rename_all(&t->model, mark, text(stored, "id"));
	}
	json_object_update(object, (json_t *)stored);
}

/* The order of lists: by created_at, and of one second as they were inserted. */
static void sort(json_t *objects)
{
	for (size_t i = 1; i < json_array_size(objects); i++) {
		json_t *object = json_incref(json_array_get(objects, i));
		size_t at = i;

		while (at &&
			model_created(json_array_get(objects, at - 1)) > model_created(object)) {
			at--;
		}
		json_array_remove(objects, i);
		json_array_insert_new(objects, at, object);
	}
}

static void look_at_run(struct trial *t, json_t *run)
{
	const char *id = get_text(run, "id");
	json_t *steps = model_steps_of(&t->model, id), *data;

	adopt(t, "another run is stored", run, run_get(t->wire, id));
	data = field(expect_ok(t->wire, "steps.list", "{'run_id':'%s','limit':100,'order':'asc'}",
			     get_text(run, "id")),
		"data");
	sort(steps);
	if (json_array_size(data) != json_array_size(steps)) {
		complain(t, "another number of steps is stored", NULL, steps, data);
	}
	for (size_t i = 0; i < json_array_size(steps); i++) {
		adopt(t, "another step is stored", json_array_get(steps, i),
			json_array_get(data, i));
	}
	json_decref(steps);
}

static bool is_marked(const json_t *object)
{
	const char *name, *mark;
	json_t *member;

	json_object_foreach((json_t *)object, name, member)
	{
		mark = json_string_value(member);
		if (mark && *mark == '@') {
			return true;
		}
	}
	return false;
}

/* Is there anything of the run that the model does not know yet? */
static bool is_open(const struct trial *t, const json_t *run)
{
	json_t *steps = model_steps_of(&t->model, get_text(run, "id"));
	bool open = is_marked(run);

	for (size_t i = 0; i < json_array_size(steps); i++) {
		open = open || is_marked(json_array_get(steps, i));
	}
	json_decref(steps);
	return open;
}

static void look(struct trial *t, bool at_all)
{
	json_t *run;
	size_t i;

	json_array_foreach(t->model.runs, i, run)
	{
		if (at_all || is_open(t, run)) {
			look_at_run(t, run);
		}
	}
}

/* The lists of all runs and all threads, too, are as the model has them. */
static void look_at_lists(struct trial *t)
{
	json_t *runs = json_copy(t->model.runs), *list = NULL, *data;
	size_t n = 0;

	sort(runs);
	do {
		list = n ? expect_ok(t->wire, "runs.list",
				   "{'order':'asc','limit':100,'after':'%s'}",
				   text(list, "last_id"))
			 : expect_ok(t->wire, "runs.list", "{'order':'asc','limit':100}");
		data = field(list, "data");
		for (size_t i = 0; i < json_array_size(data); i++) {
			if (!same(json_array_get(runs, n), json_array_get(data, i))) {
				complain(t, "another run is listed", NULL, json_array_get(runs, n),
					json_array_get(data, i));
			}
			n++;
		}
	} while (json_is_true(field(list, "has_more")));
	assert_int_equal(n, json_array_size(runs));
	json_decref(runs);
	data = field(expect_ok(t->wire, "threads.list", "{'limit':100}"), "data");
	assert_int_equal(json_array_size(data), json_array_size(t->model.threads));
	data = expect_ok(t->wire, "server.stats", NULL);
	assert_int_equal(number(data, "runs"), json_array_size(t->model.runs));
	assert_int_equal(number(data, "steps"), json_array_size(t->model.steps));
}

static json_t *ask_model(struct trial *t, const json_t *message)
{
	const char *method = json_string_value(json_array_get(message, 0));
	const json_t *params = json_array_get(message, 1);

	return !strcmp(method, "batch")
		       ? model_batch(&t->model, params)
		       : model_call(&t->model, get_text(params, "idempotency_key"), method, params);
}

static void play_message(struct trial *t)
{
	json_t *message = script_next(&t->script);
	const char *method = json_string_value(json_array_get(message, 0));
	json_t *want = ask_model(t, message), *reply, *got;

	t->moment.began = time(NULL);
	reply = wire_call_take(t->wire, method, json_incref(json_array_get(message, 1)));
	t->moment.ended = time(NULL) + 1;
	got = json_pack("[OO]", json_object_get(reply, "error"), json_object_get(reply, "result"));
	(!strcmp(method, "batch") ? expect_batch : expect_answer)(t, message, want, got);
	look(t, false);
	json_decref(message);
	json_decref(want);
	json_decref(got);
}

static void print_problem(void *context, const char *what)
{
	print_error("store: %s\n", what);
}

/* The daemon has ended: the store finds itself in order. */
static void check_closed(const struct trial *t, const char *data_dir)
{
	const struct store_options options = {.dir = data_dir, .map_size_bytes = 1 << 30};
	struct check check = {.problem = print_problem};
	struct store *store;
	struct kv_txn *kv;
	struct txn txn;
	char why[256];

	assert_int_equal(store_open(&store, &options, why), 0);
	assert_int_equal(kv_read_open(store_kv(store), &kv), 0);
	assert_int_equal(kv_read_begin(kv), 0);
	txn_init_read(&txn, store, kv, 0);
	check_store(&txn, &check);
	kv_read_end(kv);
	kv_read_close(kv);
	store_close(store);
	assert_int_equal(check.n_problems, 0);
	assert_int_equal(check.runs, json_array_size(t->model.runs));
	assert_int_equal(check.steps, json_array_size(t->model.steps));
	assert_int_equal(check.threads, json_array_size(t->model.threads));
}

static void requests_do_what_the_contract_says(void **state)
{
	struct fixture *fixture = *state;
	struct trial t = {.wire = &fixture->wire};

	model_init(&t.model);
	t.script.model = &t.model;
	dice_init(&t.script.dice, dice_seed(), 200);
	for (t.message = 0; t.message < N_MESSAGES; t.message++) {
		play_message(&t);
		if (t.message % LOOK_AT_ALL_EVERY == 0) {
			look(&t, true);
			look_at_lists(&t);
		}
		json_array_clear(t.wire->kept);
	}
	look(&t, true);
	look_at_lists(&t);
	fixture_halt(fixture);
	check_closed(&t, fixture->daemon.data);
	printf("# %u requests in %u messages, %u refused; %zu runs and %zu steps at the end\n",
		t.requests, t.message, t.refused, json_array_size(t.model.runs),
		json_array_size(t.model.steps));
	script_finish(&t.script);
	model_finish(&t.model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			requests_do_what_the_contract_says, fixture_start, fixture_stop),
	};

	dice_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
