/* Stored objects, field by field: a Run, a Message ... as an array of encoded values. */
#pragma once

#include "proto/types.h"

enum run_field {
#define FIELD(name, type, who, preset, help) RUN_##name,
#include "proto/run.def"
#undef FIELD
	N_RUN_FIELDS,
};

enum step_field {
#define FIELD(name, type, who, preset, help) STEP_##name,
#include "proto/step.def"
#undef FIELD
	N_STEP_FIELDS,
};

enum thread_field {
#define FIELD(name, type, who, preset, help) THREAD_##name,
#include "proto/thread.def"
#undef FIELD
	N_THREAD_FIELDS,
};

enum message_field {
#define FIELD(name, type, who, preset, help) MESSAGE_##name,
#include "proto/message.def"
#undef FIELD
	N_MESSAGE_FIELDS,
};

enum assistant_field {
#define FIELD(name, type, who, preset, help) ASSISTANT_##name,
#include "proto/assistant.def"
#undef FIELD
	N_ASSISTANT_FIELDS,
};

/* The objects as they are stored: every field, canonical order. */
extern const struct schema schema_run;
extern const struct schema schema_step;
extern const struct schema schema_thread;
extern const struct schema schema_message;
extern const struct schema schema_assistant;

/* The same for what objects.import takes: legacy fields are let pass and dropped. */
extern const struct schema schema_run_import;
extern const struct schema schema_step_import;
extern const struct schema schema_message_import;
extern const struct schema schema_assistant_import;

/*
 * Point @values, one for each field of @s, into the stored object @bytes. False when @bytes is
 * not such an object: the store is damaged or of another version.
 */
bool record_read(const struct schema *s, struct slice bytes, struct slice *values);

/* The same for the first @n fields alone, and no check of what follows them. */
bool record_read_first(const struct schema *s, struct slice bytes, struct slice *values, size_t n);

/* Append the object that @values make; a value with ptr NULL makes it -ENOMEM, as an append. */
void record_write(const struct schema *s, const struct slice *values, struct buf *out);

/* The one field of a stored object, without the rest; ptr NULL when @bytes is damaged. */
struct slice record_field(struct slice bytes, unsigned int field);
