/* Runs made of dice: whatever workers do at the same time, the SDK understands the stream of it. */
#include "cmocka_all.h"

#include "tests/gateway/listener.h"
#include "tests/gateway/saga.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PARTS = 24, SEEDS = 120 };

static const char words[] = "the quick brown fox jumps over the lazy dog and does it again";

/* A step or a message. */
struct part {
	char id[16];
	bool is_message;
	bool open;
	int message; /* of a step: its number; -1: it calls tools */
	int grown;   /* how far */
	char *last;  /* its content or details */
};

struct dice {
	unsigned int seed;
	struct saga saga;
	struct part parts[MAX_PARTS];
	int n;
	int messages; /* numbers given to messages */
	int64_t actions[4];
	int n_actions;
};

static int roll(struct dice *d, int n)
{
	return rand_r(&d->seed) % n;
}

static const char citation[] =
	"{'type':'file_citation','text':'quick','file_citation':{'file_id':'f'}}";

/* Content that any further stage of it continues. */
static char *content(const struct part *p)
{
	char *text;
	int first = p->grown < 20 ? p->grown : 20, second = p->grown - first;
	char more[200] = "";

	if (second) {
		snprintf(more, sizeof(more),
			",{'type':'text','text':{'value':'%.*s','annotations':[]}}", second, words);
	}
	if (!p->grown) {
		return strdup("[]");
	}
	assert_int_not_equal(asprintf(&text,
				     "[{'type':'text','text':{'value':'%.*s','annotations':[%s]}}"
				     "%s]",
				     first, words, second > 3 ? citation : "", more),
		-1);
	return text;
}

static char *details(const struct part *p)
{
	char *text, second[200] = "";

	if (p->message >= 0) {
		assert_int_not_equal(
			asprintf(&text,
				"{'type':'message_creation','message_creation':{'message_id':"
				"'msg_%d'}}",
				p->message),
			-1);
		return text;
	}
	if (p->grown > 6) {
		snprintf(second, sizeof(second),
			",{'id':'c2','type':'code_interpreter','code_interpreter':{'input':'%.*s',"
			"'outputs':[%s]}}",
			p->grown - 6, words, p->grown > 9 ? "{'type':'logs','logs':'l'}" : "");
	}
	assert_int_not_equal(
		asprintf(&text,
			"{'type':'tool_calls','tool_calls':[{'id':'c1','type':"
			"'function','function':{'name':'f','arguments':'%.*s','output':"
			"%s}}%s]}",
			p->grown, words, p->grown > 8 ? "'done'" : "null", second),
		-1);
	return text;
}

/* One more change of the part. */
static void change(
	struct dice *d, struct part *p, const char *event, const char *from, const char *to)
{
	free(p->last);
	p->last = p->is_message ? content(p) : details(p);
	(p->is_message ? saga_message : saga_step)(&d->saga, p->id, event, from, to, p->last);
	p->open = strcmp(to, "in_progress") == 0;
}

static struct part *part_new(struct dice *d, bool is_message, int message)
{
	struct part *p = &d->parts[d->n++];

	*p = (struct part){.is_message = is_message, .message = message};
	if (is_message) {
		snprintf(p->id, sizeof(p->id), "msg_%d", message);
	} else {
		snprintf(p->id, sizeof(p->id), "step_%d", d->n);
	}
	return p;
}

static void begin_one(struct dice *d)
{
	int which = roll(d, 4);
	struct part *p;

	if (d->n + 2 > MAX_PARTS) {
		return;
	}
	p = which < 2 ? part_new(d, true, d->messages++) : part_new(d, false, -1);
	if (which == 0) {
		/* The step before its message, or behind it. */
		struct part *step = part_new(d, false, p->message);
		bool first = roll(d, 2);

		if (first) {
			change(d, step, "created", NULL, "in_progress");
		}
		p->grown = roll(d, 4);
		change(d, p, "created", NULL, "in_progress");
		if (!first) {
			change(d, step, "created", NULL, "in_progress");
		}
	} else {
		bool whole = p->is_message && roll(d, 3) == 0;

		p->grown = roll(d, 5);
		change(d, p, "created", NULL, whole ? "completed" : "in_progress");
	}
}

static void move_one(struct dice *d)
{
	struct part *p = &d->parts[roll(d, d->n ? d->n : 1)];

	if (!d->n || !p->open) {
		return;
	}
	switch (roll(d, 5)) {
	case 0:
		p->grown += roll(d, 3);
		change(d, p, "completed", "in_progress", "completed");
		break;
	case 1:
		change(d, p, "updated", "in_progress", "in_progress");
		break;
	default:
		p->grown += 1 + roll(d, 4);
		change(d, p, "delta", "in_progress", "in_progress");
		break;
	}
}

static void act(struct dice *d)
{
	if (d->n_actions == 4) {
		return;
	}
	saga_run(&d->saga, "requires_action", "in_progress", "requires_action");
	d->actions[d->n_actions++] = d->saga.seq;
	move_one(d);
	saga_run(&d->saga, "queued", "requires_action", "queued");
	saga_run(&d->saga, "in_progress", "queued", "in_progress");
}

