#include "client/object.h"
#include "client/fail.h"
#include "client/json.h"
#include "proto/status.h"

#include <stdlib.h>

enum member_kind {
	MEMBER_TEXT,	/* const char *, "" when missing or null */
	MEMBER_OR_NULL, /* const char *, NULL when missing or null */
	MEMBER_TIME,	/* int64_t, 0 when missing or null */
	MEMBER_NUMBER,
	MEMBER_BOOL,
	MEMBER_RUN_STATUS,
	MEMBER_STEP_STATUS,
	MEMBER_STEP_TYPE,
	MEMBER_VALUE,
	MEMBER_USAGE,
	MEMBER_FAILURE,
	MEMBER_REASON, /* the reason in incomplete_details, const char * */
};

struct member {
	const char *name;
	enum member_kind kind;
	size_t offset;
};

struct shape {
	const char *object; /* what the member "object" says; NULL: it has none that does */
	size_t size;
	size_t offset_of_object;
	const struct member *members;
	size_t n_members;
};

#define N_OF(array) (sizeof(array) / sizeof(*(array)))
#define RUN(member, kind)                                                                          \
	{                                                                                          \
#member, kind, offsetof(struct runstore_run, member)                               \
	}
#define STEP(member, kind)                                                                         \
	{                                                                                          \
#member, kind, offsetof(struct runstore_step, member)                              \
	}
#define THREAD(member, kind)                                                                       \
	{                                                                                          \
#member, kind, offsetof(struct runstore_thread, member)                            \
	}

#define CHANGE(member, kind)                                                                       \
	{                                                                                          \
#member, kind, offsetof(struct runstore_change, member)                            \
	}

static const struct member run_members[] = {
	RUN(id, MEMBER_TEXT),
	RUN(created_at, MEMBER_TIME),
	RUN(thread_id, MEMBER_TEXT),
	RUN(assistant_id, MEMBER_TEXT),
	RUN(status, MEMBER_RUN_STATUS),
	RUN(required_action, MEMBER_VALUE),
	RUN(last_error, MEMBER_FAILURE),
	RUN(expires_at, MEMBER_TIME),
	RUN(started_at, MEMBER_TIME),
	RUN(cancelled_at, MEMBER_TIME),
	RUN(failed_at, MEMBER_TIME),
	RUN(completed_at, MEMBER_TIME),
	{"incomplete_details", MEMBER_REASON, offsetof(struct runstore_run, incomplete_reason)},
	RUN(model, MEMBER_TEXT),
	RUN(instructions, MEMBER_TEXT),
	RUN(tools, MEMBER_VALUE),
	RUN(metadata, MEMBER_VALUE),
	RUN(usage, MEMBER_USAGE),
	RUN(temperature, MEMBER_NUMBER),
	RUN(top_p, MEMBER_NUMBER),
	RUN(max_prompt_tokens, MEMBER_TIME),
	RUN(max_completion_tokens, MEMBER_TIME),
	RUN(truncation_strategy, MEMBER_VALUE),
	RUN(tool_choice, MEMBER_VALUE),
	RUN(parallel_tool_calls, MEMBER_BOOL),
	RUN(response_format, MEMBER_VALUE),
};

static const struct member step_members[] = {
	STEP(id, MEMBER_TEXT),
	STEP(created_at, MEMBER_TIME),
	STEP(assistant_id, MEMBER_TEXT),
	STEP(thread_id, MEMBER_TEXT),
	STEP(run_id, MEMBER_TEXT),
	STEP(type, MEMBER_STEP_TYPE),
	STEP(status, MEMBER_STEP_STATUS),
	STEP(step_details, MEMBER_VALUE),
	STEP(last_error, MEMBER_FAILURE),
	STEP(expired_at, MEMBER_TIME),
	STEP(cancelled_at, MEMBER_TIME),
	STEP(failed_at, MEMBER_TIME),
	STEP(completed_at, MEMBER_TIME),
	STEP(metadata, MEMBER_VALUE),
	STEP(usage, MEMBER_USAGE),
};

static const struct member thread_members[] = {
	THREAD(id, MEMBER_TEXT),
	THREAD(created_at, MEMBER_TIME),
	THREAD(last_run_at, MEMBER_TIME),
	THREAD(runs, MEMBER_TIME),
	THREAD(steps, MEMBER_TIME),
	THREAD(active_run_id, MEMBER_OR_NULL),
};

