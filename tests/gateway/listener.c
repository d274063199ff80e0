#include "cmocka_all.h"

#include "tests/gateway/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(const json_t *value)
{
	return json_is_string(value) || json_is_number(value);
}

static bool all_plain(const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (!is_plain(json_array_get(array, i))) {
			return false;
		}
	}
	return true;
}

static void accumulate_array(json_t *sum, const json_t *delta)
{
	if (all_plain(sum)) {
		for (size_t i = 0; i < json_array_size(delta); i++) {
			json_array_append_new(sum, json_deep_copy(json_array_get(delta, i)));
		}
		return;
	}
	for (size_t i = 0; i < json_array_size(delta); i++) {
		json_t *item = json_array_get(delta, i), *index = json_object_get(item, "index");
		size_t at = (size_t)json_integer_value(index);

		if (!json_is_object(item) || !json_is_integer(index)) {
			fail_msg("the SDK would throw: an item without an index");
		}
		if (at < json_array_size(sum)) {
			listener_accumulate(json_array_get(sum, at), item);
		} else {
			assert_int_equal(at, json_array_size(sum));
			json_array_append_new(sum, json_deep_copy(item));
		}
	}
}

static void accumulate_text(json_t *sum, const char *key, json_t *old, const json_t *delta)
{
	size_t size = json_string_length(old) + json_string_length(delta);
	char *text = malloc(size + 1);

	assert_non_null(text);
	snprintf(text, size + 1, "%s%s", json_string_value(old), json_string_value(delta));
	json_object_set_new(sum, key, json_string(text));
	free(text);
}

json_t *listener_accumulate(json_t *sum, const json_t *delta)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)delta, key, value)
	{
		json_t *old = json_object_get(sum, key);

		if (!old || json_is_null(old) || !strcmp(key, "index") || !strcmp(key, "type")) {
			json_object_set_new(sum, key, json_deep_copy(value));
		} else if (json_is_string(old) && json_is_string(value)) {
			accumulate_text(sum, key, old, value);
		} else if (json_is_object(old) && json_is_object(value)) {
			listener_accumulate(old, value);
		} else if (json_is_array(old) && json_is_array(value)) {
			accumulate_array(old, value);
		} else {
			fail_msg("the SDK would throw, or add numbers: %s", key);
		}
	}
	return sum;
}

void listener_strip_index(json_t *value)
{
	const char *key;
	json_t *member;

	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			json_object_del(json_array_get(value, i), "index");
			listener_strip_index(json_array_get(value, i));
		}
	}
	json_object_foreach(value, key, member)
	{
		listener_strip_index(member);
	}
}

/* One block of lines up to an empty one. */
static json_t *parse_event(char *block)
{
	json_t *event = json_object();
	json_error_t error;

	for (char *save = NULL, *line = strtok_r(block, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "id: ", 4)) {
			json_object_set_new(event, "id", json_integer(atoll(line + 4)));
		} else if (!strncmp(line, "event: ", 7)) {
			json_object_set_new(event, "event", json_string(line + 7));
		} else if (!strncmp(line, "data: ", 6)) {
			json_t *data = strcmp(line + 6, "[DONE]") == 0
					       ? json_string("[DONE]")
					       : json_loads(line + 6, 0, &error);

			if (!data) {
				fail_msg("no JSON: %s", line);
			}
			assert_int_equal(json_object_set_new(event, "data", data), 0);
		} else if (*line != ':') {
			fail_msg("no line of an event: %s", line);
		}
	}
	return event;
}