static void play(struct dice *d)
{
	saga_begins(&d->saga);
	for (int i = 0; i < 70; i++) {
		int what = roll(d, 20);

		if (what < 4) {
			begin_one(d);
		} else if (what < 19) {
			move_one(d);
		} else {
			act(d);
		}
	}
	for (int i = 0; i < d->n; i++) {
		if (d->parts[i].open) {
			change(d, &d->parts[i], "completed", "in_progress", "completed");
		}
	}
	saga_run(&d->saga, "completed", "in_progress", "completed");
}

static void check_parts(const struct dice *d, const struct listener *l)
{
	for (int i = 0; i < d->n; i++) {
		const struct part *p = &d->parts[i];

		if (!json_object_get(p->is_message ? l->messages : l->steps, p->id)) {
			fail_msg("%s was not told", p->id);
		}
	}
}

/* Each change is told in one piece, and once; those of one object in their order. */
static void check_order(const char *text)
{
	json_t *events = listener_parse(text), *event, *seen = json_object(), *last = json_object();
	json_int_t before = 0;
	size_t i;

	json_array_foreach(events, i, event)
	{
		json_int_t id = json_integer_value(json_object_get(event, "id"));
		const char *of =
			json_string_value(json_object_get(json_object_get(event, "data"), "id"));
		char key[24];

		snprintf(key, sizeof(key), "%" JSON_INTEGER_FORMAT, id);
		if (id && id != before) {
			assert_null(json_object_get(seen, key));
			assert_true(json_integer_value(json_object_get(last, of)) < id);
			json_object_set_new(last, of, json_integer(id));
			json_object_set_new(seen, key, json_true());
		}
		before = id;
	}
	json_decref(events);
	json_decref(seen);
	json_decref(last);
}

static void check_resume(struct dice *d, const struct compose_options *options, const char *whole)
{
	struct compose_options resumed = *options;

	for (int64_t id = 1; id <= d->saga.seq; id += 1 + roll(d, 9)) {
		const char *at = whole;
		char line[40], *rest;

		snprintf(line, sizeof(line), "id: %" PRId64 "\n", id);
		while (*at && strncmp(at, line, strlen(line)) != 0) {
			at = strstr(at, "\n\n") + 2;
		}
		while (*at && strncmp(at, line, strlen(line)) == 0) {
			at = strstr(at, "\n\n") + 2;
		}
		resumed.resume_seq = id;
		rest = saga_play(&d->saga, &resumed, NULL);
		assert_string_equal(rest, at);
		free(rest);
	}
}

static void check_stream(struct dice *d, const struct compose_options *options, bool all)
{
	char *text = saga_play(&d->saga, options, NULL);
	struct listener l;

	listener_init(&l);
	listener_take(&l, text);
	assert_true(l.done);
	if (all) {
		check_parts(d, &l);
	}
	check_order(text);
	check_resume(d, options, text);
	listener_finish(&l);
	free(text);
}

/* The ids of the events of a stream into @all, each with the name of its last event. */
static void collect(struct dice *d, const struct compose_options *options, json_t *all)
{
	char *text = saga_play(&d->saga, options, NULL);
	json_t *events = listener_parse(text), *event, *own = json_object();
	const char *key;
	json_t *name;
	size_t i;

	json_array_foreach(events, i, event)
	{
		char id[24];

		snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT,
			json_integer_value(json_object_get(event, "id")));
		json_object_set(own, id, json_object_get(event, "event"));
	}
	json_object_del(own, "0");
	json_object_foreach(own, key, name)
	{
		if (json_object_get(all, key)) {
			fail_msg("%s is told twice", key);
		}
	}
	json_object_update(all, own);
	json_decref(own);
	json_decref(events);
	free(text);
}

/* What a stream to each requires_action and on from there tell is no less than one stream tells. */
static void check_whole(struct dice *d)
{
	json_t *parts = json_object(), *whole = json_object(), *name;
	const char *id;

	collect(d, &(struct compose_options){.through_actions = true}, whole);
	collect(d, &(struct compose_options){0}, parts);
	for (int i = 0; i < d->n_actions; i++) {
		collect(d, &(struct compose_options){.begin_seq = d->actions[i]}, parts);
	}
	json_object_foreach(whole, id, name)
	{
		if (!json_object_get(parts, id) && !strstr(json_string_value(name), ".delta")) {
			fail_msg("%s is not told", id);
		}
	}
	json_decref(parts);
	json_decref(whole);
}

static unsigned int seed; /* 0 when all went well */

static int tell_seed(void **state)
{
	if (seed) {
		print_message("# seed %u\n", seed);
	}
	return 0;
}

static void every_run_makes_sense(void **state)
{
	for (seed = 1; seed <= SEEDS; seed++) {
		struct dice d = {.seed = seed};

		saga_init(&d.saga);
		play(&d);
		check_stream(&d, &(struct compose_options){.through_actions = true}, true);
		for (int i = 0; i < d.n_actions; i++) {
			check_stream(
				&d, &(struct compose_options){.begin_seq = d.actions[i]}, false);
		}
		check_stream(&d, &(struct compose_options){0}, !d.n_actions);
		check_whole(&d);
		for (int i = 0; i < d.n; i++) {
			free(d.parts[i].last);
		}
		saga_finish(&d.saga);
	}
	seed = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_run_makes_sense, tell_seed),
	};

	return cmocka_run_group_tests_name("compose_random", tests, NULL, NULL);
}