static const struct member change_members[] = {
	CHANGE(seq, MEMBER_TIME),
	CHANGE(at_ms, MEMBER_TIME),
	CHANGE(event, MEMBER_TEXT),
	CHANGE(thread_id, MEMBER_OR_NULL),
	CHANGE(run_id, MEMBER_OR_NULL),
	CHANGE(step_id, MEMBER_OR_NULL),
	CHANGE(message_id, MEMBER_OR_NULL),
	CHANGE(assistant_id, MEMBER_OR_NULL),
	CHANGE(from, MEMBER_OR_NULL),
	CHANGE(to, MEMBER_OR_NULL),
	CHANGE(by, MEMBER_TEXT),
	CHANGE(object, MEMBER_VALUE),
};

static const struct shape run_shape = {
	.object = "thread.run",
	.size = sizeof(struct runstore_run),
	.offset_of_object = offsetof(struct runstore_run, object),
	.members = run_members,
	.n_members = N_OF(run_members),
};

static const struct shape step_shape = {
	.object = "thread.run.step",
	.size = sizeof(struct runstore_step),
	.offset_of_object = offsetof(struct runstore_step, object),
	.members = step_members,
	.n_members = N_OF(step_members),
};

static const struct shape thread_shape = {
	.object = "thread.summary",
	.size = sizeof(struct runstore_thread),
	.offset_of_object = offsetof(struct runstore_thread, object),
	.members = thread_members,
	.n_members = N_OF(thread_members),
};

static const struct shape change_shape = {
	.size = sizeof(struct runstore_change),
	.offset_of_object = offsetof(struct runstore_change, value),
	.members = change_members,
	.n_members = N_OF(change_members),
};

/* The room behind the structure: first its copy of the bytes, then strings with their NUL. */
struct room {
	uint8_t *next;
};

static const char *room_text(struct room *room, struct slice text)
{
	char *copy = (char *)room->next;

	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	room->next += text.len + 1;
	return copy;
}

static const char *read_text(struct slice value, const char *otherwise, struct room *room)
{
	struct slice text;

	return mp_get_str(value, &text) ? room_text(room, text) : otherwise;
}

static struct runstore_usage read_usage(struct slice value)
{
	struct runstore_usage usage = {.given = value.ptr && !mp_is_nil(value)};

	mp_get_int(mp_lookup(value, "prompt_tokens"), &usage.prompt_tokens);
	mp_get_int(mp_lookup(value, "completion_tokens"), &usage.completion_tokens);
	mp_get_int(mp_lookup(value, "total_tokens"), &usage.total_tokens);
	return usage;
}

static unsigned int read_step_type(struct slice value)
{
	struct slice text = SLICE_LIT("");

	mp_get_str(value, &text);
	if (slice_is(text, "message_creation")) {
		return RUNSTORE_STEP_MESSAGE_CREATION;
	}
	return slice_is(text, "tool_calls") ? RUNSTORE_STEP_TOOL_CALLS : RUNSTORE_STEP_TYPE_UNKNOWN;
}

static void read_words(enum member_kind kind, struct slice value, void *at, struct room *room)
{
	if (kind == MEMBER_FAILURE) {
		struct runstore_failure *failure = at;

		failure->code = read_text(mp_lookup(value, "code"), NULL, room);
		failure->message = read_text(mp_lookup(value, "message"), NULL, room);
	} else if (kind == MEMBER_REASON) {
		*(const char **)at = read_text(mp_lookup(value, "reason"), NULL, room);
	} else {
		*(const char **)at = read_text(value, kind == MEMBER_TEXT ? "" : NULL, room);
	}
}

