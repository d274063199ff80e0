/*
 * The text of server-sent events. All append to @out; who wants to know whether memory sufficed
 * asks the buffer in the end.
 */
#pragma once

#include "client/runstore.h"
#include "proto/buf.h"

/* What an event tells of. */
enum subject { SUBJECT_RUN, SUBJECT_STEP, SUBJECT_MESSAGE };

/* How its name begins: "thread.run.", "thread.run.step.", "thread.message.". */
const char *subject_prefix(enum subject subject);

/*
 * An event named by its subject and @tail, such as "completed", with the encoded object @data. @id
 * is the number of the change that it comes from, 0 for none.
 */
void event_put(
	struct buf *out, int64_t id, enum subject subject, struct slice tail, struct slice data);

/*
 * The delta @delta, encoded, of the member @member of the object @object_id: an event
 * "thread.run.step.delta" or "thread.message.delta".
 */
void event_put_delta(struct buf *out, int64_t id, enum subject subject, struct slice object_id,
	const char *member, struct slice delta);

/* An event of any name, whose data is JSON. */
void event_put_json(struct buf *out, const char *name, const char *json);

/* The event by which the SDKs throw. */
void event_put_error(struct buf *out, int64_t id, const struct runstore_error *error);

/* The last event of a stream. */
void event_put_done(struct buf *out);

/* No event: a line that clients pass over. */
void event_put_comment(struct buf *out, const char *comment);

/*
 * The encoded message @message as it is shown when it begins: in progress and without content.
 */
void event_blank_message(struct slice message, struct buf *out);
