#include "cmocka_all.h"

#include "codec.h"
#include "tests/gateway/listener.h"
#include "tests/gateway/saga.h"

#include <stdio.h>
#include <stdlib.h>

void saga_init(struct saga *s)
{
	*s = (struct saga){.changes = json_array(), .now = json_object()};
}

void saga_finish(struct saga *s)
{
	json_decref(s->changes);
	json_decref(s->now);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *parsed(const char *text)
{
	return codec_parse("%s", text);
}

/* Takes @object. */
static int64_t add(struct saga *s, const char *prefix, const char *event, const char *from,
	const char *to, json_t *object)
{
	json_t *change = json_object();
	char name[80];

	snprintf(name, sizeof(name), "%s%s", prefix, event);
	s->seq++;
	json_object_set_new(change, "seq", json_integer(s->seq));
	json_object_set_new(change, "at_ms", json_integer(1));
	json_object_set_new(change, "event", json_string(name));
	json_object_set_new(change, "thread_id", json_string("thread_1"));
	json_object_set_new(change, "run_id", json_string("run_1"));
	json_object_set_new(change, "step_id", json_null());
	json_object_set_new(change, "from", text_or_null(from));
	json_object_set_new(change, "to", text_or_null(to));
	json_object_set_new(change, "by", json_string("client"));
	if (to) {
		json_object_set_new(object, "status", json_string(to));
		json_object_set_new(object, "seq", json_integer(s->seq));
		json_object_set_new(change, "object", object);
	} else {
		json_decref(object);
		json_object_set_new(change, "object", json_null());
	}
	json_array_append_new(s->changes, change);
	return s->seq;
}

static json_t *last(struct saga *s)
{
	return json_array_get(s->changes, json_array_size(s->changes) - 1);
}

int64_t saga_run(struct saga *s, const char *event, const char *from, const char *to)
{
	return add(
		s, "thread.run.", event, from, to, parsed("{'id':'run_1','object':'thread.run'}"));
}

int64_t saga_step(struct saga *s, const char *id, const char *event, const char *from,
	const char *to, const char *details)
{
	json_t *step = parsed("{'object':'thread.run.step'}");

	json_object_set_new(step, "id", json_string(id));
	json_object_set_new(step, "step_details", parsed(details));
	add(s, "thread.run.step.", event, from, to, step);
	json_object_set_new(last(s), "step_id", json_string(id));
	return s->seq;
}

int64_t saga_message(struct saga *s, const char *id, const char *event, const char *from,
	const char *to, const char *content)
{
	json_t *message = parsed("{'object':'thread.message','completed_at':null}");

	json_object_set_new(message, "id", json_string(id));
	json_object_set_new(message, "content", parsed(content));
	if (to && strcmp(to, "completed") == 0) {
		json_object_set_new(message, "completed_at", json_integer(7));
	}
	add(s, "thread.message.", event, from, to, message);
	json_object_set_new(last(s), "message_id", json_string(id));
	return s->seq;
}

void saga_drop_object(struct saga *s)
{
	json_object_set_new(last(s), "object", json_null());
}

static const char calls[] =
	"{'type':'tool_calls','tool_calls':[{'id':'call_1','type':'function','function':"
	"{'name':'f','arguments':'{}','output':null}}]}";

int64_t saga_opens_calls(struct saga *s, const char *step)
{
	return saga_step(s, step, "created", NULL, "in_progress", calls);
}

int64_t saga_ends_calls(struct saga *s, const char *step)
{
	return saga_step(s, step, "completed", "in_progress", "completed", calls);
}

static int64_t speech(struct saga *s, const char *step, const char *message, const char *event,
	const char *from, const char *to)
{
	char details[256];

	snprintf(details, sizeof(details),
		"{'type':'message_creation','message_creation':{'message_id':'%s'}}", message);
	return saga_step(s, step, event, from, to, details);
}

int64_t saga_opens_speech(struct saga *s, const char *step, const char *message)
{
	return speech(s, step, message, "created", NULL, "in_progress");
}

int64_t saga_ends_speech(struct saga *s, const char *step, const char *message)
{
	return speech(s, step, message, "completed", "in_progress", "completed");
}

int64_t saga_says(struct saga *s, const char *message, const char *text)
{
	char content[256];

	snprintf(content, sizeof(content),
		"[{'type':'text','text':{'value':'%s','annotations':[]}}]", text);
	return saga_message(s, message, "delta", "in_progress", "in_progress", content);
}

int64_t saga_begins(struct saga *s)
{
	saga_run(s, "created", NULL, "queued");
	return saga_run(s, "in_progress", "queued", "in_progress");
}

static void pack(const json_t *value, msgpack_sbuffer *out)
{
	msgpack_packer packer;

	msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
	codec_pack(&packer, value);
}

static msgpack_sbuffer fetched;

static int fetch(void *context, enum subject subject, struct slice id, struct slice *object)
{
	struct saga *s = context;
	json_t *value = json_object_getn(s->now, (const char *)id.ptr, id.len);

	s->fetched++;
	if (s->trouble || !value) {
		return s->trouble ? s->trouble : RUNSTORE_E_NOT_FOUND;
	}
	msgpack_sbuffer_clear(&fetched);
	pack(value, &fetched);
	*object = slice_of(fetched.data, fetched.size);
	return 0;
}

struct compose_options saga_options(struct saga *s, const struct compose_options *options)
{
	struct compose_options all = options ? *options : (struct compose_options){0};

	all.fetch = fetch;
	all.context = s;
	return all;
}

/* A block of exactly its size, so that reading beyond it is seen. */
static void feed_one(struct compose *c, const json_t *change, struct buf *out)
{
	msgpack_sbuffer packed;
	void *block;

	msgpack_sbuffer_init(&packed);
	pack(change, &packed);
	block = malloc(packed.size);
	assert_non_null(block);
	memcpy(block, packed.data, packed.size);
	assert_int_equal(compose_change(c, slice_of(block, packed.size), out), 0);
	free(block);
	msgpack_sbuffer_destroy(&packed);
}

void saga_feed(struct saga *s, struct compose *c, size_t first, size_t end, struct buf *out)
{
	for (size_t i = first; i < end; i++) {
		feed_one(c, json_array_get(s->changes, i), out);
	}
	msgpack_sbuffer_destroy(&fetched);
	msgpack_sbuffer_init(&fetched);
}

char *saga_play(struct saga *s, const struct compose_options *options, bool *over)
{
	struct compose_options all = saga_options(s, options);
	struct compose *c = NULL;
	struct buf out = {0};

	assert_int_equal(compose_open(&c, &all), 0);
	saga_feed(s, c, 0, json_array_size(s->changes), &out);
	compose_pause(c, &out);
	if (over) {
		*over = compose_over(c);
	}
	compose_close(c);
	buf_append(&out, "", 1);
	assert_int_equal(buf_error(&out), 0);
	return (char *)out.ptr;
}

int saga_setup(void **state)
{
	*state = calloc(1, sizeof(struct saga));
	assert_non_null(*state);
	saga_init(*state);
	return 0;
}

int saga_teardown(void **state)
{
	saga_finish(*state);
	free(*state);
	return 0;
}

void saga_expect(
	struct saga *s, const struct compose_options *options, bool over, const char *words)
{
	bool is_over;
	char *text = saga_play(s, options, &is_over);
	char *told = listener_words(text);

	assert_string_equal(told, words);
	assert_int_equal(is_over, over);
	free(told);
	free(text);
}

void saga_expect_sense(struct saga *s, const struct compose_options *options)
{
	char *text = saga_play(s, options, NULL);
	struct listener l;

	listener_init(&l);
	listener_take(&l, text);
	assert_true(l.done);
	listener_finish(&l);
	free(text);
}
