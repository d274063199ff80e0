#include "proto/record.h"

#include <errno.h>

#define OBJECT_PRESET_REQUIRED PRESET_NONE
#define OBJECT_PRESET_NULL PRESET_NULL
#define OBJECT_PRESET_EMPTY_STRING PRESET_EMPTY_STRING
#define OBJECT_PRESET_EMPTY_MAP PRESET_EMPTY_MAP
#define OBJECT_PRESET_EMPTY_ARRAY PRESET_EMPTY_ARRAY
#define OBJECT_PRESET_TRUE PRESET_TRUE
#define OBJECT_PRESET_ONE PRESET_ONE
#define OBJECT_PRESET_AUTO PRESET_AUTO
#define OBJECT_PRESET_COMPLETED PRESET_COMPLETED
#define OBJECT_PRESET_TRUNCATION PRESET_TRUNCATION
#define FIELD(name, type, who, preset, help)                                                       \
	{#name, &type_##type, OBJECT_PRESET_##preset, 0, 0, help},
#define LEGACY(name)                                                                               \
	{                                                                                          \
		name, &type_any, PRESET_NONE, SF_OPTIONAL | SF_IGNORED, 0, NULL                    \
	}

static const struct schema_field run_fields[] = {
#include "proto/run.def"
	LEGACY("tool_resources"),
	LEGACY("file_ids"),
};

static const struct schema_field step_fields[] = {
#include "proto/step.def"
	LEGACY("expires_at"),
};

static const struct schema_field thread_fields[] = {
#include "proto/thread.def"
};

static const struct schema_field message_fields[] = {
#include "proto/message.def"
	LEGACY("file_ids"),
};

static const struct schema_field assistant_fields[] = {
#include "proto/assistant.def"
	LEGACY("file_ids"),
};

const struct schema schema_run = {
	.kind = SK_OBJECT, .fields = run_fields, .n_fields = N_RUN_FIELDS};
const struct schema schema_step = {
	.kind = SK_OBJECT, .fields = step_fields, .n_fields = N_STEP_FIELDS};
const struct schema schema_thread = OBJECT_OF(thread_fields);
const struct schema schema_message = {
	.kind = SK_OBJECT, .fields = message_fields, .n_fields = N_MESSAGE_FIELDS};
const struct schema schema_assistant = {
	.kind = SK_OBJECT, .fields = assistant_fields, .n_fields = N_ASSISTANT_FIELDS};
const struct schema schema_run_import = OBJECT_OF(run_fields);
const struct schema schema_step_import = OBJECT_OF(step_fields);
const struct schema schema_message_import = OBJECT_OF(message_fields);
const struct schema schema_assistant_import = OBJECT_OF(assistant_fields);

static bool read_fields(const struct schema *s, struct slice *in, struct slice *values, size_t n)
{
	struct mp t;

	if (!mp_read(in, &t) || t.type != MP_MAP || t.n != s->n_fields) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (!mp_read(in, &t) || t.type != MP_STR || !slice_is(t.str, s->fields[i].name)) {
			return false;
		}
		values[i] = mp_value(in);
		if (!values[i].ptr) {
			return false;
		}
	}
	return true;
}

bool record_read(const struct schema *s, struct slice bytes, struct slice *values)
{
	return read_fields(s, &bytes, values, s->n_fields) && !bytes.len;
}

bool record_read_first(const struct schema *s, struct slice bytes, struct slice *values, size_t n)
{
	return read_fields(s, &bytes, values, n);
}

void record_write(const struct schema *s, const struct slice *values, struct buf *out)
{
	mp_put_map(out, (uint32_t)s->n_fields);
	for (size_t i = 0; i < s->n_fields; i++) {
		mp_put_cstr(out, s->fields[i].name);
		buf_put(out, values[i]);
		if (!values[i].ptr) {
			out->error = -ENOMEM;
		}
	}
}

struct slice record_field(struct slice bytes, unsigned int field)
{
	struct mp t;

	if (!mp_read(&bytes, &t) || t.type != MP_MAP || t.n <= field) {
		return slice_of(NULL, 0);
	}
	for (unsigned int i = 0; i < field; i++) {
		mp_value(&bytes);
		mp_value(&bytes);
	}
	mp_value(&bytes);
	return mp_value(&bytes);
}