static void read_member(enum member_kind kind, struct slice value, void *at, struct room *room)
{
	switch (kind) {
	case MEMBER_TIME:
		mp_get_int(value, at);
		break;
	case MEMBER_NUMBER:
		mp_get_double(value, at);
		break;
	case MEMBER_BOOL:
		mp_get_bool(value, at);
		break;
	case MEMBER_RUN_STATUS:
		*(unsigned int *)at = (unsigned int)(run_status_of(value) + 1);
		break;
	case MEMBER_STEP_STATUS:
		*(unsigned int *)at = (unsigned int)(step_status_of(value) + 1);
		break;
	case MEMBER_STEP_TYPE:
		*(unsigned int *)at = read_step_type(value);
		break;
	case MEMBER_VALUE:
		*(struct runstore_value *)at = (struct runstore_value){value.ptr, value.len};
		break;
	case MEMBER_USAGE:
		*(struct runstore_usage *)at = read_usage(value);
		break;
	default:
		read_words(kind, value, at, room);
		break;
	}
}

/* Objects come in the order of the table, so the next one is nearly always the one. */
static const struct member *find_member(const struct shape *shape, struct slice name, size_t *next)
{
	for (size_t i = 0; i < shape->n_members; i++) {
		size_t k = (*next + i) % shape->n_members;

		if (slice_is(name, shape->members[k].name)) {
			*next = k + 1;
			return &shape->members[k];
		}
	}
	return NULL;
}

static void read_members(
	const struct shape *shape, struct slice in, uint8_t *object, struct room *room)
{
	size_t next = 0;
	struct mp t;
	uint32_t n;

	/* What the object lacks is as if it were null. */
	for (size_t i = 0; i < shape->n_members; i++) {
		read_member(shape->members[i].kind, slice_of(NULL, 0),
			object + shape->members[i].offset, room);
	}
	mp_read(&in, &t);
	n = t.n;
	for (uint32_t i = 0; i < n; i++) {
		const struct member *member;
		struct slice value;

		mp_read(&in, &t);
		value = mp_value(&in);
		member = find_member(shape, t.str, &next);
		if (member) {
			read_member(member->kind, value, object + member->offset, room);
		}
	}
}

/* No string is longer than its encoding: twice the bytes and a structure hold everything. */
static int read_object(
	const struct shape *shape, struct slice value, void **out, struct runstore_error *error)
{
	struct slice object;
	struct room room;
	uint8_t *block;

	if (shape->object && (!mp_get_str(mp_lookup(value, "object"), &object) ||
				     !slice_is(object, shape->object))) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, NULL,
			"This value is not an object '%s'.", shape->object);
	}
	block = calloc(1, shape->size + 2 * value.len);
	if (!block) {
		return fail_memory(error);
	}
	room.next = block + shape->size;
	memcpy(room.next, value.ptr, value.len);
	value.ptr = room.next;
	room.next += value.len;
	read_members(shape, value, block, &room);
	*(struct runstore_value *)(void *)(block + shape->offset_of_object) =
		(struct runstore_value){value.ptr, value.len};
	*out = block;
	return 0;
}

int object_run(struct slice value, struct runstore_run **out, struct runstore_error *error)
{
	return read_object(&run_shape, value, (void **)out, error);
}

int object_step(struct slice value, struct runstore_step **out, struct runstore_error *error)
{
	return read_object(&step_shape, value, (void **)out, error);
}

int object_change(struct slice value, struct runstore_change **out, struct runstore_error *error)
{
	return read_object(&change_shape, value, (void **)out, error);
}

int object_thread(struct slice value, struct runstore_thread **out, struct runstore_error *error)
{
	return read_object(&thread_shape, value, (void **)out, error);
}

static int check_value(struct slice value, struct runstore_error *error)
{
	enum mp_fault fault = value.ptr ? mp_scan(value, JSON_DEPTH) : MP_FAULT_TRUNCATED;

	if (fault) {
		return fail(error, RUNSTORE_E_INVALID_PARAMS, NULL,
			"This value cannot be read: %s.", mp_fault_text(fault));
	}
	return 0;
}

int runstore_run_read(
	struct runstore_value value, struct runstore_run **run, struct runstore_error *error)
{
	int r = check_value(slice_of(value.data, value.size), error);

	return r ? r : object_run(slice_of(value.data, value.size), run, error);
}

int runstore_step_read(
	struct runstore_value value, struct runstore_step **step, struct runstore_error *error)
{
	int r = check_value(slice_of(value.data, value.size), error);

	return r ? r : object_step(slice_of(value.data, value.size), step, error);
}

void runstore_run_free(struct runstore_run *run)
{
	free(run);
}

void runstore_step_free(struct runstore_step *step)
{
	free(step);
}
