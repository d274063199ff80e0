#include "tools/gateway/event.h"
#include "client/json.h"
#include "client/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const char *const prefixes[] = {
	[SUBJECT_RUN] = "thread.run.",
	[SUBJECT_STEP] = "thread.run.step.",
	[SUBJECT_MESSAGE] = "thread.message.",
};

const char *subject_prefix(enum subject subject)
{
	return prefixes[subject];
}

static void put_text(struct buf *out, const char *text)
{
	buf_put(out, slice_str(text));
}

/* Up to where its data begins. */
static void begin(struct buf *out, int64_t id, const char *prefix, struct slice tail)
{
	char line[40];

	if (id) {
		snprintf(line, sizeof(line), "id: %" PRId64 "\n", id);
		put_text(out, line);
	}
	put_text(out, "event: ");
	put_text(out, prefix);
	buf_put(out, tail);
	put_text(out, "\ndata: ");
}

static void end(struct buf *out)
{
	put_text(out, "\n\n");
}

/* Compact JSON has no line ends. */
static void put_data(struct buf *out, struct slice value)
{
	if (json_write(value, out, NULL)) {
		out->error = out->error ? out->error : -EBADMSG;
	}
	end(out);
}

void event_put(
	struct buf *out, int64_t id, enum subject subject, struct slice tail, struct slice data)
{
	begin(out, id, prefixes[subject], tail);
	put_data(out, data);
}

void event_put_delta(struct buf *out, int64_t id, enum subject subject, struct slice object_id,
	const char *member, struct slice delta)
{
	_cleanup_(buf_finish) struct buf data = {0};

	mp_put_map(&data, 3);
	mp_put_cstr(&data, "id");
	mp_put_str(&data, object_id);
	mp_put_cstr(&data, "object");
	mp_put_cstr(
		&data, subject == SUBJECT_STEP ? "thread.run.step.delta" : "thread.message.delta");
	mp_put_cstr(&data, "delta");
	mp_put_map(&data, 1);
	mp_put_cstr(&data, member);
	buf_put(&data, delta);
	out->error = out->error ? out->error : buf_error(&data);
	event_put(out, id, subject, SLICE_LIT("delta"), buf_slice(&data));
}

void event_put_json(struct buf *out, const char *name, const char *json)
{
	begin(out, 0, "", slice_str(name));
	put_text(out, json);
	end(out);
}

static void put_members(struct buf *out, const struct runstore_error *e)
{
	mp_put_cstr(out, "message");
	mp_put_cstr(out, e->message);
	mp_put_cstr(out, "type");
	mp_put_cstr(out, e->type);
	mp_put_cstr(out, "param");
	if (*e->param) {
		mp_put_cstr(out, e->param);
	} else {
		mp_put_nil(out);
	}
	mp_put_cstr(out, "code");
	mp_put_cstr(out, e->name);
}

/* The schema has the error itself as data; the SDKs look for it in a member `error`. So both. */
void event_put_error(struct buf *out, int64_t id, const struct runstore_error *error)
{
	_cleanup_(buf_finish) struct buf data = {0};

	mp_put_map(&data, 5);
	put_members(&data, error);
	mp_put_cstr(&data, "error");
	mp_put_map(&data, 4);
	put_members(&data, error);
	out->error = out->error ? out->error : buf_error(&data);
	begin(out, id, "", SLICE_LIT("error"));
	put_data(out, buf_slice(&data));
}

void event_put_done(struct buf *out)
{
	put_text(out, "event: done\ndata: [DONE]\n\n");
}

void event_put_comment(struct buf *out, const char *comment)
{
	put_text(out, ": ");
	put_text(out, comment);
	end(out);
}

/* A member as a message begins with it; ptr NULL for one that is shown as it is. */
static struct slice blank_of(struct slice name)
{
	static const struct {
		const char *name;
		struct slice value;
	} blanks[] = {
		{"status", {(const uint8_t *)"\xabin_progress", 12}},
		{"content", {(const uint8_t *)"\x90", 1}},
		{"completed_at", {(const uint8_t *)"\xc0", 1}},
		{"incomplete_at", {(const uint8_t *)"\xc0", 1}},
		{"incomplete_details", {(const uint8_t *)"\xc0", 1}},
	};

	for (size_t i = 0; i < sizeof(blanks) / sizeof(*blanks); i++) {
		if (slice_is(name, blanks[i].name)) {
			return blanks[i].value;
		}
	}
	return slice_of(NULL, 0);
}

void event_blank_message(struct slice message, struct buf *out)
{
	struct mp t = {0};

	if (!mp_read(&message, &t) || t.type != MP_MAP) {
		out->error = out->error ? out->error : -EBADMSG;
		return;
	}
	mp_put_map(out, t.n);
	for (uint32_t i = 0, n = t.n; i < n; i++) {
		struct slice key = mp_value(&message), value = mp_value(&message), name, blank;

		blank = mp_get_str(key, &name) ? blank_of(name) : slice_of(NULL, 0);
		buf_put(out, key);
		buf_put(out, blank.ptr ? blank : value);
	}
}