json_t *listener_parse(const char *text)
{
	json_t *events = json_array();
	const char *end;

	while (*text) {
		char *block;
		json_t *event;

		end = strstr(text, "\n\n");
		if (!end) {
			fail_msg("an event without an end: %s", text);
		}
		block = strndup(text, (size_t)(end - text));
		event = parse_event(block);
		if (json_object_size(event)) {
			assert_non_null(json_object_get(event, "event"));
			assert_non_null(json_object_get(event, "data"));
			json_array_append(events, event);
		}
		json_decref(event);
		free(block);
		text = end + 2;
	}
	return events;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

char *listener_words(const char *text)
{
	json_t *events = listener_parse(text), *event;
	char *words = strdup("");
	size_t i;

	json_array_foreach(events, i, event)
	{
		const char *name = text_of(event, "event");
		const char *id = text_of(json_object_get(event, "data"), "id");
		bool named = strstr(name, ".step.") || strstr(name, ".message.");
		char *more;

		name = !strncmp(name, "thread.run.step.", 16) ? name + 11
		       : !strncmp(name, "thread.", 7)	      ? name + 7
							      : name;
		assert_int_not_equal(asprintf(&more, "%s%s%s%s%s", words, i ? " " : "", name,
					     named ? ":" : "", named ? id : ""),
			-1);
		free(words);
		words = more;
	}
	json_decref(events);
	return words;
}

void listener_init(struct listener *l)
{
	*l = (struct listener){.steps = json_object(), .messages = json_object()};
}

void listener_finish(struct listener *l)
{
	json_decref(l->run);
	json_decref(l->steps);
	json_decref(l->messages);
}

/* What deltas made of the object before is in the end what it says, where it had any. */
static void check_sum(const json_t *before, const json_t *after, const char *member)
{
	json_t *sum = json_deep_copy(json_object_get(before, member));

	listener_strip_index(sum);
	if (!json_equal(sum, json_object_get(after, member))) {
		fail_msg("%s was put together as %s, and is %s", member,
			json_dumps(sum, JSON_COMPACT),
			json_dumps(json_object_get(after, member), JSON_COMPACT));
	}
	json_decref(sum);
}

/* A creation: nothing else may be open, and it must be new. */
static void open_one(char open[static 65], const json_t *known, const char *id)
{
	if (*open) {
		fail_msg("the SDK would throw: %s is created while %s is open", id, open);
	}
	if (known) {
		fail_msg("the SDK would throw: %s is created twice", id);
	}
	snprintf(open, 65, "%s", id);
}

/* A step of which the client has not seen the beginning may end, and nothing else. */
static void check_step(const struct listener *l, const char *what, const char *id, bool known)
{
	if (*l->step && strcmp(l->step, id) != 0) {
		fail_msg("the SDK would throw: %s of %s while %s is open", what, id, l->step);
	}
	if (!*l->step && (known || !strcmp(what, "delta"))) {
		fail_msg("the SDK would throw: %s of %s, which is not open", what, id);
	}
}

static void take_step(struct listener *l, const char *what, const json_t *data)
{
	const char *id = text_of(data, "id");
	json_t *step = json_object_get(l->steps, id);

	if (!strcmp(what, "created")) {
		open_one(l->step, step, id);
		json_object_set_new(l->steps, id, json_deep_copy(data));
		return;
	}
	check_step(l, what, id, step);
	if (!strcmp(what, "delta")) {
		listener_accumulate(step, json_object_get(data, "delta"));
		return;
	}
	if (step) {
		check_sum(step, data, "step_details");
	}
	json_object_set_new(l->steps, id, json_deep_copy(data));
	if (strcmp(what, "in_progress") != 0) {
		*l->step = '\0';
	}
}

static void take_message(struct listener *l, const char *what, const json_t *data)
{
	const char *id = text_of(data, "id");
	json_t *message = json_object_get(l->messages, id);

	if (!strcmp(what, "created")) {
		assert_int_equal(json_array_size(json_object_get(data, "content")), 0);
		assert_string_equal(text_of(data, "status"), "in_progress");
		open_one(l->message, message, id);
		json_object_set_new(l->messages, id, json_deep_copy(data));
		return;
	}
	if (!message || strcmp(l->message, id) != 0) {
		fail_msg("the SDK would throw: %s of %s, which is not open", what, id);
	}
	if (!strcmp(what, "delta")) {
		listener_accumulate(message, json_object_get(data, "delta"));
	} else if (strcmp(what, "in_progress") != 0) {
		check_sum(message, data, "content");
		json_object_set_new(l->messages, id, json_deep_copy(data));
		*l->message = '\0';
	}
}

static void take(struct listener *l, const json_t *event)
{
	const char *name = text_of(event, "event");
	const json_t *data = json_object_get(event, "data");

	if (l->done) {
		fail_msg("%s comes after the end", name);
	}
	if (!strcmp(name, "done")) {
		l->done = true;
	} else if (!strncmp(name, "thread.run.step.", 16)) {
		take_step(l, name + 16, data);
	} else if (!strncmp(name, "thread.message.", 15)) {
		take_message(l, name + 15, data);
	} else if (!strncmp(name, "thread.run.", 11)) {
		json_decref(l->run);
		l->run = json_deep_copy(data);
	} else if (strcmp(name, "thread.created") != 0) {
		fail_msg("no event of the API: %s", name);
	}
}

void listener_take(struct listener *l, const char *text)
{
	json_t *events = listener_parse(text), *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		take(l, event);
	}
	json_decref(events);
}
