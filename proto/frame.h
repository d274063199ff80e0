/* MessagePack-RPC frames: [0, msgid, method, [params]], [1, msgid, error, result], [2, event,
 * [change]]. */
#pragma once

#include "proto/error.h"

struct request_frame {
	uint32_t msgid;
	struct slice method;
	struct slice params; /* an encoded map; an empty one when there were none */
};

/*
 * Check and take apart a request. Returns 0 with slices into @bytes, or the code that @p then
 * holds; @out->msgid is then 0 unless the frame's own could be made out.
 */
int frame_read_request(struct slice bytes, struct request_frame *out, struct problem *p);

/* The msgid of a request that may be damaged behind it; 0 when it cannot be made out. */
uint32_t frame_msgid(struct slice bytes);

/* Append a request; @params is an encoded map. */
void frame_write_request(struct buf *out, uint32_t msgid, struct slice method, struct slice params);

/* Append a reply up to where its result, one encoded value, is to follow. */
void frame_begin_result(struct buf *out, uint32_t msgid);

/* Append a whole reply that refuses. */
void frame_write_error(struct buf *out, uint32_t msgid, const struct problem *p);

/* Append an event up to where its change, one encoded map, is to follow. */
void frame_begin_event(struct buf *out, struct slice event);

/* The change in an event, an encoded map; ptr NULL when @frame is no event. It is not checked. */
struct slice frame_event_change(struct slice frame);

struct reply_frame {
	uint32_t msgid;
	struct slice error;  /* an encoded map, or ptr NULL */
	struct slice result; /* an encoded value, or ptr NULL */
};

/* Check and take apart a reply. Returns 0 with slices into @bytes, or E_INVALID_FRAME. */
int frame_read_reply(struct slice bytes, struct reply_frame *out);
